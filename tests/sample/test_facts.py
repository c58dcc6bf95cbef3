"""The facts that the sample carries over agree with the published data."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from settlement.sample.market import CURRENCIES, as_day, mid_rate, parity_table, roll, working_days

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
PUBLISHED = {"USD": ("USD/CNY", 1), "EUR": ("EUR/CNY", 1), "JPY": ("100JPY/CNY", 100), "HKD": ("HKD/CNY", 1)}


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the published data do not lie beside this checkout")
    return SHARED


@pytest.mark.realdata
def test_central_parity_is_the_published_one(shared):
    with (shared / "fx/cfets_central_parity_2012_2023.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["Date"] >= "2022-12-01"]
    days, rates = parity_table()
    assert days.tolist() == [as_day(date.fromisoformat(row["Date"])) for row in rows]
    for currency, (column, units) in PUBLISHED.items():
        assert [Decimal(int(rate)) / 1_000_000 for rate in rates[currency]] == [
            Decimal(row[column]) / units for row in rows
        ]


@pytest.mark.realdata
def test_working_days_are_those_of_the_state_council(shared):
    marked = {}
    for path in sorted((shared / "calendar").glob("20*.json")):
        for entry in json.loads(path.read_text("utf-8"))["days"]:
            marked[date.fromisoformat(entry["date"])] = entry["isOffDay"]
    days = [date(2022, 10, 1) + timedelta(days=place) for place in range(500)]
    expected = [day for day in days if (not marked[day] if day in marked else day.weekday() < 5)]
    work = set(working_days().tolist())
    assert [day for day in days if as_day(day) in work] == expected


def test_a_day_without_publication_takes_the_last_one_before():
    saturday, friday = as_day(date(2023, 9, 16)), as_day(date(2023, 9, 15))
    for code in range(1, len(CURRENCIES)):
        both = mid_rate(np.array([friday, saturday]), np.array([code, code]))
        assert both[0] == both[1]
    assert mid_rate(np.array([friday]), np.array([1])).tolist() == [7_178_600]
    assert roll(np.array([as_day(date(2023, 9, 29))])).tolist() == [as_day(date(2023, 10, 7))]
