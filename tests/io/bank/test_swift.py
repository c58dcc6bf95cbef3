"""MT940 and MT942 written for one point each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from settlement.io.bank import read_statement

HEAD = ":20:STMT1\n:25:{account}\n:28C:17/1\n:60F:C230901{currency}{opening}\n"


def statement(
    tmp_path, *fields: str, opening="1000,00", closing=None, currency="USD", account="123456789", name="a.sta"
):
    """A statement with its closing balance, read."""
    tail = f":62F:C230930{currency}{closing}\n-\n" if closing is not None else ""
    text = (
        HEAD.format(account=account, currency=currency, opening=opening)
        + "".join(f"{field}\n" for field in fields)
        + tail
    )
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_statement(path, own_accounts={"123456789": currency})


@pytest.mark.parametrize(
    "field, amount, reversal",
    [
        (":61:2309050905C100,00NTRFREF1//B1", "100.00", False),
        (":61:2309050905D100,00NTRFREF1//B1", "-100.00", False),
        (":61:2309050905RC100,00NTRFREF1//B1", "-100.00", True),
        (":61:2309050905RD100,00NTRFREF1//B1", "100.00", True),
        (":61:2309050905CD100,5NTRFREF1//B1", "100.50", False),  # third letter of the currency after the mark
        (":61:2309050905C100,NTRFREF1//B1", "100.00", False),
        (":61:230905C000000000100,00NTRFREF1//B1", "100.00", False),
    ],
)
def test_marks_and_amounts(tmp_path, field, amount, reversal):
    value = Decimal(amount)
    closing = f"{1000 + value:.2f}".replace(".", ",")
    found = statement(tmp_path, field, closing=closing)
    [line] = found.lines.to_pylist()
    assert (line["amount"], line["is_reversal"], line["is_marked"]) == (value, reversal, False)
    assert line["amount"] == line["credit_in"] - line["debit_out"]
    assert [proof.holds for proof in found.proofs] == [True]


@pytest.mark.parametrize(
    "field, reason",
    [
        (":61:2309050905C1.000,00NTRFREF1", "无法解读"),
        (":61:2313050905C100,00NTRFREF1", "不是日期"),
        (":61:2309051399C100,00NTRFREF1", "不是日期"),
        (":61:2309050905EC100,00NTRFREF1", "预计"),
        (":61:2309050905C100,001NTRFREF1", "小数"),
        (":61:C100,00", "无法解读"),
    ],
)
def test_lines_that_cannot_be_read_are_rejected_with_their_row(tmp_path, field, reason):
    found = statement(tmp_path, field, closing="1000,00")
    [row] = found.rejected.to_pylist()
    assert reason in row["reason"] and row["source_row"] == 5 and found.lines.num_rows == 0


def test_yen_have_no_decimals(tmp_path):
    found = statement(
        tmp_path,
        ":61:2309050905C5000,NTRFX1//B1",
        ":61:2309050905C10,5NTRFX2//B2",
        opening="0,",
        closing="5000,",
        currency="JPY",
    )
    assert [line["amount"] for line in found.lines.to_pylist()] == [Decimal("5000.00")]
    assert [row["found"] for row in found.rejected.to_pylist()] == ["2309050905C10,5NTRFX2//B2"]


def test_entry_date_crosses_the_year(tmp_path):
    found = statement(tmp_path, ":61:2301021230C1,00NTRFA//B", ":61:2212310102D1,00NTRFA//C", closing="1000,00")
    assert [str(line["booked_on"]) for line in found.lines.to_pylist()] == ["2022-12-30", "2023-01-02"]


def test_value_date_30_february(tmp_path):
    found = statement(tmp_path, ":61:2302300301C1,00NINTNONREF", closing="1001,00")
    assert str(found.lines.to_pylist()[0]["value_on"]) == "2023-02-28"
    assert statement(tmp_path, ":61:2302310301C1,00NINTNONREF", closing="1000,00").rejected.num_rows == 1


def test_a_break_of_the_balances_names_the_row_and_marks_the_lines(tmp_path):
    found = statement(tmp_path, ":61:2309050905C100,00NTRFREF1//B1", closing="1100,01")
    [finding] = found.findings
    assert (finding.code, finding.amount_at_risk, finding.source_row) == ("BNK_CONTROL_TOTAL", Decimal("0.01"), 6)
    assert found.lines.column("is_marked").to_pylist() == [True]


def test_a_statement_without_closing_balance_is_reported(tmp_path):
    found = statement(tmp_path, ":61:2309050905C100,00NTRFREF1//B1")
    assert [finding.code for finding in found.findings] == ["BNK_CONTROL_TOTAL"]
    assert found.statements.to_pylist()[0]["is_proved"] is False


def test_charges_rate_and_counter_value(tmp_path):
    narrative = [
        ":86:/ORDP//NAME/NORDWIND HANDELS GMBH/REMI/PO 4711 EX202309-002/71F/USD15,00/71G/USD2,50",
        "/OCMT/CNY584046,30/EXCH/7,3040",
    ]
    found = statement(tmp_path, ":61:2309080908C79962,50NTRFIR230908//FT2309080044", *narrative, closing="80962,50")
    [line] = found.lines.to_pylist()
    assert (line["bank_fee"], line["cny_amount"], line["fx_rate"]) == (
        Decimal("17.50"),
        Decimal("584046.30"),
        Decimal("7.30400000"),
    )
    assert (line["counterparty_name"], line["bank_ref"]) == ("NORDWIND HANDELS GMBH", "FT2309080044")
    assert "EX202309-002" in line["remark"]


def test_a_name_of_35_characters_may_go_on(tmp_path):
    name = "GLOBAL HOME FURNISHINGS TRADING CO."
    found = statement(tmp_path, ":61:2309080908C1,00NTRFA//B", f":86:166?00CREDIT?20INV 1?32{name}", closing="1001,00")
    assert [(line["counterparty_name"], line["is_name_cut"]) for line in found.lines.to_pylist()] == [(name, True)]


def test_remittance_text_wrapped_at_65_characters_is_joined_without_a_gap(tmp_path):
    first = "PAYMENT FOR CONTRACTS EX202309-001 EX202309-002 AND EX202309-003X"
    assert len(first) == 65
    found = statement(tmp_path, ":61:2309080908C1,00NTRFA//B", f":86:{first}", "YZ END", closing="1001,00")
    [line] = found.lines.to_pylist()
    assert line["remark"] == first + "YZ END" and line["remark_original"] == first + "\nYZ END"


def test_a_time_that_looks_like_a_tag_stays_text(tmp_path):
    found = statement(tmp_path, ":61:2309080908C1,00NTRFA//B", ":86:PAID 2023-09-08T13", ":12:11 OK", closing="1001,00")
    assert found.lines.to_pylist()[0]["remark"] == "PAID 2023-09-08T13 :12:11 OK"


def test_account_takes_the_form_of_our_own_list(tmp_path):
    for written in ("123456789", "123456789USD", "BKCHCNBJ/123456789", "123456789/USD"):
        found = statement(tmp_path, ":61:2309080908C1,00NTRFA//B", closing="1001,00", account=written)
        assert found.lines.column("account_no").to_pylist() == ["123456789"]


def test_two_statements_without_end_mark_stay_two(tmp_path):
    one = (
        HEAD.format(account="111", currency="USD", opening="0,00")
        + ":61:2309080908C1,00NTRFA//B\n:62F:C230930USD1,00\n"
    )
    two = ":25:222\n:60F:C230901USD5,00\n:61:2309080908D2,00NTRFA//C\n:62F:C230930USD3,00\n"
    path = tmp_path / "a.sta"
    path.write_text(one + two, "utf-8")
    found = read_statement(path)
    assert [(line["account_no"], str(line["amount"])) for line in found.lines.to_pylist()] == [
        ("111", "1.00"),
        ("222", "-2.00"),
    ]
    assert [proof.holds for proof in found.proofs] == [True, True]


def test_mt942_is_proved_by_its_sums(tmp_path):
    path = tmp_path / "a.942"
    text = ":20:R1\n:25:123\n:28C:1/1\n:34F:USDD0,\n:34F:USDC0,\n:13D:2309081200+0800\n:61:2309080908C5,00NTRFA//B\n:90D:0USD0,00\n:90C:1USD{}\n-\n"
    path.write_text(text.format("5,00"), "utf-8")
    assert [proof.holds for proof in read_statement(path).proofs] == [True, True]
    path.write_text(text.format("6,00"), "utf-8")
    found = read_statement(path)
    assert found.format_name == "mt942" and [finding.code for finding in found.findings] == ["BNK_CONTROL_TOTAL"]


def test_chinese_narrative_in_gb18030(tmp_path):
    path = tmp_path / "a.sta"
    text = (
        HEAD.format(account="123", currency="CNY", opening="0,00")
        + ":61:2309080908C1,00NTRFA//B\n:86:货款 EX202309-001\n:62F:C230930CNY1,00\n-\n"
    )
    path.write_bytes(text.encode("gb18030"))
    assert read_statement(path).lines.to_pylist()[0]["remark"] == "货款 EX202309-001"
