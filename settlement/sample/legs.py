"""What principals and buyers pay for: one leg per order and purpose, and which legs one transfer pays.

A leg is the truth before any bank or clerk touches it. How a transfer looks on paper: ``receipts``, ``remarks``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from settlement.sample import market
from settlement.sample.cargo import Amounts
from settlement.sample.freight import Charges
from settlement.sample.imports import Imports
from settlement.sample.orders import DEPOSIT, EXPORT, IMPORT, OPEN_ACCOUNT, Orders
from settlement.sample.texts import NONE
from settlement.sample.world import World

# What a leg pays. GOODS is foreign currency from the buyer, the rest CNY from the principal.
GOODS, ADVANCE, TAX, TOP_UP, FREIGHT, MONTH_FREIGHT = range(6)
PURPOSES = ("货款", "货款", "税金", "余款", "物流费", "物流费")
MOST_TOGETHER = 4


@dataclass(frozen=True)
class Legs:
    """One row a leg. ``whole``: it is the order's whole open item, so its amount alone can point at it."""

    order: np.ndarray
    what: np.ndarray
    currency: np.ndarray
    amount: np.ndarray
    paid_on: np.ndarray
    whole: np.ndarray
    part: np.ndarray  # 0 = the only or first payment of it
    transfer: np.ndarray  # legs of one transfer share it


def legs_of(world: World, orders: Orders, amounts: Amounts, imports: Imports, charges: Charges) -> Legs:
    """All legs paid within the months, by transfer."""
    dice = world.dice("legs")
    parts = [
        *_goods(world, dice, orders, amounts),
        *_import_legs(orders, imports),
        *_freight(world, dice, orders, charges),
    ]
    legs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((legs["part"], legs["order"], legs["what"]))
    legs = {name: values[order] for name, values in legs.items()}
    legs["transfer"] = _transfers(world, dice, orders, legs)
    latest = np.full(legs["transfer"].max(initial=-1) + 1, -1, np.int64)
    np.maximum.at(latest, legs["transfer"], legs["paid_on"])
    legs["paid_on"] = latest[legs["transfer"]]
    kept = world.within(legs["paid_on"]) & (legs["amount"] > 0)
    # A transfer of which a leg fell out would pay for nothing it shows: it goes as a whole.
    broken = np.zeros(len(latest), bool)
    broken[legs["transfer"][~kept]] = True
    kept &= ~broken[legs["transfer"]]
    return Legs(**{field.name: legs[field.name][kept] for field in fields(Legs)})


def _leg(order, what, currency, amount, paid_on, whole, part=0) -> dict[str, np.ndarray]:
    count = len(order)
    return {
        "order": order,
        "what": np.full(count, what),
        "currency": np.broadcast_to(currency, count).astype(np.int64),
        "amount": amount,
        "paid_on": paid_on,
        "whole": np.broadcast_to(whole, count).astype(bool),
        "part": np.full(count, part),
    }


def _goods(world: World, dice: np.random.Generator, orders: Orders, amounts: Amounts) -> list[dict]:
    """Foreign goods money: at once, 30 % in advance and the rest, or in two transfers."""
    export = orders.kind == EXPORT
    never = (orders.terms == OPEN_ACCOUNT) & (dice.random(orders.count) < 0.05)
    split = (
        export & (orders.terms != DEPOSIT) & (orders.twin_of < 0) & (dice.random(orders.count) < world.mess(0.05, 0.1))
    )
    split &= ~np.isin(np.arange(orders.count), orders.twin_of)
    once = np.flatnonzero(export & ~never & (orders.terms != DEPOSIT) & ~split)
    due = amounts.due
    legs = [_leg(once, GOODS, orders.currency[once], due[once], orders.main_on[once], amounts.declared[once] == NONE)]
    deposit = np.flatnonzero(export & (orders.terms == DEPOSIT))
    down = amounts.amount * 30 // 100
    legs.append(_leg(deposit, GOODS, orders.currency[deposit], down[deposit], orders.main_on[deposit], False))
    rest = deposit[orders.balance_on[deposit] <= world.end]
    legs.append(_leg(rest, GOODS, orders.currency[rest], (due - down)[rest], orders.balance_on[rest], False, 1))
    halves = np.flatnonzero(split & ~never)
    first = due * 55 // 100
    following = market.add_working(orders.main_on[halves], 1)
    legs.append(_leg(halves, GOODS, orders.currency[halves], first[halves], orders.main_on[halves], False))
    legs.append(_leg(halves, GOODS, orders.currency[halves], (due - first)[halves], following, False, 1))
    return legs


