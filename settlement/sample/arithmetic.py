"""Whole-number arithmetic of the sample: fen, half up, largest remainder.

It is written anew here, apart from ``settlement.rules.money``, so that the truth files check the program
with figures that did not come from it. Everything is int64; nothing here may meet a float.
"""

from __future__ import annotations

import numpy as np

RATE = 1_000_000  # a rate is CNY per 1, in millionths: 7.1786 is 7_178_600


def half_up(numerator: np.ndarray, denominator: np.ndarray | int) -> np.ndarray:
    """numerator / denominator, half up (away from zero); the denominator is positive."""
    sign = np.where(numerator < 0, -1, 1)
    return sign * ((2 * np.abs(numerator) + denominator) // (2 * denominator))


def converted(amount: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """An amount in currency at a rate in millionths, in fen."""
    return half_up(amount * rate, RATE)


def group_sum(values: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Σ values per group, exact (``np.bincount`` would go through a double)."""
    total = np.zeros(count, np.int64)
    np.add.at(total, groups, values)
    return total


def shared(total: np.ndarray, weight: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Each row's share of its group's ``total`` by ``weight``: largest remainder, ties to the earlier row.

    Rows of a group stand together, in order; ``total`` is repeated on each. Weights are positive.
    """
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    sizes = np.diff(np.r_[starts, len(groups)])
    weights = np.repeat(np.add.reduceat(weight, starts), sizes)
    # total x weight would pass 2^63: total = q * weights + r first.
    quotient, rest = np.divmod(np.abs(total), weights)
    scaled = rest.astype(object) * weight.astype(object) if _large(rest, weight) else rest * weight
    part = quotient * weight + (scaled // weights).astype(np.int64)
    remainder = (scaled % weights).astype(np.int64)
    missing = np.repeat(np.abs(total)[starts] - np.add.reduceat(part, starts), sizes)
    group = np.repeat(np.arange(len(starts)), sizes)
    order = np.lexsort((np.arange(len(groups)), -remainder, group))
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return np.where(total < 0, -1, 1) * (part + (rank < missing))


def _large(left: np.ndarray, right: np.ndarray) -> bool:
    return int(left.max(initial=0)) * int(right.max(initial=0)) >= 2**62
