"""Working days, cut-offs and the tenth: every vector for dates and for columns; the ends of the calendar."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path

import ibis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settlement.io.parameters import load_calendar
from settlement.rules import deadlines
from settlement.rules.deadlines import CalendarNotCovered
from settlement.rules.parameters import ParameterError
from settlement.rules.rows import table_of

CASES = yaml.load((Path(__file__).resolve().parent.parent / "cases" / "dates.yaml").read_text("utf-8"), yaml.BaseLoader)
CUTOFF = time(16, 30)


@pytest.mark.parametrize("case", CASES["working_days"], ids=lambda case: f"{case['start']}+{case['n']}")
def test_working_days_after(case, calendar):
    due = deadlines.add_working_days(date.fromisoformat(case["start"]), int(case["n"]), calendar)
    assert due.isoformat() == case["due"], case["why"]


def test_working_days_after_on_columns(con, working_days):
    rows = [{"start": case["start"], "n": case["n"], "due": case["due"]} for case in CASES["working_days"]]
    table = table_of(rows, ibis.schema({"start": "date", "n": "int64", "due": "date"}))
    got = con.to_pyarrow(deadlines.due_on(table, "start", "n", working_days, name="got")).to_pylist()
    assert len(got) == len(rows)
    assert [row for row in got if row["got"] != row["due"]] == []


@pytest.mark.parametrize("case", CASES["cutoff_1630"], ids=lambda case: case["notified"])
def test_cutoff(case, calendar):
    due = deadlines.cutoff_due(datetime.fromisoformat(case["notified"]), CUTOFF, calendar)
    assert due == datetime.fromisoformat(case["due"]), case["why"]


def test_cutoff_on_columns(con, working_days):
    rows = [{"notified": case["notified"], "due": case["due"]} for case in CASES["cutoff_1630"]]
    table = table_of(rows, ibis.schema({"notified": "timestamp", "due": "timestamp"}))
    got = con.to_pyarrow(deadlines.cutoff_due_column(table, "notified", CUTOFF, working_days, name="got")).to_pylist()
    assert len(got) == len(rows)
    assert [row for row in got if row["got"] != row["due"]] == []


@pytest.mark.parametrize("case", CASES["tenth"], ids=lambda case: case["month_end"])
@pytest.mark.parametrize("rest_day", ["after", "before"])
def test_tenth_of_next_month(case, rest_day, calendar, con, working_days):
    due = deadlines.month_day_due(date.fromisoformat(case["month_end"]), 10, calendar, rest_day=rest_day)
    assert due.isoformat() == case[rest_day], case["why"]
    table = table_of([{"month_end": case["month_end"]}], ibis.schema({"month_end": "date"}))
    column = deadlines.month_day_due_column(table, "month_end", 10, working_days, rest_day=rest_day)
    assert con.to_pyarrow(column).to_pylist()[0]["due_on"] == due


def test_follow_up_is_due_on_the_twentieth_working_day_and_overdue_after_it(calendar):
    """C-17."""
    due = deadlines.add_working_days(date(2026, 9, 15), 20, calendar)
    assert deadlines.deadline_state(due, None, due) == "today"
    assert deadlines.deadline_state(due, None, due - timedelta(days=1)) == "open"
    assert deadlines.deadline_state(due, None, due + timedelta(days=1)) == "overdue"
    assert deadlines.deadline_state(due, due, date(2026, 12, 1)) == "met"
    assert deadlines.deadline_state(due, due + timedelta(days=1), date(2026, 12, 1)) == "late"


def test_deadline_state_on_columns(con):
    rows = [
        {"due": "2026-09-30", "done": None, "state": "today"},
        {"due": "2026-09-29", "done": None, "state": "overdue"},
        {"due": "2026-10-01", "done": None, "state": "open"},
        {"due": "2026-09-29", "done": "2026-09-29", "state": "met"},
        {"due": "2026-09-29", "done": "2026-09-30", "state": "late"},
        {"due": None, "done": None, "state": None},
    ]
    table = table_of(rows, ibis.schema({"due": "date", "done": "date", "state": "string"}))
    got = table.mutate(got=deadlines.deadline_state(table.due, table.done, date(2026, 9, 30)))
    assert [row for row in con.to_pyarrow(got).to_pylist() if row["got"] != row["state"]] == []


@pytest.mark.parametrize("day", [date(2006, 12, 31), date(2027, 1, 1)])
def test_outside_the_calendar_nothing_is_guessed(day, calendar):
    with pytest.raises(CalendarNotCovered, match=str(day)):
        calendar.is_working(day)
    with pytest.raises(CalendarNotCovered):
        deadlines.add_working_days(day, 1, calendar)


def test_a_deadline_that_runs_out_of_the_calendar_is_null_and_found(con, calendar, working_days):
    with pytest.raises(CalendarNotCovered):
        deadlines.add_working_days(date(2026, 12, 30), 3, calendar)
    rows = [{"id": 1, "start": "2026-12-30"}, {"id": 2, "start": "2026-12-28"}, {"id": 3, "start": None}]
    table = table_of(rows, ibis.schema({"id": "int64", "start": "date"}))
    due = deadlines.due_on(table, "start", 3, working_days)
    got = {row["id"]: row["due_on"] for row in con.to_pyarrow(due).to_pylist()}
    assert got == {1: None, 2: date(2026, 12, 31), 3: None}
    assert [row["id"] for row in con.to_pyarrow(deadlines.not_covered(due, "start")).to_pylist()] == [1]


@given(
    start=st.dates(date(2008, 1, 1), date(2026, 6, 30)),
    count=st.integers(0, 60),
    later=st.integers(0, 30),
    more=st.integers(0, 30),
)
def test_deadlines_are_monotone_and_fall_on_working_days(start, count, later, more):
    calendar = load_calendar()
    due = deadlines.add_working_days(start, count, calendar)
    assert calendar.is_working(due) and due >= start and (count == 0 or due > start)
    assert due <= deadlines.add_working_days(start + timedelta(days=later), count, calendar)
    assert due <= deadlines.add_working_days(start, count + more, calendar)
    between = sum(calendar.is_working(start + timedelta(days=offset)) for offset in range(1, (due - start).days + 1))
    assert between == count or (count == 0 and not calendar.is_working(start) and between == 1)


@given(
    first=st.datetimes(datetime.fromisoformat("2008-01-01"), datetime.fromisoformat("2026-06-30")),
    minutes=st.integers(0, 20_000),
)
def test_a_later_notice_is_never_due_earlier(first, minutes):
    calendar = load_calendar()
    due = deadlines.cutoff_due(first, CUTOFF, calendar)
    assert due >= first and calendar.is_working(due.date())
    assert due <= deadlines.cutoff_due(first + timedelta(minutes=minutes), CUTOFF, calendar)


def test_columns_and_dates_agree_over_two_years(con, calendar, working_days):
    first = date(2019, 11, 1)
    rows = [
        {"start": first + timedelta(days=offset), "n": count} for offset in range(0, 730, 3) for count in (0, 1, 3, 20)
    ]
    table = table_of(rows, ibis.schema({"start": "date", "n": "int64"}))
    got = con.to_pyarrow(deadlines.due_on(table, "start", "n", working_days)).to_pylist()
    assert len(got) == len(rows)
    wrong = [row for row in got if row["due_on"] != deadlines.add_working_days(row["start"], row["n"], calendar)]
    assert wrong == []


@pytest.mark.parametrize(
    ("years", "problem"),
    [
        ({}, "no years"),
        ({"2026": {"rest": ["01-01"]}, "2028": {}}, r"gap, no year \[2027\]"),
        ({"2026": {"rest": ["01-01"], "worked": ["01-01"]}}, "both rest and worked"),
        ({"2026": {"rest": ["13-01"]}}, "13-01"),
        ({"2026": {"rest": ["01-03..01-01"]}}, "ends before it begins"),
    ],
)
def test_a_wrong_calendar_is_refused(years, problem):
    with pytest.raises(ParameterError, match=problem):
        deadlines.calendar_of({"years": years})


@pytest.mark.realdata
def test_calendar_equals_the_state_councils_notices(calendar):
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "calendar"
    if not folder.is_dir():
        pytest.skip("../shared/data/calendar is absent: the calendar is not held against the notices here")
    listed = {
        date.fromisoformat(day["date"]): day["isOffDay"]
        for path in sorted(folder.glob("2*.json"))
        for day in json.loads(path.read_text("utf-8"))["days"]
    }
    covered = {day: is_off for day, is_off in listed.items() if calendar.first <= day <= calendar.last}
    assert len(covered) > 600
    assert {day for day, is_off in covered.items() if calendar.is_working(day) == is_off} == set()
    # And no other day differs from Monday to Friday.
    others = (calendar.first + timedelta(days=n) for n in range((calendar.last - calendar.first).days + 1))
    assert {day for day in others if day not in covered and calendar.is_working(day) != (day.weekday() < 5)} == set()
