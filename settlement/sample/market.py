"""Time and rates of the sample: real working days, real central parity, a bank's own rate.

Central parity (人民币汇率中间价) lies in ``data/central_parity.csv``; its source stands in the README there.
Working days come from the calendar that ships with the program.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
import yaml

from settlement.rules.deadlines import calendar_of
from settlement.sample.arithmetic import RATE, half_up

CURRENCIES = ("CNY", "USD", "EUR", "JPY", "HKD")
CNY, USD, EUR = 0, 1, 2
_EPOCH = date(1970, 1, 1).toordinal()


def as_day(moment: date) -> int:
    """Days since 1970-01-01."""
    return moment.toordinal() - _EPOCH


@dataclass(frozen=True)
class Months:
    """The months of a sample: ``first[k]`` to ``last[k]`` are the days of the k-th."""

    names: tuple[str, ...]
    first: np.ndarray
    last: np.ndarray

    def of(self, days: np.ndarray) -> np.ndarray:
        """The index of the month a day lies in; -1 before the first, ``len(names)`` after the last."""
        index = np.searchsorted(self.first, days, side="right") - 1
        return np.where(days > self.last[-1], len(self.names), index)


def months_of(names: list[str]) -> Months:
    """``Months`` of names like ``2023-09``, in order without a gap."""
    firsts = [date(int(name[:4]), int(name[5:]), 1) for name in names]
    following = [*firsts[1:], date(firsts[-1].year + firsts[-1].month // 12, firsts[-1].month % 12 + 1, 1)]
    return Months(
        tuple(names),
        np.array([as_day(day) for day in firsts], np.int64),
        np.array([as_day(day) - 1 for day in following], np.int64),
    )


@cache
def working_days() -> np.ndarray:
    """Every working day (工作日) of the shipped calendar, as days, in order."""
    content = yaml.safe_load(files("settlement.parameters").joinpath("calendar.yaml").read_text("utf-8"))
    return np.array([as_day(day) for day in calendar_of(content).working_days], np.int64)


def roll(days: np.ndarray) -> np.ndarray:
    """The day itself if it is worked, else the next working day."""
    work = working_days()
    return work[np.searchsorted(work, days)]


def add_working(days: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """The ``count``-th working day after the day."""
    work = working_days()
    return work[np.searchsorted(work, days, side="right") - 1 + count]


def roll_back(days: np.ndarray) -> np.ndarray:
    """The day itself if it is worked, else the working day before."""
    return add_working(days, 0)


@cache
def parity_table() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Publication days, and by currency CNY per 1 in millionths."""
    text = files("settlement.sample").joinpath("data/central_parity.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    days = np.array([as_day(date.fromisoformat(row["published_on"])) for row in rows], np.int64)
    return days, {name: np.array([_per_one(row[name]) for row in rows], np.int64) for name in CURRENCIES[1:]}


def _per_one(per_hundred: str) -> int:
    whole, _, rest = per_hundred.partition(".")
    return int(whole) * (RATE // 100) + int((rest + "0000")[:4])


def mid_rate(days: np.ndarray, currency: np.ndarray) -> np.ndarray:
    """The central parity last published on or before each day, CNY per 1 in millionths (FX-06).

    ``currency`` is an index into ``CURRENCIES``; CNY is 1. Days before the first publication take the first.
    """
    published, rates = parity_table()
    row = np.maximum(np.searchsorted(published, days, side="right") - 1, 0)
    found = np.full(len(days), RATE, np.int64)
    for code, name in enumerate(CURRENCIES):
        if code:
            found = np.where(currency == code, rates[name][row], found)
    return found


def bank_rate(mid: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A bank's own rate: the mid rate moved by ``shift`` hundred-thousandths, two decimals per 100 units."""
    return half_up(mid * (100_000 + shift), 100_000 * 100) * 100
