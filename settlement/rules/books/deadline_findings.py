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
    """One deadline: what must be done (``event``) within ``days`` working days of ``starts`` (order_no, started_on)."""

    rule_id: str
    code: str
    event: str
    days: int
    starts: ir.Table
    said: str


def coverage(rule_id: str, checked: ir.Table, failed: ir.Table, missing: ir.Table) -> ir.Table:
    """One row of rule_coverage from three relations whose rows are the cases."""
    counts = checked.aggregate(checked=lambda t: t.count())
    return counts.mutate(
        rule_id=ibis.literal(rule_id),
        checked=counts.checked.cast("int64"),
        failed=failed.count().as_scalar().cast("int64"),
        not_checkable=missing.count().as_scalar().cast("int64"),
    ).select(*COVERAGE)


def event_deadlines(
    wanted: list[Deadline], events: ir.Table, working_days: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """``FOUND`` rows and rule_coverage of deadlines that an event proves.

    The first event of the order counts; arisen_on is the deadline.
    """
    happened = events.filter(events.order_no.notnull()).group_by("event", "order_no").agg(
        done_on=events.happened_at.min().date()
    )
    findings, counted = [], []
    for deadline in wanted:
        due = deadlines.due_on(deadline.starts, "started_on", deadline.days, working_days)
        done = happened.filter(happened.event == deadline.event).select("order_no", "done_on")
        joined = due.left_join(done, "order_no", rname="done_{name}")
        proved = joined.filter(joined.done_on.notnull() & joined.due_on.notnull())
        late = proved.filter(proved.done_on > proved.due_on)
        findings.append(
            found(
                late,
                code=deadline.code,
                subject=lambda t: subject_of(t.order_no),
                message=lambda t, said=deadline.said: sentence(
                    "订单 ", t.order_no, "：", t.started_on, " 起算，应于 ", t.due_on, " 前", said, "，实际 ", t.done_on, "。"
                ),
                arisen_on=lambda t: t.due_on,
                amount_at_risk_cny=lambda t: t.at_risk if "at_risk" in t.columns else ibis.null(money.MONEY),
                rule_id=deadline.rule_id,
            )
        )
        counted.append(coverage(deadline.rule_id, proved, late, joined.filter(joined.done_on.isnull())))
    return ibis.union(*findings), ibis.union(*counted)


def cutoffs(requests: ir.Table, cutoff: time, working_days: ir.Table) -> tuple[ir.Table, ir.Table]:
    """DL_CUTOFF_MISSED: submitted after the cut-off of the day of notice, or of the next working day (C-15).

    ``requests``: payment applications with notified_at and submitted_at (Asia/Shanghai wall clock).
    """
    timed = deadlines.cutoff_due_column(requests, "notified_at", cutoff, working_days)
    proved = timed.filter(timed.submitted_at.notnull() & timed.cutoff_due_at.notnull())
    late = proved.filter(proved.submitted_at > proved.cutoff_due_at)
    rule_id = proved.kind.cases(("购汇付款", "IMP-FXP-05"), ("退税款", "EXP-REF-07"), else_="EXP-PAY-03")
    rows = found(
        late.mutate(_rule=rule_id),
        code="DL_CUTOFF_MISSED",
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "：客户 ", t.notified_at.strftime("%Y-%m-%d %H:%M:%S"), " 通知，应于 ",
            t.cutoff_due_at.strftime("%Y-%m-%d %H:%M"), " 前提交，实际 ", t.submitted_at.strftime("%Y-%m-%d %H:%M:%S"), " 提交。",
        ),
        arisen_on=lambda t: t.cutoff_due_at.date(),
        amount_at_risk_cny=lambda t: ibis.cases((t.currency == "CNY", t.amount), else_=ibis.null(money.MONEY)),
        rule_id=lambda t: t._rule,
    )  # fmt: skip
    missing = timed.filter(timed.submitted_at.isnull() | timed.notified_at.isnull())
    return rows, coverage("IMP-FXP-05", proved, late, missing)


def payment_status(requests: ir.Table, events: ir.Table, end_of_day: time) -> tuple[ir.Table, ir.Table]:
    """DL_PAY_STATUS_LATE (EXP-PAY-04, C-16): the status is confirmed before the end of the submission day."""
    told = events.filter((events.event == "EXP-PAY-04") & events.ref_no.notnull()).group_by("ref_no").agg(
        confirmed_at=events.happened_at.min()
    )
    joined = requests.filter(requests.submitted_at.notnull() & (requests.kind != "购汇付款")).left_join(
        told, requests.request_no == told.ref_no
    )
    limit = joined.submitted_at.truncate("D") + ibis.interval(seconds=end_of_day.hour * 3600 + end_of_day.minute * 60)
    timed = joined.mutate(_limit=limit)
    proved = timed.filter(timed.confirmed_at.notnull())
    late = proved.filter(proved.confirmed_at > proved._limit)
    rows = found(
        late,
        code="DL_PAY_STATUS_LATE",
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "：", t.submitted_at.strftime("%Y-%m-%d %H:%M"), " 提交，应于当日 ",
            t._limit.strftime("%H:%M"), " 前确认付款状态，实际 ", t.confirmed_at.strftime("%Y-%m-%d %H:%M"), "。",
        ),
        arisen_on=lambda t: t._limit.date(),
        rule_id="EXP-PAY-04",
    )  # fmt: skip
    return rows, coverage("EXP-PAY-04", proved, late, timed.filter(timed.confirmed_at.isnull()))


def follow_ups(requests: ir.Table, events: ir.Table, working_days: ir.Table, first: time, second: time) -> tuple[ir.Table, ir.Table]:
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
    summed = joined.group_by("request_no", "_first", "_second").agg(
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
    late = due.filter(due.due_on <= ibis.literal(as_of))
    rows = found(
        late,
        code="BAL_CLIENT_OVERDUE",
        subject=lambda t: subject_of(t.order_no, t.kind),
        message=lambda t: sentence(
            "订单 ", t.order_no, "：", t.started_on, " 通知委托方补款 ", -t.balance_cny, " 元，应于 ", t.due_on, " 或之前到账，尚未到。"
        ),
        amount_at_risk_cny=lambda t: -t.balance_cny,
        arisen_on=lambda t: t.due_on,
        rule_id=lambda t: t.kind.cases(("export", "EXP-BAL-03"), else_="IMP-BAL-02"),
    )
    return rows, coverage("IMP-BAL-02", due, late, joined.filter(joined.started_on.isnull()))
