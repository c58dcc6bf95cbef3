"""Freight charges (物流费用): the table ``freight_charges`` of the contract, all lines of all months so far.

One row a freight line, and one for an order's own service that no carrier billed. A row's figures depend on
the lines before it only (``seq``), so those of earlier months never change when a month is added; the month a
row belongs to is ``month``. Steps: orders (freight_orders), duplicates, quotes, rates, then the figures here.
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import freight, money
from settlement.rules.books.freight_duplicates import repeats, with_repeats
from settlement.rules.books.freight_orders import QUANTITY, Keep, as_built, assign_orders, identity_digest
from settlement.rules.books.freight_quotes import carrier_quotes, client_quotes_of
from settlement.rules.books.freight_rates import HOME_CURRENCY, mid_rates_on, receivable_rates
from settlement.rules.deadlines import month_day_due_column
from settlement.rules.exceptions import exception_id
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

__all__ = ["assign_orders", "price"]

NIL = money.decimal_literal(0)
NO_MONEY = ibis.null(MONEY)

NORMAL, OVER_QUOTE, NO_VOUCHER, DUPLICATE = "正常", "超报价", "待凭证", "重复"
NO_ORDER, QUOTE_CONFLICT, NO_RATE = "无订单", "报价冲突", "缺汇率"


@rule(
    "LOG-AP-01", "LOG-AP-02", "LOG-AR-02", "LOG-AR-03", "C-18", "C-19", "C-23", "C-24",
    inputs=("freight", "orders", "vendor_quotes", "client_quotes", "fx_mid_rates", "approvals"),
    codes=("AP_OVER_QUOTE", "AP_NO_VOUCHER", "FRT_DUPLICATE", "QUOTE_AMBIGUOUS", "FX_RATE_MISSING"),
)  # fmt: skip
def price(
    lines: ir.Table,
    *,
    orders: ir.Table,
    vendor_quotes: ir.Table,
    client_quotes: ir.Table,
    fx_mid_rates: ir.Table,
    adjustments: ir.Table,
    approved: ir.Table,
    working_days: ir.Table,
    month: str,
    collection_day: int = 10,
    rest_day: str = "after",
    unit_suspect_ratio: Decimal = Decimal(20),
    keep: Keep = as_built,
) -> ir.Table:
    """Every freight line with its payable and its receivable, and the own services no carrier billed.

    ``lines``: of ``assign_orders``. ``orders``: one row an order, with ``month`` (of the folder it came in; where
    ``first_month`` is there too, that one counts for own services). ``approved``: exception_id of the approvals in
    force. ``working_days``: ``WorkingCalendar.table()``. ``month``: the month being settled, the last one looked at.
    Returns the columns of ``freight_charges`` (without settled_cny) and, for the exceptions: seq, parent_key,
    is_repeated, duplicate_of, brings_voucher, is_completed, quote_conflict, quote_tied, client_conflict, client_tied, options, client_options,
    carrier_basis, quote_currency, client_basis, order_quantity, client_quantity, missing_types,
    is_billed_quantity, is_client_quoted, line_rate (ar_rate as given), rate_source, rate_published_on, rate_on, cost_cny, payable_excess,
    cost_so_far and quote_so_far (of order, charge code and vendor), order_source, candidates, given_order_no.
    A figure that cannot be computed is NULL and ``status`` says why; a duplicate is worth 0 until approved.
    Formula: ``freight.payable_within_quote``, ``payable_of_pass_through``, ``quoted_amount``; receivable_cny =
    round(receivable × rate). Units: the line's currency, client_currency, CNY. Rounding: half up to the fen.
    Errors: none. Source: S0 l.738; the contract, section 4.
    """
    # Only narrow tables are kept on the way; the lines, wide, pass once, at the end.
    dated = _dated(lines)
    marked = with_repeats(dated, keep("freight_repeats", repeats(dated, approved)))
    carriers = keep("freight_carriers", carrier_quotes(marked, orders, vendor_quotes, keep=keep))
    capped = keep("freight_capped", _capped(marked, carriers))
    payable = keep("freight_payable", _approved_excess(capped, approved, marked.select("seq", "line_key")))
    firsts = keep("freight_first_lines", first_lines(marked, keep=keep))
    own = keep("freight_own_services", own_services(firsts, orders, client_quotes, adjustments, month))
    clients = keep("freight_client_quotes", client_quotes_of(_client_items(firsts, own), orders, client_quotes))
    billed = _receivable(marked, payable, firsts, own, clients)
    unpriced = billed.union(_own_rows(own, clients, billed))
    mids = keep("freight_mid_rates", mid_rates_on(_days(dated, own, clients), fx_mid_rates))
    rated = receivable_rates(unpriced, mids, unit_suspect_ratio=unit_suspect_ratio)
    return _finished(rated, orders, working_days, collection_day, rest_day)


def _dated(lines: ir.Table) -> ir.Table:
    first = (lines.month + "-01").cast("date")
    last = (first + ibis.interval(months=1) - ibis.interval(days=1)).cast("date")
    return lines.mutate(
        quoted_on=ibis.coalesce(lines.invoiced_on, lines.confirmed_on, last),
        rate_on=ibis.coalesce(lines.confirmed_on, lines.invoiced_on, last),
    )


def _days(lines: ir.Table, own: ir.Table, clients: ir.Table) -> ir.Table:
    """Every foreign currency and day a rate may be wanted for: a few thousand rows."""
    currencies = lines.select("currency").union(clients.select("currency")).distinct()
    currencies = currencies.filter(currencies.currency != HOME_CURRENCY)
    return currencies.cross_join(lines.select(on="rate_on").union(own.select(on="quoted_on")).distinct())


def _capped(marked: ir.Table, carriers: ir.Table) -> ir.Table:
    """vendor_quote, payable (capped) and payable_excess of each line, cumulative per order, charge code and vendor.

    Only the columns the sums need travel through the window: the lines themselves are joined again by seq.
    """
    lines = marked.select(
        "seq", "order_no", "charge_code", "vendor", "currency", "amount", "is_duplicate", "brings_voucher",
        has_voucher=marked.voucher_no.notnull(),
    )  # fmt: skip
    quoted = lines.left_join(carriers, "seq", rname="q_{name}").drop("q_seq")
    is_new = ~quoted.is_duplicate & ~quoted.brings_voucher
    cost = is_new.ifelse(quoted.amount, NIL).cast(MONEY)
    proved = (quoted.has_voucher & ~quoted.is_duplicate).ifelse(quoted.amount, NIL).cast(MONEY)
    is_billed = (quoted.amount >= 0) & is_new
    counted = quoted.mutate(
        has_quote=ibis.coalesce(quoted.has_quote, False),
        quote_conflict=ibis.coalesce(quoted.is_conflict, False),
        _cost=cost,
        _quote=is_billed.ifelse(ibis.coalesce(quoted.vendor_quote, NIL), NIL).cast(MONEY),
        _vouched=proved,
        _credited=(~quoted.has_voucher & (quoted.amount < 0)).ifelse(cost, NIL).cast(MONEY),
    ).drop("is_conflict")
    group = ["order_no", "charge_code", "vendor", "currency", "has_quote", "quote_conflict"]
    so_far = ibis.window(group_by=group, order_by="seq", preceding=None, following=0)
    summed = counted.mutate(
        _cost_after=counted._cost.sum().over(so_far).cast(MONEY),
        _quote_after=counted._quote.sum().over(so_far).cast(MONEY),
        _cap=counted.order_cap.max().over(so_far),
        _vouched_after=counted._vouched.sum().over(so_far).cast(MONEY),
        _credited_after=counted._credited.sum().over(so_far).cast(MONEY),
    )
    held = summed.mutate(
        _held_after=freight.least(summed._quote_after, summed._cap).cast(MONEY),
        _passed_after=freight.payable_of_pass_through(summed._vouched_after, summed._credited_after).cast(MONEY),
    )
    one_before = ibis.window(group_by=group, order_by="seq")
    stepped = held.mutate(
        _cost_before=(held._cost_after - held._cost).cast(MONEY),
        _held_before=ibis.coalesce(held._held_after.lag().over(one_before), NIL),
        _passed_before=ibis.coalesce(held._passed_after.lag().over(one_before), NIL),
    )
    within = freight.payable_within_quote(
        stepped._cost_before, stepped._cost_after, stepped._held_before, stepped._held_after
    )
    passed = (stepped._passed_after - stepped._passed_before).cast(MONEY)
    unknown = stepped.order_no.isnull() | stepped.quote_conflict
    payable = ibis.cases((stepped.is_duplicate, NIL), (unknown, NO_MONEY), (stepped.has_quote, within), else_=passed)
    capped = stepped.mutate(payable=payable.cast(MONEY))
    excess = (
        (capped.has_quote & ~capped.is_duplicate & ~capped.brings_voucher)
        .ifelse(capped._cost - capped.payable, NIL)
        .cast(MONEY)
    )
    return capped.select(
        "seq", "vendor_quote", "payable", "has_quote", "quote_conflict", "carrier_basis", "quote_currency", "quote_unit",
        "quote_tied", "order_quantity", "options", payable_excess=freight.greatest(excess, NIL).cast(MONEY),
        cost_so_far="_cost_after", quote_so_far="_held_after",
    )  # fmt: skip


def _approved_excess(capped: ir.Table, approved: ir.Table, line_keys: ir.Table) -> ir.Table:
    """What 物流资源部 approved over the quote is payable too (C-23). ``line_keys``: seq and line_key."""
    over = capped.filter(capped.payable_excess > 0).select("seq").join(line_keys, "seq").select("seq", "line_key")
    over = over.mutate(exception_id=exception_id(ibis.literal("AP_OVER_QUOTE"), over.line_key))
    ids = approved.select("exception_id").distinct()
    granted = over.join(ids, "exception_id").select("seq", _granted=ibis.literal(True))
    joined = capped.left_join(granted, "seq", rname="g_{name}")
    is_granted = ibis.coalesce(joined._granted, False)
    return joined.mutate(
        payable=is_granted.ifelse(joined.payable + joined.payable_excess, joined.payable).cast(MONEY),
        is_over=(joined.payable_excess > 0) & ~is_granted,
    ).drop("g_seq", "_granted")


def first_lines(lines: ir.Table, *, keep: Keep = as_built) -> ir.Table:
    """The line that carries the receivable of each order and charge code: the first bill that is no duplicate.

    seq, order_no, charge_code, month, principal_id, quoted_on, container_type, billed_basis, is_bill, and
    billed_quantity: what the first invoice bills of it in all (used where the order does not tell).
    Where there are credit notes only, the first of them asks for the quote but carries nothing (is_bill false).
    """
    bills = lines.filter(lines.order_no.notnull() & ~lines.is_duplicate & ~lines.brings_voucher)
    bills = bills.select(
        "seq", "order_no", "charge_code", "month", "principal_id", "quoted_on", "container_type", "vendor",
        "vendor_invoice_no", "whole_quantity", is_bill=bills.amount >= 0, billed_basis="unit_basis",
    )  # fmt: skip
    charge = ibis.window(group_by=["order_no", "charge_code"], order_by=[bills.is_bill.desc(), bills.seq.asc()])
    first = bills.mutate(_rank=ibis.row_number().over(charge)).filter(lambda t: t._rank == 0).drop("_rank")
    first = keep("freight_firsts", first)  # asked for twice
    invoice = ["order_no", "charge_code", "vendor", "vendor_invoice_no", "is_bill"]
    on_first = bills.select(*invoice, _also="whole_quantity").join(first.select("seq", *invoice), invoice)
    quantity = on_first.group_by("seq").agg(billed_quantity=on_first._also.sum().cast(QUANTITY))
    return first.join(quantity, "seq").drop("vendor", "vendor_invoice_no", "whole_quantity")


def own_services(
    firsts: ir.Table, orders: ir.Table, client_quotes: ir.Table, adjustments: ir.Table, month: str
) -> ir.Table:
    """Services quoted for one order that no carrier has billed by their month (LOG-AR-02): billed all the same.

    item (a negative number), order_no, charge_code, month, principal_id, quoted_on, carrier_month (the first month
    a carrier bills it, later than ``month``: then the carrier's lines are cost only). ``month`` is the later of the order's first
    folder and the quote's valid_from. A cancelled or withdrawn (退载) order has no service of ours, unless finance
    keeps its fees (保留); what carriers billed on it stays (C-43).
    """
    kept = adjustments.filter(adjustments.kind == "保留")
    kept = ibis.coalesce(kept.to_order, kept.from_order).name("order_no").as_table().distinct()
    stopped = orders.filter((orders.order_status == "取消") | ibis.coalesce(orders.shipment_status == "退载", False))
    active = orders.anti_join(stopped.anti_join(kept, "order_no"), "order_no")
    first_seen = active.first_month if "first_month" in active.columns else active.month
    owners = active.select("order_no", "principal_id", "ordered_on", _seen=first_seen)
    quotes = client_quotes.filter(client_quotes.order_no.notnull())
    quoted = quotes.group_by("order_no", "principal_id", "charge_code").agg(_from=quotes.valid_from.min())
    joined = quoted.join(owners, ["order_no", "principal_id"])
    due = joined.select(
        "order_no", "charge_code", "principal_id",
        quoted_on=freight.greatest(joined.ordered_on, joined._from),
        month=freight.greatest(joined._seen, joined._from.strftime("%Y-%m")),
    )  # fmt: skip
    carried = firsts.filter(firsts.is_bill).select("order_no", "charge_code", carrier_month="month")
    merged = due.left_join(carried, ["order_no", "charge_code"], rname="c_{name}")
    merged = merged.filter(merged.carrier_month.isnull() | (merged.carrier_month > merged.month))
    wanted = merged.filter(merged.month <= month)
    # Below the numbers of lines, which count from 0.
    order = ibis.window(order_by=[wanted.order_no.asc(), wanted.charge_code.asc()])
    wanted = wanted.mutate(_number=ibis.row_number().over(order))
    return wanted.select(
        "order_no", "charge_code", "month", "principal_id", "quoted_on", "carrier_month", item=-1 - wanted._number
    )


def _client_items(firsts: ir.Table, own: ir.Table) -> ir.Table:
    """What to look up in the client's quotes; an own service comes before the carrier's later lines."""
    of_lines = firsts.anti_join(own, ["order_no", "charge_code"]).mutate(item=firsts.seq)
    of_own = own.mutate(
        container_type=ibis.null("string"), billed_quantity=ibis.null(QUANTITY), billed_basis=ibis.null("string")
    )
    columns = (
        "item", "order_no", "charge_code", "principal_id", "quoted_on", "container_type", "billed_quantity", "billed_basis",
    )  # fmt: skip
    return of_lines.select(*columns).union(of_own.select(*columns))


# What a line keeps of itself and of the steps before, for the table and for the exceptions.
_OF_LINE = (
    "month", "seq", "line_key", "parent_key", "order_no", "principal_id", "vendor", "vendor_invoice_no", "bl_no",
    "bill_no", "container_no", "container_type", "charge_code", "charge_name", "currency", "unit_basis", "quantity",
    "is_repeated", "is_duplicate", "duplicate_of", "brings_voucher", "is_completed", "voucher_no", "invoiced_on", "confirmed_on", "ar_rate", "rate_on",
    "source_file", "source_row", "order_source", "candidates", "given_order_no",
)  # fmt: skip
_OF_CARRIER = (
    "vendor_quote", "payable", "payable_excess", "is_over", "has_quote", "quote_conflict", "carrier_basis",
    "quote_currency", "quote_unit", "quote_tied", "order_quantity", "options", "cost_so_far", "quote_so_far",
)  # fmt: skip
_OF_CLIENT = (
    "client_conflict", "client_tied", "client_quote", "client_basis", "client_quantity", "missing_types", "client_options",
    "is_billed_quantity",
)  # fmt: skip


def _to_client(clients: ir.Table) -> ir.Table:
    return clients.select(
        "item", "missing_types", "is_billed_quantity",
        client_tied="is_conflict", client_conflict=clients.is_conflict | clients.quote.isnull(), client_quote="quote", quote_money="currency",
        client_basis="unit_basis", client_quantity="order_quantity", client_options="options",
        is_quoted=ibis.literal(True),
    )  # fmt: skip


def _receivable(marked: ir.Table, payable: ir.Table, firsts: ir.Table, own: ir.Table, clients: ir.Table) -> ir.Table:
    """client_quote and receivable of each line: the quote once, on the first line; without a quote the cost."""
    ours = own.select("order_no", "charge_code", _own=ibis.literal(True))
    asked = firsts.select("order_no", "charge_code", "is_bill", first_seq="seq")
    asked = asked.left_join(ours, ["order_no", "charge_code"], rname="o_{name}")
    charges = asked.left_join(_to_client(clients), asked.first_seq == clients.item, rname="k_{name}")
    charges = charges.filter(charges.is_quoted | charges._own).drop("o_order_no", "o_charge_code", "item")
    joined = marked.join(payable, "seq", rname="p_{name}")
    joined = joined.left_join(charges, ["order_no", "charge_code"], rname="k_{name}")
    quoted = joined.first_seq.notnull()
    shown = ibis.coalesce((joined.first_seq == joined.seq) & joined.is_bill & joined._own.isnull(), False)
    receivable = ibis.cases(
        (joined.is_duplicate | joined.brings_voucher, NIL),
        (joined.order_no.isnull(), NO_MONEY),
        (shown, joined.client_quote),
        (quoted, NIL),
        else_=joined.amount,
    )
    return joined.select(
        *_OF_LINE,
        *_OF_CARRIER,
        cost=joined.brings_voucher.ifelse(NIL, joined.amount).cast(MONEY),
        client_currency=ibis.coalesce(joined.quote_money, joined.currency),
        receivable=receivable.cast(MONEY),
        is_client_quoted=quoted,
        **{name: shown.ifelse(joined[name], ibis.null(joined[name].type())) for name in _OF_CLIENT},
    )


def _own_rows(own: ir.Table, clients: ir.Table, like: ir.Table) -> ir.Table:
    """The rows of services without a carrier: no cost, nothing payable, the order's quote receivable."""
    joined = own.left_join(_to_client(clients), "item", rname="k_{name}")
    conflict = ibis.coalesce(joined.client_conflict, True)
    written = {
        "month": joined.month,
        "line_key": identity_digest(ibis.literal("own service"), joined.order_no, joined.charge_code),
        "parent_key": identity_digest(ibis.literal("own service"), joined.order_no, joined.charge_code),
        "order_no": joined.order_no,
        "principal_id": joined.principal_id,
        "charge_code": joined.charge_code,
        "currency": ibis.coalesce(joined.quote_money, HOME_CURRENCY),
        "client_currency": ibis.coalesce(joined.quote_money, HOME_CURRENCY),
        "unit_basis": joined.client_basis,
        "quantity": joined.client_quantity,
        "cost": NIL,
        "payable": NIL,
        "payable_excess": NIL,
        "has_quote": ibis.literal(True),
        "is_client_quoted": ibis.literal(True),
        "invoiced_on": joined.quoted_on,
        "rate_on": joined.quoted_on,
        "client_conflict": conflict,
        "receivable": joined.client_quote,
    }
    written |= {name: joined[name] for name in _OF_CLIENT if name not in written}
    flags = ("is_over", "quote_conflict", "quote_tied", "is_repeated", "is_duplicate", "brings_voucher", "is_completed")
    written |= {name: ibis.literal(False) for name in flags}
    columns = {name: written.get(name, ibis.null(like[name].type())).cast(like[name].type()) for name in like.columns}
    return joined.select(**columns)


def _finished(
    rated: ir.Table, orders: ir.Table, working_days: ir.Table, collection_day: int, rest_day: str
) -> ir.Table:
    """receivable_cny, fee_month, due_on, is_pass_through and status."""
    sailing = orders.select("order_no", "sailed_on")
    joined = rated.left_join(sailing, "order_no", rname="s_{name}")
    fee_month = freight.fee_month(joined.sailed_on, joined.confirmed_on, joined.invoiced_on, joined.month)
    owed = ibis.cases(
        (joined.receivable == 0, NIL), else_=money.multiply(joined.receivable, joined.rate).cast(MONEY)
    ).cast(MONEY)
    placed = joined.order_no.notnull()
    dated = joined.mutate(
        receivable_cny=owed,
        fee_month=fee_month,
        ar_rate=joined.rate,
        line_rate=joined.ar_rate,
        is_pass_through=placed & ~joined.has_quote,
        _later=freight.greatest(fee_month, joined.month),
    )
    conflict = dated.quote_conflict | ibis.coalesce(dated.client_conflict, False)
    unvouched = dated.is_pass_through & dated.voucher_no.isnull() & ~dated.is_completed & (dated.cost > 0)
    stated = dated.mutate(
        status=ibis.cases(
            (dated.order_no.isnull(), NO_ORDER),
            (dated.is_duplicate, DUPLICATE),
            (conflict, QUOTE_CONFLICT),
            (dated.receivable_cny.isnull(), NO_RATE),
            (unvouched, NO_VOUCHER),
            (dated.is_over, OVER_QUOTE),
            else_=NORMAL,
        )
    )
    months = stated.select("_later").distinct()
    months = months.mutate(_last_day=(months._later + "-01").cast("date"))
    due = month_day_due_column(months, "_last_day", collection_day, working_days, rest_day=rest_day)
    due = due.select("_later", "due_on")
    return stated.left_join(due, "_later", rname="d_{name}").drop(
        "_later", "d__later", "sailed_on", "s_order_no", "rate"
    )
