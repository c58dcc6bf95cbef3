"""Exceptions (异常): from what a stage found to the list a clerk works on.

An exception is a value. Any stage builds rows of ``FOUND``; the catalogue
(``settlement/parameters/exceptions.yaml``) gives severity, owner and days; earlier months give what
is still open; decisions of finance (审批) approve. What does not belong here: finding anything.

``exception_id`` is the first 16 hex digits of sha256(code|subject): the same problem keeps it over
re-runs and months, so a subject names the thing that is wrong (order, transaction, file and row,
field), never an amount or a date of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules.deadlines import due_on
from settlement.rules.money import MONEY
from settlement.rules.parameters import ParameterError
from settlement.rules.rows import table_of

FOUND = ibis.schema(
    {
        "code": dt.string,
        "subject": dt.string,
        "source_file": dt.string,
        "source_row": dt.int64,
        "field": dt.string,
        "found": dt.string,
        "txn_id": dt.string,
        "order_no": dt.string,
        "principal_id": dt.string,
        "amount_at_risk_cny": MONEY,
        "message": dt.string,
        "rule_id": dt.string,
        "arisen_on": dt.date,
    }
)

PUBLISHED = (
    "month", "exception_id", "code", "severity", "state", "opened_month", "source_file", "source_row", "field",
    "found", "txn_id", "order_no", "principal_id", "amount_at_risk_cny", "message", "what_to_do", "owner", "due_on",
    "rule_id",
)  # fmt: skip

SEVERITIES = ("block", "review", "warn", "deadline")
OWNERS = ("核算部", "会计部", "税务部", "操作部", "物流资源部", "风控", "客服")

# What an unknown code becomes: it must not be lost, and it must not pass unseen.
_UNKNOWN = {
    "severity": "block",
    "owner": "核算部",
    "due_days": 1,
    "what_to_do": "未登记的异常代码,请通知系统维护人员。",
}

Part = str | ir.Value | Callable[[ir.Table], ir.Value]


@dataclass(frozen=True)
class Code:
    """One code of the catalogue. ``severity`` deadline: warn when due today, review when past."""

    code: str
    severity: str
    zh: str
    en: str
    owner: str
    due_days: int
    rule_ids: str
    what_to_do: str
    example: str


@dataclass(frozen=True)
class Catalogue:
    """Every exception code (异常代码) the program can raise."""

    codes: Mapping[str, Code]

    def __getitem__(self, code: str) -> Code:
        return self.codes[code]

    def table(self) -> ir.Table:
        """code, severity, zh, en, owner, due_days, rule_ids, what_to_do, example: a row a code."""
        whole = {"due_days": dt.int64}
        schema = ibis.schema({field.name: whole.get(field.name, dt.string) for field in fields(Code)})
        return table_of([vars(code) for code in self.codes.values()], schema)


def catalogue_of(content: Mapping[str, object]) -> Catalogue:
    """The catalogue of a parsed file: code -> severity, zh, en, owner, due_days, rule_ids, what_to_do, example.

    Raises ``ParameterError`` that names every code with a missing or unknown word.
    """
    wanted = {field.name for field in fields(Code)} - {"code"}
    problems, codes = [], {}
    for name, declared in content.items():
        if not isinstance(declared, Mapping) or set(declared) != wanted or not all(declared.values()):
            problems.append(f"{name}: needs exactly {sorted(wanted)}")
        elif declared["severity"] not in SEVERITIES or declared["owner"] not in OWNERS:
            problems.append(f"{name}: severity of {SEVERITIES}, owner of {OWNERS}")
        elif not str(declared["due_days"]).isdigit():
            problems.append(f"{name}: due_days is a number of working days")
        else:
            codes[name] = Code(code=name, **(dict(declared) | {"due_days": int(declared["due_days"])}))
    if problems:
        raise ParameterError("exceptions: " + "; ".join(problems))
    return Catalogue(codes)


def sentence(*parts: str | ir.Value) -> ir.StringValue:
    """A message of texts and columns; a column that is NULL reads 未知, so that no message gets lost."""
    pieces = [
        part.cast("string").fill_null("未知") if isinstance(part, ir.Value) else ibis.literal(part) for part in parts
    ]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    return whole


def subject_of(*parts: str | ir.Value) -> ir.StringValue:
    """What makes a problem the same one next month: its names, joined by ``|``; NULL is empty."""
    pieces = [part.cast("string").fill_null("") if isinstance(part, ir.Value) else ibis.literal(part) for part in parts]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + "|" + piece
    return whole


def found(table: ir.Table, *, code: Part, subject: Part, message: Part, **columns: Part | object) -> ir.Table:
    """Rows of ``FOUND``, one for each row of ``table``.

    ``code``, ``subject``, ``message`` and any other column of ``FOUND`` are a constant, an Ibis
    expression, or a function of the table. A column not given is taken from the table by its name,
    else NULL of its type; no amount at risk is 0.00, one that cannot be computed (no rate) is NULL.
    Raises ``KeyError`` for a column ``FOUND`` does not have.
    """
    given = {"code": code, "subject": subject, "message": message} | columns
    if "amount_at_risk_cny" not in {*given, *table.columns}:
        given["amount_at_risk_cny"] = "0.00"
    strange = sorted(set(given) - set(FOUND))
    if strange:
        raise KeyError(f"not columns of FOUND: {strange}")
    return table.select(**{name: _column(table, name, kind, given) for name, kind in FOUND.items()})


def _column(table: ir.Table, name: str, kind: dt.DataType, given: Mapping[str, object]) -> ir.Value:
    if name not in given:
        return table[name].cast(kind) if name in table.columns else ibis.literal(None, kind)
    value = given[name]
    value = value(table) if callable(value) and not isinstance(value, ir.Value) else value
    if isinstance(value, ir.Value):
        return value.cast(kind)
    # As text first: a Decimal literal would take a type of its own.
    return ibis.literal(None if value is None else str(value), "string").cast(kind)


def placed(found_rows: ir.Table, orders: ir.Table, lines: ir.Table) -> ir.Table:
    """``FOUND`` with the file, row and principal that a finding left out but its order or its bank line tells.

    ``orders``: order_no, principal_id, source_file, source_row; ``lines``: txn_id, source_file, source_row. What a finding
    on a bank line says of the principal stays: money that is nobody's names none.
    """
    of_order = orders.select(
        _order="order_no", _owner="principal_id", _order_file="source_file", _order_row="source_row"
    )
    of_line = lines.select(_line="txn_id", _line_file="source_file", _line_row="source_row")
    joined = found_rows.left_join(of_order, found_rows.order_no == of_order._order)
    joined = joined.left_join(of_line, joined.txn_id == of_line._line)
    unplaced = joined.source_file.isnull()
    owner = joined.txn_id.isnull().ifelse(joined._owner, ibis.null("string"))
    told = {
        "source_file": ibis.coalesce(joined.source_file, joined._line_file, joined._order_file),
        "source_row": unplaced.ifelse(
            joined._line_file.notnull().ifelse(joined._line_row, joined._order_row), joined.source_row
        ),
        "principal_id": ibis.coalesce(joined.principal_id, owner),
    }
    return joined.select(**{name: told.get(name, joined[name]).cast(kind) for name, kind in FOUND.items()})


def no_findings() -> ir.Table:
    """``FOUND`` without a row, to union with."""
    return table_of([], FOUND)


def exception_id(code: ir.StringValue, subject: ir.StringValue) -> ir.StringValue:
    """The first 16 hex digits of sha256(code|subject)."""
    return (code + "|" + subject.fill_null("")).hexdigest("sha256").left(16)


def orphaned_approvals(approvals: ir.Table, known_ids: ir.Table) -> ir.Table:
    """``FOUND`` rows (``DECISION_ORPHAN``) for approvals whose exception_id was never raised.

    ``known_ids`` has exception_id. An approval of an orphan's own exception is no orphan.
    """
    named = approvals.select(approved_id=approvals.exception_id.strip().lower()).distinct()
    known = known_ids.select(known_id="exception_id").distinct()
    unknown = named.anti_join(known, named.approved_id == known.known_id)
    rows = found(
        unknown,
        code="DECISION_ORPHAN",
        subject=lambda t: subject_of("审批", t.approved_id),
        message=lambda t: sentence("审批所指的异常编号 ", t.approved_id, " 不存在,该审批未生效。请核对编号后重填。"),
        field="exception_id",
        found=lambda t: t.approved_id,
        rule_id="C-48",
    )
    own = rows.select(own_id=exception_id(rows.code, rows.subject))
    return rows.filter(rows.found.notin(own.own_id))


def _latest(approvals: ir.Table, as_of: date) -> ir.Table:
    # Of two decisions of one moment the refusal counts: an approval must be beyond doubt.
    cleaned = approvals.mutate(_id=approvals.exception_id.strip().lower())
    order = ibis.window(
        group_by="_id", order_by=[cleaned.decided_at.desc(nulls_first=False), (cleaned.action == "批准").asc()]
    )
    latest = cleaned.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0)
    in_time = latest.valid_to.isnull() | (latest.valid_to.cast("date") >= ibis.literal(as_of))
    return latest.select(approved_id="_id", is_approved=(latest.action == "批准") & in_time)


def _known(past: ir.Table, month: str) -> ir.Table:
    """The last earlier row of each exception."""
    earlier = past.filter(past.month < month)
    order = ibis.window(group_by="exception_id", order_by=earlier.month.desc())
    return earlier.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0).drop("_rank")


def _one_each(found_rows: ir.Table) -> ir.Table:
    """One row a problem: of several the one with most at risk, then the first by place."""
    rows = found_rows.mutate(exception_id=exception_id(found_rows.code, found_rows.subject))
    order = ibis.window(
        group_by="exception_id",
        order_by=[
            rows.amount_at_risk_cny.abs().desc(nulls_first=False),
            rows.source_file.asc(nulls_first=False),
            rows.source_row.asc(nulls_first=False),
            rows.message.asc(nulls_first=False),
        ],
    )
    return rows.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0).drop("_rank")


def month_end(month: str) -> date:
    """The last day of a month ``YYYY-MM``."""
    year, number = int(month[:4]), int(month[5:])
    first_of_next = date(year + number // 12, number % 12 + 1, 1)
    return first_of_next - timedelta(days=1)


def exceptions_of(
    found_rows: ir.Table,
    past_exceptions: ir.Table,
    approvals: ir.Table,
    catalogue: ir.Table,
    working_days: ir.Table,
    month: str,
    as_of: date,
) -> ir.Table:
    """The ``exceptions`` table of ``month``: what is found, what earlier months left open, what is approved.

    ``found_rows``: ``FOUND``. ``past_exceptions``: published rows (months from ``month`` on are not looked at).
    ``approvals``: exception_id, action, valid_to, decided_at. ``catalogue``: ``Catalogue.table()``.
    ``working_days``: ``WorkingCalendar.table()``.

    state: new in the month first seen, open when an earlier month has it, resolved (once, in the month in
    which it is no longer found), approved where the latest 审批 is a 批准 still valid on ``as_of``.
    due_on: arisen_on (else the month's end) + the catalogue's working days; an open one keeps its own.
    Severity of a deadline: warn on its day, review afterwards; arisen_on is that day.
    Where the calendar ends due_on is NULL and one ``CALENDAR_NOT_COVERED`` says so; also where the month itself lies outside. An approval of an
    unknown exception is a ``DECISION_ORPHAN``.
    """
    last = _known(past_exceptions, month)
    direct = _one_each(found_rows)
    raised = direct.select("exception_id").union(last.select("exception_id"))
    seen = _one_each(found_rows.union(orphaned_approvals(approvals, raised)))
    judged = _judged(seen, last, catalogue, working_days, month, as_of)
    if_needed = _judged(
        _one_each(_calendar_ends(judged, working_days, month)), last, catalogue, working_days, month, as_of
    )
    current = _approved(judged.union(if_needed), _latest(approvals, as_of))
    return current.union(_resolved(last, current, month)).select(*PUBLISHED)


def _judged(
    seen: ir.Table, last: ir.Table, catalogue: ir.Table, working_days: ir.Table, month: str, as_of: date
) -> ir.Table:
    """``seen`` with everything but approval: month, severity, state, opened_month, owner, due_on, what_to_do."""
    known = last.select(_id="exception_id", _opened=last.opened_month, _due=last.due_on.cast("date"), _was=last.state)
    entry = catalogue.select(
        _code="code",
        _severity="severity",
        _zh="zh",
        _owner="owner",
        _days="due_days",
        _todo="what_to_do",
        _rules="rule_ids",
    )
    joined = seen.left_join(entry, seen.code == entry._code)
    joined = joined.left_join(known, joined.exception_id == known._id)
    base = joined.arisen_on.fill_null(ibis.literal(month_end(month)))
    dated = joined.mutate(_base=base, _days=joined._days.fill_null(_UNKNOWN["due_days"]))
    dated = due_on(dated, "_base", "_days", working_days, name="_computed")
    # Without its day a deadline is judged by the month in which it was first missed.
    is_past = (dated._base < ibis.literal(as_of)) | dated._opened.notnull()
    deadline = is_past.ifelse("review", "warn")
    severity = dated._severity.fill_null(_UNKNOWN["severity"])
    # A problem that came back after it was resolved gets a new due date, but stays one that was seen before.
    still_due = (dated._was != "resolved").ifelse(dated._due, ibis.literal(None, "date"))
    return dated.select(
        month=ibis.literal(month),
        exception_id="exception_id",
        code="code",
        severity=(severity == "deadline").ifelse(deadline, severity),
        state=dated._opened.isnull().ifelse("new", "open"),
        opened_month=dated._opened.fill_null(month),
        **{name: dated[name] for name in ("source_file", "source_row", "field", "found", "txn_id", "order_no")},
        principal_id="principal_id",
        amount_at_risk_cny=dated.amount_at_risk_cny.cast(MONEY),
        message=ibis.coalesce(dated.message, dated._zh, dated.code),
        what_to_do=dated._todo.fill_null(_UNKNOWN["what_to_do"]),
        owner=dated._owner.fill_null(_UNKNOWN["owner"]),
        due_on=ibis.coalesce(still_due, dated._computed),
        rule_id=ibis.coalesce(dated.rule_id, dated._rules, dated.code),
    )


def _calendar_ends(judged: ir.Table, working_days: ir.Table, month: str) -> ir.Table:
    """One finding where the calendar does not reach the month's end, or an exception's due day."""
    covered = working_days.aggregate(first_day=working_days.day.min(), last_day=working_days.day.max())
    without = judged.filter(judged.due_on.isnull()).aggregate(rows=lambda t: t.count())
    ends = ibis.literal(month_end(month))
    needed = without.cross_join(covered).filter(lambda t: (t.rows > 0) | (t.last_day < ends) | (t.first_day > ends))
    return found(
        needed,
        code="CALENDAR_NOT_COVERED",
        subject=lambda t: subject_of("calendar", t.last_day),
        message=lambda t: sentence(
            "工作日历为 ", t.first_day, " 至 ", t.last_day, "，", month, " 的期限有的超出日历（其中异常处理期限 ", t.rows,
            " 条），超出的不推算、留空。请提供相应年度的日历文件 calendar。",
        ),
        rule_id="CAL-03",
    )  # fmt: skip


def _approved(current: ir.Table, decisions: ir.Table) -> ir.Table:
    joined = current.left_join(decisions, current.exception_id == decisions.approved_id)
    state = joined.is_approved.fill_null(False).ifelse("approved", joined.state)
    return joined.select(**{name: state if name == "state" else joined[name] for name in PUBLISHED})


def _resolved(last: ir.Table, current: ir.Table, month: str) -> ir.Table:
    gone = last.filter(last.state != "resolved").anti_join(current, "exception_id")
    written = {"month": ibis.literal(month), "state": ibis.literal("resolved")}
    columns = {name: written.get(name, gone[name] if name not in written else None) for name in PUBLISHED}
    return gone.select(**{name: value.cast(current[name].type()) for name, value in columns.items()})
