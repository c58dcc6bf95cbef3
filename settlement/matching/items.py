"""Open items: what somebody is expected to pay us, per order, purpose and currency.

Goods money, import taxes, agency fees, freight receivables, refunds the bureau has approved, and what
opening balances say is owed; each with what is due, what is still open after all that lies on it, and the
other amounts a payer may send for it. ``open`` NULL: the amount is not known yet.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, in_schema, money_sum, union_of
from settlement.rules.money import MONEY, RATE, decimal_literal, divide_half_up, multiply

ITEM = ibis.schema(
    {
        "order_no": "string",
        "principal_id": "string",
        "buyer_key": "string",
        "purpose": "string",
        "currency": "string",
        "due": MONEY,
        "slack": MONEY,
        "arisen_on": "date",
        "fee_month": "string",
    }
)
VARIANT = ibis.schema(
    {"order_no": "string", "purpose": "string", "currency": "string", "amount": MONEY, "why": "string"}
)
# Which purpose money on a ledger account pays; on account (预收) and advances pay nothing.
PURPOSE_OF_ACCOUNT = {"货款": "货款", "税款": "税金", "物流费": "物流费", "退税": "退税款"}
# What is filled first where a receipt names an order but no purpose and several items arose on one day.
_PLACE = {"货款": 1, "税金": 2, "代理费": 3, "物流费": 4, "退税款": 5}
_UNCOUNTED = 10**14


def mid_rates(inputs: Prepared, asked: ir.Table) -> ir.Table:
    """The mid rate in force on each ``currency`` and ``day`` asked for: the last one published up to it (FX-06).

    Columns currency, day, rate (CNY per 1); no row where none was published yet.
    """
    days = asked.select("currency", "day").distinct()
    rates = inputs.fx_mid_rates.select("published_on", rate_currency="currency", per_100="rate_per_100")
    met = days.inner_join(rates, [days.currency == rates.rate_currency, rates.published_on <= days.day])
    latest = met.group_by("currency", "day").agg(per_100=met.per_100.argmax(met.published_on))
    return latest.select("currency", "day", rate=divide_half_up(latest.per_100.cast(RATE), 100, 8))


def rates_of_lines(inputs: Prepared, lines: ir.Table) -> ir.Table:
    """``mid_rates`` of every currency and day of statement lines: currency, booked_on, rate."""
    return mid_rates(inputs, lines.select("currency", day="booked_on")).rename(booked_on="day")


def _goods(orders: ir.Table) -> ir.Table:
    """Goods money in the order's currency: contract or declared value, whichever is more."""
    trade = orders.filter((orders.is_export | orders.is_import) & orders.is_live & (orders.amount_fx > NIL))
    due = ibis.greatest(trade.amount_fx, trade.declared_fx.fill_null(NIL))
    values = {name: trade[name] for name in ("order_no", "principal_id", "currency")}
    return in_schema(
        trade,
        values
        | {"buyer_key": trade.buyer_key, "purpose": "货款", "due": due, "slack": NIL, "arisen_on": trade.ordered_on},
        ITEM,
    )


def _estimates(inputs: Prepared, orders: ir.Table) -> ir.Table:
    """Import goods in CNY at the mid rate of the order's day (IMP-EST-01), with fees: order columns + estimate, fees."""
    foreign = orders.filter(orders.is_import & orders.is_live & (orders.amount_fx > NIL))
    rates = mid_rates(inputs, foreign.select("currency", day="ordered_on"))
    priced = beside(foreign.mutate(day=foreign.ordered_on), rates, ["currency", "day"])
    one = ibis.literal(1).cast(RATE)
    rate = ibis.ifelse(priced.currency == "CNY", one, priced.rate)
    estimate = multiply(priced.amount_fx, rate)
    fees = (
        priced.agency_fee.fill_null(multiply(estimate, priced.agency_fee_rate)).fill_null(NIL)
        + priced.other_fee.fill_null(NIL)
    ).cast(MONEY)
    return priced.mutate(estimate=estimate, fees=fees)


def _import_cny(inputs: Prepared, estimates: ir.Table) -> list[ir.Table]:
    foreign = estimates.filter((estimates.currency != "CNY") & estimates.estimate.notnull())
    shared = {name: foreign[name] for name in ("order_no", "principal_id")} | {"currency": "CNY"}
    shared |= {"arisen_on": foreign.ordered_on}
    slack = ibis.greatest(
        multiply(foreign.estimate, inputs.limits.import_margin), decimal_literal(inputs.limits.import_margin_cny)
    )
    goods = in_schema(foreign, shared | {"purpose": "货款", "due": foreign.estimate, "slack": slack}, ITEM)
    charged = estimates.filter(estimates.fees > NIL)
    values = {name: charged[name] for name in ("order_no", "principal_id")} | {"arisen_on": charged.ordered_on}
    fees = in_schema(
        charged,
        values | {"purpose": "代理费", "currency": "CNY", "due": charged.fees, "slack": NIL},
        ITEM,
    )
    return [goods, fees]


