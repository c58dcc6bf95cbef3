"""Import orders: what was asked for, paid abroad, taxed and settled (IMP-EST-01, IMP-FXP-07, IMP-F-01..03).

One row an order; other kinds hold ``NONE``. CNY in fen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from settlement.sample import market
from settlement.sample.arithmetic import converted, half_up
from settlement.sample.cargo import Amounts, Lines
from settlement.sample.catalog import column
from settlement.sample.orders import CIF, IMPORT, Orders
from settlement.sample.texts import NONE
from settlement.sample.world import World

_CABLE_FEE = 15_000  # 电讯费
_LEAST_FEE, _MOST_FEE = 5_000, 100_000  # 电汇费 is 0.1 % within these


@dataclass(frozen=True)
class Imports:
    """Days and CNY amounts by order."""

    estimate_rate: np.ndarray
    received: np.ndarray  # goods money asked of the principal in advance
    paid_on: np.ndarray
    paid_rate: np.ndarray
    goods_cny: np.ndarray
    wire_fee: np.ndarray  # 电汇费
    cable_fee: np.ndarray  # 电讯费
    customs_value: np.ndarray
    duty: np.ndarray
    consumption_tax: np.ndarray
    vat: np.ndarray
    simulated_on: np.ndarray
    tax_received_on: np.ndarray
    tax_issued_on: np.ndarray
    tax_paid_on: np.ndarray
    balance: np.ndarray  # + we owe the principal, after goods, bank fees and our own fees
    balance_on: np.ndarray

    @property
    def bank_fee(self) -> np.ndarray:
        """银行手续费 of the payment abroad."""
        return self.wire_fee + self.cable_fee

    @property
    def taxes(self) -> np.ndarray:
        """Duty, consumption tax and VAT together."""
        return self.duty + self.consumption_tax + self.vat


def imports_of(world: World, orders: Orders, lines: Lines, amounts: Amounts) -> Imports:
    """Every import order's settlement."""
    dice, count = world.dice("imports"), orders.count
    is_import = orders.kind == IMPORT
    estimate_rate = market.mid_rate(orders.main_on - 1, orders.currency)
    own_fees = _or_zero(amounts.agency_fee) + _or_zero(amounts.other_fee)
    asked = half_up(converted(amounts.amount, estimate_rate) * dice.integers(9_965, 10_080, count), 10_000) + own_fees
    received = (asked + 9_999) // 10_000 * 10_000
    paid_on = market.add_working(orders.main_on, dice.integers(1, 4, count))
    paid_rate = market.bank_rate(market.mid_rate(paid_on, orders.currency), dice.integers(150, 420, count))
    goods = converted(amounts.amount, paid_rate)
    wire = np.clip(half_up(goods, 1_000), _LEAST_FEE, _MOST_FEE)
    taxes = _taxes(orders, lines, amounts)
    tax_in = market.add_working(orders.declared_on, dice.integers(0, 3, count))
    early = dice.random(count) < 0.02
    entrusted = is_import & orders.tax_entrusted
    balance = received - goods - wire - _CABLE_FEE - own_fees
    return Imports(
        estimate_rate=estimate_rate,
        received=_only(is_import, received),
        paid_on=_only(is_import, paid_on),
        paid_rate=_only(is_import, paid_rate),
        goods_cny=_only(is_import, goods),
        wire_fee=_only(is_import, wire),
        cable_fee=np.where(is_import, _CABLE_FEE, NONE),
        **{name: _only(entrusted, value) for name, value in taxes.items()},
        simulated_on=_only(entrusted, market.roll_back(orders.declared_on - 2)),
        tax_received_on=_only(entrusted, tax_in),
        tax_issued_on=_only(entrusted, orders.declared_on + 1),
        tax_paid_on=_only(
            entrusted, np.where(early, tax_in, market.add_working(tax_in, 1 + dice.integers(0, 3, count)))
        ),
        balance=_only(is_import, balance),
        balance_on=_only(is_import, market.add_working(paid_on, 2 + dice.integers(0, 5, count))),
    )


def _only(where: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(where, values, NONE)


def _or_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values == NONE, 0, values)


def _taxes(orders: Orders, lines: Lines, amounts: Amounts) -> dict[str, np.ndarray]:
    """Customs value and taxes of the order; all lines of an import are one kind of goods."""
    goods = np.zeros(orders.count, np.int64)
    goods[lines.order] = lines.goods
    goods = np.where(orders.kind == IMPORT, goods, 0)
    rates = [np.array(column("import_goods", position), np.int64)[goods] for position in (4, 5, 6)]
    month = orders.declared_on.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    customs_rate = market.mid_rate(month - 12, orders.currency)  # IMP-F-04: a rate of the month before
    cif = np.where(orders.trade_term == CIF, amounts.amount, half_up(amounts.amount * 104, 100))
    value = converted(cif, customs_rate)
    duty = half_up(value * rates[0], 100)
    composite = half_up((value + duty) * 100, 100 - rates[2])
    consumption = half_up(composite * rates[2], 100)
    return {
        "customs_value": value,
        "duty": duty,
        "consumption_tax": consumption,
        "vat": half_up((value + duty + consumption) * rates[1], 100),
    }
