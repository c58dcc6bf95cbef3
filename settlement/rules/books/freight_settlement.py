"""Settling freight receivables (应收物流费): open items by age, dunning, and what is late about them.

LOG-AR-01, LOG-RCV-01, LOG-CR-01, LOG-CR-02, S2-DUN-01. What does not belong here: which receipt settles which
item (freight_write_off), whether a bill of lading may go out (bl_releases).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules import deadlines
from settlement.rules.books.freight_write_off import FREIGHT_ACCOUNT, settled_amounts
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

MONTHLY = "月结"
NOT_DUE = "未到期"

AGE_COLUMNS = (
    "line_key", "order_no", "principal_id", "charge_code", "receivable_cny", "settled_cny", "open_cny", "fee_month",
    "due_on", "days_overdue", "age_bucket",
)  # fmt: skip


def age_words(bands: Sequence[Mapping[str, object]]) -> list[tuple[str, int, int | None]]:
    """The bands of the parameter ``ageing`` (band, first_day, last_day) with the words of the books: ``0-30天``."""
    words = []
    for band in sorted(bands, key=lambda row: int(row["first_day"])):
        name, last = str(band["band"]), band.get("last_day")
        word = name.replace("以上", "天以上") if "以上" in name else f"{name}天"
        words.append((word, int(band["first_day"]), None if last is None else int(last)))
    return words


@rule("S2-DUN-01", "S1-AR-01", inputs=("freight_charges", "receipt_allocations", "ageing"))
def freight_receivables(
    items: ir.Table, written: ir.Table, *, as_of: date, bands: Sequence[Mapping[str, object]]
) -> ir.Table:
    """The table ``freight_receivables``: every receivable item, settled or open, with its age on ``as_of``.

    ``items`` and ``written``: of freight_write_off; ``bands``: rows of the parameter ``ageing``. days_overdue =
    as_of − due_on, NULL without a due date, negative before it. age_bucket is 未到期 before the due day and
    where none is known. Rows with open_cny = 0 are there too: the caller keeps the open and the changed.
    Formula: days from the due day. Units: CNY, days. Rounding: none. Errors: none. Source: S2 l.58; contract 4.
    """
    settled = settled_amounts(items, written)
    dated = settled.mutate(days_overdue=ibis.literal(as_of).delta(settled.due_on, unit="day").cast("int64"))
    days = dated.days_overdue
    buckets = [
        ((days >= first) & ((days <= last) if last is not None else ibis.literal(True)), word)
        for word, first, last in age_words(bands)
    ]
    aged = dated.mutate(age_bucket=ibis.cases(*buckets, else_=NOT_DUE))
    return aged.select(*AGE_COLUMNS, "posted_on", "month", "treatment")


def dunning_by_shipment(receivables: ir.Table, orders: ir.Table, *, as_of: date) -> ir.Table:
    """催缴单 per shipment (S2-DUN-01): every unsettled item of each shipment that has something overdue.

    ``receivables``: of ``freight_receivables``; ``orders``: order_no, bl_no, settlement_mode. A row an item, with
    bl_no, settlement_mode, overdue_cny and unsettled_cny of its shipment.
    """
    open_items = receivables.filter(receivables.open_cny != 0)
    late = open_items.due_on < ibis.literal(as_of)
    shipment = ibis.window(group_by="order_no")
    summed = open_items.mutate(
        overdue_cny=late.ifelse(open_items.open_cny, 0).cast(MONEY).sum().over(shipment).cast(MONEY),
        unsettled_cny=open_items.open_cny.sum().over(shipment).cast(MONEY),
    )
    named = summed.filter(summed.overdue_cny > 0).left_join(
        orders.select("order_no", "bl_no", "settlement_mode"), "order_no", rname="o_{name}"
    )
    return named.drop("o_order_no").order_by("principal_id", "order_no", "fee_month", "charge_code", "line_key")


def dunning_by_client(receivables: ir.Table, *, as_of: date) -> ir.Table:
    """催缴单 per client: principal_id, age_bucket, items, open_cny; and overdue_cny of the client. Clients overdue only."""
    open_items = receivables.filter(receivables.open_cny != 0)
    late = open_items.due_on < ibis.literal(as_of)
    aged = open_items.mutate(_late=late.ifelse(open_items.open_cny, 0).cast(MONEY))
    bands = aged.group_by("principal_id", "age_bucket").agg(
        items=aged.count(), open_cny=aged.open_cny.sum().cast(MONEY), _late=aged._late.sum().cast(MONEY)
    )
    client = ibis.window(group_by="principal_id")
    summed = bands.mutate(overdue_cny=bands._late.sum().over(client).cast(MONEY)).drop("_late")
    return summed.filter(summed.overdue_cny > 0).order_by("principal_id", "age_bucket")


def monthly_items(items: ir.Table, orders: ir.Table, principals: ir.Table) -> ir.Table:
    """The items of monthly orders; those of an order older than the books (期初) where their client settles monthly."""
    monthly = orders.filter(orders.settlement_mode == MONTHLY)
    of_orders = items.semi_join(monthly.select("order_no"), "order_no")
    older = items.anti_join(orders.select("order_no"), "order_no")
    clients = principals.filter(principals.settlement_mode == MONTHLY).select("principal_id").distinct()
    return of_orders.union(older.semi_join(clients, "principal_id"))


def month_overdue(receivables: ir.Table, orders: ir.Table, principals: ir.Table, *, as_of: date) -> ir.Table:
    """Overdue months of monthly clients (LOG-CR-01): principal_id, fee_month, due_on, charged_cny, open_cny.

    A month's fees that are not collected in full by the 10th (C-18): due_on before ``as_of``.
    """
    of_month = monthly_items(receivables, orders, principals)
    of_month = of_month.filter(of_month.due_on < ibis.literal(as_of))
    summed = of_month.group_by("principal_id", "fee_month", "due_on").agg(
        charged_cny=of_month.receivable_cny.sum().cast(MONEY), open_cny=of_month.open_cny.sum().cast(MONEY)
    )
    return summed.filter(summed.open_cny > 0)


@rule("LOG-CR-01", inputs=("freight_receivables", "orders.settlement_mode"), codes=("CR_MONTH_OVERDUE",))
def month_overdue_found(overdue: ir.Table) -> ir.Table:
    """CR_MONTH_OVERDUE, one a client and month of fees; ``overdue``: of ``month_overdue``.

    Formula: open > 0 after the due day. Units: CNY. Rounding: none. Errors: none. Source: S0 l.875; C-18.
    """
    return found(
        overdue,
        code="CR_MONTH_OVERDUE",
        subject=lambda t: subject_of(t.principal_id, t.fee_month, t.due_on),
        message=lambda t: sentence(
            "委托方 ", t.principal_id, " ", t.fee_month, " 月物流费 ", t.charged_cny, " 元，应于 ", t.due_on,
            " 前收齐，未收 ", t.open_cny, " 元。",
        ),
        amount_at_risk_cny=lambda t: t.open_cny,
        arisen_on=lambda t: t.due_on,
        rule_id="LOG-CR-01",
    )  # fmt: skip


@rule("LOG-RCV-01", inputs=("receipt_allocations", "freight_charges"), codes=("AR_NOT_WRITTEN_OFF",))
def not_written_off(receivables: ir.Table, settling: ir.Table, charges: ir.Table) -> ir.Table:
    """AR_NOT_WRITTEN_OFF: freight money on an order that does not settle its items one by one.

    Either items billed by the day of the last receipt are still open (the receipt was short), or money is left
    over that no item takes: because there is none yet, or because an item's receivable is not known.
    ``settling``: of ``freight_money``. Formula: received − written off > 0, or open items up to the last receipt.
    Units: CNY. Rounding: none. Errors: none. Source: S0 l.875.
    """
    billed = settling.filter(settling.treatment == "另收")
    received = billed.group_by("order_no").agg(
        received_cny=billed.amount_cny.sum().cast(MONEY), last_on=billed.booked_on.max()
    )
    received = received.filter(received.received_cny > 0)
    items = receivables.filter(receivables.treatment == "另收")
    joined = received.left_join(items, "order_no", rname="i_{name}")
    is_open = (joined.open_cny > 0) & (joined.posted_on <= joined.last_on)
    summed = joined.group_by("order_no", "received_cny", "last_on").agg(
        settled_cny=ibis.coalesce(joined.settled_cny.sum(), 0).cast(MONEY),
        open_items=is_open.sum(),
        open_cny=ibis.coalesce(joined.open_cny.sum(where=is_open), 0).cast(MONEY),
    )
    unknown = charges.filter(charges.order_no.notnull() & charges.receivable_cny.isnull())
    unknown = unknown.group_by("order_no").agg(unknown=unknown.count())
    owners = (
        charges.filter(charges.order_no.notnull()).group_by("order_no").agg(principal_id=charges.principal_id.min())
    )
    told = summed.left_join(unknown, "order_no", rname="u_{name}").left_join(owners, "order_no", rname="w_{name}")
    told = told.mutate(
        left_cny=(told.received_cny - told.settled_cny).cast(MONEY),
        open_items=ibis.coalesce(told.open_items, 0),
        unknown=ibis.coalesce(told.unknown, 0),
    )
    return found(
        told.filter((told.left_cny > 0) | (told.open_items > 0)),
        code="AR_NOT_WRITTEN_OFF",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 收物流费 ", t.received_cny, " 元，已销账 ", t.settled_cny, " 元，余 ", t.left_cny,
            " 元未用；仍有 ", t.open_items, " 项共 ", t.open_cny, " 元未销账，另有 ", t.unknown, " 项应收未定。",
        ),
        amount_at_risk_cny=lambda t: ibis.greatest(t.left_cny, t.open_cny),
        arisen_on=lambda t: t.last_on,
        rule_id="LOG-RCV-01",
    )  # fmt: skip


@rule("LOG-CR-02", inputs=("receipt_allocations", "credit_positions"), codes=("CR_NOT_RELEASED",))
def credit_not_released(allocations: ir.Table, positions: ir.Table) -> ir.Table:
    """CR_NOT_RELEASED: a client's freight money lies on account while its credit stays used.

    ``allocations``: all receipt_allocations so far; ``positions``: principal_id, exposure. Only write-off frees
    credit, on-account money never does (C-20). Formula: on account > 0 and exposure > 0. Units: CNY.
    Rounding: none. Errors: none. Source: S0 l.875; decision C-20.
    """
    loose = allocations.filter(
        allocations.order_no.isnull() & (allocations.purpose == FREIGHT_ACCOUNT) & allocations.principal_id.notnull()
    )
    held = loose.group_by("principal_id").agg(
        on_account_cny=loose.amount_cny.sum().cast(MONEY), last_on=loose.booked_on.max()
    )
    used = held.filter(held.on_account_cny > 0).join(positions.select("principal_id", "exposure"), "principal_id")
    return found(
        used.filter(used.exposure > 0),
        code="CR_NOT_RELEASED",
        subject=lambda t: subject_of(t.principal_id),
        message=lambda t: sentence(
            "委托方 ", t.principal_id, " ", t.last_on, " 止有物流费 ", t.on_account_cny,
            " 元在账上未销账，信用仍占用 ", t.exposure, " 元。请认领到订单逐项销账，释放额度。",
        ),
        amount_at_risk_cny=lambda t: ibis.least(t.on_account_cny, t.exposure),
        arisen_on=lambda t: t.last_on,
        rule_id="LOG-CR-02",
    )  # fmt: skip


@rule("LOG-AR-01", inputs=("freight.confirmed_on", "events"), codes=("DL_AR_STATEMENT_LATE",))
def statements_late(
    charges: ir.Table, events: ir.Table, working_days: ir.Table, *, days: int
) -> tuple[ir.Table, ir.Table]:
    """DL_AR_STATEMENT_LATE and its rule_coverage: the statement follows within ``days`` working days of the costs.

    For each order and day of cost confirmation the first event LOG-AR-01 on or after it counts; without one there
    is neither pass nor breach. Formula: due_on = ``days``-th working day after confirmed_on (C-14).
    Units: working days. Rounding: none. Errors: none; a due day outside the calendar counts as not checkable.
    Source: S0 l.738.
    """
    confirmed = charges.filter(charges.order_no.notnull() & charges.confirmed_on.notnull())
    batches = confirmed.group_by("order_no", "principal_id", "confirmed_on").agg(
        billed_cny=ibis.coalesce(confirmed.receivable_cny.sum(), 0).cast(MONEY)
    )
    due = deadlines.due_on(batches, "confirmed_on", days, working_days, name="statement_due_on")
    sent = events.filter((events.event == "LOG-AR-01") & events.order_no.notnull())
    sent = sent.select(sent_order="order_no", sent_on=sent.happened_at.date())
    joined = due.left_join(sent, [due.order_no == sent.sent_order, sent.sent_on >= due.confirmed_on])
    first = joined.group_by("order_no", "principal_id", "confirmed_on", "billed_cny", "statement_due_on").agg(
        sent_on=joined.sent_on.min()
    )
    judged = first.mutate(
        is_checked=first.sent_on.notnull() & first.statement_due_on.notnull(),
        is_late=ibis.coalesce(first.sent_on > first.statement_due_on, False),
    )
    rows = found(
        judged.filter(judged.is_late),
        code="DL_AR_STATEMENT_LATE",
        subject=lambda t: subject_of(t.order_no, t.confirmed_on),
        message=lambda t: sentence(
            "订单 ", t.order_no, " ", t.confirmed_on, " 成本确认，应于 ", t.statement_due_on, " 前发应收对账单，实际 ",
            t.sent_on, " 发出，应收 ", t.billed_cny, " 元。",
        ),
        amount_at_risk_cny=lambda t: t.billed_cny,
        arisen_on=lambda t: t.statement_due_on,
        rule_id="LOG-AR-01",
    )  # fmt: skip
    coverage = judged.aggregate(
        rule_id=ibis.literal("LOG-AR-01"),
        checked=ibis.coalesce(judged.is_checked.sum(), 0).cast("int64"),
        failed=ibis.coalesce((judged.is_checked & judged.is_late).sum(), 0).cast("int64"),
        not_checkable=ibis.coalesce((~judged.is_checked).sum(), 0).cast("int64"),
    )
    return rows, coverage
