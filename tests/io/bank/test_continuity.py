"""Statements of an account one after the other: every gap named once, nothing counted twice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from settlement.io.bank import combine, read_statement
from tests.io.bank.camt_writer import entry, message

HEADER = "账号,币种,交易日期,交易时间,借方发生额,贷方发生额,余额,对方户名,摘要,流水号\n"


@pytest.fixture
def put(tmp_path):
    """Write a file and read it."""

    def write(name: str, text: str):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return read_statement(path, own_accounts={"OWN1": "USD", "6222": "CNY"})

    return write


def rows(*cells: str) -> str:
    return HEADER + "\n".join(cells) + "\n"


def amounts(combined) -> list[str]:
    return [str(amount) for amount in combined.lines.column("amount").to_pylist()]


def year_of_days(put, *, numbered: bool) -> list:
    balance, reads = Decimal("1000.00"), []
    for number in range(365):
        day = date(2023, 1, 1) + timedelta(days=number)
        moved = (
            []
            if day.weekday() == 6
            else [entry(f"{number + 1}.00", day=str(day))] + ([entry("-3.00", day=str(day))] if number % 3 else [])
        )
        text = message(moved, opening=str(balance), day=str(day), sequence=number + 1 if numbered else None)
        balance += sum((Decimal(number + 1) if "CRDT" in item else Decimal("-3.00") for item in moved), Decimal(0))
        reads.append(put(f"{day}.xml", text))
    return reads


@pytest.mark.slow
@pytest.mark.parametrize("numbered", [True, False])
def test_a_year_of_daily_statements(put, numbered):
    """Dropping one day's file raises exactly one gap, duplicating one raises no new money."""
    reads = year_of_days(put, numbered=numbered)
    whole = combine(reads)
    assert whole.breaks == [] and whole.findings == []
    for dropped in (5, 7 * 20, 363):  # 1 January 2023 was a Sunday: every seventh day has no entry
        part = combine([read for number, read in enumerate(reads) if number != dropped])
        gaps = [finding for finding in part.findings if finding.code == "BNK_CONTINUITY"]
        assert len(gaps) == len(part.breaks) == 1, (dropped, [item.message for item in part.breaks])
        assert part.lines.num_rows == whole.lines.num_rows - reads[dropped].lines.num_rows
    twice = combine([*reads, reads[100]])
    assert pa.compute.sum(twice.lines.column("amount")) == pa.compute.sum(whole.lines.column("amount"))
    assert twice.breaks == [] and twice.lines.num_rows == whole.lines.num_rows


def test_a_gap_between_months_names_both_ends(put):
    september = combine([put("a.csv", rows("6222,CNY,2023-09-30,,,500.00,1500.00,甲公司,汇款,R1"))])
    october = combine(
        [put("b.csv", rows("6222,CNY,2023-10-08,,,80.00,1680.00,丙公司,汇款,R2"))],
        known_lines=september.lines,
        known_statements=september.statements,
    )
    [gap] = october.breaks
    assert (gap.kind, gap.difference) == ("gap", Decimal("100.00"))
    assert "1500.00" in gap.message and "1600.00" in gap.message and "b.csv" in gap.message
    [finding] = [item for item in october.findings if item.code == "BNK_CONTINUITY"]
    assert (finding.amount_at_risk, finding.source_row) == (Decimal("100.00"), 2)


def test_a_gap_is_shown_at_the_line_beside_it(put):
    early = [f"6222,CNY,2023-09-{day:02d},,,1.00,{day}.00,甲,汇款,A{day}" for day in (1, 2, 3)]
    late = [f"6222,CNY,2023-09-{day:02d},,,1.00,{day + 90}.00,甲,汇款,B{day}" for day in (11, 12, 13)]
    rows_shown = [
        finding.source_row
        for read in (put("b.csv", rows(*late)), put("c.csv", rows(*late[::-1])))
        for finding in combine([put("a.csv", rows(*early)), read]).findings
    ]
    assert rows_shown == [2, 4]  # the second lists the newest day first
    later = combine([put("b.csv", rows(*late))])
    [finding] = combine(
        [put("a.csv", rows(*early))], known_lines=later.lines, known_statements=later.statements
    ).findings
    assert (finding.source_file, finding.source_row) == ("a.csv", 4)


def test_overlapping_downloads_whose_balances_contradict_are_named(put):
    def rows_from(first: int, last: int, shift: int) -> list[str]:
        return [
            f"6222,CNY,2023-09-{day:02d},,,100.00,{day * 100 + shift}.00,公司,汇款,R{day}" for day in range(first, last)
        ]

    one, other = put("a.csv", rows(*rows_from(1, 8, 0))), put("b.csv", rows(*rows_from(5, 12, 37)))
    [overlap] = combine([one, other]).breaks
    assert (overlap.kind, overlap.difference) == ("overlap", Decimal("-263.00"))
    assert "a.csv" in overlap.message and "b.csv" in overlap.message
    assert combine([one, put("c.csv", rows(*rows_from(5, 12, 0)))]).breaks == []


def test_a_statement_without_balances_is_held_between_its_neighbours(put):
    before = put("a.csv", rows("6222,CNY,2023-09-04,,,500.00,1500.00,甲公司,汇款,R1"))
    after = put("c.csv", rows("6222,CNY,2023-09-08,,,80.00,1680.00,丙公司,汇款,R3"))
    whole = put("b.csv", rows("6222,CNY,2023-09-05,,,100.00,,乙公司,汇款,R2"))
    short = put("b.csv", rows("6222,CNY,2023-09-05,,,60.00,,乙公司,汇款,R2"))
    assert combine([before, whole, after]).breaks == []
    [gap] = combine([before, short, after]).breaks
    assert gap.difference == Decimal("40.00") and "b.csv" in gap.message
