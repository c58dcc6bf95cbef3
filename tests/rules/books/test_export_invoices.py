"""Export invoices by the documented formula: worked examples W01, W02b, W08 as orders, and every status."""

from decimal import Decimal as D

import ibis
import pytest

from settlement.rules.books import export_fees, export_invoices, facts
from settlement.rules.books.export_invoices import Tolerance
from settlement.rules.rows import table_of
from tests.rules.books.tables import given, rows_of

PIECES = ibis.schema(
    {
        "txn_id": "string", "principal_id": "string", "order_no": "string", "purpose": "string", "amount": "decimal(18,2)",
        "amount_cny": "decimal(18,2)", "currency": "string", "booked_on": "date", "settlement_rate": "decimal(18,8)",
        "rate_source": "string", "is_provisional": "boolean",
    }
)  # fmt: skip
CHARGES = ibis.schema({"line_key": "string", "order_no": "string", "receivable_cny": "decimal(18,2)"})
TREATED = ibis.schema({"line_key": "string", "treatment": "string"})
TRANSITION = ibis.schema({"levy_rate": "decimal(18,8)", "changed_on": "date", "last_export_on": "date"})
MARKS = ibis.schema(
    {"order_no": "string", "line_no": "int64", "is_complete": "boolean", "is_notified": "boolean",
     "invoice_no": "string", "invoiced_total": "decimal(18,2)", "invoiced_quantity": "decimal(18,6)", "is_same_goods": "boolean"}
)  # fmt: skip


def order(**more):
    return {
        "order_no": "SO1", "services": "出口贸易代理", "principal_id": "P1", "ordered_on": "2023-08-01", "currency": "USD",
        "amount_fx": "100000.00", "agency_fee": "3100.00", "other_fee": "12900.00", "declaration_no": "310120230000000001",
        "declared_on": "2023-08-20", "exported_on": "2023-08-20",
    } | more  # fmt: skip


def line(number=1, **more):
    return {
        "order_no": "SO1", "line_no": number, "hs_code": "8501100000", "goods_name": "电机", "quantity": "100",
        "legal_unit": "台", "amount_fx": "100000.00", "fob_usd": "100000.00", "levy_rate": "0.17", "refund_rate": "0.17",
    } | more  # fmt: skip


def piece(cny="620000.00", amount="100000.00", **more):
    return {
        "txn_id": "T1", "principal_id": "P1", "order_no": "SO1", "purpose": "货款", "amount": amount, "amount_cny": cny,
        "currency": "USD", "booked_on": "2023-09-05", "settlement_rate": "6.2", "rate_source": "水单", "is_provisional": False,
    } | more  # fmt: skip


def state(orders, lines, pieces, charges=(), marks=(), netted=(), rates=(), e2=()):
    orders_table, goods = given("orders", *orders), given("goods", *lines)
    described = facts.described_orders(
        orders_table, goods, given("principals", {"principal_id": "P1", "name": "甲", "settlement_mode": "票结"})
    )
    standing = table_of(pieces, PIECES)
    received = export_invoices.order_receipts(standing)
    fees = export_fees.deducted_fees(
        described,
        received,
        table_of(charges, CHARGES),
        table_of([{"line_key": key, "treatment": "抵扣"} for key in netted], TREATED),
    )
    dated = goods.join(described.select("order_no", "ordered_on"), "order_no").mutate(
        invoice_levy=ibis.null("decimal(18,8)")
    )
    standard = table_of(
        [{"valid_from": "2019-04-01", "standard": "0.13"}],
        ibis.schema({"valid_from": "date", "valid_to": "date", "standard": "decimal(18,8)"}),
    )
    transitions = table_of([], TRANSITION)
    terms = export_invoices.refund_terms(
        dated, given("refund_rates", *rates), standard, transitions if not e2 else table_of(e2, TRANSITION)
    )
    usd = table_of(
        [{"currency": "USD", "usd_per_1": "1"}], ibis.schema({"currency": "string", "usd_per_1": "decimal(18,8)"})
    )
    return export_invoices.export_invoices(
        orders=described, goods=goods, received=received, fees=fees, terms=terms, usd_rates=usd,
        marks=table_of(marks, MARKS), tolerance=Tolerance(usd=D(50), fraction=D("0.005")),
    )  # fmt: skip


def test_w01_to_the_fen():
    whole = state([order()], [line()], [piece()])
    assert rows_of(
        whole,
        "gross_cny",
        "fees_cny",
        "net_cny",
        "invoice_amount",
        "ex_vat_amount",
        "tax_amount",
        "refund_amount",
        "status",
    ) == [
        (
            D("620000.00"),
            D("16000.00"),
            D("604000.00"),
            D("706680.00"),
            D("604000.00"),
            D("102680.00"),
            D("102680.00"),
            "可开票",
        )
    ]
    assert rows_of(whole, "swap_ratio") == [(D("6.04000000"),)]


