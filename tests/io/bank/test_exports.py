"""Quirks of bank exports, one at a time: sides, signs, dates, totals, chains, headers."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from settlement.io.bank import read_statement
from settlement.io.bank.export_proofs import in_fen

HEADER = "账号,币种,交易日期,借方发生额,贷方发生额,余额,对方户名,对方账号,摘要,流水号"


@pytest.fixture
def put(tmp_path):
    def write(*lines: str, name: str = "a.csv", encoding: str = "utf-8", **options):
        path = tmp_path / name
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return read_statement(path, **options)

    return write


def first(read) -> dict:
    return read.lines.to_pylist()[0]


@pytest.mark.parametrize(
    "out, into, amount",
    [
        ("100.00", "", "-100.00"),
        ("", "100.00", "100.00"),
        ("0.00", "100.00", "100.00"),
        ("-----", "1.00", "1.00"),
        ("--", "￥1.00", "1.00"),
        ('"1,234.50"', "", "-1234.50"),
        ("（1234.50）", "", "1234.50"),
        ("12.50-", "", "12.50"),
        ("", "１２３.４５", "123.45"),
        ("", "CNY 5", "5.00"),
        ("", "5元", "5.00"),
        ("", "100.000", "100.00"),
        ("", "-0.10", "-0.10"),
    ],
)
def test_sides_and_signs(put, out, into, amount):
    """借 is money out, 贷 money in; a minus on a side is a reversal of it (BNK-04)."""
    line = first(put(HEADER, f"6222,CNY,2023-09-05,{out},{into},,甲,,汇款,R1"))
    assert line["amount"] == Decimal(amount) == line["credit_in"] - line["debit_out"]
    assert line["is_reversal"] == (
        "-0.10" in into or "（" in out or out.endswith("-") and out != "--" and out != "-----"
    )


@pytest.mark.parametrize(
    "out, into, code, reason",
    [
        ("100.00", "200.00", "BNK_BOTH_SIDES", "都有金额"),
        ("", "", "BNK_BOTH_SIDES", "都没有金额"),
        ("0.00", "-", "BNK_BOTH_SIDES", "都没有金额"),
        ("", "1.234", "ROW_REJECTED", "两位小数"),
        ("", "abc", "ROW_REJECTED", "读不出"),
        ("", "1e5", "ROW_REJECTED", "读不出"),
        ("", "=1+1", "ROW_REJECTED", "读不出"),
        ("", "12345678901234567.00", "ROW_REJECTED", "读不出"),
    ],
)
def test_rows_without_one_clear_amount_are_rejected(put, out, into, code, reason):
    read = put(HEADER, f"6222,CNY,2023-09-05,{out},{into},,甲,,汇款,R1", "6222,CNY,2023-09-06,,1.00,,乙,,汇款,R2")
    [row] = read.rejected.to_pylist()
    assert (row["code"], row["source_row"]) == (code, 2) and reason in row["reason"]
    assert read.lines.num_rows == 1 and read.rows_read == 2


@pytest.mark.parametrize(
    "mark, amount",
    [
        ("贷", "5.00"),
        ("借", "-5.00"),
        ("C", "5.00"),
        ("D", "-5.00"),
        ("收", "5.00"),
        ("付", "-5.00"),
        ("1", "5.00"),
        ("2", "-5.00"),
        ("1 收", "5.00"),
        ("借记", "-5.00"),
    ],
)
def test_marks_of_direction(put, mark, amount):
    assert first(put("账号,币种,交易日期,借贷标志,发生额,余额", f"6222,CNY,2023-09-05,{mark},5.00,"))[
        "amount"
    ] == Decimal(amount)


def test_an_unknown_mark_of_direction_is_rejected(put):
    [row] = put("账号,币种,交易日期,借贷标志,发生额,余额", "6222,CNY,2023-09-05,转,5.00,").rejected.to_pylist()
    assert (row["field"], row["amount"]) == ("direction", Decimal("5.00"))


@pytest.mark.parametrize(
    "text",
    [
        "2023-09-05",
        "2023/9/5",
        "20230905",
        "2023年9月5日",
        "2023.09.05",
        "2023-09-05 10:20:30",
        "20230905102030",
        "20230905 102030",
        "2023-09-05-10.20.30.123456",
        "２０２３０９０５",
    ],
)
def test_dates(put, text):
    assert str(first(put(HEADER, f"6222,CNY,{text},,1.00,,甲,,汇款,R1"))["booked_on"]) == "2023-09-05"


@pytest.mark.parametrize("text", ["2023-02-30", "2023-13-01", "05/09/23", "昨天", ""])
def test_money_without_a_readable_date_is_rejected_not_dropped(put, text):
    read = put(HEADER, f"6222,CNY,{text},,1.00,,甲,,汇款,R1", "6222,CNY,2023-09-06,,2.00,,乙,,汇款,R2")
    assert [(row["field"], row["amount"]) for row in read.rejected.to_pylist()] == [("booked_on", Decimal("1.00"))]


def test_value_date_stands_in_for_a_missing_booking_date(put):
    read = put("账号,币种,交易日期,起息日,借方发生额,贷方发生额", "6222,CNY,,2023-09-04,,1.00")
    assert (str(first(read)["booked_on"]), str(first(read)["value_on"])) == ("2023-09-04", "2023-09-04")


def test_yen_with_decimals_are_rejected(put):
    read = put(HEADER, "6222,JPY,2023-09-05,,100,,甲,,汇款,R1", "6222,JPY,2023-09-05,,100.5,,甲,,汇款,R2")
    assert [str(line["amount"]) for line in read.lines.to_pylist()] == ["100.00"]
    assert [row["reason"] for row in read.rejected.to_pylist()] == ["该币种没有小数，金额却有小数"]


def test_an_unknown_currency_is_rejected(put):
    assert put(HEADER, "6222,金币,2023-09-05,,100,,甲,,汇款,R1").rejected.to_pylist()[0]["field"] == "currency"


def test_currency_of_the_account_where_the_file_names_none(put):
    header = "账号,交易日期,借方发生额,贷方发生额,余额"
    assert first(put(header, "6222,2023-09-05,,100,", own_accounts={"6222": "USD"}))["currency"] == "USD"
    [row] = put(header, "6222,2023-09-05,,100,").rejected.to_pylist()
    assert row["reason"] == "文件没有写明币种"
    assert first(put(header, "6222,2023-09-05,,100,", default_currency="EUR"))["currency"] == "EUR"


def test_masked_and_spaced_accounts_are_text(put):
    read = put(HEADER, "1234****9876,CNY,2023-09-05,,1.00,,甲,6222 0212 3456 7890,汇款,R1")
    assert first(read)["account_no"] == "1234****9876"
    assert first(read)["counterparty_account"] == "6222 0212 3456 7890"


def test_scientific_notation_of_an_account(put):
    read = put(HEADER, "6222,CNY,2023-09-05,,1.00,,甲,6.22E+18,汇款,R1", "6.22E+18,CNY,2023-09-05,,2.00,,甲,,汇款,R2")
    assert [(finding.code, finding.source_row) for finding in read.findings] == [("BNK_ACCOUNT_SCI_NOTATION", 2)]
    assert (first(read)["counterparty_account"], first(read)["counterparty_account_original"]) == (None, "6.22E+18")
    assert [row["code"] for row in read.rejected.to_pylist()] == ["BNK_ACCOUNT_SCI_NOTATION"]


def test_originals_stand_beside_what_was_normalised(put):
    line = first(put(HEADER, "6222,CNY,2023-09-05,,1.00,,甲（集团）公司,,Ｆｅｅ,R1"))
    assert (line["counterparty_name"], line["counterparty_name_original"]) == ("甲(集团)公司", "甲（集团）公司")
    assert (line["summary"], line["summary_original"]) == ("Fee", "Ｆｅｅ")
    assert line["remark_original"] is None


@pytest.mark.parametrize("rows", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
def test_the_balance_chain_in_either_order(put, rows):
    cells = {
        1: "6222,CNY,2023-09-05,,100.00,1100.00,甲,,汇款,R1",
        2: "6222,CNY,2023-09-05,30.00,,1070.00,乙,,汇款,R2",
        3: "6222,CNY,2023-09-06,,5.00,1075.00,丙,,汇款,R3",
    }
    read = put(HEADER, *(cells[row] for row in rows))
    [statement] = read.statements.to_pylist()
    assert (statement["opening"], statement["closing"], statement["is_proved"]) == (
        Decimal("1000.00"),
        Decimal("1075.00"),
        True,
    )


def test_a_break_of_the_chain_names_its_first_row_and_marks_from_there(put):
    read = put(
        HEADER,
        "6222,CNY,2023-09-05,,100.00,1100.00,甲,,汇款,R1",
        "6222,CNY,2023-09-06,,5.00,1105.00,乙,,汇款,R2",
        "6222,CNY,2023-09-07,,5.00,1120.00,丙,,汇款,R3",
        "6222,CNY,2023-09-08,,5.00,1125.00,丁,,汇款,R4",
    )
    [finding] = read.findings
    assert (finding.code, finding.source_row, finding.amount_at_risk) == ("BNK_BALANCE_CHAIN", 4, Decimal("10.00"))
    assert read.lines.column("is_marked").to_pylist() == [False, False, True, True]
    assert read.statements.to_pylist()[0]["is_proved"] is False


def test_totals_below_and_pages_between(put):
    read = put(
        HEADER,
        "6222,CNY,2023-09-05,,100.00,,甲,,合计两笔货款,R1",
        "本页小计,,,,100.00,,,,,",
        HEADER,
        "6222,CNY,2023-09-06,30.00,,,乙,,总计扣款,R2",
        "合计,,,30.00,100.00,,,,,",
        "第1页 共1页",
    )
    assert [str(line["amount"]) for line in read.lines.to_pylist()] == ["100.00", "-30.00"]
    assert {proof.kind: proof.holds for proof in read.proofs if proof.holds is not None} == {
        "control_total": True
    } and not read.findings
    wrong = put(HEADER, "6222,CNY,2023-09-05,,100.00,,甲,,汇款,R1", "合计,,,0.00,100.01,,,,,")
    assert [(finding.code, finding.source_row, finding.amount_at_risk) for finding in wrong.findings] == [
        ("BNK_CONTROL_TOTAL", 3, Decimal("0.01"))
    ]
    assert wrong.lines.column("is_marked").to_pylist() == [True]


@pytest.mark.parametrize(
    "footer, proofs, problems",
    [
        ("1 收 100.00,1 支 30.00", 4, 0),
        ('"1 收 100.00, 1 支 30.00"', 4, 0),
        ("1笔收入,1笔支出", 2, 0),
        ("2 收 100.00,1 支 30.01", 4, 2),
        ("2023 收入明细", 0, 0),
    ],
)
def test_a_footer_that_counts_before_it_names_the_side(put, footer, proofs, problems):
    read = put(HEADER, "6222,CNY,2023-09-05,,100.00,,甲,,汇款,R1", "6222,CNY,2023-09-06,30.00,,,乙,,汇款,R2", footer)
    assert len([proof for proof in read.proofs if proof.kind == "control_total"]) == proofs
    assert [finding.code for finding in read.findings] == ["BNK_CONTROL_TOTAL"] * problems
    assert read.lines.num_rows == 2 and read.rejected.num_rows == 0


def test_a_header_of_two_rows_in_a_web_page(tmp_path):
    """The old export of CCB is a page that calls itself .xls; names that stand alone reach over both rows."""
    names = "<td rowspan=2>交易日期</td><td rowspan=2>摘要</td><td colspan=2>发生额/元</td><td rowspan=2>余额/元</td>"
    page = f"<table><tr><td>账号：62220001</td></tr><tr>{names}</tr><tr><td>借方</td><td>贷方</td></tr>"
    path = tmp_path / "a.xls"
    path.write_bytes(
        f"{page}<tr><td>20230905</td><td>货款</td><td></td><td>1.00</td><td>9.00</td></tr></table>".encode("gb18030")
    )
    line = first(read_statement(path))
    assert (line["account_no"], line["amount"], line["balance"]) == ("62220001", Decimal("1.00"), Decimal("9.00"))


def test_counts_in_the_title(put):
    read = put("总笔数,3", HEADER, "6222,CNY,2023-09-05,,100.00,,甲,,汇款,R1")
    assert [finding.code for finding in read.findings] == ["BNK_CONTROL_TOTAL"]


def test_two_accounts_in_one_sheet(put):
    read = put(
        "账号：111122223333,币种：人民币",
        "交易日期,借方发生额,贷方发生额,余额,对方户名",
        "2023-09-05,,100.00,1100.00,甲",
        "合计,0.00,100.00,,",
        "账号：444455556666,币种：美元",
        "交易日期,借方发生额,贷方发生额,余额,对方户名",
        "2023-09-05,,7.00,17.00,乙",
        "合计,0.00,7.00,,",
    )
    assert [(line["account_no"], line["currency"], str(line["amount"])) for line in read.lines.to_pylist()] == [
        ("111122223333", "CNY", "100.00"),
        ("444455556666", "USD", "7.00"),
    ]
    assert not read.findings and read.statements.num_rows == 2


def test_several_accounts_in_one_table_are_chained_each_by_itself(put):
    read = put(
        HEADER,
        "111,CNY,2023-09-05,,100.00,1100.00,甲,,汇款,R1",
        "222,CNY,2023-09-05,,5.00,25.00,乙,,汇款,R2",
        "111,CNY,2023-09-06,,1.00,1101.00,丙,,汇款,R3",
        "222,CNY,2023-09-06,5.00,,20.00,丁,,汇款,R4",
    )
    assert not read.findings and [(row["account_no"], str(row["opening"])) for row in read.statements.to_pylist()] == [
        ("111", "1000.00"),
        ("222", "20.00"),
    ]


def test_a_reversal_names_what_it_reverses(put):
    read = put(HEADER, "6222,CNY,2023-09-10,3000.00,,,甲,,汇款,R1", "6222,CNY,2023-09-11,-3000.00,,,甲,,冲正,R2")
    [finding] = read.findings
    assert finding.code == "BNK_REVERSAL" and "冲的是第 2 行" in finding.message


def test_rates_are_per_100_and_become_per_1(put):
    header = "账号,币种,交易日期,借方发生额,贷方发生额,汇率,折人民币金额,银行手续费"
    line = first(put(header, "6222,USD,2023-09-05,,100.00,712.850000,712.85,15.00"))
    assert (line["fx_rate"], line["cny_amount"], line["bank_fee"]) == (
        Decimal("7.12850000"),
        Decimal("712.85"),
        Decimal("15.00"),
    )
    assert first(put(header, "6222,USD,2023-09-05,,100.00,1.000000,,"))["fx_rate"] is None
    assert first(put(header, "6222,CNY,2023-09-05,,100.00,712.85,,"))["fx_rate"] is None
    assert put(header, "6222,USD,2023-09-05,,100.00,712.8512345678,,").rejected.num_rows == 1


def test_a_file_without_a_header_is_refused_by_name(put):
    read = put("甲,乙,丙", "1,2,3", name="没有表头.csv")
    [finding] = read.findings
    assert (finding.code, read.lines.num_rows, read.is_readable) == (
        "BNK_HEADER_NOT_FOUND",
        0,
        False,
    ) and "没有表头.csv" in finding.message


def test_columns_in_any_order_with_extra_columns(put):
    read = put(
        "序号,余额,备用,贷方发生额,对方户名,借方发生额,交易日期,币种,账号", "1,100.00,x,100.00,甲,,2023-09-05,CNY,6222"
    )
    assert (str(first(read)["amount"]), first(read)["account_no"]) == ("100.00", "6222")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(put, encoding):
    assert (
        first(put(HEADER, "6222,CNY,2023-09-05,,1.00,,甲公司,,汇款,R1", encoding=encoding))["counterparty_name"]
        == "甲公司"
    )


def test_a_reference_is_the_first_that_says_something(put):
    read = put(
        "账号,币种,交易日期,借方发生额,贷方发生额,凭证号,交易流水号",
        "6222,CNY,2023-09-05,,1.00,V1,T1",
        "6222,CNY,2023-09-05,,1.00,V2,",
        "6222,CNY,2023-09-05,,1.00,000000,-",
    )
    assert [line["bank_ref"] for line in read.lines.to_pylist()] == ["T1", "V2", None]


def test_transactions_above_the_header_are_rejected_not_passed_over(put):
    read = put("6222,CNY,2023-09-04,,5.00,,甲,,汇款,R0", HEADER, "6222,CNY,2023-09-05,,1.00,,甲,,汇款,R1")
    assert [(row["source_row"], row["reason"][:8]) for row in read.rejected.to_pylist()] == [(1, "这一行在表头之上")]


def test_amounts_beyond_reason_are_rejected_and_sums_stay_exact(put):
    read = put(
        HEADER,
        "6222,CNY,2023-09-05,,1000000000000.00,,甲,,汇款,R1",
        "6222,CNY,2023-09-05,,999999999999.99,,甲,,汇款,R2",
    )
    assert [row["reason"] for row in read.rejected.to_pylist()] == ["金额超出可记录的范围"]
    [line] = read.lines.to_pylist()
    assert line["amount"] == Decimal("999999999999.99")


def test_sums_that_leave_64_bits_are_still_exact():
    amounts = pa.array([Decimal("999999999999999.99")] * 100, pa.decimal128(18, 2))
    assert int(in_fen(amounts).sum()) == 99999999999999999 * 100
