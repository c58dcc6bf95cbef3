"""A tiny month, from the files to the published figures; the lives of months are in ``test_year_months``."""

from decimal import Decimal as D

import pytest

from settlement.checks.mart_schemas import mart_tables
from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import TinyHome, cny_line, export_line, export_order, usd_receipt

pytestmark = pytest.mark.slow
UNKNOWN_ACCOUNT = "6222020000000000000"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One order paid as it should be, money of nobody knows whom, and a line of an account nobody knows."""
    made = (
        TinyHome(tmp_path_factory.mktemp("tiny"))
        .add("orders", export_order())
        .add("goods", export_line())
        .add("bank", usd_receipt())
    )
    made.add("bank", cny_line("8888.00", "往来款", counterparty_name="上海某某公司", counterparty_account="1"))
    made.add("bank", cny_line("5.00", "SO0001", account_no=UNKNOWN_ACCOUNT))
    home = made.write()
    status, said = run_month(home, "2023-09")
    assert status == 0, said
    return home


def codes(home, month="2023-09"):
    return {
        row["code"] for row in rows(home, "exceptions", "code", "state", month=month) if row["state"] in ("new", "open")
    }


def test_an_export_order_from_files_to_invoice_amount(home):
    assert rows(home, "export_invoices", "gross_cny", "fees_cny", "invoice_amount", "ex_vat_amount", "refund_amount", "status") == [
        # 720,000.00 - 16,000.00 = 704,000.00; 13 % refunded of 13 %: I = N x 1.13
        {"gross_cny": D("720000.00"), "fees_cny": D("16000.00"), "invoice_amount": D("795520.00"),
         "ex_vat_amount": D("704000.00"), "refund_amount": D("91520.00"), "status": "可开票"}
    ]  # fmt: skip
    assert rows(home, "receipt_allocations", "order_no", "purpose", "amount", "amount_cny", "confidence") == [
        {
            "order_no": "SO0001",
            "purpose": "货款",
            "amount": D("100000.00"),
            "amount_cny": D("720000.00"),
            "confidence": "certain",
        }
    ]
    assert rows(home, "principal_balances", "opening", "movement", "closing") == [
        {"opening": D("0.00"), "movement": D("704000.00"), "closing": D("704000.00")}
    ]


def test_what_nobody_can_place_stays_open_and_posts_to_nobody(home):
    assert rows(home, "unmatched_receipts", "account_no", "amount") == [
        {"account_no": "33001616783050001234", "amount": D("8888.00")},
        {"account_no": UNKNOWN_ACCOUNT, "amount": D("5.00")},
    ]
    assert {"RCV_UNIDENTIFIED", "BNK_ACCOUNT_UNKNOWN"} <= codes(home)


def test_run_twice_every_table_is_the_same_row_for_row(home):
    names = [name for name in mart_tables() if name not in ("runs", "months")]
    before = {name: rows(home, name) for name in names}
    assert run_month(home, "2023-09")[0] == 0
    assert {name: rows(home, name) for name in names} == before
    assert before["principal_ledger"], "the comparison must compare something"
