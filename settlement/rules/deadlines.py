"""Deadlines: working days, cut-off times, the tenth of the month, for dates and for columns.

A working day is Monday to Friday without the State Council's holidays, plus the Saturdays and
Sundays it moves work to (CAL-01). The start day does not count and a last day that is a rest day
rolls on (CAL-02). Outside the years of the calendar nothing is guessed (CAL-03).

For columns the calendar is a table with an ordinal, so that "n working days after" is a join.
What does not belong here: which deadline follows from what (parameters/deadlines.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules.parameters import ParameterError
from settlement.rules.registry import rule
from settlement.rules.rows import table_of

CALENDAR_SCHEMA = ibis.schema({"day": dt.date, "is_working": dt.boolean, "ordinal": dt.int64})

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class CalendarNotCovered(LookupError):
    """A day outside the years of the calendar (``CALENDAR_NOT_COVERED``): a calendar file is needed."""

    code = "CALENDAR_NOT_COVERED"


@dataclass(frozen=True)
class WorkingCalendar:
    """工作日历: the first and last day covered, weekdays that rest, weekend days that are worked."""

    first: date
    last: date
    rest: frozenset[date]
    worked: frozenset[date]

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is worked. Raises ``CalendarNotCovered`` outside the calendar."""
        if not self.first <= day <= self.last:
            raise CalendarNotCovered(f"工作日历只到 {self.last}(自 {self.first}),不含 {day};请提供日历文件 calendar")
        if day in self.worked:
            return True
        return day.weekday() < _SATURDAY and day not in self.rest

    @cached_property
    def working_days(self) -> tuple[date, ...]:
        """Every working day covered, in order."""
        return tuple(day for day in _days(self.first, self.last) if self.is_working(day))

    def rows(self) -> list[dict[str, object]]:
        """Every day covered: day, is_working, ordinal (working days up to and including it)."""
        rows, ordinal = [], 0
        for day in _days(self.first, self.last):
            is_working = self.is_working(day)
            ordinal += is_working
            rows.append({"day": day, "is_working": is_working, "ordinal": ordinal})
        return rows

    def table(self) -> ir.Table:
        """``rows`` as an Ibis table of ``CALENDAR_SCHEMA``."""
        return table_of(self.rows(), CALENDAR_SCHEMA)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


def calendar_of(content: Mapping[str, object]) -> WorkingCalendar:
    """The calendar of a parsed file: ``years: {2026: {rest: [01-01..01-03], worked: [01-04]}}``.

    A span includes both ends. Raises ``ParameterError`` for a day that is both rest and worked, for a span
    that is none, and for a year missing between two.
    """
    rest: set[date] = set()
    worked: set[date] = set()
    years = dict(content.get("years") or {})
    if not years:
        raise ParameterError("calendar: no years")
    numbers = sorted(int(year) for year in years)
    missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        raise ParameterError(f"calendar: gap, no year {missing}")
    for year, listed in years.items():
        rest.update(day for span in listed.get("rest") or () for day in _span(int(year), str(span)))
        worked.update(day for span in listed.get("worked") or () for day in _span(int(year), str(span)))
    if rest & worked:
        raise ParameterError(f"calendar: overlap, both rest and worked: {sorted(map(str, rest & worked))}")
    return WorkingCalendar(date(numbers[0], 1, 1), date(numbers[-1], 12, 31), frozenset(rest), frozenset(worked))


