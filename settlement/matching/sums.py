"""Which open items sum to an amount: an exact search, bounded, that says how far it looked.

A sum is evidence only where so many combinations would hardly meet the amount by chance. ``chance`` is the number
of accidental sums to be expected among those tried: combinations x step / span, by number of terms, where the
step is what all amounts are multiples of (round amounts meet often) and the span how far such sums lie apart,
at least the largest item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from math import comb, gcd

_EVERY = 12  # up to so many items every combination is tried


@dataclass(frozen=True)
class Reach:
    """How far a search may go."""

    items: int
    terms: int
    shown: int
    chance: Decimal  # no combination is tried that would let the chance exceed this

    @classmethod
    def of(cls, limits) -> Reach:
        """The reach of the limits."""
        return cls(limits.sum_items_most, limits.sum_terms_most, limits.sum_solutions_shown, limits.sum_chance_probable)


@dataclass(frozen=True)
class Search:
    """``found``: places of the items of each solution, at most ``Reach.shown``. ``terms``: sums of up to so many items
    were all tried (0: the group was over the bound and nothing was). ``chance`` as above."""

    found: tuple[tuple[int, ...], ...]
    terms: int
    tried: int
    chance: Decimal


def _fen(amounts: Sequence[Decimal]) -> list[int]:
    return [int(amount.scaleb(2)) for amount in amounts]


def _step(fen: Sequence[int]) -> int:
    """The step in which amounts go: their greatest common divisor; of fewer than five, where that says little, the
    roundest of 1, 5, 10, 50, ... that divides all."""
    common = gcd(*fen) or 1
    if len(fen) >= 5:
        return common
    round_ones = [unit * 10**power for power in range(12) for unit in (1, 5)]
    return max(step for step in round_ones if common % step == 0)


def chances(fen: Sequence[int], target: int, most: int) -> list[Decimal]:
    """Accidental sums to be expected of exactly 2, 3, ... ``most`` terms."""
    step = _step([target, *fen])
    ordered = sorted(fen)
    expected = []
    for terms in range(2, most + 1):
        # Sums of few items hardly spread; then the size of an item says how many values a sum might have had.
        span = max(sum(ordered[-terms:]) - sum(ordered[:terms]), ordered[-1]) + step
        expected.append(Decimal(comb(len(fen), terms) * step) / Decimal(span))
    return expected


def _depth(fen: Sequence[int], target: int, reach: Reach) -> tuple[int, Decimal]:
    """How many terms may be tried before the chance exceeds the reach, and the chance then."""
    total, depth = Decimal(0), 1
    for terms, chance in enumerate(chances(fen, target, min(reach.terms, len(fen))), 2):
        if total + chance > reach.chance or (terms > 4 and len(fen) > _EVERY):
            break
        total, depth = total + chance, terms
    return depth, total


def _pairs(fen: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    sums: dict[int, list[tuple[int, int]]] = {}
    for left, right in combinations(range(len(fen)), 2):
        sums.setdefault(fen[left] + fen[right], []).append((left, right))
    return sums


def _found(fen: Sequence[int], target: int, depth: int, shown: int) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    if len(fen) <= _EVERY:
        for terms in range(2, depth + 1):
            found += [
                places for places in combinations(range(len(fen)), terms) if sum(fen[p] for p in places) == target
            ]
        return found[: shown + 1]
    pairs = _pairs(fen)
    found += pairs.get(target, [])
    if depth >= 3:
        found += [
            (first, *pair)
            for first, amount in enumerate(fen)
            for pair in pairs.get(target - amount, ())
            if first < pair[0]
        ]
    if depth >= 4:
        found += [
            (*left, *right)
            for total, lefts in pairs.items()
            for right in pairs.get(target - total, ())
            for left in lefts
            if left[1] < right[0]
        ]
    return sorted(set(found), key=lambda places: (len(places), places))[: shown + 1]


def solutions(amounts: Sequence[Decimal], target: Decimal, reach: Reach) -> Search:
    """Sets of at least two of ``amounts`` that sum to ``target``.

    Amounts above the target cannot be part of a sum and do not count. A group over the bound is not searched.

    >>> search = solutions([Decimal("100.01"), Decimal("250.30"), Decimal("70.00")], Decimal("320.30"),
    ...                    Reach(60, 8, 5, Decimal("0.01")))
    >>> search.found, search.terms
    (((1, 2),), 3)
    """
    places = [place for place, amount in enumerate(amounts) if Decimal(0) < amount < target]
    fen, wanted = _fen([amounts[place] for place in places]), int(target.scaleb(2))
    if len(fen) < 2:
        return Search((), min(reach.terms, 2), 0, Decimal(0))
    if len(fen) > reach.items:
        return Search((), 0, 0, Decimal(0))
    depth, chance = _depth(fen, wanted, reach)
    if depth < 2:
        return Search((), 1, 0, Decimal(0))
    tried = sum(comb(len(fen), terms) for terms in range(2, depth + 1))
    found = _found(fen, wanted, depth, reach.shown)
    return Search(tuple(tuple(places[p] for p in solution) for solution in found), depth, tried, chance)
