"""Each transaction once: over files, formats, downloads, re-issues and months; every gap named."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from settlement.io.bank import combine, combining, read_statement
from tests.io.bank.camt_writer import details, entry, message
from tests.io.bank.corpus_layouts import CORPUS

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


def everything_is_accounted_for(combined, reads) -> bool:
    return combined.lines.num_rows + combined.rejected.num_rows == sum(read.rows_read for read in reads)


def test_the_same_file_twice_is_one(put):
    read = read_statement(CORPUS / "icbc_history.csv")
    again = combine([read, read], names=["a.csv", "b.csv"])
    assert again.lines.num_rows == read.lines.num_rows and everything_is_accounted_for(again, [read, read])
    assert {row["code"] for row in again.rejected.to_pylist()} == {"ROW_DUPLICATE"}
    assert {(row["same_file"], row["same_row"] == row["source_row"]) for row in again.rejected.to_pylist()} == {
        ("a.csv", True)
    }
    [finding] = [item for item in again.findings if item.code == "BNK_DUPLICATE"]
    assert finding.source_file == "b.csv" and "12 笔" in finding.message
    assert again.breaks == []


def test_identical_lines_in_one_file_are_two(put):
    line = "6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,"
    read = put("a.csv", rows(line, line))
    combined = combine([read])
    assert amounts(combined) == ["500.00", "500.00"] and len(set(combined.lines.column("txn_id").to_pylist())) == 2
    assert combined.lines.column("occurrence").to_pylist() == [1, 2]
    again = combine([put("b.csv", rows(line)), read, put("c.csv", rows(line, line))])
    assert set(again.lines.column("txn_id").to_pylist()) == set(combined.lines.column("txn_id").to_pylist())


def test_equal_lines_with_other_balances_in_two_files_stay_two(put):
    morning = put("a.csv", rows("6222,CNY,2023-09-05,,,500.00,1500.00,甲公司,汇款,"))
    evening = put("b.csv", rows("6222,CNY,2023-09-05,,,500.00,2000.00,甲公司,汇款,"))
    assert amounts(combine([morning, evening])) == ["500.00", "500.00"]
    both = put(
        "c.csv",
        rows("6222,CNY,2023-09-05,,,500.00,1500.00,甲公司,汇款,", "6222,CNY,2023-09-05,,,500.00,2000.00,甲公司,汇款,"),
    )
    again = combine([morning, evening, both])
    assert amounts(again) == ["500.00", "500.00"] and everything_is_accounted_for(again, [morning, evening, both])


FULL = "6222,CNY,2023-09-05,10:20:30,,500.00,{0}.00,甲公司,汇款,R{0}"


@pytest.mark.parametrize(
    "fewer",
    [
        "6222,CNY,2023-09-05,,,500.00,1500.00,甲公司,汇款,R1500",
        "6222,CNY,2023-09-05,10:20,,500.00,1500.00,甲公司,汇款,",
        "6222,CNY,2023-09-05,,,500.00,1500.00,甲公司,汇款,",
        "6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,",
        "6222,CNY,2023-09-05,10:20:30,,500.00,,甲公司,汇款,",
    ],
)
def test_an_export_with_fewer_columns_shows_no_other_transactions(put, fewer):
    """Balance, time and reference may be left out of one of two downloads of the same day."""
    full = put("a.csv", rows(FULL.format(1500), FULL.format(2000)))
    poor = put("b.csv", rows(fewer))
    for reads in ([full, poor], [poor, full]):
        combined = combine(reads)
        assert amounts(combined) == ["500.00", "500.00"] and everything_is_accounted_for(combined, reads)
    first = combine([poor])
    later = combine([full], known_lines=first.lines, known_statements=first.statements)
    assert amounts(later) == ["500.00"]  # what an earlier month has taken stands; the twin is new


def test_equal_lines_without_balance_are_as_many_as_one_export_shows(put):
    bare = "6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,"
    one_of_two = put("a.csv", rows("6222,CNY,2023-09-05,,,500.00,1500.00,甲公司,汇款,"))
    other_of_two = put("b.csv", rows("6222,CNY,2023-09-05,,,500.00,2000.00,甲公司,汇款,"))
    one, three = put("c.csv", rows(bare)), put("d.csv", rows(bare, bare, bare))
    assert len(amounts(combine([one_of_two, other_of_two, one]))) == 2
    assert len(amounts(combine([one_of_two, one, three]))) == 3
    assert len(amounts(combine([three, one, other_of_two, one_of_two]))) == 3


def test_equal_lines_at_different_times_without_balance_stay_two(put):
    morning = put("a.csv", rows("6222,CNY,2023-09-05,09:00:00,,500.00,,甲公司,汇款,"))
    evening = put("b.csv", rows("6222,CNY,2023-09-05,17:00:00,,500.00,,甲公司,汇款,"))
    assert amounts(combine([morning, evening])) == ["500.00", "500.00"]


def test_a_reversal_that_two_files_show_is_said_once(put):
    line = "6222,CNY,2023-09-05,,-500.00,,,甲公司,冲正,R7"
    combined = combine([put("a.csv", rows(line)), put("b.csv", rows(line))])
    said = [finding.source_file for finding in combined.findings if finding.code == "BNK_REVERSAL"]
    assert said == ["a.csv"] and amounts(combined) == ["500.00"]


def test_a_download_in_the_other_order_is_the_same(put):
    lines = [f"6222,CNY,2023-09-{day:02d},,,{day}00.00,,公司{day},汇款,R{day}" for day in range(1, 9)]
    one, other = combine([put("a.csv", rows(*lines))]), combine([put("b.csv", rows(*reversed(lines)))])
    assert set(one.lines.column("txn_id").to_pylist()) == set(other.lines.column("txn_id").to_pylist())
    assert combine([put("a.csv", rows(*lines)), put("b.csv", rows(*reversed(lines)))]).lines.num_rows == 8


def test_overlapping_downloads_add_only_what_is_new(put):
    lines = [f"6222,CNY,2023-09-{day:02d},,,100.00,{day * 100}.00,公司,汇款," for day in range(1, 11)]
    first, second = put("a.csv", rows(*lines[:7])), put("b.csv", rows(*lines[4:]))
    combined = combine([first, second])
    assert combined.lines.num_rows == 10 and combined.rejected.num_rows == 3 and combined.breaks == []


def test_a_remittance_and_its_fee_may_share_a_reference(put):
    read = put("a.csv", rows("6222,CNY,2023-09-05,,100.00,,,甲公司,汇款,S1", "6222,CNY,2023-09-05,,0.50,,,,手续费,S1"))
    assert amounts(combine([read, read])) == ["-100.00", "-0.50"]


def test_the_order_of_files_changes_no_identity(put):
    one = put("a.csv", rows("6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,", "6222,CNY,2023-09-06,,,1.00,,乙公司,汇款,R9"))
    other = put(
        "b.csv", rows("6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,", "6222,CNY,2023-09-05,,,500.00,,甲公司,汇款,")
    )
    forward, backward = combine([one, other]), combine([other, one])
    assert sorted(forward.lines.column("txn_id").to_pylist()) == sorted(backward.lines.column("txn_id").to_pylist())


def test_a_repeat_in_a_later_month_adds_nothing(put):
    september = combine(
        [
            put(
                "a.csv",
                rows("6222,CNY,2023-09-29,,,500.00,,甲公司,汇款,R1", "6222,CNY,2023-09-30,,,70.00,,乙公司,汇款,"),
            )
        ]
    )
    late = put(
        "b.csv", rows("6222,CNY,2023-09-30,,,70.00,,乙公司,汇款,", "6222,CNY,2023-10-08,,,80.00,,丙公司,汇款,R2")
    )
    october = combine([late], known_lines=september.lines, known_statements=september.statements)
    assert amounts(october) == ["80.00"]
    [row] = october.rejected.to_pylist()
    assert (row["code"], row["same_file"], row["amount"]) == ("ROW_DUPLICATE", "a.csv", Decimal("70.00"))


def test_the_same_entry_in_053_and_054_is_one_with_its_details(put):
    inner = details(("100.00", "ALPHA LTD", "INV 1"), ("200.00", "BETA LTD", "INV 2"))
    statement = put("a.xml", message([entry("300.00", ref="B1"), entry("-5.00", ref="F1")], opening="0.00"))
    notice = put("b.xml", message([entry("300.00", ref="B1", inner=inner)], kind="054", sequence=7))
    for reads in ([statement, notice], [notice, statement]):
        combined = combine(reads)
        assert sorted(amounts(combined)) == ["-5.00", "100.00", "200.00"]
        assert everything_is_accounted_for(combined, reads) and combined.breaks == []


def test_an_intraday_report_repeats_what_the_statement_says(put):
    report = put("a.xml", message([entry("100.00"), entry("40.00")], kind="052", sequence=3))
    statement = put("b.xml", message([entry("40.00"), entry("100.00"), entry("-5.00")], opening="0.00"))
    assert sorted(amounts(combine([report, statement]))) == ["-5.00", "100.00", "40.00"]
    assert amounts(combine([report])) == ["100.00", "40.00"]


def test_what_a_proved_statement_does_not_have_is_not_counted(put):
    report = put("a.xml", message([entry("999.00", ref="X")], kind="052", sequence=3))
    statement = put("b.xml", message([entry("40.00")], opening="0.00"))
    combined = combine([report, statement])
    assert amounts(combined) == ["40.00"]
    assert [(row["code"], row["amount"]) for row in combined.rejected.to_pylist()] == [
        ("BNK_CONTINUITY", Decimal("999.00"))
    ]


def test_mt940_and_camt_of_the_same_days_are_one(put):
    camt = put("a.xml", message([entry("100.00", ref="BANKREF1"), entry("-40.00", ref="BANKREF2")], opening="0.00"))
    fields = ":20:S\n:25:OWN1\n:28C:9/1\n:60F:C230904USD0,00\n:61:2309050905D40,00NTRFX//OTHER2\n:61:2309050905C100,00NTRFY//OTHER1\n:62F:C230905USD60,00\n-\n"
    swift = put("b.sta", fields)
    combined = combine([camt, swift])
    assert amounts(combined) == ["100.00", "-40.00"] and everything_is_accounted_for(combined, [camt, swift])


def test_different_payers_of_one_amount_in_two_formats_stay_two(put):
    """Two formats that cover a day only in part: equal amounts of two named payers are two transactions."""
    export = put("a.csv", rows("OWN1,USD,2023-09-05,,,100.00,,ALPHA LTD,汇款,S1"))
    notice = put(
        "b.xml",
        message(
            [entry("100.00", ref="N1", inner=details(("100.00", "BETA GMBH", "INV 2"))), entry("7.00", ref="N2")],
            kind="054",
            sequence=2,
        ),
    )
    assert sorted(amounts(combine([export, notice]))) == ["100.00", "100.00", "7.00"]


def test_a_corrected_reissue_replaces_the_statement(put):
    first = put(
        "a.xml",
        message([entry("100.00", ref="R1"), entry("55.00", ref="R2")], opening="0.00", created="2023-09-06T01:00:00"),
    )
    second = put(
        "b.xml",
        message([entry("100.00", ref="R1"), entry("50.00", ref="R2")], opening="0.00", created="2023-09-06T09:00:00"),
    )
    for reads in ([first, second], [second, first]):
        combined = combine(reads)
        assert sorted(amounts(combined)) == ["100.00", "50.00"] and everything_is_accounted_for(combined, reads)
        assert [row["code"] for row in combined.rejected.to_pylist() if row["amount"] == Decimal("55.00")] == [
            "BNK_DUPLICATE"
        ]


def test_a_reissue_with_a_corrected_name_is_one(put):
    texts = [
        message([entry("100.00", ref="R1", inner=details(("100.00", name, "INV 1")))], opening="0.00")
        for name in ("ALPHA LTD", "ALPHA LIMITED")
    ]
    assert amounts(combine([put("a.xml", texts[0]), put("b.xml", texts[1])])) == ["100.00"]


def test_equal_entries_of_statements_that_follow_each_other_are_two(put):
    one = put("a.xml", message([entry("50.00")], opening="100.00", sequence=10))
    two = put("b.xml", message([entry("50.00")], opening="150.00", sequence=11))
    for reads in ([one, two], [two, one]):
        combined = combine(reads)
        assert amounts(combined) == ["50.00", "50.00"] and combined.breaks == []
    assert amounts(combine([one, two, one])) == ["50.00", "50.00"]


def test_a_sale_of_currency_joins_debit_credit_and_receipt():
    dollars, yuan = read_statement(CORPUS / "boc_dollars.csv"), read_statement(CORPUS / "icbc_history.csv")
    combined = combine([dollars, yuan])
    [sale] = combined.conversions.to_pylist()
    by_id = {line["txn_id"]: line for line in combined.lines.to_pylist()}
    assert by_id[sale["fx_txn_id"]]["amount"] == Decimal("-100000.00") and by_id[sale["cny_txn_id"]][
        "amount"
    ] == Decimal("712850.00")
    assert (sale["rate"], sale["evidence"], sale["receipt_txn_id"]) == (Decimal("7.12850000"), "金额×汇率", None)


def test_the_only_receipt_of_that_amount_is_what_was_sold(put):
    text = "账号,币种,交易日期,借方发生额,贷方发生额,对方户名,摘要,流水号,汇率\n"
    usd = put(
        "a.csv",
        text + "OWN1,USD,2023-09-04,,5000.00,ALPHA LTD,汇入,IR1,\nOWN1,USD,2023-09-05,5000.00,,,结汇,FX1,712.85\n",
    )
    cny = put("b.csv", text + "6222,CNY,2023-09-05,,35642.50,,结汇,FX9,\n")
    [sale] = combine([usd, cny]).conversions.to_pylist()
    assert (sale["receipt_evidence"], sale["cny_amount"]) == ("唯一等额收款", Decimal("35642.50"))


def test_two_sales_that_fit_each_other_equally_are_not_joined(put):
    text = "账号,币种,交易日期,借方发生额,贷方发生额,对方户名,摘要,流水号,汇率\n"
    usd = put(
        "a.csv", text + "OWN1,USD,2023-09-05,5000.00,,,结汇,FX1,712.85\nOWN1,USD,2023-09-05,5000.00,,,结汇,FX2,712.85\n"
    )
    cny = put("b.csv", text + "6222,CNY,2023-09-05,,35642.50,,结汇,FX9,\n")
    assert combine([usd, cny]).conversions.num_rows == 0


def test_few_and_many_texts_are_hashed_alike(monkeypatch):
    texts = pa.array(["", "6222\x1f甲公司\x1f1", "𠮷" * 50])
    few = combining.hashes(texts)
    monkeypatch.setattr(combining, "_FEW", 0)
    assert combining.hashes(texts).equals(few) and few[0].as_py() == "e3b0c44298fc1c149afbf4c8996fb924"


def test_nothing_to_combine_is_nothing():
    combined = combine([])
    assert (combined.lines.num_rows, combined.rejected.num_rows, combined.findings, combined.breaks) == (0, 0, [], [])


def test_a_statement_twice_in_one_file_is_one(put):
    text = ":20:S\n:25:OWN1\n:28C:9/1\n:60F:C230904USD0,00\n:61:2309050905C40,00NTRFNONREF\n:61:2309050905C40,00NTRFNONREF\n:62F:C230905USD80,00\n-\n"
    read = put("a.sta", text + text)
    combined = combine([read])
    assert read.lines.num_rows == 4 and amounts(combined) == ["40.00", "40.00"]
    assert combined.breaks == [] and everything_is_accounted_for(combined, [read])


def test_notices_of_one_day_with_names_of_their_own_are_not_repeats(put):
    one = put("a.xml", message([entry("50.00", ref="A")], kind="054", sequence=None))
    two = put("b.xml", message([entry("50.00", ref="B")], kind="054", sequence=None))
    assert amounts(combine([one, two])) == ["50.00", "50.00"]


def test_payments_that_share_a_reference_and_an_amount_are_told_apart_by_name(put):
    one, other = "6222,CNY,2023-09-05,,100.00,,,甲公司,汇款,S1", "6222,CNY,2023-09-05,,100.00,,,乙公司,汇款,S1"
    noon, evening = put("a.csv", rows(one)), put("b.csv", rows(other, one))
    for reads in ([noon, evening], [evening, noon]):
        combined = combine(reads)
        assert sorted(combined.lines.column("counterparty_name").to_pylist()) == ["乙公司", "甲公司"]
