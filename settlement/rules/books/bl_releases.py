"""Bill of lading releases (放单): may an order's B/L go out, against payment or within the client's credit.

LOG-BLR-01, LOG-BLR-02, C-20, C-21, C-22. Releases that happened are tested as of their day, in order of date and
order number; orders not yet released as of the month's end, so that operations sees which may go.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import credit, money
from settlement.rules.books.credit_exposure import limits_on, running, standing
from settlement.rules.exceptions import exception_id, found, sentence, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

NIL = money.decimal_literal(0)
UNKNOWN = "CR_EXPOSURE_UNKNOWN"
CODES = ("BL_RELEASE_UNPAID", "CR_NO_AGREEMENT", "CR_LIMIT_EXCEEDED", "CR_MONTH_OVERDUE")

COLUMNS = (
    "order_no", "principal_id", "bl_no", "settlement_mode", "due_cny", "received_cny", "exposure_before",
    "exposure_after", "credit_limit", "released_on", "allowed", "reason",
)  # fmt: skip


def _due(shipped: ir.Table, charges: ir.Table, expected: ir.Table) -> ir.Table:
    """Shipments with ``due_cny``: all freight of the order known in the month of its test, else what is expected."""
    billed = charges.filter(charges.order_no.notnull()).join(
        shipped.select("order_no", "released_month"), "order_no", rname="s_{name}"
    )
    billed = billed.filter(billed.month <= billed.released_month)
    summed = billed.group_by("order_no").agg(
        _billed=billed.receivable_cny.sum().cast(MONEY), _untold=billed.receivable_cny.isnull().any()
    )
    waiting = expected.select("order_no", "expected_cny", is_expected=ibis.literal(True))
    joined = shipped.left_join(summed, "order_no", rname="b_{name}").left_join(waiting, "order_no", rname="w_{name}")
    is_expected = ibis.coalesce(joined.is_expected, False)
    told = (
        (ibis.coalesce(joined._untold, False)).ifelse(ibis.null(MONEY), ibis.coalesce(joined._billed, NIL)).cast(MONEY)
    )
    return joined.mutate(
        due_cny=is_expected.ifelse(joined.expected_cny, told).cast(MONEY), is_expected=is_expected
    ).drop("_billed", "_untold", "expected_cny", "b_order_no", "w_order_no")


def _received(shipped: ir.Table, settling: ir.Table, written: ir.Table, items: ir.Table) -> ir.Table:
    """Shipments with ``received_cny`` by the day of the test: freight money, and netted freight that goods money covered."""
    days = shipped.select("order_no", "tested_on")
    cash = settling.filter(settling.treatment == "另收").join(days, "order_no", rname="d_{name}")
    cash = cash.filter(cash.booked_on <= cash.tested_on).select("order_no", "amount_cny")
    netted = items.filter(items.treatment == "抵扣").select("line_key")
    covered = written.semi_join(netted, "line_key").join(days, "order_no", rname="d_{name}")
    covered = covered.filter(covered.booked_on <= covered.tested_on).select("order_no", "amount_cny")
    both = cash.union(covered)
    summed = both.group_by("order_no").agg(_received=both.amount_cny.sum().cast(MONEY))
    joined = shipped.left_join(summed, "order_no", rname="r_{name}")
    return joined.mutate(received_cny=ibis.coalesce(joined._received, NIL).cast(MONEY)).drop("_received", "r_order_no")


def _of_released(shipped: ir.Table, exposure: ir.Table, overdue: ir.Table) -> ir.Table:
    released = shipped.filter(shipped.is_released).mutate(on=shipped.tested_on)
    return running(overdue, running(exposure, released, "exposure"), "overdue")


def _of_pending(
    shipped: ir.Table,
    exposure: ir.Table,
    overdue: ir.Table,
    items: ir.Table,
    written: ir.Table,
    month_end: ir.DateValue,
) -> ir.Table:
    """Orders not released yet: the client's exposure at the month's end, and their own unsettled freight."""
    pending = shipped.filter(~shipped.is_released).mutate(on=shipped.tested_on)
    now = standing(exposure, month_end)
    late = standing(overdue, month_end).select("principal_id", overdue_before="amount_cny")
    paid = written.group_by("order_no").agg(_paid=written.amount_cny.sum().cast(MONEY))
    joined = pending.left_join(now, "principal_id", rname="n_{name}").left_join(late, "principal_id", rname="l_{name}")
    joined = joined.left_join(paid, "order_no", rname="p_{name}")
    own = (joined.due_cny - ibis.coalesce(joined._paid, NIL)).cast(MONEY)
    return joined.mutate(
        exposure_before=ibis.coalesce(joined.amount_cny, NIL).cast(MONEY),
        exposure_own=own,
        exposure_unknown=(ibis.coalesce(joined.unknown, 0) + joined.due_cny.isnull().cast("int64")).cast("int64"),
        overdue_before=ibis.coalesce(joined.overdue_before, NIL).cast(MONEY),
    )


def _judged(tested: ir.Table) -> ir.Table:
    """``reason_code`` of each test: '' where the B/L may go."""
    unknown = ibis.coalesce(tested.exposure_unknown, 0) > 0
    after = credit.exposure_after(tested.exposure_before, tested.exposure_own)
    sized = tested.mutate(exposure_after=unknown.ifelse(ibis.null(MONEY), after).cast(MONEY))
    code = credit.release_reason(
        sized.due_cny,
        sized.received_cny,
        sized.settlement_mode == "月结",
        sized.has_agreement,
        sized.credit_limit,
        sized.exposure_after,
        sized.overdue_before,
    )
    is_blind = (code == "CR_LIMIT_EXCEEDED") & unknown & sized.credit_limit.notnull()
    return sized.mutate(reason_code=is_blind.ifelse(UNKNOWN, code))


_TESTED = (
    "order_no", "principal_id", "bl_no", "settlement_mode", "due_cny", "received_cny", "is_expected", "is_released",
    "released_on", "released_month", "tested_on", "on", "expects_freight", "exposure_before", "exposure_own",
    "exposure_unknown", "overdue_before",
)  # fmt: skip


@rule(
    "LOG-BLR-01", "LOG-BLR-02", "S2-BLR-01", "C-20", "C-21", "C-22",
    inputs=("orders.bl_released_on", "orders.bl_no", "freight_charges", "receipt_allocations", "principals", "credit_limits", "approvals"),
    codes=CODES,
)  # fmt: skip
def release_tests(
    shipped: ir.Table,
    charges: ir.Table,
    items: ir.Table,
    settling: ir.Table,
    written: ir.Table,
    expected: ir.Table,
    exposure: ir.Table,
    overdue: ir.Table,
    principals: ir.Table,
    credit_limits: ir.Table,
    approved: ir.Table,
    month_end: ir.DateValue,
) -> ir.Table:
    """Every shipment with its release test: the columns of ``bl_releases`` and what its exceptions need.

    ``shipped``, ``expected``, ``exposure``, ``overdue``: of credit_exposure; ``items``, ``settling``, ``written``: of
    freight_write_off; ``approved``: exception_id of approvals in force (特批: the subject is the order). Paid in full
    by the day → allowed; else a monthly client with agreement, nothing overdue, and exposure_after ≤ limit.
    Orders not released yet that would pass alone are tested again one after the other, by order number, so that
    all that are allowed together stay within the limit. Formula: ``credit.release_reason``. Units: CNY.
    Rounding: none. Errors: none. Source: S0 l.875; S2 l.66-68; decisions C-20..C-22.
    """
    due = _received(_due(shipped, charges, expected), settling, written, items)
    tested = _of_released(due, exposure, overdue).select(*_TESTED)
    waiting = _of_pending(due, exposure, overdue, items, written, month_end).select(*_TESTED)
    judged = _judged(limits_on(tested, principals, credit_limits))
    alone = _judged(limits_on(waiting, principals, credit_limits))
    # Those paid in full use no credit; those that fail alone do not take it from others.
    uses = (alone.reason_code == "") & (alone.received_cny < alone.due_cny)
    taken = alone.mutate(_takes=ibis.coalesce(uses.ifelse(alone.exposure_own, NIL), NIL).cast(MONEY))
    before = ibis.window(group_by="principal_id", order_by="order_no", preceding=(None, 1))
    stepped = taken.mutate(_taken=ibis.coalesce(taken._takes.sum().over(before), NIL).cast(MONEY))
    stepped = stepped.mutate(exposure_before=(stepped.exposure_before + stepped._taken).cast(MONEY))
    together = _judged(stepped.drop("_takes", "_taken", "exposure_after", "reason_code"))
    whole = judged.union(together.select(*judged.columns))
    whole = whole.mutate(exception_id=exception_id(whole.reason_code, whole.order_no))
    granted = approved.select("exception_id", _granted=ibis.literal(True)).distinct()
    joined = whole.left_join(granted, "exception_id", rname="g_{name}")
    is_granted = ibis.coalesce(joined._granted, False) & (joined.reason_code != "")
    return _worded(joined.mutate(is_granted=is_granted, allowed=(joined.reason_code == "") | is_granted)).drop(
        "_granted", "g_exception_id", "exception_id"
    )


def _worded(tests: ir.Table) -> ir.Table:
    short = (tests.due_cny - tests.received_cny).cast(MONEY)
    over = credit.excess(tests.credit_limit, tests.exposure_after)
    why = ibis.cases(
        (
            (tests.reason_code == "") & (tests.received_cny >= tests.due_cny),
            sentence("收齐：应收 ", tests.due_cny, " 元，已收 ", tests.received_cny, " 元"),
        ),
        (
            tests.reason_code == "",
            sentence("月结额度内：占用 ", tests.exposure_after, " 元，额度 ", tests.credit_limit, " 元"),
        ),
        (
            (tests.reason_code == "BL_RELEASE_UNPAID") & tests.due_cny.isnull(),
            ibis.literal("BL_RELEASE_UNPAID 物流费应收未定，不能确认收齐"),
        ),
        (
            tests.reason_code == "BL_RELEASE_UNPAID",
            sentence(
                "BL_RELEASE_UNPAID 应收 ", tests.due_cny, " 元，已收 ", tests.received_cny, " 元，差 ", short, " 元"
            ),
        ),
        (tests.reason_code == "CR_NO_AGREEMENT", ibis.literal("CR_NO_AGREEMENT 委托方没有月结协议，须收齐后放单")),
        (
            tests.reason_code == "CR_MONTH_OVERDUE",
            sentence("CR_MONTH_OVERDUE 已有逾期月结物流费 ", tests.overdue_before, " 元"),
        ),
        (tests.reason_code == UNKNOWN, ibis.literal("CR_EXPOSURE_UNKNOWN 有已放单订单既无账单也无报价，占用无法确定")),
        (tests.credit_limit.isnull(), ibis.literal("CR_LIMIT_EXCEEDED 没有经风控批准的信用额度")),
        else_=sentence(
            "CR_LIMIT_EXCEEDED 放单后占用 ",
            tests.exposure_after,
            " 元，额度 ",
            tests.credit_limit,
            " 元，超 ",
            over,
            " 元",
        ),
    )
    return tests.mutate(reason=tests.is_granted.ifelse(sentence("特批：", why), why), short_cny=short, over_cny=over)


def bl_releases(tests: ir.Table) -> ir.Table:
    """The table ``bl_releases`` of the contract, a row a shipment; ``tests``: of ``release_tests``."""
    return tests.select(*COLUMNS)


@rule("LOG-BLR-01", "LOG-BLR-02", inputs=("bl_releases",), codes=CODES)
def releases_found(tests: ir.Table, receivables: ir.Table, *, month: str) -> ir.Table:
    """Releases that broke the rule, one exception an order: of this month, or earlier and still unpaid.

    ``tests``: of ``release_tests``; ``receivables``: of ``freight_receivables``. An order not released is no breach.
    Formula: reason_code of the test. Units: CNY. Rounding: none. Errors: none. Source: S0 l.875.
    """
    open_cny = receivables.group_by("order_no").agg(open_cny=receivables.open_cny.sum().cast(MONEY))
    broken = tests.filter(tests.is_released & tests.reason_code.isin(CODES))
    joined = broken.left_join(open_cny, "order_no", rname="o_{name}")
    live = joined.filter((joined.released_month == month) | (ibis.coalesce(joined.open_cny, NIL) > 0))
    at_risk = live.reason_code.cases(
        ("BL_RELEASE_UNPAID", live.short_cny),
        ("CR_LIMIT_EXCEEDED", ibis.coalesce(live.over_cny, live.exposure_own)),
        ("CR_MONTH_OVERDUE", live.overdue_before),
        else_=live.exposure_own,
    )
    live = live.mutate(_risk=at_risk.cast(MONEY))
    return found(
        live,
        code=lambda t: t.reason_code,
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 于 ", t.released_on, " 放单（", t.settlement_mode, "）：", t.reason, "。"
        ),
        amount_at_risk_cny=lambda t: t._risk,
        arisen_on=lambda t: t.released_on,
        rule_id=lambda t: (t.settlement_mode == "月结").ifelse("LOG-BLR-02", "LOG-BLR-01"),
    )


@rule("C-20", inputs=("orders.bl_released_on", "client_quotes"), codes=(UNKNOWN,))
def exposure_unknown_found(shipped: ir.Table, expected: ir.Table) -> ir.Table:
    """CR_EXPOSURE_UNKNOWN: a released order with neither a carrier's line yet nor a client quote that gives a figure.

    Formula: no line, no quote. Units: orders. Rounding: none. Errors: none. Source: decision C-20.
    """
    released = shipped.filter(shipped.is_released).select("order_no", "released_on", "bl_no")
    blind = expected.filter(expected.expected_cny.isnull() & expected.first_month.isnull())
    return found(
        blind.join(released, "order_no", rname="r_{name}"),
        code=UNKNOWN,
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, "（提单 ", t.bl_no, "）已于 ", t.released_on, " 放单，没有承运人账单，也没有可用的客户报价，信用占用无法确定。"
        ),
        arisen_on=lambda t: t.released_on,
        rule_id="C-20",
    )  # fmt: skip
