"""Import orders (W10), their balance in both signs (W11), and a refund's life."""

from decimal import Decimal as D

import ibis
import pytest

from settlement.rules.books import balances, facts, import_invoices, principal_ledger, tax_refunds
from settlement.rules.rows import table_of
from tests.rules.books.tables import given, rows_of

PAID = ibis.schema(
    {"txn_id": "string", "request_no": "string", "order_no": "string", "principal_id": "string", "kind": "string",
     "amount": "decimal(18,2)", "amount_cny": "decimal(18,2)", "bank_fee": "decimal(18,2)", "booked_on": "date"}
)  # fmt: skip
MONEY_OF_ORDER = ibis.schema({"order_no": "string", "received_cny": "decimal(18,2)"})
LEVY = ibis.schema({"order_no": "string", "levy_rate": "decimal(18,8)"})
ISSUED = ibis.schema({"order_no": "string", "invoice_no": "string"})
PRINCIPAL = {"principal_id": "P1", "name": "甲", "settlement_mode": "票结"}


def described(**more):
    order = {"order_no": "SO1", "services": "进口贸易代理", "principal_id": "P1", "ordered_on": "2023-09-01", "currency": "USD",
             "amount_fx": "120000.00", "agency_fee": "8554.20", "tax_entrusted": True, "tax_bill_original": True,
             "invoice_wanted": True} | more  # fmt: skip
    return facts.described_orders(given("orders", order), given("goods"), given("principals", PRINCIPAL))


def imported(orders, paid=True, bills=True, consumption="0"):
    payment = {"txn_id": "T9", "request_no": "R1", "order_no": "SO1", "principal_id": "P1", "kind": "购汇付款",
               "amount": "120000.00", "amount_cny": "855420.00", "bank_fee": "1005.42", "booked_on": "2023-09-08"}  # fmt: skip
    bill = {"order_no": "SO1", "bill_no": "A", "bill_kind": "正本", "consignee": "甲", "duty": "67990.08", "vat": "119322.59",
            "consumption_tax": consumption, "paid_on": "2023-09-12"}  # fmt: skip
    originals = import_invoices.original_bills(given("tax_bills", *([bill] if bills else [])))
    return import_invoices.import_invoices(
        orders=orders,
        payments=import_invoices.order_payments(table_of([payment] if paid else [], PAID)),
        taxes=import_invoices.order_taxes(originals),
        mid_rates=given("fx_mid_rates", {"published_on": "2023-09-01", "currency": "USD", "rate_per_100": "710.36"}),
        levies=table_of([{"order_no": "SO1", "levy_rate": "0.13"}], LEVY),
        received=table_of([], MONEY_OF_ORDER),
        issued=table_of([], ISSUED),
    )


def test_w10_to_the_fen():
    figures = [
        "estimate_cny",
        "goods_cny",
        "bank_fee",
        "invoice_amount",
        "ex_vat_amount",
        "tax_amount",
        "vat_gap",
        "neutral_amount",
        "status",
    ]
    assert rows_of(imported(described()), *figures) == [
        (
            D("852432.00"),
            D("855420.00"),
            D("1005.42"),
            D("1043738.09"),
            D("923662.03"),
            D("120076.06"),
            D("753.47"),
            D("1044589.52"),
            "可开票",
        )
    ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"invoice_wanted": False}, "不开票"),
        ({"tax_bill_original": None}, "不开票"),
        ({"order_status": "取消"}, "取消"),
        ({}, "可开票"),
    ],
)
def test_the_three_conditions(change, status):
    assert rows_of(imported(described(**change)), "status") == [(status,)]


def test_before_payment_and_bills_there_is_only_an_estimate():
    assert rows_of(imported(described(), paid=False), "estimate_cny", "goods_cny", "invoice_amount", "status") == [
        (D("852432.00"), None, None, "预估")
    ]
    assert rows_of(imported(described(), bills=False), "goods_cny", "invoice_amount", "status") == [
        (D("855420.00"), None, "待税单")
    ]


def test_a_bill_counts_once_and_bills_add_up():
    bill = {"order_no": "SO1", "bill_no": "A", "bill_kind": "正本", "consignee": "甲", "duty": "10.00"}
    twice = given("tax_bills", bill, bill | {"source_row": 9}, bill | {"bill_no": "B", "duty": "0", "vat": "5.00"})
    assert rows_of(import_invoices.order_taxes(import_invoices.original_bills(twice)), "duty", "vat", "bills") == [
        (D("10.00"), D("5.00"), 2)
    ]


def posting(account, kind, amount, order="SO1"):
    return {"posting_key": f"{account}{kind}{amount}", "posted_on": "2023-09-05", "principal_id": "P1", "order_no": order,
            "account": account, "kind": kind, "currency": "CNY", "amount_cny": amount}  # fmt: skip


