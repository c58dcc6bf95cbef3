"""Relations behind the sheets of the month's summary (月结汇总): one function a list, tables to a table.

What belongs here: joins and filters. What does not: sheets, formulas.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.io.workbooks.source import Source
from settlement.rules.general_ledger import Books, entries, voucher_lines, with_cost_cny
from settlement.rules.money import MONEY
from settlement.rules.parameters import Parameters

_ORDER = {"order_no": "string", "principal_id": "string"}
_GOODS = {"order_no": "string", "line_no": "int64", "item_no": "string", "hs_code": "string"}
_REQUEST = {
    "request_no": "string", "order_no": "string", "vendor_invoice_no": "string", "kind": "string", "payee_type": "string",
    "payee_name": "string", "payee_account": "string", "currency": "string", "amount": "decimal(18,2)", "pay_on": "date",
    "notified_at": "timestamp", "submitted_at": "timestamp", "document_no": "string", "paid_on": "date",
}  # fmt: skip
NIL = ibis.literal(0, MONEY)


def bank_totals(source: Source) -> ir.Table:
    """What came in and went out, a currency a row."""
    lines = source.book("bank_transactions")
    came, went = lines.amount > 0, lines.amount < 0
    totals = lines.group_by("currency").agg(
        lines_in=lines.amount.count(where=came),
        amount_in=ibis.coalesce(lines.amount.sum(where=came), NIL).cast(MONEY),
        lines_out=lines.amount.count(where=went),
        amount_out=ibis.coalesce(lines.amount.sum(where=went), NIL).cast(MONEY),
    )
    opened = (
        source.book("unmatched_receipts").group_by("currency").agg(unmatched_in=lambda t: t.amount.sum().cast(MONEY))
    )
    unpaid = (
        source.book("unmatched_payments").group_by("currency").agg(unmatched_out=lambda t: t.amount.sum().cast(MONEY))
    )
    joined = (
        totals.left_join(opened, "currency").drop("currency_right").left_join(unpaid, "currency").drop("currency_right")
    )
    return joined.mutate(
        net=(joined.amount_in + joined.amount_out).cast(MONEY),
        unmatched_in=ibis.coalesce(joined.unmatched_in, NIL),
        unmatched_out=ibis.coalesce(joined.unmatched_out, NIL),
    ).order_by("currency")


def freight_margins(source: Source) -> ir.Table:
    """Billed, cost and margin of the month's freight lines, an order a row; unknown where a cost has no CNY."""
    charges = with_cost_cny(source.book("freight_charges"))
    charges = charges.filter(charges.status != "重复")
    unknown = (charges.cost.notnull() & charges.cost_cny.isnull()).any()
    per_order = charges.group_by("order_no").agg(
        principal_id=charges.principal_id.max(),
        lines=charges.line_key.count(),
        receivable_cny=ibis.coalesce(charges.receivable_cny.sum(), NIL).cast(MONEY),
        cost_cny=ibis.cases((unknown, ibis.null(MONEY)), else_=ibis.coalesce(charges.cost_cny.sum(), NIL)).cast(MONEY),
    )
    return per_order.mutate(margin_cny=(per_order.receivable_cny - per_order.cost_cny).cast(MONEY)).order_by(
        per_order.principal_id.isnull(), "principal_id", "order_no"
    )


def payment_requests(source: Source) -> ir.Table:
    """付款申请: every application that is not wholly paid, or was paid in the month, with what was paid of it."""
    asked = source.given("facts", "payments", _REQUEST)
    orders = source.given("facts", "orders", _ORDER)
    paid = source.so_far("payment_allocations")
    paid = paid.filter(paid.request_no.notnull()).group_by("request_no").agg(paid=paid.amount.sum().cast(MONEY))
    now = source.book("payment_allocations").select("request_no").distinct().mutate(_now=ibis.literal(True))
    joined = (
        asked.left_join(paid, "request_no")
        .drop("request_no_right")
        .left_join(now, "request_no")
        .drop("request_no_right")
    )
    joined = joined.left_join(orders, "order_no").drop("order_no_right")
    joined = joined.left_join(_blocks(source), "order_no").drop("order_no_right")
    known = joined.mutate(paid=ibis.coalesce(joined.paid, NIL))
    # What left the bank before these books began, or in a file nobody read, is told by the application itself.
    told = known.paid_on.notnull() & (known.paid == 0)
    known = known.mutate(
        left=ibis.cases((told, NIL), else_=(known.amount - known.paid)).cast(MONEY),
        state=ibis.cases(
            (told, "已付未见流水"), (known.paid >= known.amount, "已付"), (known.paid > 0, "部分付款"), else_="待付"
        ),
    )
    return (
        known.filter((known.left > 0) | known._now.fill_null(False) | (known.state == "已付未见流水"))
        .order_by("request_no")
        .drop("_now")
    )


def _blocks(source: Source) -> ir.Table:
    """Per order, the codes of open exceptions that stop a payment."""
    problems = source.book("exceptions")
    stops = problems.filter(
        problems.severity == "block",
        problems.state.isin(["new", "open"]),
        problems.order_no.notnull(),
        problems.code.startswith("PAY_") | problems.code.startswith("FXP_") | (problems.code == "AP_NO_VOUCHER"),
    )
    codes = stops.select("order_no", "code").distinct()
    return codes.group_by("order_no").agg(blocked_by=codes.code.group_concat(sep="、", order_by=codes.code))


def refund_filing(source: Source) -> ir.Table:
    """退税申报: goods lines that wait to be filed, with the 21-digit number of each item (CUS-02)."""
    lines = source.book("export_invoices")
    waiting = source.book("tax_refunds")
    waiting = waiting.filter(waiting.status == "待申报").select("order_no", "declaration_no", "exported_on", "file_by")
    goods = source.given("facts", "goods", _GOODS)
    joined = lines.inner_join(waiting, ["order_no", "declaration_no"])
    joined = joined.left_join(goods, ["order_no", "line_no"]).drop("order_no_right", "line_no_right")
    item = ibis.coalesce(joined.item_no, joined.line_no.cast("string")).lpad(2, "0")
    return joined.mutate(filing_no=joined.declaration_no + "0" + item).order_by("file_by", "order_no", "line_no")


def dunning_items(source: Source) -> ir.Table:
    """催缴单 (S2-DUN-01): all unsettled freight of each shipment that has something overdue."""
    items = source.book("freight_receivables")
    open_items = items.filter(items.open_cny != 0)
    overdue = open_items.filter(open_items.days_overdue > 0).select("order_no", "principal_id").distinct()
    return open_items.semi_join(overdue, ["order_no", "principal_id"]).order_by(
        "principal_id", "order_no", "due_on", "charge_code", "line_key"
    )


def vouchers(source: Source, parameters: Parameters, as_of: date) -> ir.Table:
    """凭证: the month's entries for the general ledger."""
    first_day = date(int(source.month[:4]), int(source.month[5:]), 1)
    books = Books(**{name: source.book(name) for name in Books.__dataclass_fields__})
    return voucher_lines(entries(books, parameters, as_of, first_day), parameters, as_of)