def _taxes(inputs: Prepared, orders: ir.Table) -> ir.Table:
    """Import taxes: the original bills of an order, before they are there the simulated ones."""
    bills = inputs.tax_bills
    amount = (
        bills.duty.fill_null(NIL)
        + bills.consumption_tax.fill_null(NIL)
        + bills.vat.fill_null(NIL)
        + bills.late_fee.fill_null(NIL)
    ).cast(MONEY)
    bills = bills.mutate(tax=amount, original=bills.bill_kind == "正本")
    sums = bills.group_by("order_no").agg(
        real=money_sum(bills.tax, where=bills.original),
        simulated=money_sum(bills.tax, where=~bills.original),
        arisen_on=bills.issued_on.min(),
    )
    due = sums.real.fill_null(sums.simulated)
    owed = sums.mutate(due=due).inner_join(orders.select("order_no", "principal_id"), "order_no")
    owed = owed.filter(owed.due > NIL)
    values = {name: owed[name] for name in ("order_no", "principal_id", "due", "arisen_on")}
    return in_schema(owed, values | {"purpose": "税金", "currency": "CNY", "slack": NIL}, ITEM)


def _freight(inputs: Prepared, orders: ir.Table) -> ir.Table:
    """Freight receivable per order; netted freight (抵扣) is no receivable (FRT-06). fee_month as C-19."""
    lines = inputs.freight_charges
    sums = lines.group_by("order_no", "principal_id").agg(
        due=money_sum(lines.receivable_cny),
        arisen_on=lines.confirmed_on.fill_null(lines.invoiced_on).min(),
        confirmed_on=lines.confirmed_on.fill_null(lines.invoiced_on).max(),
    )
    netted = orders.filter(orders.freight_treatment == "抵扣").select("order_no")
    owed = sums.filter((sums.due > NIL) & sums.order_no.notnull()).anti_join(netted, "order_no")
    owed = beside(owed, orders.select("order_no", "sailed_on"), "order_no")
    values = {name: owed[name] for name in ("order_no", "principal_id", "due", "arisen_on")}
    month = owed.sailed_on.fill_null(owed.confirmed_on).strftime("%Y-%m")
    return in_schema(owed, values | {"purpose": "物流费", "currency": "CNY", "slack": NIL, "fee_month": month}, ITEM)


def noticed_refunds(inputs: Prepared) -> ir.Table:
    """Approved refund notices with their order: by the notice, else by the declaration.

    Columns order_no, principal_id, declaration_no, batch_no, amount, notified_on.
    """
    notices, orders = inputs.refund_notices, inputs.orders
    by_order = orders.select("declaration_no", "order_no")
    by_line = inputs.goods.select("declaration_no", "order_no")
    declared = by_order.union(by_line).filter(lambda t: t.declaration_no.notnull())
    declared = declared.group_by("declaration_no").agg(
        declared_order=declared.order_no.min(), orders=declared.order_no.nunique()
    )
    declared = declared.filter(declared.orders == 1).drop("orders")
    approved = notices.filter((notices.result == "核准") & (notices.amount > NIL))
    approved = beside(approved, declared, "declaration_no")
    approved = approved.mutate(order_no=approved.order_no.fill_null(approved.declared_order))
    return approved.inner_join(orders.select("order_no", "principal_id"), "order_no").select(
        "order_no", "principal_id", "declaration_no", "batch_no", "amount", "notified_on"
    )


def _refunds(inputs: Prepared) -> ir.Table:
    notices = noticed_refunds(inputs)
    sums = notices.group_by("order_no", "principal_id").agg(
        due=money_sum(notices.amount), arisen_on=notices.notified_on.min()
    )
    values = {name: sums[name] for name in ("order_no", "principal_id", "due", "arisen_on")}
    return in_schema(sums, values | {"purpose": "退税款", "currency": "CNY", "slack": NIL}, ITEM)


def _opening(inputs: Prepared) -> ir.Table:
    """What the opening says is owed to us: negative items of an order, in their currency."""
    items = inputs.opening_items
    owed = items.filter((items.amount_cny < NIL) & items.order_no.notnull())
    purpose = ibis.cases(*[(owed.account == account, purpose) for account, purpose in PURPOSE_OF_ACCOUNT.items()])
    foreign = (owed.currency != "CNY") & owed.amount_fx.notnull()
    due = ibis.ifelse(foreign, owed.amount_fx.abs(), owed.amount_cny.abs()).cast(MONEY)
    values = {name: owed[name] for name in ("order_no", "principal_id", "arisen_on")}
    currency = ibis.ifelse(foreign, owed.currency, "CNY")
    month = owed.arisen_on.strftime("%Y-%m")
    rows = in_schema(
        owed, values | {"purpose": purpose, "currency": currency, "due": due, "slack": NIL, "fee_month": month}, ITEM
    )
    return rows.filter(rows.purpose.notnull())


