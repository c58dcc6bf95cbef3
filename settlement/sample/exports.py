"""Export settlement in truth: what came in, the invoice asked of the supplier, the refund and its cash.

The formulas are those of the rulebook, in whole numbers and apart from the program's own:
I = N x (1 + v) / (1 + v - r), E = I / (1 + v), T = I - E, R = E x r, each half up to the fen (EXP-INV-01, C-02);
N is shared over the goods lines by FOB (C-06). Fees: agency fee, other fee, netted freight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from settlement.sample import market
from settlement.sample.arithmetic import group_sum, half_up, shared
from settlement.sample.cargo import NO_REFUND, Amounts, Lines
from settlement.sample.exchange import Exchange
from settlement.sample.freight import Charges
from settlement.sample.legs import GOODS, Legs
from settlement.sample.orders import EXPORT, OWN_NAME, Orders
from settlement.sample.receipts import POST, Receipts, receipt_of_leg, received
from settlement.sample.texts import NONE
from settlement.sample.world import World


@dataclass(frozen=True)
class Position:
    """An export order's goods money up to a day, one row an order."""

    received_fx: np.ndarray
    gross: np.ndarray
    settled: np.ndarray  # at least one receipt, each of them provable and converted
    last_on: np.ndarray  # the latest receipt or conversion


@dataclass(frozen=True)
class Figures:
    """One row a goods line, fen; meaningless where the position is not settled."""

    net: np.ndarray
    invoice: np.ndarray
    ex_vat: np.ndarray
    tax: np.ndarray
    refund: np.ndarray


def position_at(
    orders: Orders, legs: Legs, receipts: Receipts, exchange: Exchange, leg_cny: np.ndarray, day: int
) -> Position:
    """Goods money of each order booked by ``day`` and converted by then."""
    row = receipt_of_leg(receipts)
    mine = (legs.what == GOODS) & (legs.paid_on <= day)
    provable = (receipts.verdict == POST)[row]
    converted_on = exchange.converted_on[row]
    known = (converted_on != NONE) & (converted_on <= day)
    count = orders.count
    some = np.zeros(count, bool)
    some[legs.order[mine]] = True
    spoiled = np.zeros(count, bool)
    spoiled[legs.order[mine & ~(provable & known)]] = True
    last = np.full(count, NONE)
    np.maximum.at(last, legs.order[mine], np.maximum(legs.paid_on, np.where(known, converted_on, NONE))[mine])
    return Position(
        received_fx=group_sum(np.where(mine, received(legs, receipts), 0), legs.order, count),
        gross=group_sum(np.where(mine & known, leg_cny, 0), legs.order, count),
        settled=some & ~spoiled,
        last_on=last,
    )


