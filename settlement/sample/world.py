"""What one sample is made from: its months, its size, its seed, how messy it is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from settlement.sample.market import Months

CSV_ABOVE = 200_000  # orders a home: above it every file is CSV


@dataclass(frozen=True)
class World:
    """``per_month`` new orders in each month; principals (委托方) come back month after month."""

    months: Months
    per_month: int
    seed: int
    hard: bool

    @property
    def orders(self) -> int:
        """Orders of all months."""
        return self.per_month * len(self.months.names)

    @property
    def principals(self) -> int:
        """One principal per eight orders of a month, ten at least."""
        return max(10, self.per_month // 8)

    @property
    def as_csv(self) -> bool:
        """Whether the home is too large for workbooks."""
        return self.orders > CSV_ABOVE

    @property
    def start(self) -> int:
        """The first day of the books."""
        return int(self.months.first[0])

    @property
    def end(self) -> int:
        """The last day of the last month: what happens later is in no file."""
        return int(self.months.last[-1])

    def dice(self, subject: str) -> np.random.Generator:
        """A random stream of its own for each subject, so that a change in one leaves the others alone."""
        return np.random.default_rng([self.seed, zlib.crc32(subject.encode())])

    def mess(self, easy: float, hard: float) -> float:
        """How often a kind of mess happens."""
        return hard if self.hard else easy

    def within(self, days: np.ndarray) -> np.ndarray:
        """Whether days lie in the months that are written."""
        return (days >= self.start) & (days <= self.end)


def weighted(dice: np.random.Generator, weights: list[float], size: int) -> np.ndarray:
    """Indices drawn with the given weights (any scale)."""
    edges = np.cumsum(np.asarray(weights, float))
    return np.searchsorted(edges / edges[-1], dice.random(size), side="right")