def _paid(inputs: Prepared, stands: ir.Table) -> ir.Table:
    """What already lies on each order, purpose and currency: earlier receipts and finance's adjustments."""
    lines = inputs.transactions.select("txn_id", "currency")
    receipts = stands.filter(stands.order_no.notnull()).inner_join(lines, "txn_id")
    moves = inputs.adjustments.filter(inputs.adjustments.kind.isin(["抵账", "转单", "核销", "更正"]))
    sides = []
    for order, account, sign in (("to_order", "to_account", 1), ("from_order", "from_account", -1)):
        side = moves.filter(moves[order].notnull())
        purpose = ibis.cases(*[(side[account] == name, value) for name, value in PURPOSE_OF_ACCOUNT.items()])
        # A write-off closes the item wherever its order is written.
        amount = ibis.ifelse(side.kind == "核销", side.amount, side.amount * sign).cast(MONEY)
        sides.append(side.select(order_no=side[order], purpose=purpose, currency="currency", amount=amount))
    rows = union_of([receipts.select("order_no", "purpose", "currency", "amount"), *sides])
    return rows.group_by("order_no", "purpose", "currency").agg(paid=money_sum(rows.amount))


def open_items(inputs: Prepared, stands: ir.Table) -> ir.Table:
    """Every item of every order with ``due``, ``paid`` and ``open`` (0 where nothing is left).

    Columns of ITEM and paid, open, room (what may still be put on it: open + slack), place.
    """
    orders = inputs.orders
    estimates = _estimates(inputs, orders)
    rows = union_of(
        [
            _goods(orders),
            *_import_cny(inputs, estimates),
            _taxes(inputs, orders),
            _freight(inputs, orders),
            _refunds(inputs),
            _opening(inputs),
        ]
    )
    merged = rows.group_by("order_no", "purpose", "currency").agg(
        principal_id=rows.principal_id.min(),
        buyer_key=rows.buyer_key.min(),
        due=money_sum(rows.due),
        slack=money_sum(rows.slack),
        arisen_on=rows.arisen_on.min(),
        fee_month=rows.fee_month.max(),
    )
    merged = beside(merged, _paid(inputs, stands), ["order_no", "purpose", "currency"])
    paid = merged.paid.fill_null(NIL)
    return merged.mutate(
        paid=paid,
        open=ibis.greatest(merged.due - paid, NIL).cast(MONEY),
        room=ibis.greatest(merged.due + merged.slack - paid, NIL).cast(MONEY),
        place=ibis.cases(*[(merged.purpose == purpose, place) for purpose, place in _PLACE.items()], else_=9),
    )


def variants(inputs: Prepared, stands: ir.Table) -> ir.Table:
    """Other amounts that pay one item whole (VARIANT), for items on which nothing lies yet.

    The contract value where more was declared, and the reverse; an import's goods with its fees, at the mid rate
    of the order's day and of each day on which the client asked to pay (IMP-EST-01), or at the bank's own rate.
    """
    orders = inputs.orders
    trade = orders.filter(orders.is_live & (orders.is_export | orders.is_import))
    other = trade.filter(trade.declared_fx.notnull() & (trade.declared_fx != trade.amount_fx))
    other = in_schema(
        other,
        {
            "order_no": other.order_no,
            "purpose": "货款",
            "currency": other.currency,
            "amount": ibis.least(other.declared_fx, other.amount_fx),
            "why": "合同金额或报关金额",
        },
        VARIANT,
    )
    estimates = _estimates(inputs, orders)
    rows = union_of([other, *_import_variants(inputs, estimates)])
    started = _paid(inputs, stands)
    started = started.filter(started.paid > NIL)
    return rows.filter(rows.amount > NIL).anti_join(started, ["order_no", "purpose", "currency"])


def _import_variants(inputs: Prepared, estimates: ir.Table) -> list[ir.Table]:
    asked = inputs.payments.filter((inputs.payments.kind == "购汇付款") & inputs.payments.order_no.notnull())
    asked = asked.mutate(day=asked.notified_at.date().fill_null(asked.submitted_at.date()))
    rates = mid_rates(inputs, asked.filter(asked.day.notnull()))
    asked = beside(asked, rates, ["currency", "day"])
    asked = asked.inner_join(estimates.select("order_no", "fees", is_foreign=estimates.currency != "CNY"), "order_no")
    fee = asked.bank_fee.fill_null(NIL)
    actual = multiply(asked.amount, divide_half_up(asked.fx_rate.cast(RATE), 100, 8))
    offers = [
        (estimates, (estimates.estimate + estimates.fees).cast(MONEY), "按下单日中间价估算的货款加代理费"),
        (asked, multiply(asked.amount, asked.rate), "按申请日中间价估算的货款"),
        (asked, (multiply(asked.amount, asked.rate) + asked.fees).cast(MONEY), "按申请日中间价估算的货款加代理费"),
        (asked, actual, "按银行付汇汇率的货款"),
        (asked, (actual + fee).cast(MONEY), "按银行付汇汇率的货款加手续费"),
        (asked, (actual + fee + asked.fees).cast(MONEY), "按银行付汇汇率的货款加手续费和代理费"),
    ]
    return [
        in_schema(
            table,
            {"order_no": table.order_no, "purpose": "货款", "currency": "CNY", "amount": amount, "why": why},
            VARIANT,
        )
        for table, amount, why in offers
    ]