def test_w02b_mixed_refund_rates_share_the_net_by_fob():
    lines = [
        line(1, fob_usd="20000.00", levy_rate="0.13", refund_rate="0.13"),
        line(2, fob_usd="15000.00", levy_rate="0.13", refund_rate="0.09"),
        line(3, fob_usd="5001.00", levy_rate="0.13", refund_rate="0", refund_flag="免税"),
    ]
    whole = state([order(agency_fee="0", other_fee="0")], lines, [piece(cny="300000.00")])
    assert rows_of(whole, "net_cny", "invoice_amount", "ex_vat_amount", "refund_amount", order="line_no") == [
        (D("149996.25"), D("169495.76"), D("149996.25"), D("19499.51")),
        (D("112497.19"), D("122232.52"), D("108170.37"), D("9735.33")),
        (D("37506.56"), D("37506.56"), D("33191.65"), D("0.00")),
    ]


def test_a_receipt_in_two_parts_and_a_rate_fee():
    pieces = [
        piece(cny="300000.01", amount="50000.00"),
        piece(txn_id="T2", cny="320000.02", amount="50000.00", booked_on="2023-09-07"),
    ]
    whole = state([order(agency_fee=None, agency_fee_rate="0.005", other_fee=None)], [line()], pieces)
    # 0.5 % of 620,000.03 = 3,100.00 (half up of 3,100.00015)
    assert rows_of(whole, "gross_cny", "fees_cny") == [(D("620000.03"), D("3100.00"))]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"declared_on": None, "declaration_no": None}, "待报关"),
        ({"amount_fx": "100600.00"}, "待收齐"),
        ({"order_status": "取消"}, "取消"),
        ({"export_mode": "代理"}, "不适用"),
        ({"agency_fee": None}, "差异"),
        ({}, "可开票"),
        ({"amount_fx": "100502.51"}, "可开票"),  # 502.51 short of 100,502.51 is within 0.5 %
    ],
)
def test_status(change, status):
    goods = line(declared_on=change.get("declared_on", "2023-08-20"), exported_on="2023-08-20")
    if "declared_on" in change:
        goods |= {"declared_on": None, "exported_on": None}
    assert rows_of(state([order(**change)], [goods], [piece()]), "status") == [(status,)]


def test_without_receipts_figures_are_null_and_the_row_stays():
    whole = state([order()], [line()], [])
    assert rows_of(whole, "invoice_amount", "status", "status_reason") == [(None, "待收齐", "尚未收汇")]


def test_provisional_rate_allows_no_notice():
    assert rows_of(state([order()], [line()], [piece(is_provisional=True, rate_source="暂估")]), "status") == [
        ("暂估",)
    ]


def test_freight_is_deducted_only_when_netted():
    charges = [{"line_key": "K1", "order_no": "SO1", "receivable_cny": "8650.35"}]
    separately = state([order()], [line()], [piece()], charges)
    netted = state([order(freight_treatment="抵扣")], [line()], [piece()], charges, netted=["K1"])
    assert rows_of(separately, "fees_cny") == [(D("16000.00"),)]
    assert rows_of(netted, "fees_cny") == [(D("24650.35"),)]


def test_a_refund_rate_above_the_levy_rate_is_no_input():
    whole = state([order()], [line(refund_rate="0.18")], [piece()])
    assert rows_of(whole, "invoice_amount", "status", "status_reason") == [(None, "差异", "退税率高于征税率")]


def test_several_lines_without_fob_cannot_share():
    whole = state([order()], [line(1, fob_usd=None), line(2)], [piece()])
    assert {row[0] for row in rows_of(whole, "net_cny")} == {None}


def test_w08_taxed_export_shows_both_figures():
    goods = line(levy_rate="0.13", refund_rate="0", refund_flag="不退税", fob_usd="50000.00")
    whole = state(
        [order(agency_fee="1800.00", other_fee="6200.00", amount_fx="50000.00")],
        [goods],
        [piece(cny="355180.00", amount="50000.00")],
    )
    assert rows_of(whole, "invoice_amount", "neutral_amount", "refund_amount") == [
        (D("347180.00"), D("346140.00"), D("0.00"))
    ]


@pytest.mark.parametrize(
    ("levy", "exported", "refund", "invoice"),
    [
        ("0.16", "2019-06-30", "0.16", "942852.43"),  # W05 a: the old invoice keeps the old rate until the last day
        ("0.16", "2019-07-02", "0.13", "915390.71"),  # W05 b: afterwards the new rate even with an old invoice
        ("0.13", "2019-06-01", "0.13", "918468.32"),  # W05 c
    ],
)
def test_w05_the_transition_of_2019(levy, exported, refund, invoice):
    rates = [
        {"hs_code": "8501100000", "refund_rate": "16%", "valid_from": "2018-11-01", "valid_to": "2019-03-31"},
        {"hs_code": "8501100000", "refund_rate": "13%", "valid_from": "2019-04-01"},
    ]
    rates = [row | {"refund_rate": str(D(row["refund_rate"].rstrip("%")) / 100)} for row in rates]
    e2 = [{"levy_rate": "0.16", "changed_on": "2019-04-01", "last_export_on": "2019-06-30"}]
    goods = line(levy_rate=levy, refund_rate=None, exported_on=exported, declared_on=exported, fob_usd="120500.00")
    whole = state(
        [order(agency_fee="4135.00", other_fee="10060.00", amount_fx="120480.00", exported_on=exported)], [goods],
        [piece(cny="826998.82", amount="120480.00")], rates=rates, e2=e2,
    )  # fmt: skip
    assert rows_of(whole, "refund_rate", "invoice_amount") == [(D(refund).quantize(D("1e-8")), D(invoice))]