def in_full(amounts: Amounts, position: Position) -> np.ndarray:
    """收齐: received reaches the declared amount, short by no more than max(50, 0.2 %) of the currency (FX-09)."""
    allowed = np.maximum(5_000, amounts.due // 500)
    return position.settled & (position.received_fx >= amounts.due - allowed)


def fees(orders: Orders, amounts: Amounts, charges: Charges, gross: np.ndarray) -> np.ndarray:
    """P: agency fee (or rate x gross) + other fee + netted freight; ``NONE`` where neither fee nor rate is given."""
    by_rate = half_up(gross * np.where(amounts.agency_rate == NONE, 0, amounts.agency_rate), 10_000)
    agency = np.where(amounts.agency_fee == NONE, by_rate, amounts.agency_fee)
    other = np.where(amounts.other_fee == NONE, 0, amounts.other_fee)
    freight = np.where(orders.netted, charges.receivable_cny, 0)
    missing = (amounts.agency_fee == NONE) & (amounts.agency_rate == NONE)
    return np.where(missing, NONE, agency + other + freight)


def figures_of(lines: Lines, net: np.ndarray) -> Figures:
    """The invoice of each goods line from the net amount of its order."""
    part = shared(np.maximum(net, 0)[lines.order], lines.fob_usd, lines.order)
    invoice = half_up(part * (100 + lines.levy), 100 + lines.levy - lines.refund)
    ex_vat = half_up(invoice * 100, 100 + lines.levy)
    return Figures(part, invoice, ex_vat, invoice - ex_vat, half_up(ex_vat * lines.refund, 100))


def computable(orders: Orders, lines: Lines, charges: Charges, position: Position, day: int) -> np.ndarray:
    """Orders whose invoice the files decide by ``day``: own name, declared, receipts settled, fees known."""
    taxed = np.zeros(orders.count, bool)
    taxed[lines.order[lines.flag == NO_REFUND]] = True  # 视同内销: two figures, for a person
    billed = ~orders.netted | ((charges.billed_on != NONE) & (charges.billed_on <= day))
    own = (orders.kind == EXPORT) & (orders.mode == OWN_NAME)
    return own & position.settled & (orders.declared_on <= day) & billed & ~taxed


@dataclass(frozen=True)
class Refunds:
    """One row a declaration with a refund notice, in order of batch (申报批次)."""

    declaration: np.ndarray
    order: np.ndarray
    batch: np.ndarray
    expected: np.ndarray
    amount: np.ndarray
    result: np.ndarray  # index into RESULTS
    notified_on: np.ndarray
    cash_on: np.ndarray  # of the batch


RESULTS = ("核准", "暂缓", "不予退税")
_BATCH = 12  # declarations a batch


@dataclass(frozen=True)
class Exports:
    """Completed exports, one row an order: NONE where not (yet) complete within the months."""

    position: Position
    complete_on: np.ndarray
    fees: np.ndarray
    net: np.ndarray
    figures: Figures
    invoiced_on: np.ndarray  # the supplier's VAT invoice


def exports_of(
    world: World,
    orders: Orders,
    lines: Lines,
    amounts: Amounts,
    charges: Charges,
    legs: Legs,
    receipts: Receipts,
    exchange: Exchange,
    leg_cny: np.ndarray,
) -> Exports:
    """How every export stands at the end of the months."""
    dice = world.dice("exports")
    position = position_at(orders, legs, receipts, exchange, leg_cny, world.end)
    deducted = fees(orders, amounts, charges, position.gross)
    net = position.gross - np.where(deducted == NONE, 0, deducted)
    billed_on = np.where(orders.netted, charges.billed_on, 0)
    done = in_full(amounts, position) & (deducted != NONE) & (net > 0) & (billed_on <= world.end)
    done &= orders.dropped_on == NONE
    complete_on = np.where(done & (orders.kind == EXPORT), np.maximum(position.last_on, billed_on), NONE)
    ready = done & computable(orders, lines, charges, position, world.end)
    asked = np.maximum(complete_on, orders.declared_on) + dice.integers(3, 14, orders.count)
    return Exports(
        position=position,
        complete_on=complete_on,
        fees=deducted,
        net=net,
        figures=figures_of(lines, net),
        invoiced_on=np.where(ready & (dice.random(orders.count) < 0.92), market.roll(asked), NONE),
    )


def refunds_of(world: World, orders: Orders, lines: Lines, exports: Exports) -> Refunds:
    """Notices by declaration and the cash of each batch; amounts a little off in some, none in a few."""
    dice = world.dice("refunds")
    issued = exports.invoiced_on[lines.order]
    line = np.flatnonzero(issued != NONE)
    declaration, row = np.unique(lines.declaration[line], return_inverse=True)
    expected = group_sum(exports.figures.refund[line], row, len(declaration))
    order = declaration // 2
    count = len(declaration)
    fast = dice.random(count) < 0.45
    wait = np.where(fast, dice.integers(4, 12, count), dice.integers(20, 62, count))
    notified = np.where(expected > 0, market.roll(exports.invoiced_on[order] + wait), world.end + 1)
    kept = np.flatnonzero(notified <= world.end)
    kept = kept[np.argsort(notified[kept], kind="stable")]
    declaration, order, expected, notified = declaration[kept], order[kept], expected[kept], notified[kept]
    week = notified // 7
    starts = np.r_[True, week[1:] != week[:-1]] if len(week) else np.zeros(0, bool)
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(week)), 0)) if len(week) else week
    batch = np.cumsum(starts | ((np.arange(len(week)) - begin) % _BATCH == 0)) - 1
    last = np.full(batch.max(initial=-1) + 1, -1, np.int64)
    np.maximum.at(last, batch, notified)
    cash_on = market.add_working(last, dice.integers(1, 5, len(last))) if len(last) else last
    drawn = dice.random(len(order))
    result = np.where(drawn < 0.03, 1, np.where(drawn < 0.04, 2, 0))
    less = np.where(dice.random(len(order)) < 0.04, dice.integers(100, 5_000, len(order)), 0)
    return Refunds(
        declaration=declaration,
        order=order,
        batch=batch,
        expected=expected,
        amount=np.maximum(expected - less, 1),
        result=result,
        notified_on=last[batch],
        cash_on=cash_on[batch],
    )
