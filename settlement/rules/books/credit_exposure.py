"""Exposure (信用占用) as it grew and shrank: every day on which a client's used or overdue credit changed.

Used is every unsettled receivable of a released order (C-20). A release adds what is unsettled of the order on that
day, a later bill adds itself, a write-off takes away. As the releases are facts, what stood before each of them
is a running sum over these events, in order of date and order number.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.freight_orders import QUANTITY
from settlement.rules.books.freight_quotes import client_quotes_of
from settlement.rules.books.freight_rates import HOME_CURRENCY, mid_rates_on
from settlement.rules.books.freight_settlement import monthly_items
from settlement.rules.exceptions import exception_id, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

NIL = money.decimal_literal(0)
LOGISTICS = "国际物流"

# Within a day: first what has happened to orders released before, then the releases.
STANDING, RELEASE = 0, 1

EVENT = ("principal_id", "on", "rank", "order_no", "amount_cny", "unknown")


def shipments(orders: ir.Table, charges: ir.Table, month_end: ir.DateValue) -> ir.Table:
    """The orders that have a bill of lading to release: with a B/L and freight of ours, or released already.

    ``orders``: described orders (settlement_mode filled). Adds ``tested_on`` (the release, else ``month_end``),
    ``is_released`` and ``released_month``: the month whose lines the test knows, that of the release, but not before the
    first month of the books: what was released earlier is tested on the first lines there are. A release
    after ``month_end`` is not known yet.
    """
    begins = orders.select("month").union(charges.select("month")).month.min()
    charged = (
        charges.filter(charges.order_no.notnull()).select("order_no").distinct().mutate(_charged=ibis.literal(True))
    )
    joined = orders.left_join(charged, "order_no", rname="c_{name}")
    is_released = ibis.coalesce(joined.bl_released_on <= month_end, False)
    ours = joined.services.contains(LOGISTICS) | ibis.coalesce(joined._charged, False)
    shipped = joined.filter((joined.bl_no.notnull() & ours) | is_released)
    is_released = ibis.coalesce(shipped.bl_released_on <= month_end, False)
    tested_on = is_released.ifelse(shipped.bl_released_on, month_end)
    return shipped.select(
        "order_no", "principal_id", "bl_no", "settlement_mode", "sailed_on", "ordered_on",
        is_released=is_released,
        released_on=is_released.ifelse(shipped.bl_released_on, ibis.null("date")),
        tested_on=tested_on,
        released_month=ibis.greatest(tested_on.strftime("%Y-%m"), begins.as_scalar()),
        expects_freight=shipped.services.contains(LOGISTICS),
    )  # fmt: skip


@rule("C-20", inputs=("orders.bl_released_on", "client_quotes", "fx_mid_rates"), codes=("CR_EXPOSURE_UNKNOWN",))
def expected_charges(
    shipped: ir.Table, charges: ir.Table, orders: ir.Table, client_quotes: ir.Table, fx_mid_rates: ir.Table
) -> ir.Table:
    """What orders whose carrier lines are not in yet will cost the client: order_no, expected_cny, first_month.

    A row a shipment of ours with no carrier line by the month of its release (``released_month``): expected_cny sums
    what the client's quotes come to for it on that day, FX at the mid rate; NULL where there is no quote, or
    one that cannot be computed. first_month: of the first carrier line that came later (NULL = none yet).
    Formula: Σ round(quote × the order's quantity × mid rate). Units: CNY. Rounding: half up, each quote.
    Errors: none. Source: decision C-20.
    """
    carried = charges.filter(charges.order_no.notnull() & charges.vendor.notnull() & (charges.status != "重复"))
    first = carried.group_by("order_no").agg(first_month=carried.month.min())
    waiting = shipped.filter(shipped.expects_freight).left_join(first, "order_no", rname="f_{name}")
    waiting = waiting.filter(waiting.first_month.isnull() | (waiting.first_month > waiting.released_month))
    waiting = waiting.select("order_no", "principal_id", "tested_on", "first_month")
    codes = client_quotes.select("principal_id", "charge_code", quoted_order="order_no").distinct()
    items = waiting.join(codes, "principal_id", rname="q_{name}")
    items = items.filter(items.quoted_order.isnull() | (items.quoted_order == items.order_no))
    items = items.select("order_no", "principal_id", "charge_code", quoted_on="tested_on").distinct()
    items = items.mutate(
        item=ibis.row_number().over(ibis.window(order_by=["order_no", "charge_code"])),
        container_type=ibis.null("string"), billed_quantity=ibis.null(QUANTITY), billed_basis=ibis.null("string"),
    )  # fmt: skip
    quoted = client_quotes_of(items, orders, client_quotes).select("item", "quote", "currency")
    dated = quoted.join(items.select("item", "order_no", on="quoted_on"), "item", rname="i_{name}")
    foreign = (
        dated.filter(dated.currency.notnull() & (dated.currency != HOME_CURRENCY)).select("currency", "on").distinct()
    )
    mids = mid_rates_on(foreign, fx_mid_rates)
    rated = dated.left_join(mids, ["currency", "on"], rname="m_{name}")
    in_cny = (
        (rated.currency == HOME_CURRENCY).ifelse(rated.quote, money.multiply(rated.quote, rated.mid_rate)).cast(MONEY)
    )
    rated = rated.mutate(_cny=in_cny)
    summed = rated.group_by("order_no").agg(_cny=rated._cny.sum().cast(MONEY), _whole=rated._cny.notnull().all())
    joined = waiting.left_join(summed, "order_no", rname="s_{name}")
    known = ibis.coalesce(joined._whole, False)
    return joined.select(
        "order_no", "principal_id", "tested_on", "first_month",
        expected_cny=known.ifelse(joined._cny, ibis.null(MONEY)).cast(MONEY),
    )  # fmt: skip


def _events(table: ir.Table, **columns: ir.Value) -> ir.Table:
    given = {"unknown": ibis.literal(0, "int64")} | columns
    return table.select(
        **{
            "principal_id": table.principal_id,
            "on": given["on"],
            "rank": given["rank"].cast("int64"),
            "order_no": table.order_no,
            "amount_cny": given["amount_cny"].cast(MONEY),
            "unknown": given["unknown"].cast("int64"),
        }
    )


def _since(table: ir.Table) -> ir.DateValue:
    """From which day a line counts: its order's release, or the first of its folder's month if that came later."""
    return (table.month <= table.released_month).ifelse(table.released, (table.month + "-01").cast("date"))


def _placed(table: ir.Table, day: ir.DateValue) -> dict[str, ir.Value]:
    return {"on": day, "rank": (day == table.released).ifelse(RELEASE, STANDING)}


def exposure_events(
    shipped: ir.Table, charges: ir.Table, items: ir.Table, written: ir.Table, expected: ir.Table
) -> ir.Table:
    """Every change of a client's exposure, EVENT: on, rank (0 standing, 1 at a release), amount_cny, and unknown,

    the number of amounts that nobody can tell. ``items``, ``written``: of freight_write_off; ``expected``: of
    ``expected_charges``. An item that came in a later folder than its order's release counts from the first day of
    that month; until then the quotes stand for it. What was written off by the day of release never was used.
    Opening items (期初) are used from the day they arose: the B/L of an order older than the books is out.
    """
    released = shipped.filter(shipped.is_released).select(
        "order_no", released="released_on", released_month="released_month"
    )
    opening = items.filter(items.is_opening)
    begun = _events(opening, on=opening.posted_on, rank=ibis.literal(STANDING), amount_cny=opening.receivable_cny)
    repaid = written.join(opening.select("line_key", "posted_on"), "line_key", rname="i_{name}")
    repaid = _events(
        repaid,
        on=ibis.greatest(repaid.booked_on, repaid.posted_on),
        rank=ibis.literal(STANDING),
        amount_cny=-repaid.amount_cny,
    )
    items = items.filter(~items.is_opening)
    billed = items.join(released, "order_no", rname="r_{name}")
    charged = _events(billed, **_placed(billed, _since(billed)), amount_cny=billed.receivable_cny)
    untold = charges.filter(charges.receivable_cny.isnull() & charges.principal_id.notnull())
    untold = untold.select("order_no", "principal_id", "month").join(released, "order_no", rname="r_{name}")
    unknown = _events(untold, **_placed(untold, _since(untold)), amount_cny=NIL, unknown=ibis.literal(1))
    paid = written.join(items.select("line_key", "month"), "line_key", rname="i_{name}")
    paid = paid.join(released, "order_no", rname="r_{name}")
    day = ibis.greatest(paid.booked_on, _since(paid))
    # On the day of release its own payments come first: what is paid that day never was exposure.
    settled = _events(paid, **_placed(paid, day), amount_cny=-paid.amount_cny)
    waiting = expected.semi_join(released, "order_no").join(released, "order_no", rname="r_{name}")
    is_unknown = waiting.expected_cny.isnull().cast("int64")
    guess = ibis.coalesce(waiting.expected_cny, NIL)
    reserved = _events(waiting, on=waiting.released, rank=ibis.literal(RELEASE), amount_cny=guess, unknown=is_unknown)
    replaced = waiting.filter(waiting.first_month.notnull())
    freed = _events(
        replaced,
        on=(replaced.first_month + "-01").cast("date"),
        rank=ibis.literal(STANDING),
        amount_cny=-ibis.coalesce(replaced.expected_cny, NIL),
        unknown=-replaced.expected_cny.isnull().cast("int64"),
    )
    return ibis.union(begun, repaid, charged, unknown, settled, reserved, freed)


def overdue_events(
    orders: ir.Table, principals: ir.Table, items: ir.Table, written: ir.Table, approved: ir.Table
) -> ir.Table:
    """Every change of a monthly client's overdue fees: EVENT; an item is overdue from the day after due_on (LOG-CR-01).

    A month of fees whose CR_MONTH_OVERDUE is ``approved`` (exception_id) holds nothing back (C-21).
    """
    due = monthly_items(items, orders, principals)
    months = due.select("principal_id", "fee_month", "due_on").distinct()
    months = months.mutate(
        exception_id=exception_id(
            ibis.literal("CR_MONTH_OVERDUE"), subject_of(months.principal_id, months.fee_month, months.due_on)
        )
    )
    excused = months.join(approved.select("exception_id").distinct(), "exception_id")
    due = due.anti_join(excused, ["principal_id", "fee_month", "due_on"])
    due = due.filter(due.due_on.notnull()).mutate(late_on=(due.due_on + ibis.interval(days=1)).cast("date"))
    late = _events(due, on=due.late_on, rank=ibis.literal(STANDING), amount_cny=due.receivable_cny)
    paid = written.join(due.select("line_key", "late_on"), "line_key", rname="d_{name}")
    settled = _events(
        paid, on=ibis.greatest(paid.booked_on, paid.late_on), rank=ibis.literal(STANDING), amount_cny=-paid.amount_cny
    )
    return late.union(settled)


def running(events: ir.Table, points: ir.Table, name: str) -> ir.Table:
    """``points`` (principal_id, on, order_no) with ``<name>_before``, ``<name>_own`` and ``<name>_unknown``.

    before: the sum of the client's events before this release (by date, rank, order_no); own: those of the release
    itself; unknown: orders, this one included, whose amount nobody knows. One sum per client, no loop.
    """
    marks = points.mutate(rank=ibis.literal(RELEASE, "int64"), amount_cny=NIL, unknown=ibis.literal(0, "int64"))
    key = ["principal_id", "on", "rank", "order_no"]
    together = events.select(*EVENT).union(marks.select(*EVENT))
    daily = together.group_by(*key).agg(
        amount_cny=together.amount_cny.sum().cast(MONEY), unknown=together.unknown.sum().cast("int64")
    )
    along = ibis.window(group_by="principal_id", order_by=["on", "rank", "order_no"], preceding=None, following=0)
    summed = daily.mutate(
        _after=daily.amount_cny.sum().over(along).cast(MONEY), _unknown=daily.unknown.sum().over(along)
    )
    at = summed.filter(summed.rank == RELEASE).select(
        "principal_id", "on", "order_no", "_unknown", "_after", _own="amount_cny"
    )
    joined = points.left_join(at, ["principal_id", "on", "order_no"], rname="e_{name}")
    return joined.mutate(
        **{
            f"{name}_before": (joined._after - joined._own).cast(MONEY),
            f"{name}_own": joined._own,
            f"{name}_unknown": joined._unknown.cast("int64"),
        }
    ).drop("_after", "_own", "_unknown", "e_principal_id", "e_on", "e_order_no")


def standing(events: ir.Table, on: ir.DateValue) -> ir.Table:
    """What a client's events come to by the end of a day: principal_id, amount_cny, unknown."""
    past = events.filter(events.on <= on)
    return past.group_by("principal_id").agg(
        amount_cny=past.amount_cny.sum().cast(MONEY), unknown=past.unknown.sum().cast("int64")
    )


@rule("LOG-BLR-02", "C-20", inputs=("principals", "credit_limits"), codes=("CR_NO_AGREEMENT", "CR_LIMIT_EXCEEDED"))
def limits_on(points: ir.Table, principals: ir.Table, credit_limits: ir.Table) -> ir.Table:
    """``points`` (principal_id, on) with ``credit_limit`` and ``has_agreement`` as they held that day.

    A principal with any row in ``credit_limits`` is judged by them alone: the row valid on the day, the latest
    valid_from; where none is valid the approval has lapsed and there is no limit. Others: the principal's own
    credit_limit. has_agreement: 月结协议 of the principal, or an agreement_no of the valid limit.
    Formula: lookup. Units: CNY. Rounding: none. Errors: none. Source: S0 l.875; the contract, section 3.
    """
    wanted = points.select("principal_id", "on").distinct()
    fits = wanted.join(
        credit_limits,
        [
            wanted.principal_id == credit_limits.principal_id,
            credit_limits.valid_from <= wanted.on,
            credit_limits.valid_to.isnull() | (wanted.on <= credit_limits.valid_to),
        ],
        rname="l_{name}",
    )
    # Two limits from one day: the lower one is certainly approved.
    newest = ibis.window(group_by=["principal_id", "on"], order_by=[fits.valid_from.desc(), fits.limit_cny.asc()])
    valid = fits.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank == 0)
    valid = valid.select("principal_id", "on", "limit_cny", "agreement_no")
    listed = credit_limits.select("principal_id", _listed=ibis.literal(True)).distinct()
    who = principals.select("principal_id", "monthly_agreement", own_limit="credit_limit")
    joined = wanted.left_join(valid, ["principal_id", "on"], rname="v_{name}")
    joined = joined.left_join(listed, "principal_id", rname="x_{name}").left_join(who, "principal_id", rname="p_{name}")
    is_listed = ibis.coalesce(joined._listed, False)
    held = joined.select(
        "principal_id", "on",
        credit_limit=is_listed.ifelse(joined.limit_cny, joined.own_limit).cast(MONEY),
        has_agreement=ibis.coalesce(joined.monthly_agreement, False) | joined.agreement_no.notnull(),
    )  # fmt: skip
    return points.left_join(held, ["principal_id", "on"], rname="h_{name}").drop("h_principal_id", "h_on")


def released_by(settling: ir.Table, shipped: ir.Table) -> ir.Table:
    """Money that had come for each shipment by the day it is tested: order_no, received_cny."""
    joined = settling.join(shipped.select("order_no", "tested_on"), "order_no", rname="s_{name}")
    in_time = joined.filter(joined.booked_on <= joined.tested_on)
    return in_time.group_by("order_no").agg(received_cny=in_time.amount_cny.sum().cast(MONEY))