def _span(year: int, written: str) -> Iterable[date]:
    first, _, last = written.partition("..")
    try:
        days = list(_days(date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last or first}")))
    except ValueError as error:
        raise ParameterError(f"calendar {year}: {written!r} is no MM-DD or MM-DD..MM-DD") from error
    if not days:
        raise ParameterError(f"calendar {year}: {written!r} ends before it begins")
    return days


@rule("CAL-01", "CAL-02", "CAL-03", "C-14", "C-17", inputs=("calendar",), codes=("CALENDAR_NOT_COVERED",))
def add_working_days(start: date, count: int, calendar: WorkingCalendar) -> date:
    """The ``count``-th working day after ``start``; the start day itself is not counted.

    Formula: the working day whose ordinal is the start's + count. count 0: the start, rolled on if it rests.
    Units: days. Rounding: none. Errors: ``CalendarNotCovered`` where start or result lies outside.
    Source: 民法典 Arts 201–203; State Council notices.

    >>> from settlement.rules.deadlines import WorkingCalendar
    >>> week = WorkingCalendar(date(2026, 9, 1), date(2026, 10, 31),
    ...     rest=frozenset({date(2026, 9, 25), *(date(2026, 10, day) for day in range(1, 8))}),
    ...     worked=frozenset({date(2026, 9, 20), date(2026, 10, 10)}))
    >>> add_working_days(date(2026, 9, 24), 3, week)
    datetime.date(2026, 9, 30)
    """
    day = start
    if count == 0:
        return roll(start, calendar)
    if count < 0:
        raise ValueError(f"count {count} is negative: a deadline lies after its start")
    calendar.is_working(start)
    while count:
        day += _ONE_DAY
        count -= calendar.is_working(day)
    return day


@rule("CAL-02", "C-18", inputs=("calendar",), codes=("CALENDAR_NOT_COVERED",))
def roll(day: date, calendar: WorkingCalendar, *, backwards: bool = False) -> date:
    """``day`` if it is worked, else the next working day (the last one before, if ``backwards``).

    Formula: first working day ≥ day (≤ day). Units: days. Rounding: none.
    Errors: ``CalendarNotCovered``. Source: 民法典 Art. 203.

    >>> october = WorkingCalendar(date(2026, 10, 1), date(2026, 10, 31),
    ...     rest=frozenset(date(2026, 10, day) for day in range(1, 8)), worked=frozenset({date(2026, 10, 10)}))
    >>> roll(date(2026, 10, 3), october), roll(date(2026, 10, 10), october)
    (datetime.date(2026, 10, 8), datetime.date(2026, 10, 10))
    """
    while not calendar.is_working(day):
        day += -_ONE_DAY if backwards else _ONE_DAY
    return day


@rule(
    "IMP-FXP-05", "EXP-PAY-03", "EXP-REF-07", "C-15",
    inputs=("payments.notified_at", "payments.submitted_at", "cutoffs"), codes=("DL_CUTOFF_MISSED",),
)  # fmt: skip
def cutoff_due(notified_at: datetime, cutoff: time, calendar: WorkingCalendar) -> datetime:
    """When a file must be handed in: the cut-off (截止时间) of the notice's day, or of the next working day.

    Formula: notice on a working day at or before the cut-off → that day; later → next working day; on a
    rest day → the next working day. Units: Asia/Shanghai wall clock. Rounding: none; 16:30:00 is on time,
    16:30:01 is late. Errors: ``CalendarNotCovered``. Source: S0 l.738, 815, 882; decision C-15.

    >>> september = WorkingCalendar(date(2026, 9, 1), date(2026, 9, 30), frozenset(), frozenset())
    >>> cutoff_due(datetime(2026, 9, 29, 16, 30, 1), time(16, 30), september)
    datetime.datetime(2026, 9, 30, 16, 30)
    """
    day = notified_at.date()
    if calendar.is_working(day) and notified_at.time() > cutoff:
        return datetime.combine(add_working_days(day, 1, calendar), cutoff)
    return datetime.combine(roll(day, calendar), cutoff)


@rule("LOG-CR-01", "C-18", inputs=("freight_charges.fee_month", "deadlines"), codes=("CR_MONTH_OVERDUE",))
def month_day_due(month_end: date, day_of_month: int, calendar: WorkingCalendar, *, rest_day: str = "after") -> date:
    """The ``day_of_month`` (10号) of the month after ``month_end``, itself included.

    Formula: that day; on a rest day the next working day (``rest_day="before"``: the last one before).
    Units: days. Rounding: none. Errors: ``CalendarNotCovered``. Source: S0 l.875; decision C-18.

    >>> months = WorkingCalendar(date(2026, 1, 1), date(2026, 1, 31), frozenset(), frozenset({date(2026, 1, 4)}))
    >>> month_day_due(date(2025, 12, 31), 10, months), month_day_due(date(2025, 12, 31), 10, months, rest_day="before")
    (datetime.date(2026, 1, 12), datetime.date(2026, 1, 9))
    """
    year, month = (month_end.year + 1, 1) if month_end.month == 12 else (month_end.year, month_end.month + 1)
    return roll(date(year, month, day_of_month), calendar, backwards=rest_day == "before")


def deadline_state(due_on: date | ir.DateValue, done_on: date | ir.DateValue | None, as_of: date) -> str | ir.Value:
    """``met`` ``late`` (done after) ``open`` ``today`` ``overdue`` for a deadline, as seen on ``as_of``.

    A column of dates (``done_on`` a column or NULL literal) gives a text column; NULL where due_on is.

    >>> deadline_state(date(2026, 9, 30), None, date(2026, 9, 30))
    'today'
    """
    if isinstance(due_on, ir.Value):
        done = ibis.literal(None, "date") if done_on is None else done_on
        day = ibis.literal(as_of)
        return ibis.cases(
            (due_on.isnull(), ibis.literal(None, "string")),
            (done <= due_on, "met"),
            (done > due_on, "late"),
            (due_on > day, "open"),
            (due_on == day, "today"),
            else_="overdue",
        )
    if done_on is not None:
        return "met" if done_on <= due_on else "late"
    return "open" if due_on > as_of else "today" if due_on == as_of else "overdue"


# --- the same for columns -------------------------------------------------------------------------------------


def due_on(
    table: ir.Table, start_column: str, count: int | str, working_days: ir.Table, *, name: str = "due_on"
) -> ir.Table:
    """``table`` with date column ``name``: the ``count``-th working day after ``start_column`` (CAL-02, C-14).

    ``count`` is a number, or the name of an integer column; 0 rolls a rest day on. ``working_days`` is
    ``WorkingCalendar.table()``. One row for each row. NULL where the start is NULL or the calendar does
    not cover it: ``not_covered`` finds those, to be raised as ``CALENDAR_NOT_COVERED``.
    """
    starts = working_days.select(_day="day", _is_working="is_working", _ordinal="ordinal")
    number = table[count] if isinstance(count, str) else ibis.literal(count, "int64")
    started = table.mutate(_count=number, _start=table[start_column].cast("date"))
    started = started.left_join(starts, started._start == starts._day)
    # Zero days after a rest day is the next working day; after a working day the day itself.
    rolled = ((started._count == 0) & ~started._is_working).ifelse(1, 0)
    counted = started.mutate(_target=started._ordinal + started._count + rolled)
    ends = working_days.filter(working_days.is_working).select(_end="day", _end_ordinal="ordinal")
    joined = counted.left_join(ends, counted._target == ends._end_ordinal)
    return joined.select(*[c for c in table.columns if c != name], **{name: joined._end})


def rolled(
    table: ir.Table, day_column: str, working_days: ir.Table, *, backwards: bool = False, name: str = "due_on"
) -> ir.Table:
    """``table`` with date column ``name``: ``day_column``, moved off a rest day on (or back) (CAL-02, C-18)."""
    if not backwards:
        return due_on(table, day_column, 0, working_days, name=name)
    days = working_days.select(_day="day", _ordinal="ordinal")
    started = table.mutate(_start=table[day_column].cast("date"))
    started = started.left_join(days, started._start == days._day)
    ends = working_days.filter(working_days.is_working).select(_end="day", _end_ordinal="ordinal")
    joined = started.left_join(ends, started._ordinal == ends._end_ordinal)
    return joined.select(*[c for c in table.columns if c != name], **{name: joined._end})


def cutoff_due_column(
    table: ir.Table, notified_column: str, cutoff: time, working_days: ir.Table, *, name: str = "cutoff_due_at"
) -> ir.Table:
    """``cutoff_due`` (C-15) as a relation: timestamp column ``name``; NULL where not notified or not covered.

    ``notified_column`` is a timestamp, Asia/Shanghai wall clock.
    """
    notified = table[notified_column]
    late = notified.time() > ibis.literal(cutoff)
    days = working_days.select(_day="day", _is_working="is_working")
    dated = table.mutate(_notified_on=notified.date(), _late=late)
    dated = dated.left_join(days, dated._notified_on == days._day)
    counted = dated.mutate(_days=(dated._late & dated._is_working).ifelse(1, 0).cast("int64")).drop("_day")
    due = due_on(counted, "_notified_on", "_days", working_days, name="_due")
    seconds = cutoff.hour * 3600 + cutoff.minute * 60 + cutoff.second
    at = due._due.cast("timestamp") + ibis.interval(seconds=seconds)
    return due.select(*[c for c in table.columns if c != name], **{name: at})


def month_day_due_column(
    table: ir.Table,
    month_end_column: str,
    day_of_month: int,
    working_days: ir.Table,
    *,
    rest_day: str = "after",
    name: str = "due_on",
) -> ir.Table:
    """``month_day_due`` (C-18) as a relation: the 10th after the month that holds ``month_end_column``."""
    first = table[month_end_column].cast("date").truncate("M").cast("date") + ibis.interval(months=1)
    dated = table.mutate(_tenth=(first + ibis.interval(days=day_of_month - 1)).cast("date"))
    due = rolled(dated, "_tenth", working_days, backwards=rest_day == "before", name=name)
    return due.drop("_tenth")


def not_covered(table: ir.Table, start_column: str, due_column: str = "due_on") -> ir.Table:
    """The rows whose deadline could not be computed because the calendar ends (``CALENDAR_NOT_COVERED``)."""
    return table.filter(table[start_column].notnull() & table[due_column].isnull())
