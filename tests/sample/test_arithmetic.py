"""Whole columns give the figures that Decimal gives one by one."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules.money import apportion
from settlement.sample import texts
from settlement.sample.arithmetic import converted, half_up, shared

AMOUNT = st.integers(-(10**11), 10**11)


@given(st.lists(st.tuples(AMOUNT, st.integers(1, 10**7)), min_size=1, max_size=20))
def test_half_up_is_away_from_zero(pairs):
    top, bottom = (np.array(values, np.int64) for values in zip(*pairs, strict=True))
    expected = [int((Decimal(a) / Decimal(b)).quantize(Decimal(1), ROUND_HALF_UP)) for a, b in pairs]
    assert half_up(top, bottom).tolist() == expected


def test_conversion_is_the_worked_example():
    assert converted(np.array([7_996_250]), np.array([8_123_600])).tolist() == [64_958_337]


@given(
    st.lists(
        st.tuples(st.integers(-(10**10), 10**10), st.lists(st.integers(1, 10**9), min_size=1, max_size=6)),
        min_size=1,
        max_size=6,
    )
)
def test_shares_are_the_largest_remainder(groups):
    total = np.concatenate([np.full(len(weights), amount) for amount, weights in groups])
    weight = np.concatenate([np.array(weights) for _, weights in groups])
    group = np.concatenate([np.full(len(weights), place) for place, (_, weights) in enumerate(groups)])
    expected = [
        int(part * 100)
        for amount, weights in groups
        for part in apportion(Decimal(amount) / 100, [Decimal(weight) for weight in weights])
    ]
    assert shared(total, weight, group).tolist() == expected


@given(st.lists(st.one_of(AMOUNT, st.just(int(texts.NONE))), min_size=1, max_size=20))
def test_money_is_written_as_typed(values):
    written = texts.money(np.array(values, np.int64)).to_pylist()
    expected = [None if value == texts.NONE else str(Decimal(value) / 100 + Decimal("0.00")) for value in values]
    assert written == [None if cell is None else f"{Decimal(cell):.2f}" for cell in expected]


def test_days_and_moments():
    days = np.array([19_600, int(texts.NONE)])
    assert texts.day(days).to_pylist() == ["2023-08-31", None]
    assert texts.moment(days, np.array([990, 0])).to_pylist() == ["2023-08-31 16:30:00", None]
