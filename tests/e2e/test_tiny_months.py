"""Tiny months, one fact at a time: from the files to the published figures."""

from decimal import Decimal as D

import pytest

from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import TinyHome, cny_line, export_line, export_order, usd_receipt


@pytest.fixture
def base(tmp_path):
    return TinyHome(tmp_path).add("orders", export_order()).add("goods", export_line()).add("bank", usd_receipt())


def codes(home, month="2023-09"):
    return {row["code"] for row in rows(home, "exceptions", "code", "state", month=month) if row["state"] in ("new", "open")}


def test_an_export_order_from_files_to_invoice_amount(base):
    home = base.write()
    status, said = run_month(home, "2023-09")
    assert status == 0, said
    assert rows(home, "export_invoices", "gross_cny", "fees_cny", "invoice_amount", "ex_vat_amount", "refund_amount", "status") == [
        # 720,000.00 - 16,000.00 = 704,000.00; 13 % refunded of 13 %: I = N x 1.13
        {"gross_cny": D("720000.00"), "fees_cny": D("16000.00"), "invoice_amount": D("795520.00"),
         "ex_vat_amount": D("704000.00"), "refund_amount": D("91520.00"), "status": "可开票"}
    ]  # fmt: skip
    assert rows(home, "receipt_allocations", "order_no", "purpose", "amount", "amount_cny", "confidence") == [
        {"order_no": "SO0001", "purpose": "货款", "amount": D("100000.00"), "amount_cny": D("720000.00"), "confidence": "certain"}
    ]
    assert rows(home, "principal_balances", "opening", "movement", "closing") == [
        {"opening": D("0.00"), "movement": D("704000.00"), "closing": D("704000.00")}
    ]


def test_money_of_an_unknown_payer_without_a_reference_stays_open(base):
    base.add("bank", cny_line("8888.00", "往来款", counterparty_name="上海某某公司", counterparty_account="1"))
    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    assert rows(home, "unmatched_receipts", "amount") == [{"amount": D("8888.00")}]
    assert "RCV_UNIDENTIFIED" in codes(home)


def test_an_unknown_account_is_read_and_posts_to_nobody(base):
    base.add("bank", cny_line("5.00", "SO0001", account_no="6222020000000000000"))
    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    assert "BNK_ACCOUNT_UNKNOWN" in codes(home)
    assert rows(home, "unmatched_receipts", "account_no", "amount") == [{"account_no": "6222020000000000000", "amount": D("5.00")}]


def test_a_missing_mandatory_folder_leaves_the_month_incomplete(base):
    import shutil

    home = base.write()
    shutil.rmtree(home.inbox("2023-09") / "freight")
    assert run_month(home, "2023-09")[0] == 0
    assert "INPUT_MISSING" in codes(home)
    assert rows(home, "months", "state") == [{"state": "incomplete"}]


def test_later_months_wait_for_earlier_ones_and_balances_chain(base):
    base.add("orders", export_order("SO0002", declaration_no="310120230000000025"), month="2023-10")
    base.add("goods", export_line("SO0002"), month="2023-10")
    base.add("bank", usd_receipt("SO0002", booked_on="2023-10-09", bank_ref="FX0002"), month="2023-10")
    home = base.write()
    status, said = run_month(home, "2023-10")
    assert status == 1
    assert "2023-09" in said[0]
    assert run_month(home, "2023-09")[0] == 0
    assert run_month(home, "2023-10")[0] == 0
    balances = {row["month"]: row for row in rows(home, "principal_balances")}
    assert balances["2023-10"]["opening"] == balances["2023-09"]["closing"]
    # Running September again touches only September and marks October stale; then November waits for October.
    october = rows(home, "principal_ledger", month="2023-10")
    assert run_month(home, "2023-09")[0] == 0
    assert {row["month"]: row["state"] for row in rows(home, "months")} == {"2023-09": "settled", "2023-10": "stale"}
    assert rows(home, "principal_ledger", month="2023-10") == october


def test_run_twice_every_table_is_the_same_row_for_row(base):
    base.add("bank", cny_line("8888.00", "往来款", counterparty_name="上海某某公司"))
    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    from settlement.checks.mart_schemas import mart_tables

    names = [name for name in mart_tables() if name not in ("runs", "months")]
    before = {name: rows(home, name) for name in names}
    assert run_month(home, "2023-09")[0] == 0
    assert {name: rows(home, name) for name in names} == before
    assert before["principal_ledger"], "the comparison must compare something"


def test_a_changed_fact_of_an_open_month_replaces_it_and_says_what_changed(base):
    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    base.months["2023-09"]["orders"][0]["agency_fee"] = "3000.00"
    base.write()
    assert run_month(home, "2023-09")[0] == 0
    changed = {(row["table_name"], row["column_name"]): (row["before"], row["after"]) for row in rows(home, "changes")}
    assert changed[("export_invoices", "fees_cny")] == ("16000.00", "15900.00")
    assert changed[("principal_balances", "closing")] == ("704000.00", "704100.00")


def test_a_late_fact_about_an_earlier_month_is_an_adjustment_in_the_open_one(base):
    base.add("orders", export_order(agency_fee="3000.00"), month="2023-10").add("goods", export_line(), month="2023-10")
    base.add("bank", cny_line("1.00", "利息", counterparty_name=None, summary="结息", booked_on="2023-10-20"), month="2023-10")
    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    assert run_month(home, "2023-10")[0] == 0
    assert rows(home, "principal_ledger", "kind", "amount_cny", "adjusts_month", month="2023-10") == [
        {"kind": "代理费", "amount_cny": D("100.00"), "adjusts_month": "2023-09"}
    ]


def test_a_closed_month_is_not_run_until_it_is_reopened(base):
    from settlement.io.month_states import close, reopen

    home = base.write()
    assert run_month(home, "2023-09")[0] == 0
    assert close(home, "2023-09", "王会计") is None
    assert run_month(home, "2023-09")[0] == 1
    assert reopen(home, "2023-09", "王会计", "漏录一张税单") is None
    state = rows(home, "months", "state", "by", "reason")[0]
    assert (state["by"], state["reason"]) == ("王会计", "反关账：漏录一张税单")
    assert run_month(home, "2023-09")[0] == 0
