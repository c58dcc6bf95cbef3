"""A realistic home with known answers: files as a finance desk has them, and the truth beside them.

What belongs here: the sample home of ``settlement sample``. Nothing of the program reads it but tests and benches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from settlement import month as months
from settlement.sample.market import months_of, parity_table
from settlement.sample.story import told
from settlement.sample.world import World
from settlement.sample.writing import write_story

LEAST_ORDERS, MOST_ORDERS = 50, 1_000_000


class NoSuchSample(ValueError):
    """The sample cannot be written as it was asked for; the message says what can."""


def write_home(
    home: Path, *, month: str, months: int = 1, orders: int = 200, seed: int = 1, mess: Literal["easy", "hard"] = "easy"
) -> None:
    """Write ``home/raw`` and ``home/truth``: ``orders`` new orders in each of ``months`` months from ``month``.

    The same arguments give the same bytes. Above 200,000 orders every file is CSV. Raises ``NoSuchSample`` for
    another number of orders than 50 to 1,000,000, an unknown mess, or months without published central parity
    in the package (it has 2022-12 to 2023-12).
    """
    names = _month_names(month, months)
    if not LEAST_ORDERS <= orders <= MOST_ORDERS:
        raise NoSuchSample(f"a sample has {LEAST_ORDERS} to {MOST_ORDERS} orders a month, not {orders}")
    if mess not in ("easy", "hard"):
        raise NoSuchSample(f"mess is easy or hard, not {mess!r}")
    span = months_of(names)
    published, _ = parity_table()
    if not published[0] <= span.first[0] or not span.last[-1] <= published[-1] + 3:
        raise NoSuchSample(
            f"the sample has central parity for 2022-12 to 2023-12 only, not for {names[0]} to {names[-1]}"
        )
    write_story(Path(home), told(World(span, orders, seed, mess == "hard")))


def _month_names(first: str, count: int) -> list[str]:
    if count < 1:
        raise NoSuchSample(f"a sample has at least one month, not {count}")
    return months.months_from(months.checked(first), count)


__all__ = ["LEAST_ORDERS", "MOST_ORDERS", "NoSuchSample", "write_home"]
