"""Deadlines (期限): what somebody had to do by when, held against the events that say when it was done.

EXP-RCV-03, EXP-DOC-01, EXP-REF-01, EXP-REF-04, EXP-REF-06, IMP-BAL-02, EXP-BAL-03, IMP-FXP-05, IMP-FXP-06,
EXP-PAY-03, EXP-PAY-04, EXP-REF-07; C-14..C-17. An event that is not recorded is neither pass nor breach: it is
counted as not checkable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

import ibis
import ibis.expr.types as ir

from settlement.rules import deadlines, money
from settlement.rules.exceptions import found, sentence, subject_of

COVERAGE = ibis.schema({"rule_id": "string", "checked": "int64", "failed": "int64", "not_checkable": "int64"})


@dataclass(frozen=True)
class Deadline:
    """One deadline: what must be done within ``days`` working days of ``starts``, and the event that proves it.

    ``starts``: order_no, principal_id, started_on; where known also at_risk (CNY) and ref (the receipt an event may name).
    ``is_each``: every start wants an event of its own, on its day or later; else the order's first event will do.
    ``is_known``: what is not recorded is not done, for the program's own books tell (applications, claims).
    """

    rule_id: str
    code: str
    days: int
    starts: ir.Table
    said: str
    is_each: bool = False
    is_known: bool = False


def coverage(rule_id: str, checked: ir.Table, failed: ir.Table, missing: ir.Table) -> ir.Table:
    """One row of rule_coverage from three relations whose rows are the cases."""
    counts = checked.aggregate(checked=lambda t: t.count())
    return counts.mutate(
        rule_id=ibis.literal(rule_id),
        checked=counts.checked.cast("int64"),
        failed=failed.count().as_scalar().cast("int64"),
        not_checkable=missing.count().as_scalar().cast("int64"),
    ).select(*COVERAGE)


def judged_deadlines(wanted: list[Deadline], events: ir.Table, working_days: ir.Table, as_of: date) -> ir.Table:
    """Every start of every deadline with its day and what was done: order_no, principal_id, started_on, at_risk, ref,
    rule_id, code, said, is_each, is_known, due_on, done_on, is_recorded (the home records such events at all).

    ``events``: event, order_no, ref_no, happened_at. due_on is NULL where the calendar ends.
    """
    starts = ibis.union(*[_shaped(deadline) for deadline in wanted])
    due = deadlines.due_on(starts, "started_on", "days", working_days)
    today = ibis.literal(as_of)
    rules = [deadline.rule_id for deadline in wanted]
    told = events.filter(events.event.isin(rules) & events.happened_at.notnull())
    happened = told.filter(told.order_no.notnull()).select(
        "event", "ref_no", _order="order_no", _done=told.happened_at.date()
    )
    # An event later than the day we look from has not happened yet.
    happened = happened.filter(happened._done <= today)
    names_another = ibis.coalesce(happened.ref_no != due.ref.upper(), False)
    is_its_own = ~due.is_each | ((happened._done >= due.started_on) & ~names_another)
    joined = due.left_join(happened, [due.rule_id == happened.event, due.order_no == happened._order, is_its_own])
    key = list(due.columns)
    first = joined.group_by(key).agg(done_on=joined._done.min())
    recorded = told.select(_recorded="event").distinct()
    known = first.left_join(recorded, first.rule_id == recorded._recorded)
    return known.mutate(is_recorded=known._recorded.notnull()).drop("_recorded")


def _shaped(deadline: Deadline) -> ir.Table:
    starts = deadline.starts
    return starts.select(
        "order_no",
        "principal_id",
        started_on=starts.started_on.cast("date"),
        at_risk=(starts.at_risk if "at_risk" in starts.columns else ibis.null(money.MONEY)).cast(money.MONEY),
        has_money=ibis.literal("at_risk" in starts.columns),
        ref=starts.ref if "ref" in starts.columns else ibis.null("string"),
        days=ibis.literal(deadline.days, "int64"),
        **{name: ibis.literal(getattr(deadline, name)) for name in ("rule_id", "code", "said", "is_each", "is_known")},
    )


def deadlines_found(judged: ir.Table, as_of: date) -> ir.Table:
    """``FOUND`` of ``judged_deadlines``; arisen_on is the deadline's day.

    Late is what was done after its day. What is not recorded is neither pass nor breach, with two exceptions: on its very
    day (``as_of``) it is a reminder, where the home records such events at all; and what the books themselves tell
    (``is_known``) is overdue when it is not there.
    """
    today = ibis.literal(as_of)
    done = judged.done_on.notnull()
    is_late = ibis.coalesce(judged.done_on > judged.due_on, False)
    is_open = ~done & ibis.cases(
        (judged.is_known, judged.due_on <= today), else_=judged.is_recorded & (judged.due_on == today)
    )
    is_open = ibis.coalesce(is_open, False)
    return found(
        judged.filter(is_late | is_open),
        code=lambda t: t.code,
        subject=lambda t: t.is_each.ifelse(subject_of(t.order_no, t.started_on, t.ref), subject_of(t.order_no)),
        message=lambda t: sentence(
            "订单 ", t.order_no, "：", t.started_on, " 起算，应于 ", t.due_on, " 或之前", t.said,
            ibis.coalesce("（金额 " + t.at_risk.cast("string") + " 元）", ""), "，",
            ibis.cases((t.done_on.notnull(), sentence("实际 ", t.done_on)), (t.due_on == today, ibis.literal("今日到期，尚无记录")), else_=ibis.literal("至今没有")),
            "。",
        ),
        arisen_on=lambda t: t.due_on,
        amount_at_risk_cny=lambda t: t.has_money.ifelse(t.at_risk, money.decimal_literal(0)),
        rule_id=lambda t: t.rule_id,
    )  # fmt: skip


def calendar_ends(judged: ir.Table, working_days: ir.Table) -> ir.Table:
    """CALENDAR_NOT_COVERED (CAL-03): deadlines of ``judged_deadlines`` whose day lies beyond the working calendar, one in all."""
    beyond = deadlines.not_covered(judged, "started_on")
    counted = beyond.aggregate(
        _rows=beyond.count(),
        _first=beyond.started_on.min(),
        _orders=beyond.order_no.nunique(),
        amount_at_risk_cny=beyond.at_risk.sum(),
    )
    last = working_days.aggregate(_last=working_days.day.max())
    needed = counted.filter(counted._rows > 0).cross_join(last)
    return found(
        needed,
        code="CALENDAR_NOT_COVERED",
        subject=lambda t: subject_of("calendar", "deadlines", t._last),
        message=lambda t: sentence(
            "工作日历只到 ", t._last, "，", t._orders, " 个订单共 ", t._rows, " 项期限（最早自 ", t._first,
            " 起算）无法计算，不作推测。请提供后续年度的日历文件 calendar。",
        ),
        amount_at_risk_cny=lambda t: t.amount_at_risk_cny,
        rule_id="CAL-03",
    )  # fmt: skip


def deadlines_counted(judged: ir.Table, as_of: date) -> ir.Table:
    """rule_coverage of ``judged_deadlines``."""
    overdue = judged.is_known & judged.done_on.isnull() & (judged.due_on < ibis.literal(as_of))
    overdue = ibis.coalesce(overdue, False)
    is_checked = (judged.done_on.notnull() & judged.due_on.notnull()) | overdue
    marked = judged.mutate(_checked=is_checked, _failed=overdue | ibis.coalesce(judged.done_on > judged.due_on, False))
    return marked.group_by("rule_id").agg(
        checked=marked._checked.sum().cast("int64"),
        failed=marked._failed.sum().cast("int64"),
        not_checkable=(~marked._checked).sum().cast("int64"),
    )


def unclaimed_refunds(waiting: ir.Table, working_days: ir.Table, days: int, as_of: date) -> tuple[ir.Table, ir.Table]:
    """DL_REFUND_CLAIM_LATE (EXP-REF-04): refund money that stands on no order when its days are over; due today a reminder.

    ``waiting``: credits of the tax bureau with money that is not placed (amount, CNY; booked_on).
    """
    due = deadlines.due_on(waiting, "booked_on", days, working_days)
    today = ibis.literal(as_of)
    open_ = due.filter(ibis.coalesce(due.due_on <= today, False))
    rows = found(
        open_,
        code="DL_REFUND_CLAIM_LATE",
        subject=lambda t: subject_of(t.txn_id),
        message=lambda t: sentence(
            t.booked_on,
            " ",
            t.counterparty_name,
            " 退税款 ",
            t.amount,
            " 元到账，应于 ",
            t.due_on,
            " 或之前认领到委托方，尚未认领。",
        ),
        amount_at_risk_cny=lambda t: t.amount,
        arisen_on=lambda t: t.due_on,
        rule_id="EXP-REF-04",
    )
    overdue = due.filter(due.due_on < today)
    return rows, coverage("EXP-REF-04", overdue, overdue, due.filter(ibis.coalesce(due.due_on >= today, True)))


_CUTOFF_RULES = {"购汇付款": "IMP-FXP-05", "退税款": "EXP-REF-07"}


def cutoffs(requests: ir.Table, cutoff: time, working_days: ir.Table, as_of: date) -> tuple[ir.Table, ir.Table]:
    """DL_CUTOFF_MISSED: submitted after the cut-off of the day of notice, or of the next working day (C-15).

    ``requests``: payment applications with notified_at and submitted_at (Asia/Shanghai wall clock). An application of which
    only the notice is recorded is a reminder on its day, and not checkable after it.
    """
    known = requests.mutate(_rule=requests.kind.cases(*_CUTOFF_RULES.items(), else_="EXP-PAY-03"))
    timed = deadlines.cutoff_due_column(known, "notified_at", cutoff, working_days)
    proved = timed.filter(timed.submitted_at.notnull() & timed.cutoff_due_at.notnull())
    late = proved.filter(proved.submitted_at > proved.cutoff_due_at)
    missing = timed.filter(timed.submitted_at.isnull() | timed.notified_at.isnull())
    today = missing.filter(
        ibis.coalesce(missing.cutoff_due_at.date() == ibis.literal(as_of), False)
        & missing.submitted_at.isnull()
        & missing.paid_on.isnull()
    )
    rows = found(
        late.union(today),
        code="DL_CUTOFF_MISSED",
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "（", t.currency, " ", t.amount, "）：客户 ", t.notified_at.strftime("%Y-%m-%d %H:%M:%S"), " 通知，应于 ",
            t.cutoff_due_at.strftime("%Y-%m-%d %H:%M"), " 前提交，",
            ibis.coalesce("实际 " + t.submitted_at.strftime("%Y-%m-%d %H:%M:%S") + " 提交", "今日截止，尚未提交"), "。",
        ),
        arisen_on=lambda t: t.cutoff_due_at.date(),
        amount_at_risk_cny=in_cny,
        rule_id=lambda t: t._rule,
    )  # fmt: skip
    counted = []
    for rule_id in (*_CUTOFF_RULES.values(), "EXP-PAY-03"):
        mine = [rows_.filter(rows_._rule == rule_id) for rows_ in (proved, late, missing)]
        counted.append(coverage(rule_id, *mine))
    return rows, ibis.union(*counted)


def in_cny(requests: ir.Table) -> ir.DecimalValue:
    """An application's amount in CNY: at the slip's rate (付汇汇率, per 100) where it is foreign; NULL without one."""
    priced = money.multiply(requests.amount, money.divide_half_up(requests.fx_rate, 100, 8))
    return ibis.cases((requests.currency == "CNY", requests.amount), else_=priced).cast(money.MONEY)


def payment_status(requests: ir.Table, events: ir.Table, end_of_day: time, as_of: date) -> tuple[ir.Table, ir.Table]:
    """DL_PAY_STATUS_LATE (EXP-PAY-04, C-16): the status is confirmed before the end of the submission day.

    One not recorded yet is a reminder on that day, where the home records such events at all.
    """
    told = (
        events.filter((events.event == "EXP-PAY-04") & events.ref_no.notnull())
        .group_by("ref_no")
        .agg(confirmed_at=events.happened_at.min())
    )
    joined = requests.filter(requests.submitted_at.notnull() & (requests.kind != "购汇付款")).left_join(
        told, requests.request_no == told.ref_no
    )
    limit = joined.submitted_at.truncate("D") + ibis.interval(seconds=end_of_day.hour * 3600 + end_of_day.minute * 60)
    timed = joined.mutate(_limit=limit)
    proved = timed.filter(timed.confirmed_at.notnull())
    late = proved.filter(proved.confirmed_at > proved._limit)
    missing = timed.filter(timed.confirmed_at.isnull())
    today = missing.filter((missing._limit.date() == ibis.literal(as_of)) & (told.count().as_scalar() > 0))
    rows = found(
        late.union(today),
        code="DL_PAY_STATUS_LATE",
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "（", t.currency, " ", t.amount, "）：", t.submitted_at.strftime("%Y-%m-%d %H:%M"), " 提交，应于当日 ",
            t._limit.strftime("%H:%M"), " 前确认付款状态，",
            ibis.coalesce("实际 " + t.confirmed_at.strftime("%Y-%m-%d %H:%M"), "尚无记录"), "。",
        ),
        arisen_on=lambda t: t._limit.date(),
        amount_at_risk_cny=in_cny,
        rule_id="EXP-PAY-04",
    )  # fmt: skip
    return rows, coverage("EXP-PAY-04", proved, late, missing)


def follow_ups(
    requests: ir.Table, events: ir.Table, working_days: ir.Table, first: time, second: time
) -> tuple[ir.Table, ir.Table]:
    """DL_FOLLOWUP_MISSED (IMP-FXP-06): on the working day after submission once before 13:30 and once before 16:30.

    Checkable where the request has any follow-up recorded; the second must come after the first limit.
    """
    abroad = requests.filter((requests.kind == "购汇付款") & requests.submitted_at.notnull())
    dated = deadlines.due_on(abroad.mutate(_on=abroad.submitted_at.date()), "_on", 1, working_days, name="_next")
    seen = events.filter((events.event == "IMP-FXP-06") & events.ref_no.notnull()).select(
        _request="ref_no", _at="happened_at"
    )

    def at(limit: time) -> ir.TimestampValue:
        return dated._next.cast("timestamp") + ibis.interval(seconds=limit.hour * 3600 + limit.minute * 60)

    timed = dated.mutate(_first=at(first), _second=at(second))
    joined = timed.left_join(seen, timed.request_no == seen._request)
    named = ["request_no", "order_no", "principal_id", "currency", "amount", "fx_rate", "source_file", "source_row"]
    summed = joined.group_by(*named, "_first", "_second").agg(
        _any=joined._at.count(),
        _early=(joined._at.notnull() & (joined._at.date() == joined._next) & (joined._at <= joined._first)).sum(),
        _late=(joined._at.notnull() & (joined._at > joined._first) & (joined._at <= joined._second)).sum(),
    )
    proved = summed.filter(summed._any > 0)
    missed = proved.filter((proved._early == 0) | (proved._late == 0))
    rows = found(
        missed,
        code="DL_FOLLOWUP_MISSED",
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "：应于 ", t._first.strftime("%Y-%m-%d %H:%M"), " 前和 ", t._second.strftime("%H:%M"),
            " 前各跟进一次，记录到 ", t._early, " 次和 ", t._late, " 次。",
        ),
        arisen_on=lambda t: t._second.date(),
        amount_at_risk_cny=in_cny,
        rule_id="IMP-FXP-06",
    )  # fmt: skip
    return rows, coverage("IMP-FXP-06", proved, missed, summed.filter(summed._any == 0))


def client_top_ups(
    balances: ir.Table, events: ir.Table, working_days: ir.Table, days: int, as_of: date
) -> tuple[ir.Table, ir.Table]:
    """BAL_CLIENT_OVERDUE (IMP-BAL-02, EXP-BAL-03): the client was told of its debt and has not paid in time.

    ``balances``: order_balances as they stand. The notice is an event IMP-BAL-02 or EXP-BAL-03 of the order.
    """
    owing = balances.filter((balances.balance_cny < 0) & balances.kind.isin(["export", "import"]))
    told = events.filter(events.event.isin(["IMP-BAL-02", "EXP-BAL-03"]) & events.order_no.notnull())
    notices = told.group_by("order_no").agg(started_on=told.happened_at.max().date())
    joined = owing.left_join(notices, "order_no", rname="told_{name}")
    due = deadlines.due_on(joined.filter(joined.started_on.notnull()), "started_on", days, working_days)
    # The last day is still in time (C-17).
    late = due.filter(due.due_on < ibis.literal(as_of))
    missing = joined.filter(joined.started_on.isnull())
    rows = found(
        late,
        code="BAL_CLIENT_OVERDUE",
        subject=lambda t: subject_of(t.order_no, t.kind),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            "：",
            t.started_on,
            " 通知委托方补款 ",
            -t.balance_cny,
            " 元，应于 ",
            t.due_on,
            " 或之前到账，尚未到。",
        ),
        amount_at_risk_cny=lambda t: -t.balance_cny,
        arisen_on=lambda t: t.due_on,
        rule_id=lambda t: t.kind.cases(("export", "EXP-BAL-03"), else_="IMP-BAL-02"),
    )
    counted = []
    for rule_id, kind in (("IMP-BAL-02", "import"), ("EXP-BAL-03", "export")):
        counted.append(coverage(rule_id, *[part.filter(part.kind == kind) for part in (due, late, missing)]))
    return rows, ibis.union(*counted)