@pytest.mark.parametrize(
    ("services", "received", "postings", "shown"),
    [
        (
            "进口贸易代理",
            "1045000.00",
            [("购汇付款", "-855420.00"), ("手续费", "-1005.42"), ("税金", "-187312.67"), ("代理费", "-8554.20")],
            D("7292.29"),
        ),
        (
            "进口贸易代理",
            "1060000.00",
            [("购汇付款", "-855420.00"), ("手续费", "-1005.42"), ("税金", "-187312.67"), ("代理费", "-8554.20")],
            D("-7707.71"),
        ),
        ("出口贸易代理", "620000.00", [("代理费", "-16000.00"), ("付款", "-590000.00")], D("14000.00")),
        ("出口贸易代理", "620000.00", [("代理费", "-16000.00"), ("付款", "-610000.00")], D("-6000.00")),
        ("出口贸易代理", "620000.00", [("代理费", "-16000.00"), ("付款", "-604000.00")], D("0.00")),
    ],
)
def test_w11_both_signs(services, received, postings, shown):
    rows = [posting("货款", "收款", received)] + [
        posting("税款" if kind == "税金" else "货款", kind, amount) for kind, amount in postings
    ]
    state = balances.order_balances(table_of(rows, principal_ledger.POSTING), described(services=services))
    assert rows_of(state, "displayed_balance") == [(shown,)]


def test_refund_money_is_not_part_of_an_orders_balance():
    rows = [posting("货款", "收款", "10.00"), posting("退税", "退税到账", "99.00")]
    state = balances.order_balances(table_of(rows, principal_ledger.POSTING), described(services="出口贸易代理"))
    assert rows_of(state, "balance_cny") == [(D("10.00"),)]


LINES = ibis.schema(
    {"order_no": "string", "line_no": "int64", "declaration_no": "string", "principal_id": "string", "exported_on": "date",
     "refund_amount": "decimal(18,2)", "status": "string"}
)  # fmt: skip
FILING = ibis.schema({"export_year": "int32", "file_by": "date"})


@pytest.mark.parametrize(
    ("postings", "notified", "expected"),
    [
        ([], None, (D("100.00"), None, None, "待申报")),
        ([], "100.00", (D("100.00"), D("100.00"), None, "已核准")),
        ([("退税", "退税到账", "60.00")], "100.00", (D("100.00"), D("100.00"), D("60.00"), "部分到账")),
        ([("退税", "退税到账", "100.00")], "100.00", (D("100.00"), D("100.00"), D("100.00"), "已到账")),
        (
            [("退税", "退税到账", "100.00"), ("退税", "退税付出", "-100.00")],
            "100.00",
            (D("100.00"), D("100.00"), D("100.00"), "已付清"),
        ),
    ],
)
def test_a_refunds_life(postings, notified, expected):
    lines = table_of(
        [{"order_no": "SO1", "line_no": "1", "declaration_no": "D1", "principal_id": "P1", "exported_on": "2023-08-01", "refund_amount": "100.00", "status": "已收票"}],
        LINES,
    )  # fmt: skip
    notices = given(
        "refund_notices",
        *([{"declaration_no": "D1", "amount": notified, "notified_on": "2023-09-20"}] if notified else []),
    )
    state = tax_refunds.tax_refunds(
        invoices=lines,
        notices=tax_refunds.notices_by_order(notices, lines),
        postings=table_of([posting(*each) for each in postings], principal_ledger.POSTING),
        kept=table_of([], ibis.schema({"order_no": "string", "kept": "decimal(18,2)"})),
        filing_days=table_of([{"export_year": "2023", "file_by": "2024-04-30"}], FILING),
    )
    assert rows_of(state, "expected", "notified", "received", "status") == [expected]


def test_an_orders_cash_goes_to_its_declarations_in_order():
    lines = table_of(
        [{"order_no": "SO1", "line_no": str(n), "declaration_no": f"D{n}", "principal_id": "P1", "refund_amount": "100.00", "status": "已收票"} for n in (1, 2)],
        LINES,
    )  # fmt: skip
    state = tax_refunds.tax_refunds(
        invoices=lines,
        notices=tax_refunds.notices_by_order(given("refund_notices"), lines),
        postings=table_of([posting("退税", "退税到账", "130.00")], principal_ledger.POSTING),
        kept=table_of([], ibis.schema({"order_no": "string", "kept": "decimal(18,2)"})),
        filing_days=table_of([], FILING),
    )
    assert rows_of(state, "declaration_no", "received", order="declaration_no") == [
        ("D1", D("100.00")),
        ("D2", D("30.00")),
    ]
