"""Write-off (销账): which receipt settles which freight item of an order, item by item (LOG-RCV-01).

Each order's items stand in one stated order (oldest fee month, then charge code, then line_key), its money in
another (credit notes first, then receipts by date and transaction). Both are laid along one line of fen; where
an item and a receipt overlap, that much of the item is written off by that receipt.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.freight_orders import identity_digest
from settlement.rules.deadlines import month_day_due_column
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

NETTED, BILLED = "抵扣", "另收"
FREIGHT_ACCOUNT = "物流费"
ITEM = (
    "line_key", "order_no", "principal_id", "charge_code", "fee_month", "due_on", "month", "receivable_cny", "posted_on",
    "treatment", "is_opening",
)  # fmt: skip
NIL = money.decimal_literal(0)


@rule("C-42", "FRT-06", inputs=("orders.freight_treatment", "events"), codes=("FEE_DOUBLE_COUNT",))
def treatments(charges: ir.Table, orders: ir.Table, events: ir.Table) -> ir.Table:
    """How each line's receivable is settled: line_key, treatment (抵扣 = out of the goods money, 另收 = billed).

    抵扣 only on an export order that says so, for lines known when the invoice notice went out: with event 开票通知
    the fees of the formula freeze, and freight that comes later, by its folder or its date, is billed.
    ``charges``: freight_charges so far; ``orders``: order_no, freight_treatment, is_export; ``events``: event,
    order_no, happened_at. Formula: none. Units: lines. Rounding: none. Errors: none. Source: decision C-42.
    """
    notices = events.filter((events.event == "开票通知") & events.order_no.notnull())
    frozen = notices.group_by("order_no").agg(frozen_on=notices.happened_at.min().date())
    netted = orders.filter(orders.is_export & (orders.freight_treatment == NETTED)).select(
        "order_no", _netted=ibis.literal(True)
    )
    joined = charges.filter(charges.order_no.notnull()).select(
        "line_key", "order_no", "month", "confirmed_on", "invoiced_on"
    )
    joined = joined.left_join(netted, "order_no", rname="n_{name}").left_join(frozen, "order_no", rname="z_{name}")
    day = ibis.coalesce(joined.confirmed_on, joined.invoiced_on)
    late = (joined.month > joined.frozen_on.strftime("%Y-%m")) | (day > joined.frozen_on)
    is_netted = ibis.coalesce(joined._netted, False) & ~ibis.coalesce(late, False)
    return joined.select("line_key", treatment=is_netted.ifelse(NETTED, BILLED))


def freight_items(charges: ir.Table, treated: ir.Table) -> ir.Table:
    """The receivable items: every line with a known receivable that is not nil.

    line_key, order_no, principal_id, charge_code, receivable_cny, fee_month, due_on, posted_on (confirmed_on, else
    invoiced_on, else the first of its folder's month), month, treatment, is_opening (false).
    """
    owed = charges.filter(charges.order_no.notnull() & charges.principal_id.notnull() & (charges.receivable_cny != 0))
    joined = owed.left_join(treated, "line_key", rname="t_{name}")
    return joined.select(
        "line_key", "order_no", "principal_id", "charge_code", "fee_month", "due_on", "month",
        receivable_cny=joined.receivable_cny.cast(MONEY),
        posted_on=ibis.coalesce(joined.confirmed_on, joined.invoiced_on, (joined.month + "-01").cast("date")),
        treatment=ibis.coalesce(joined.treatment, BILLED),
        is_opening=ibis.literal(False),
    )  # fmt: skip


def opening_freight(
    opening_items: ir.Table, working_days: ir.Table, *, collection_day: int, rest_day: str = "after"
) -> ir.Table:
    """What orders owed for freight when the books began (期初), in the columns of ``freight_items``.

    ``opening_items``: of the contract; account 物流费 with an order; amount_cny < 0 = the client owes. fee_month is that of
    arisen_on (else the month before the books), due the 10th after it. To be united with ``freight_items``: receipts
    of the new months pay these first.
    """
    owed = opening_items.filter((opening_items.account == FREIGHT_ACCOUNT) & opening_items.order_no.notnull())
    first = (owed.month + "-01").cast("date")
    dated = owed.mutate(posted_on=ibis.coalesce(owed.arisen_on, (first - ibis.interval(days=1)).cast("date")))
    due = month_day_due_column(dated, "posted_on", collection_day, working_days, rest_day=rest_day, name="due_on")
    return due.select(
        "order_no", "principal_id", "due_on", "month", "posted_on",
        line_key=identity_digest(ibis.literal("opening"), due.principal_id, due.order_no, due.ref_no, due.arisen_on),
        charge_code=ibis.literal("期初"),
        fee_month=due.posted_on.strftime("%Y-%m"),
        receivable_cny=(-due.amount_cny).cast(MONEY),
        treatment=ibis.literal(BILLED),
        is_opening=ibis.literal(True),
    ).select(*ITEM)  # fmt: skip


def freight_money(allocations: ir.Table, adjustments: ir.Table) -> ir.Table:
    """The money that may settle freight of an order: order_no, treatment, txn_id, booked_on, amount_cny.

    ``allocations``: all receipt_allocations so far. Purpose 物流费 pays what is billed, 货款 covers what is netted
    (抵扣). ``adjustments``: finance's 抵账, 转单 and 更正 in or out of account 物流费, and 核销, which closes an item
    on whichever side its order stands; in CNY. Money on account (no order) settles nothing (C-20).
    """
    placed = allocations.filter(allocations.order_no.notnull() & allocations.amount_cny.notnull())
    placed = placed.filter(placed.purpose.isin([FREIGHT_ACCOUNT, "货款"]))
    rows = [
        placed.select(
            "order_no", "txn_id", "booked_on",
            treatment=(placed.purpose == FREIGHT_ACCOUNT).ifelse(BILLED, NETTED),
            amount_cny=placed.amount_cny.cast(MONEY),
        )
    ]  # fmt: skip
    for side, sign in (("to", 1), ("from", -1)):
        moved = adjustments.filter(
            adjustments.kind.isin(["抵账", "转单", "核销", "更正"])
            & (adjustments.currency == "CNY")
            & adjustments[f"{side}_order"].notnull()
            & (adjustments[f"{side}_account"] == FREIGHT_ACCOUNT)
        )
        closes = (moved.kind == "核销").ifelse(moved.amount.abs(), moved.amount * sign)
        rows.append(
            moved.select(
                order_no=moved[f"{side}_order"],
                txn_id=ibis.coalesce(moved.document_no, moved.ref_no, moved.kind),
                booked_on=moved.decided_at.date(),
                treatment=ibis.literal(BILLED),
                amount_cny=closes.cast(MONEY),
            )
        )
    whole = ibis.union(*[row.select("order_no", "treatment", "txn_id", "booked_on", "amount_cny") for row in rows])
    summed = whole.group_by("order_no", "treatment", "txn_id", "booked_on").agg(
        amount_cny=whole.amount_cny.sum().cast(MONEY)
    )
    return summed.filter(summed.amount_cny != 0)


_POOL = ["order_no", "treatment"]


def _laid(rows: ir.Table, order: list[str], column: str, limit: ir.Table) -> ir.Table:
    """Rows end to end along their pool: ``_from`` and ``_to``, cut off at the pool's limit (NULL = none)."""
    along = ibis.window(group_by=_POOL, order_by=order, preceding=None, following=0)
    laid = rows.mutate(_end=rows[column].sum().over(along).cast(MONEY))
    joined = laid.left_join(limit, _POOL, rname="l_{name}")
    end = ibis.least(joined._end, joined._limit).cast(MONEY)
    start = ibis.least((joined._end - joined[column]).cast(MONEY), joined._limit).cast(MONEY)
    return joined.mutate(_from=start, _to=end).filter(lambda t: t._to > t._from)


@rule("LOG-RCV-01", inputs=("freight_charges.receivable_cny", "receipt_allocations"), codes=("AR_NOT_WRITTEN_OFF",))
def write_offs(items: ir.Table, settling: ir.Table) -> ir.Table:
    """What settles what: line_key, order_no, principal_id, txn_id, booked_on, amount_cny; a row an overlap.

    ``items``: of ``freight_items``; ``settling``: of ``freight_money``. A credit note among the items pays for the
    others like a receipt (txn_id ``冲减``), and is written off itself by as much. Money taken away again from an
    order undoes its last write-offs. No order is ever written off by more than it owes or received.
    Formula: overlap of [items before, items with this one] and [money before, money with this one].
    Units: CNY. Rounding: none. Errors: none. Source: S0 l.875; the contract, section 4.
    """
    bills = items.filter(items.receivable_cny > 0)
    credits = items.filter(items.receivable_cny < 0).mutate(credit=-items.receivable_cny)
    owed = bills.group_by(*_POOL).agg(_limit=bills.receivable_cny.sum().cast(MONEY))
    used = _laid(credits, ["fee_month", "charge_code", "line_key"], "credit", owed)
    as_money = used.select(
        *_POOL, txn_id=ibis.literal("冲减"), booked_on="posted_on", _kind=ibis.literal(0), _key="line_key",
        amount_cny=(used._to - used._from).cast(MONEY),
    )  # fmt: skip
    came = settling.filter(settling.amount_cny > 0)
    receipts = came.select(*_POOL, "txn_id", "booked_on", _kind=ibis.literal(1), _key="txn_id", amount_cny="amount_cny")
    went = settling.filter(settling.amount_cny < 0)
    pool = as_money.union(receipts.select(*as_money.columns))
    left = pool.select(*_POOL, "amount_cny").union(went.select(*_POOL, "amount_cny"))
    left = left.group_by(*_POOL).agg(_limit=left.amount_cny.sum().cast(MONEY))
    laid_money = _laid(pool, ["_kind", "booked_on", "_key"], "amount_cny", left)
    nothing = owed.mutate(_limit=ibis.null(MONEY))
    laid_items = _laid(bills, ["fee_month", "charge_code", "line_key"], "receivable_cny", nothing)
    receipts_of = laid_money.select(*_POOL, "txn_id", "booked_on", m_from="_from", m_to="_to")
    pairs = laid_items.join(receipts_of, _POOL, rname="m_{name}")
    pairs = pairs.filter((pairs._from < pairs.m_to) & (pairs.m_from < pairs._to))
    written = pairs.select(
        "line_key", "order_no", "principal_id", "txn_id", "booked_on",
        amount_cny=(ibis.least(pairs._to, pairs.m_to) - ibis.greatest(pairs._from, pairs.m_from)).cast(MONEY),
    )  # fmt: skip
    offset = used.select(
        "line_key", "order_no", "principal_id", txn_id=ibis.literal("冲减"), booked_on="posted_on",
        amount_cny=(used._from - used._to).cast(MONEY),
    )  # fmt: skip
    return written.union(offset.select(*written.columns))


def settled_amounts(items: ir.Table, written: ir.Table) -> ir.Table:
    """Items with ``settled_cny`` (销账 so far) and ``open_cny``; they sum to receivable_cny."""
    summed = written.group_by("line_key").agg(_settled=written.amount_cny.sum().cast(MONEY))
    joined = items.left_join(summed, "line_key", rname="s_{name}")
    settled = ibis.coalesce(joined._settled, NIL).cast(MONEY)
    return joined.mutate(settled_cny=settled, open_cny=(joined.receivable_cny - settled).cast(MONEY)).drop(
        "_settled", "s_line_key"
    )
