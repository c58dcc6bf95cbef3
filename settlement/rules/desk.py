"""Express and desk charges (快递与柜台, A5): fines, COD, compensation, cash, invoice cut-off.

Fed by ``raw/<month>/desk/``: type, ref_no, amount, happened_at, done_at, approved_by, note. What each
type costs, and by when it must be done, is in ``parameters/desk.yaml``. CNY; times are Asia/Shanghai
wall clock. What does not belong here: posting (a desk charge is no principal's money).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.either import Text, Truth, both, exact
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY, Number
from settlement.rules.parameters import Series, in_force
from settlement.rules.registry import rule

RULE_FIELDS = ("rule_id", "kind", "charge", "hours", "low", "high", "month_day", "code")


@rule("S3-COD-01", "C-34", inputs=("desk.happened_at", "desk_rule"), codes=("DESK_COD_LATE",))
def hours_due(happened_at: datetime | ir.TimestampValue, hours: int | ir.IntegerValue) -> datetime | ir.TimestampValue:
    """When something is due that must be done within hours, by the clock and not by working time.

    Formula: happened_at + hours. Units: hours. Rounding: none. Errors: none. Source: S3 l.41; decision C-34.

    >>> hours_due(datetime(2023, 9, 10, 10, 0), 24)
    datetime.datetime(2023, 9, 11, 10, 0)
    """
    if isinstance(happened_at, ir.Value):
        return happened_at + (hours.as_interval("h") if isinstance(hours, ir.Value) else ibis.interval(hours=hours))
    return happened_at + timedelta(hours=hours)


@rule("S3-COD-01", inputs=("desk.amount", "desk_rule"), codes=("DESK_COD_LATE",))
def late_charge(is_late: Truth, charge: Number) -> Number:
    """What a late return of COD money (代收货款) costs beside the money itself.

    Formula: the charge where late, else 0.00. Units: CNY. Rounding: none. Errors: none. Source: S3 l.41.

    >>> late_charge(True, Decimal("100")), late_charge(False, Decimal("100"))
    (Decimal('100'), Decimal('0.00'))
    """
    if money.is_column(is_late, charge):
        return ibis.cases((is_late, charge), else_=money.decimal_literal(0)).cast(MONEY)
    return charge if is_late else Decimal("0.00")


@rule("CMP-01", "C-33", inputs=("desk.amount", "desk.approved_by", "desk_rule"), codes=("DESK_COMPENSATION",))
def is_compensation_open(amount: Number, low: Number, high: Number, is_approved: Truth) -> Truth:
    """Whether a compensation (补偿) lies outside the clerk's band: above it without approval, or below it.

    Formula: amount < low, or amount > high and not approved; both bounds are inside. Units: CNY. Rounding: none.
    Errors: none. Source: S0 l.77–79; decision C-33.

    >>> [is_compensation_open(Decimal(amount), Decimal(5), Decimal(30), False) for amount in ("4.99", "5", "30", "30.01")]
    [True, False, False, True]
    """
    among = (amount, low, high)
    above = amount > exact(high, among=among)
    return (amount < exact(low, among=among)) | both(above, _not(is_approved))


@rule("S4-CSH-01", "C-30", inputs=("desk.amount", "desk.approved_by", "desk_rule"), codes=("DESK_CASH_ESCORT",))
def needs_escort(amount: Number, threshold: Number, is_approved: Truth) -> Truth:
    """Whether cash (现金) was moved without somebody of finance going along.

    Formula: amount ≥ threshold, inclusive, and nobody named. Units: CNY. Rounding: none. Errors: none.
    Source: S4 l.177; decision C-30.

    >>> [needs_escort(Decimal(amount), Decimal(10000), False) for amount in ("9999.99", "10000.00")]
    [False, True]
    """
    return both(amount >= exact(threshold, among=(amount, threshold)), _not(is_approved))


@rule("S4-INV-01", "C-32", inputs=("desk.happened_at", "desk.done_at", "desk_rule"), codes=("DESK_INVOICE_LATE",))
def is_after_cutoff(received_on: date | ir.DateValue, invoiced_on: date | ir.DateValue, month_day: Text) -> Truth:
    """Whether an invoice (开票) was issued after the year's last day for it; the day itself is in time.

    Formula: invoiced_on > ``month_day`` of the year in which the money came. Units: day. Rounding: none.
    Errors: none. Source: S4 l.185; decision C-32.

    >>> [is_after_cutoff(date(2023, 11, 20), date(2023, month, day), "11-30") for month, day in ((11, 30), (12, 1))]
    [False, True]
    """
    if money.is_column(received_on, invoiced_on):
        last_day = (received_on.year().cast("string") + "-" + month_day).cast("date")
        return invoiced_on > last_day
    month, day = (int(number) for number in month_day.split("-"))
    return invoiced_on > date(received_on.year, month, day)


def _not(condition: Truth) -> Truth:
    return ~condition if money.is_column(condition) else not condition


@rule(
    "S3-PEN-01", "S3-PEN-02", "S3-PEN-03", "S3-PEN-04", "S3-PEN-05", "S3-COD-01", "S1-INC-04", "S4-INV-02",
    inputs=("desk", "desk_rule"), codes=("DESK_FINE", "DESK_BORNE", "DESK_TYPE_UNKNOWN"),
)  # fmt: skip
def desk_charges(desk: ir.Table, rules: Series, as_of: date) -> ir.Table:
    """Each desk line with its rule: charge_cny, due_at, status (正常 已计 逾期 待批准 低于下限 未知), code.

    ``desk``: type, ref_no, amount, happened_at, done_at, approved_by (and any other column, kept). ``rules``:
    the series ``desk_rule``; a type is its word or its rule id. charge_cny is what the line costs by A5 (CNY);
    NULL where the type is unknown or the amount that is borne is missing. code is the exception it raises.

    Formula: by the kind of the type (hours, fixed, whole, band, threshold, cutoff: parameters/desk.yaml).
    Units: CNY. Rounding: none. Errors: none; an unknown type is ``DESK_TYPE_UNKNOWN``.
    Source: S0 l.77–79, S1 ch.3, S3 l.40–46, S4 l.177–187.
    """
    named = _with_rule_of_type(desk, rules)
    dated = named.mutate(_on=ibis.coalesce(named.happened_at, named.done_at).cast("date"))
    ruled = in_force(dated, rules, on="_on", by={"type": "_type"}, names={field: f"_{field}" for field in RULE_FIELDS})
    judged = ruled.mutate(
        _due=ibis.cases((ruled._kind == "hours", hours_due(ruled.happened_at, ruled._hours))),
        _approved=ruled.approved_by.fill_null("") != "",
    )
    status = _status(judged, as_of)
    stated = judged.mutate(status=status)
    charge = ibis.cases(
        (stated._kind == "hours", late_charge(stated.status == "逾期", stated._charge)),
        (stated._kind == "fixed", stated._charge),
        ((stated._kind == "whole") & stated._approved, money.decimal_literal(0)),
        (stated._kind == "whole", stated.amount),
        (stated._kind == "band", stated.amount),
        (stated._kind.notnull(), money.decimal_literal(0)),
    ).cast(MONEY)
    raised = (stated.status != "正常") | (stated._kind == "fixed")
    code = ibis.cases((stated._kind.isnull(), "DESK_TYPE_UNKNOWN"), (raised, stated._code))
    return stated.select(*desk.columns, "status", rule_id="_rule_id", charge_cny=charge, due_at="_due", code=code)


def _with_rule_of_type(desk: ir.Table, rules: Series) -> ir.Table:
    """``desk`` with ``_type``: the word of the parameter file, also where the line says the rule id."""
    words = rules.table().select(_word="type", _id="rule_id").distinct()
    joined = desk.left_join(words, desk.type.upper() == words._id)
    return joined.select(*desk.columns, _type=ibis.coalesce(joined._word, joined.type))


def _status(judged: ir.Table, as_of: date) -> ir.Value:
    done = ibis.coalesce(judged.done_at, ibis.literal(as_of).cast("timestamp") + ibis.interval(days=1))
    invoiced_on = ibis.coalesce(judged.done_at, judged.happened_at).cast("date")
    received_on = ibis.coalesce(judged.happened_at, judged.done_at).cast("date")
    kind, approved = judged._kind, judged._approved
    return ibis.cases(
        (kind.isnull(), "未知"),
        ((kind == "hours") & (done > judged._due), "逾期"),
        (kind == "fixed", "已计"),
        ((kind == "whole") & ~approved, "已计"),
        ((kind == "band") & (judged.amount < judged._low), "低于下限"),
        ((kind == "band") & is_compensation_open(judged.amount, judged._low, judged._high, approved), "待批准"),
        ((kind == "threshold") & needs_escort(judged.amount, judged._low, approved), "待批准"),
        ((kind == "cutoff") & is_after_cutoff(received_on, invoiced_on, judged._month_day) & ~approved, "待批准"),
        else_="正常",
    )


def desk_findings(charges: ir.Table) -> ir.Table:
    """``FOUND`` rows of ``desk_charges``: one for each line with a code."""
    rows = charges.filter(charges.code.notnull())
    return found(
        rows,
        code=lambda t: t.code,
        subject=lambda t: subject_of("desk", t.type, t.ref_no, t.happened_at),
        message=_message,
        amount_at_risk_cny=lambda t: ibis.coalesce(t.charge_cny.nullif(0), t.amount),
        arisen_on=lambda t: ibis.coalesce(t.happened_at, t.done_at).cast("date"),
        order_no=ibis.literal(None, "string"),
    )


def _message(rows: ir.Table) -> ir.Value:
    about = sentence(rows.type, " ", rows.ref_no, " 金额 ", rows.amount, " 元：")
    return ibis.cases(
        (
            rows.code == "DESK_TYPE_UNKNOWN",
            sentence("类型“", rows.type, "”不在费用目录中，单号 ", rows.ref_no, "，未计费。"),
        ),
        (
            rows.code == "DESK_COD_LATE",
            about
            + sentence(
                "应于 ", rows.due_at.strftime("%Y-%m-%d %H:%M"), " 前返还，已逾期，另罚 ", rows.charge_cny, " 元。"
            ),
        ),
        (rows.code == "DESK_FINE", sentence(rows.type, " ", rows.ref_no, "：罚款 ", rows.charge_cny, " 元。")),
        (rows.code == "DESK_BORNE", about + sentence("由责任人承担 ", rows.charge_cny, " 元，无批准或证明。")),
        (rows.status == "低于下限", about + "低于补偿下限，请核对。"),
        (rows.code == "DESK_COMPENSATION", about + "超出客服补偿权限，须店长批准。"),
        (rows.code == "DESK_CASH_ESCORT", about + "达到大额现金标准，未登记财务陪同人。"),
        (rows.code == "DESK_INVOICE_LATE", about + "晚于年度开票截止日，须审批。"),
        else_=about + "请核对。",
    )
