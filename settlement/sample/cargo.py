"""Goods lines of trade orders: code, quantity, amount, FOB, declaration, tax rates; the orders' amounts.

Amounts are in minor units of the order's currency. Rates are whole percent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from settlement.sample import market, texts
from settlement.sample.arithmetic import group_sum, half_up, shared
from settlement.sample.catalog import catalog, column
from settlement.sample.orders import AGENT, CIF, EXPORT, FOB, IMPORT, Orders, declaration_numbers
from settlement.sample.texts import NONE
from settlement.sample.world import World, weighted

EXEMPT, NO_REFUND = 1, 2  # 免税, 不退税


@dataclass(frozen=True)
class Lines:
    """One row a goods line (货物行), by order and line."""

    order: np.ndarray
    line_no: np.ndarray
    goods: np.ndarray  # index into the catalog: goods, or import_goods for imports
    quantity: np.ndarray
    amount: np.ndarray
    fob_usd: np.ndarray
    own_declaration: np.ndarray  # the line carries its declaration itself
    declaration: np.ndarray  # number of the declaration: order x 2, + 1 for an order's second one
    item_no: np.ndarray
    levy: np.ndarray
    refund: np.ndarray
    flag: np.ndarray  # 0, EXEMPT, NO_REFUND
    rate_given: np.ndarray
    rate_differs: np.ndarray


@dataclass(frozen=True)
class Amounts:
    """One row an order; currency of the order except the fees, which are CNY fen."""

    amount: np.ndarray
    declared: np.ndarray  # NONE = as contracted
    freight_fx: np.ndarray
    insurance_fx: np.ndarray
    agency_fee: np.ndarray
    agency_rate: np.ndarray  # hundredths of a percent
    other_fee: np.ndarray

    @property
    def due(self) -> np.ndarray:
        """What the foreign buyer owes: the declared amount where it differs."""
        return np.where(self.declared == NONE, self.amount, self.declared)


def cargo_of(world: World, orders: Orders) -> tuple[Lines, Amounts]:
    """Goods lines of every trade order and the orders' amounts."""
    dice = world.dice("cargo")
    as_twin = np.where(orders.twin_of >= 0, orders.twin_of, np.arange(orders.count))
    each = np.where(orders.is_trade, 1 + weighted(dice, [68, 20, 8, 4], orders.count), 0)[as_twin]
    order = np.repeat(np.arange(orders.count), each)
    start = np.cumsum(each) - each
    line_no = np.arange(len(order)) - start[order] + 1
    source = start[as_twin[order]] + line_no - 1  # a twin's line repeats the original's
    amount = np.exp(dice.normal(9.5, 0.75, len(order)) + np.where(orders.kind[order] == IMPORT, 0.4, 0))
    amount = np.clip((amount * 100).astype(np.int64), 90_000, 90_000_000)
    amount = np.where(dice.random(len(order)) < 0.1, amount // 50_000 * 50_000 + 50_000, amount)[source]
    total = group_sum(amount, order, orders.count)
    amounts = _amounts(world, dice, orders, total, as_twin)
    goods, levy, refund, flag = _goods(dice, orders, order, as_twin, source)
    differs = (orders.kind[order] == EXPORT) & (refund == 13) & (dice.random(len(order)) < 0.006)
    split = (orders.kind == EXPORT) & (each > 1) & (dice.random(orders.count) < 0.12)
    second = split[order] & (line_no > (each[order] + 1) // 2)
    declaration = order * 2 + second
    item_no = np.where(second, line_no - (each[order] + 1) // 2, line_no)
    lines = Lines(
        order=order,
        line_no=line_no,
        goods=goods,
        quantity=_quantities(dice, orders, order, goods, amount)[source],
        amount=amount,
        fob_usd=_fob(orders, amounts, order, amount),
        own_declaration=split[order],
        declaration=declaration,
        item_no=item_no,
        levy=levy,
        refund=np.where(differs, 9, refund),
        flag=flag,
        rate_given=differs | (dice.random(len(order)) < 0.12),
        rate_differs=differs,
    )
    return lines, amounts


def _goods(
    dice: np.random.Generator, orders: Orders, order: np.ndarray, as_twin: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    words = catalog()
    export = orders.kind[order] == EXPORT
    weights = [{"": 12, "免税": 3, "不退税": 1}[flag] for flag in column("goods", 6)]
    outward = weighted(dice, weights, len(order))
    inward = dice.integers(0, len(words["import_goods"]), orders.count)[order]
    goods = np.where(export, outward, inward)[source]
    levy = np.where(export, _by(column("goods", 4), goods), _by(column("import_goods", 5), goods))
    refund = np.where(export, _by(column("goods", 5), goods), 0)
    flags = [{"": 0, "免税": EXEMPT, "不退税": NO_REFUND}[flag] for flag in column("goods", 6)]
    return goods, levy, refund, np.where(export, _by(flags, goods), 0)


def _by(values: list[int], index: np.ndarray) -> np.ndarray:
    return np.array(values, np.int64)[np.minimum(index, len(values) - 1)]


def _quantities(
    dice: np.random.Generator, orders: Orders, order: np.ndarray, goods: np.ndarray, amount: np.ndarray
) -> np.ndarray:
    export = orders.kind[order] == EXPORT
    low = np.where(export, _by(column("goods", 7), goods), _by(column("import_goods", 7), goods))
    high = np.where(export, _by(column("goods", 8), goods), _by(column("import_goods", 8), goods))
    price = low + (dice.random(len(order)) * (high - low)).astype(np.int64)
    return np.maximum(1, amount // price)


def _fob(orders: Orders, amounts: Amounts, order: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """FOB in USD (美元离岸价): the declared amount less freight and insurance, shared by amount."""
    fob = amounts.due - amounts.freight_fx - amounts.insurance_fx
    usd = market.mid_rate(orders.declared_on, np.full(orders.count, market.USD))
    own = market.mid_rate(orders.declared_on, orders.currency)
    fob = np.where(orders.currency == market.USD, fob, half_up(fob * own, usd))
    return shared(fob[order], amount, order)


def _amounts(
    world: World, dice: np.random.Generator, orders: Orders, total: np.ndarray, as_twin: np.ndarray
) -> Amounts:
    count, export = orders.count, orders.kind == EXPORT
    carried = export & (orders.trade_term != FOB)
    freight_fx = np.where(carried, total * dice.integers(25, 80, count) // 1000, 0)[as_twin]
    freight_fx = np.where(carried, freight_fx, 0)
    insurance = np.where(export & (orders.trade_term == CIF), total * 3 // 1000, 0)
    twin = (orders.twin_of >= 0) | np.isin(np.arange(count), orders.twin_of)
    short_shipped = export & ~twin & (dice.random(count) < 0.03)
    declared = np.where(short_shipped, total - total * dice.integers(8, 30, count) // 1000, NONE)
    by_rate = export & (dice.random(count) < 0.6)  # a rate is taken of the CNY received: imports have fixed fees
    fee = 20_000 + dice.integers(0, 120, count) * 1_000
    missing = orders.is_trade & (orders.mode != AGENT) & (dice.random(count) < world.mess(0.003, 0.01))
    has_fee = orders.is_trade & ~missing
    return Amounts(
        amount=total,
        declared=declared,
        freight_fx=freight_fx,
        insurance_fx=insurance,
        agency_fee=np.where(has_fee & ~by_rate, fee, NONE),
        agency_rate=np.where(has_fee & by_rate, dice.integers(8, 19, count) * 10, NONE),
        other_fee=np.where(orders.is_trade & (dice.random(count) < 0.3), dice.integers(1, 80, count) * 1_000, NONE),
    )


def line_declarations(world: World, orders: Orders, declaration: np.ndarray) -> pa.Array:
    """The declaration number (报关单号) of each ``declaration`` = order x 2 (+ 1)."""
    order = declaration // 2
    return declaration_numbers(world, declaration, orders.declared_on[order], orders.outbound[order])


def goods_text(orders: Orders, lines: Lines, position: int, import_position: int) -> pa.Array:
    """A text of the catalog for each line: one position of ``goods``, another of ``import_goods``."""
    export = orders.kind[lines.order] == EXPORT
    return texts.choose(
        export,
        texts.pick(column("goods", position), np.minimum(lines.goods, len(catalog()["goods"]) - 1)),
        texts.pick(
            column("import_goods", import_position), np.minimum(lines.goods, len(catalog()["import_goods"]) - 1)
        ),
    )