def _import_legs(orders: Orders, imports: Imports) -> list[dict]:
    bought = np.flatnonzero(orders.kind == IMPORT)
    taxed = np.flatnonzero(imports.tax_received_on != NONE)
    short = np.flatnonzero((imports.balance != NONE) & (imports.balance < 0))
    return [
        _leg(bought, ADVANCE, market.CNY, imports.received[bought], orders.main_on[bought], False),
        _leg(taxed, TAX, market.CNY, imports.taxes[taxed], imports.tax_received_on[taxed], True),
        _leg(short, TOP_UP, market.CNY, -imports.balance[short], imports.balance_on[short], False),
    ]


def _freight(world: World, dice: np.random.Generator, orders: Orders, charges: Charges) -> list[dict]:
    """Freight that is billed: per shipment (票结) some days after, monthly clients (月结) by the 10th or later."""
    billed = orders.has_freight & ~orders.netted & (charges.billed_on != NONE) & (charges.billed_on <= world.end)
    pays = dice.random(orders.count) < 0.93
    single = np.flatnonzero(billed & ~orders.monthly & pays)
    after = market.roll(charges.billed_on[single] + 1 + dice.integers(0, 12, len(single)))
    monthly = np.flatnonzero(billed & orders.monthly)
    due = _next_month(orders.sailed_on[monthly]) + dice.integers(2, 12, orders.count)[orders.principal[monthly]]
    paid = market.roll(np.maximum(due, charges.billed_on[monthly] + 1))
    return [
        _leg(single, FREIGHT, market.CNY, charges.receivable_cny[single], after, True),
        _leg(monthly, MONTH_FREIGHT, market.CNY, charges.receivable_cny[monthly], paid, True),
    ]


def _next_month(days: np.ndarray) -> np.ndarray:
    month = days.astype("datetime64[D]").astype("datetime64[M]") + 1
    return month.astype("datetime64[D]").astype(np.int64)


def fee_month(orders: Orders) -> np.ndarray:
    """费用月份 (C-19): the month of sailing, as months since 1970-01."""
    return orders.sailed_on.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _transfers(world: World, dice: np.random.Generator, orders: Orders, legs: dict[str, np.ndarray]) -> np.ndarray:
    """One number a transfer: neighbours of one run are sometimes paid together, a month's freight always."""
    order, what = legs["order"], legs["what"]
    count = len(order)
    if not count:
        return np.zeros(0, np.int64)
    twin = (orders.twin_of >= 0) | np.isin(np.arange(orders.count), orders.twin_of)
    plain = legs["whole"] & ~twin[order] & np.isin(what, (GOODS, FREIGHT))
    alike = (
        (what[1:] == what[:-1])
        & (orders.run[order[1:]] == orders.run[order[:-1]])
        & plain[1:]
        & plain[:-1]
        & (legs["currency"][1:] == legs["currency"][:-1])
        & (orders.month[order[1:]] == orders.month[order[:-1]])
        & ((what[1:] == FREIGHT) | (orders.buyer[order[1:]] == orders.buyer[order[:-1]]))
        & (np.abs(legs["paid_on"][1:] - legs["paid_on"][:-1]) <= 40)
    )
    linked = np.r_[False, alike & (dice.random(count - 1) < world.mess(0.35, 0.6))]
    place = np.arange(count) - np.maximum.accumulate(np.where(~linked, np.arange(count), 0))
    transfer = np.cumsum(~linked | (place % MOST_TOGETHER == 0)) - 1
    monthly = what == MONTH_FREIGHT
    key = orders.principal[order[monthly]] * 10_000 + fee_month(orders)[order[monthly]]
    transfer[monthly] = count + np.unique(key, return_inverse=True)[1]
    return np.unique(transfer, return_inverse=True)[1]
