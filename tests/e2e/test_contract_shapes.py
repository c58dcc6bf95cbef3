"""Files of every kind the contract allows, and those it does not, through whole months: nothing lost, each trouble named."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from settlement.io.home import Home
from tests.e2e import many_shapes
from tests.e2e.conftest import rows

SEPTEMBER, OCTOBER = "2023-09", "2023-10"
ORDERS, ICBC = "raw/2023-09/orders/随便什么名字.xlsx", "raw/2023-09/bank/工行.csv"


@pytest.fixture
def home(shapes_home) -> Home:
    return shapes_home


@pytest.fixture
def problems(home) -> list[dict]:
    return rows(home, "exceptions", "code", "source_file", "source_row", "order_no", "message", month=SEPTEMBER)


def test_each_bad_file_and_row_is_an_exception_that_names_it(problems):
    named = {(row["code"], row["source_file"], row["source_row"]) for row in problems}
    assert named >= {
        ("FILE_UNREADABLE", "raw/2023-09/bank/empty.csv", None),
        ("FILE_UNREADABLE", "raw/2023-09/bank/cut.xlsx", None),
        ("BNK_HEADER_NOT_FOUND", "raw/2023-09/bank/noheader.csv", None),
        ("ROW_REJECTED", ICBC, 9),  # an amount 12,3x
        ("ROW_REJECTED", ORDERS, 8),  # a principal that no master knows
        ("ROW_REJECTED", ORDERS, 9),  # an amount 12,3x
        ("ROW_REJECTED", ORDERS, 10),  # two orders of one number
        ("ROW_REJECTED", ORDERS, 11),
        ("INV_INPUT_MISSING", ORDERS, 7),  # an order without lines
        ("ROW_REJECTED", "raw/2023-09/freight/货代.xlsx", 7),  # a bill for nothing
        ("FRT_NO_ORDER", "raw/2023-09/freight/货代.xlsx", 6),
    }
    assert {row["order_no"] for row in problems if row["code"] == "INV_INPUT_MISSING"} == {"NOLINES"}
    unread = [row["message"] for row in problems if row["code"] == "ROW_REJECTED" and "12,3x" in row["message"]]
    assert len(unread) == 2


def test_nothing_else_is_lost(home):
    totals = {
        (row["source_file"].rpartition("/")[2], row["input_table"], row["currency"]): (row["rows_accepted"], row["rows_rejected"], row["amount_accepted"], row["amount_rejected"])
        for row in rows(home, "control_totals", month=SEPTEMBER)
        if not row["source_file"].startswith("raw/reference")
    }  # fmt: skip
    book = "随便什么名字.xlsx"
    assert totals[book, "orders", "USD"] == (4, 2, D("21060.00"), D("10000.00"))
    assert totals[book, "orders", "EUR"] == (1, 0, D("5000.00"), D("0.00"))
    assert totals[book, "orders", "CNY"] == (0, 2, D("0.00"), D("0.00"))
    assert totals[book, "goods", "USD"] == (4, 0, D("11060.00"), D("0.00"))
    assert totals["im1.csv", "orders", "USD"] == totals["im2.csv", "goods", "USD"] == (1, 0, D("20000.00"), D("0.00"))
    for name in ("empty.csv", "cut.xlsx", "noheader.csv"):
        assert totals[name, "bank", "CNY"] == (0, 0, D("0.00"), D("0.00"))
    assert totals["货代.xlsx", "freight", "CNY"] == (3, 1, D("2910.00"), D("11.00"))
    assert totals["税单.csv", "tax_bills", "CNY"][:2] == (3, 0)


def test_two_equal_lines_are_two_and_in_another_file_or_month_the_same(home):
    lines = [row for row in rows(home, "bank_transactions") if row["bank_ref"] == "C002"]
    assert [row["month"] for row in lines] == [SEPTEMBER, SEPTEMBER]
    assert len({row["txn_id"] for row in lines}) == 2
    assert all(len(row["account_no"]) == 13 and row["account_no"].startswith("00") for row in lines)


def test_every_form_of_a_date_is_read(home):
    booked = {
        row["bank_ref"]: row["booked_on"].isoformat()
        for row in rows(home, "bank_transactions")
        if row["account_no"] == many_shapes.CNY
    }
    assert booked == {"C001": "2023-09-05", "C002": "2023-09-06", "C003": "2023-09-07", "C004": "2023-09-08", "C006": "2023-08-31",
                      "D001": "2023-09-10", "C102": "2023-10-12"}  # fmt: skip


def test_an_unknown_account_posts_to_nobody(home, problems):
    assert [row for row in rows(home, "receipt_allocations") if row["account_no"] == "7777"] == []
    assert [
        row["amount"] for row in rows(home, "unmatched_receipts", month=SEPTEMBER) if row["account_no"] == "7777"
    ] == [D("5000.00")]
    assert "BNK_ACCOUNT_UNKNOWN" in {row["code"] for row in problems}


def test_references_payers_and_rates(home, problems):
    found = {
        row["bank_ref"]: (
            row["order_no"],
            row["principal_id"],
            row["purpose"],
            row["amount_cny"],
            row["rate_source"],
            row["confidence"],
        )
        for row in rows(home, "receipt_allocations", month=SEPTEMBER)
    }
    assert found["F001"] == ("EX1", "P001", "货款", D("72000.00"), "水单", "certain")
    assert found["F002"] == ("EX3", "P001", "货款", D("7180.00"), "暂估", "certain")
    assert found["C001"] == ("IM1", "P003", "货款", D("20000.00"), "本币", "certain")
    assert found["C004"][:4] == ("EX1", "P001", "物流费", D("3150.00"))
    # Who is unknown may be right, but never for certain; who is known for another principal never posts.
    assert found["F004"][0] == "EX5" and found["F004"][-1] == "probable"
    assert "F003" not in found
    assert [
        row["amount"] for row in rows(home, "unmatched_receipts", month=SEPTEMBER) if row["bank_ref"] == "F003"
    ] == [D("50.00")]
    assert {"RCV_THIRD_PARTY", "RCV_PAYER_MISMATCH", "RCV_UNIDENTIFIED", "RATE_PROVISIONAL"} <= {
        row["code"] for row in problems
    }


def test_export_figures(home):
    figures = ("gross_cny", "fees_cny", "net_cny", "levy_rate", "refund_rate", "invoice_amount", "ex_vat_amount", "tax_amount", "refund_amount")  # fmt: skip
    september = {(row["order_no"], row["line_no"]): row for row in rows(home, "export_invoices", month=SEPTEMBER)}
    lines = {key: [row[name] for name in figures] for key, row in september.items()}
    # 72,000.00 less 1 %; by FOB 6 : 4; 42,768.00 x 1.13 and 28,512.00 x 1.13 / 1.04
    assert lines["EX1", 1] == [
        D(x) for x in ["72000", "720", "42768", "0.13", "0.13", "48327.84", "42768", "5559.84", "5559.84"]
    ]
    assert lines["EX1", 2] == [
        D(x) for x in ["72000", "720", "28512", "0.13", "0.09", "30979.38", "27415.38", "3564", "2467.38"]
    ]
    assert lines["EX2", 1] == [None, None, None, D("0.13"), D("0.13"), None, None, None, None]
    states = {key: row["status"] for key, row in september.items()}
    assert states == {
        ("EX1", 1): "可开票",
        ("EX1", 2): "可开票",
        ("EX2", 1): "待收齐",
        ("EX3", 1): "暂估",
        ("EX5", 1): "可开票",
    }
    assert [september["EX1", line]["declaration_no"][-2:] for line in (1, 2)] == ["17", "18"]


def test_import_figures(home):
    [row] = rows(home, "import_invoices", month=SEPTEMBER)
    # 20,000 at 7.21, the slip's fee, and the two original bills; the simulated one counts nothing
    assert (row["goods_cny"], row["bank_fee"], row["duty"], row["vat"]) == (
        D("144200.00"),
        D("150.00"),
        D("1000.00"),
        D("18850.00"),
    )
    assert (row["invoice_amount"], row["eligible"], row["status"]) == (D("164200.00"), True, "可开票")


def test_freight_figures(home):
    lines = {(row["order_no"], row["charge_code"]): row for row in rows(home, "freight_charges", month=SEPTEMBER)}
    quoted, billed, passed = lines["EX1", "THC"], lines["EX1", "DOC"], lines["EX1", "O/F"]
    assert (quoted["vendor_quote"], quoted["payable"], quoted["client_quote"], quoted["receivable_cny"]) == (
        D("2450.00"),
        D("2450.00"),
        D("2700.00"),
        D("2700.00"),
    )
    assert (billed["payable"], billed["receivable_cny"]) == (D("450.00"), D("450.00"))
    assert (passed["vendor_quote"], passed["payable"], passed["receivable"], passed["receivable_cny"]) == (
        None,
        D("0.00"),
        D("1000.00"),
        D("7180.00"),
    )


def test_an_order_repeated_later_has_its_newer_facts_and_keeps_its_lines(home):
    october = [row for row in rows(home, "export_invoices", month=OCTOBER) if row["order_no"] == "EX1"]
    assert [(row["fees_cny"], row["net_cny"]) for row in october] == [
        (D("500.00"), D("42900.00")),
        (D("500.00"), D("28600.00")),
    ]
    changed = [row for row in rows(home, "principal_ledger", month=OCTOBER) if row["order_no"] == "EX1"]
    # A rate gave way to a fee: -720.00 goes, -500.00 comes, both as corrections of September.
    assert sum(row["amount_cny"] for row in changed) == D("220.00")
    assert {(row["account"], row["kind"], row["adjusts_month"]) for row in changed} == {("货款", "代理费", SEPTEMBER)}


def test_a_month_without_its_freight_folder_is_incomplete(home):
    assert {row["month"]: row["state"] for row in rows(home, "months")} == {SEPTEMBER: "settled", OCTOBER: "incomplete"}
    assert "INPUT_MISSING" in {row["code"] for row in rows(home, "exceptions", month=OCTOBER)}


def test_openings_are_what_their_items_say(home):
    openings = {row["principal_id"]: row["opening"] for row in rows(home, "principal_balances", month=SEPTEMBER)}
    assert (openings["P001"], openings["P002"]) == (D("1000.00"), D("-500.00"))
