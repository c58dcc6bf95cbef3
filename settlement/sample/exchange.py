"""Exchange: at what rate and when the foreign receipts became CNY (结汇), and what the advice prints.

Bank rates are buying rates a little under the parity, two decimals per 100 units. A receipt is converted the
same day (the advice then carries rate and CNY), some days later (a pair of lines), or not yet (暂估).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from settlement.sample import market
from settlement.sample.arithmetic import converted, shared
from settlement.sample.legs import GOODS, Legs
from settlement.sample.receipts import Receipts, receipt_of_leg, received
from settlement.sample.texts import NONE
from settlement.sample.world import World

AT_ONCE, LATER, NOT_YET = range(3)


@dataclass(frozen=True)
class Exchange:
    """One row a receipt; CNY receipts hold ``NONE``."""

    mode: np.ndarray
    rate: np.ndarray
    cny: np.ndarray
    converted_on: np.ndarray  # NONE = never within the months
    printed_rate: np.ndarray
    printed_cny: np.ndarray
    named: np.ndarray  # the conversion quotes the receipt's serial


def exchange_of(world: World, receipts: Receipts) -> Exchange:
    """Conversion of every foreign receipt."""
    dice, count = world.dice("exchange"), len(receipts.first)
    foreign = receipts.what == GOODS
    drawn = dice.random(count)
    mode = np.where(drawn < 0.62, AT_ONCE, np.where(drawn < 0.9, LATER, NOT_YET))
    later = market.add_working(receipts.booked_on, dice.integers(1, 13, count))
    day = np.where(mode == AT_ONCE, receipts.booked_on, later)
    mid = market.mid_rate(np.minimum(day, world.end), receipts.currency)
    rate = market.bank_rate(mid, -dice.integers(120, 380, count))
    cny = converted(receipts.amount, rate)
    done = foreign & (mode != NOT_YET) & (day <= world.end)
    wrong = (mode == AT_ONCE) & (dice.random(count) < world.mess(0.004, 0.01))
    cny = np.where(wrong, cny + dice.integers(5, 60, count), cny)
    at_once = done & (mode == AT_ONCE)
    rate_only = at_once & ~wrong & (dice.random(count) < 0.02)
    return Exchange(
        mode=np.where(foreign, mode, NONE),
        rate=np.where(done, rate, NONE),
        cny=np.where(done, cny, NONE),
        converted_on=np.where(done, day, NONE),
        printed_rate=np.where(at_once, rate, NONE),
        printed_cny=np.where(at_once & ~rate_only, cny, NONE),
        named=dice.random(count) < 0.7,
    )


def cny_of_legs(legs: Legs, receipts: Receipts, exchange: Exchange) -> np.ndarray:
    """Each leg's CNY: its receipt's, shared by largest remainder; ``NONE`` while it is not converted."""
    row = receipt_of_leg(receipts)
    amount = received(legs, receipts)
    foreign = legs.what == GOODS
    cny = np.where(exchange.cny == NONE, 0, exchange.cny)[row]
    part = shared(np.where(foreign, cny, amount), np.maximum(amount, 1), row)
    return np.where(foreign, np.where(exchange.cny[row] == NONE, NONE, part), amount)
