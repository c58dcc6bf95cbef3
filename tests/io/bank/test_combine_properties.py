"""However a list of lines is cut into overlapping downloads, in whatever order, with balance and reference or without:
the same transactions, each once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.io.bank import combine, read_statement

HEADER = "账号,币种,交易日期,借方发生额,贷方发生额,余额,对方户名,流水号"


@st.composite
def downloads(draw):
    """Lines with running balance (many equal but for it), and slices that cover them all, some turned round, some with fewer columns."""
    moves = draw(
        st.lists(
            st.tuples(
                st.integers(1, 5), st.sampled_from([100, 100, -40, 7]), st.sampled_from(["甲", "乙"]), st.booleans()
            ),
            min_size=1,
            max_size=14,
        )
    )
    balance, lines = 1000, []
    for number, (day, amount, name, has_reference) in enumerate(sorted(moves, key=lambda move: move[0])):
        balance += amount
        sides = f"{-amount}.00," if amount < 0 else f",{amount}.00"
        reference = f"R{number}" if has_reference else ""
        lines.append(f"6222,CNY,2023-09-{day:02d},{sides},{balance}.00,{name},{reference}")
    place = st.integers(0, len(lines))
    cuts = draw(st.lists(st.tuples(place, place, st.booleans(), st.sets(st.sampled_from([5, 7]))), max_size=4))
    files = [lines]
    for one, other, is_turned, left_out in cuts:
        part = [without(line, left_out) for line in lines[min(one, other) : max(one, other)]]
        files.append(part[::-1] if is_turned else part)
    return lines, draw(st.permutations([file for file in files if file]))


def without(line: str, columns: set[int]) -> str:
    """The line as an export prints it that has not those columns (balance, reference)."""
    return ",".join("" if at in columns else cell for at, cell in enumerate(line.split(",")))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(downloads())
def test_overlapping_downloads_are_one_list(case):
    lines, files = case
    with TemporaryDirectory() as folder:
        reads = []
        for number, rows in enumerate([lines, *files]):
            path = Path(folder) / f"{number}.csv"
            path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
            reads.append(read_statement(path))
    alone, together = combine(reads[:1]), combine(reads[1:])
    assert alone.lines.num_rows == len(lines)
    assert sorted(together.lines.column("txn_id").to_pylist()) == sorted(alone.lines.column("txn_id").to_pylist())
    assert together.lines.num_rows + together.rejected.num_rows == sum(read.rows_read for read in reads[1:])
    assert not [finding for finding in together.findings if finding.code == "BNK_CONTINUITY"]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(downloads(), st.integers(0, 14))
def test_months_one_after_the_other_give_what_one_combination_gives(case, cut):
    lines, _ = case
    early, late = lines[:cut], lines[max(cut - 3, 0) :]
    with TemporaryDirectory() as folder:
        reads = []
        for number, rows in enumerate([lines, early, late]):
            path = Path(folder) / f"{number}.csv"
            path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
            reads.append(read_statement(path))
    whole, first = combine(reads[:1]), combine(reads[1:2])
    second = combine(reads[2:], known_lines=first.lines, known_statements=first.statements)
    found = first.lines.column("txn_id").to_pylist() + second.lines.column("txn_id").to_pylist()
    assert sorted(found) == sorted(whole.lines.column("txn_id").to_pylist())
    assert second.breaks == []
