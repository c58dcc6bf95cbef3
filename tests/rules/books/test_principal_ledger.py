"""The ledger as a difference: first posting, nothing twice, late facts, rates fixed later, taken back."""

from datetime import date
from decimal import Decimal as D

import ibis

from settlement.rules.books import balances, ledger_differences, principal_ledger, receipts
from settlement.rules.rows import table_of
from tests.rules.books.tables import given, rows_of

FLOWS = ibis.schema(
    {"txn_id": "string", "principal_id": "string", "order_no": "string", "purpose": "string", "amount": "decimal(18,2)"}
)
CREDITS = ibis.schema(
    {"txn_id": "string", "currency": "string", "booked_on": "date", "amount": "decimal(18,2)",
     "fx_rate": "decimal(18,8)", "cny_amount": "decimal(18,2)"}
)  # fmt: skip
CONVERTED = ibis.schema({"receipt_txn_id": "string", "amount_fx": "decimal(18,2)", "amount_cny": "decimal(18,2)"})
LEDGER = ibis.schema(
    {"month": "string", "entry_no": "string", **dict(principal_ledger.POSTING.items()), "adjusts_month": "string"}
)
MID = [{"published_on": "2023-09-01", "currency": "USD", "rate_per_100": "718.00"}]


def standing(flows, credits, converted=()):
    credit_table = table_of(credits, CREDITS)
    values = receipts.receipt_values(credit_table, table_of(converted, CONVERTED), given("fx_mid_rates", *MID))
    return receipts.standing_pieces(table_of(flows, FLOWS), values, credit_table)


def flow(txn="T1", order="SO1", amount="100.00", principal="P1", purpose="货款"):
    return {"txn_id": txn, "principal_id": principal, "order_no": order, "purpose": purpose, "amount": amount}


def credit(txn="T1", currency="USD", amount="100.00", day="2023-09-05", **more):
    return {"txn_id": txn, "currency": currency, "amount": amount, "booked_on": day} | more


def posted(desired, published=(), month="2023-09", day=date(2023, 9, 1)):
    return ledger_differences.new_postings(desired, table_of(published, LEDGER), month, day)


def as_published(rows, month):
    names = [name for name in LEDGER if name != "month"]
    return [{"month": month, **dict(zip(names, row, strict=True))} for row in rows_of(rows, *names)]


def test_a_receipt_is_worth_what_the_bank_says_first():
    cases = [
        (credit("A", cny_amount="725.00", fx_rate="7.30"), (D("725.00"), "水单")),
        (credit("B", fx_rate="7.30"), (D("730.00"), "水单")),
        (credit("C"), (D("718.00"), "暂估")),
        (credit("D", currency="CNY"), (D("100.00"), "本币")),
        (credit("E", currency="GBP"), (None, "暂估")),
    ]
    values = receipts.receipt_values(
        table_of([each for each, _ in cases], CREDITS), table_of([], CONVERTED), given("fx_mid_rates", *MID)
    )
    assert rows_of(values, "value_cny", "rate_source", order="txn_id") == [expected for _, expected in cases]


def test_pieces_share_the_cny_by_largest_remainder_ties_to_the_lower_order():
    flows = [flow(order="SO2", amount="33.33"), flow(order="SO1", amount="33.33"), flow(order="SO3", amount="33.34")]
    pieces = standing(flows, [credit(cny_amount="0.01")])
    assert rows_of(pieces, "order_no", "amount_cny", order="order_no") == [
        ("SO1", D("0.00")),
        ("SO2", D("0.00")),
        ("SO3", D("0.01")),
    ]
    pieces = standing(
        [flow(order="SO2", amount="50.00"), flow(order="SO1", amount="50.00")], [credit(cny_amount="0.01")]
    )
    assert rows_of(pieces, "order_no", "amount_cny", order="order_no") == [("SO1", D("0.01")), ("SO2", D("0.00"))]


def test_what_is_not_allocated_keeps_its_share():
    pieces = standing([flow(amount="60.00")], [credit(cny_amount="720.00")])
    assert rows_of(pieces, "amount", "amount_cny") == [(D("60.00"), D("432.00"))]


def test_the_same_twice_posts_nothing():
    desired = principal_ledger.receipts(standing([flow()], [credit(fx_rate="7.30")]))
    first = posted(desired)
    assert rows_of(first, "kind", "account", "amount_cny", "adjusts_month") == [("收款", "货款", D("730.00"), None)]
    again = posted(desired, as_published(first, "2023-09"), "2023-10", date(2023, 10, 1))
    assert rows_of(again) == []


def test_a_rate_fixed_by_a_conversion_posts_the_difference_as_exchange_difference():
    estimated = posted(principal_ledger.receipts(standing([flow()], [credit()])))
    fixed = principal_ledger.receipts(
        standing([flow()], [credit()], [{"receipt_txn_id": "T1", "amount_fx": "100.00", "amount_cny": "731.50"}])
    )
    later = posted(fixed, as_published(estimated, "2023-09"), "2023-10", date(2023, 10, 1))
    assert rows_of(later, "kind", "amount_fx", "amount_cny", "adjusts_month", "posted_on") == [
        ("汇率差", D("0.00"), D("13.50"), None, date(2023, 10, 1))
    ]


def test_money_moved_from_on_account_is_a_minus_and_a_plus():
    first = posted(principal_ledger.receipts(standing([flow(order=None)], [credit(fx_rate="7.30")])))
    assert rows_of(first, "account", "order_no") == [("预收", None)]
    moved = principal_ledger.receipts(standing([flow(order="SO1")], [credit(fx_rate="7.30")]))
    later = posted(moved, as_published(first, "2023-09"), "2023-10", date(2023, 10, 1))
    assert rows_of(later, "order_no", "account", "amount_cny", order="amount_cny") == [
        (None, "预收", D("-730.00")),
        ("SO1", "货款", D("730.00")),
    ]


def test_a_changed_fee_is_the_difference_and_names_the_month_it_corrects():
    fee_schema = ibis.schema({"order_no": "string", "principal_id": "string", "part": "string", "fee_on": "date",
                              "agency_fee": "decimal(18,2)", "other_fee": "decimal(18,2)"})  # fmt: skip

    def fee(amount):
        row = {
            "order_no": "SO1",
            "principal_id": "P1",
            "part": "first",
            "fee_on": "2023-09-05",
            "agency_fee": amount,
            "other_fee": "0",
        }
        return principal_ledger.fees(table_of([row], fee_schema))

    first = posted(fee("300.00"))
    later = posted(fee("280.00"), as_published(first, "2023-09"), "2023-10", date(2023, 10, 1))
    assert rows_of(later, "kind", "amount_cny", "adjusts_month") == [("代理费", D("20.00"), "2023-09")]
    cancelled = posted(
        table_of([], principal_ledger.POSTING), as_published(first, "2023-09"), "2023-10", date(2023, 10, 1)
    )
    assert rows_of(cancelled, "kind", "amount_cny", "adjusts_month") == [("代理费", D("300.00"), "2023-09")]


def test_taxes_post_by_paid_original_bills_only():
    bills = given(
        "tax_bills",
        {
            "order_no": "SO1",
            "bill_no": "A",
            "bill_kind": "正本",
            "consignee": "甲",
            "duty": "67990.08",
            "paid_on": "2023-09-10",
        },
        {
            "order_no": "SO1",
            "bill_no": "B",
            "bill_kind": "正本",
            "consignee": "甲",
            "vat": "119322.59",
            "paid_on": "2023-09-10",
        },
        {
            "order_no": "SO1",
            "bill_no": "C",
            "bill_kind": "模拟",
            "consignee": "甲",
            "vat": "1.00",
            "paid_on": "2023-09-10",
        },
        {"order_no": "SO1", "bill_no": "D", "bill_kind": "正本", "consignee": "甲", "vat": "1.00"},
    ).mutate(principal_id=ibis.literal("P1"))
    rows = posted(principal_ledger.taxes(bills))
    assert rows_of(rows, "account", "amount_cny", order="amount_cny") == [
        ("税款", D("-119322.59")),
        ("税款", D("-67990.08")),
    ]


def test_opening_is_not_movement_and_the_books_chain():
    opening = principal_ledger.openings(
        given("opening_items", {"principal_id": "P1", "month": "2023-09", "account": "货款", "currency": "CNY", "amount_cny": "1000.00"}),
        given("opening_balances", {"principal_id": "P1", "month": "2023-09", "balance_cny": "1000.00"},
              {"principal_id": "P2", "month": "2023-09", "balance_cny": "-50.00"}),
        "2023-09", date(2023, 9, 1),
    )  # fmt: skip
    received = principal_ledger.receipts(standing([flow()], [credit(fx_rate="7.30")]))
    september = posted(opening.union(received))
    ledger = as_published(september, "2023-09")
    nothing = table_of([], LEDGER)
    state = balances.principal_balances(nothing, table_of(ledger, LEDGER))
    assert rows_of(state, "principal_id", "opening", "movement", "closing", order="principal_id") == [
        ("P1", D("1000.00"), D("730.00"), D("1730.00")),
        ("P2", D("-50.00"), D("0.00"), D("-50.00")),
    ]
    october = balances.principal_balances(table_of(ledger, LEDGER), nothing)
    assert rows_of(october, "principal_id", "opening", "movement", "closing", order="principal_id") == [
        ("P1", D("1730.00"), D("0.00"), D("1730.00")),
        ("P2", D("-50.00"), D("0.00"), D("-50.00")),
    ]


def test_an_advance_is_cleared_by_the_refunds_cash_first():
    rows = [
        {"posting_key": "a", "posted_on": "2023-09-01", "principal_id": "P1", "order_no": "SO1", "account": "垫付退税", "kind": "付款", "currency": "CNY", "amount_cny": "-100.00"},
        {"posting_key": "b", "posted_on": "2023-09-20", "principal_id": "P1", "order_no": "SO1", "account": "退税", "kind": "退税到账", "currency": "CNY", "amount_cny": "80.00"},
    ]  # fmt: skip
    pair = principal_ledger.cleared_advances(table_of(rows, principal_ledger.POSTING))
    assert rows_of(pair, "account", "amount_cny", order="account") == [("垫付退税", D("80.00")), ("退税", D("-80.00"))]
