"""Orders: who ordered what kind of business, and the days of its life.

What belongs here: kinds, terms, dates, references. Goods and amounts: ``cargo``; freight: ``freight``;
money: ``receipts`` and ``payouts``. Days are days since 1970-01-01, ``NONE`` = never happens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.sample import market, texts
from settlement.sample.catalog import catalog
from settlement.sample.firms import BUYERS_EACH, Firms
from settlement.sample.texts import NONE
from settlement.sample.world import World, weighted

EXPORT, IMPORT, SHIP_OUT, SHIP_IN = range(4)  # 出口代理, 进口代理, 出口物流 only, 进口物流 only
OPEN_ACCOUNT, IN_ADVANCE, DEPOSIT, ON_SHIPMENT = range(4)  # how an export is paid
OWN_NAME, AGENT, REFUND_AGENT = range(3)  # 自营, 代理, 代办退税
FOB, CIF, CFR = range(3)


@dataclass(frozen=True)
class Orders:
    """One row an order, in order of its number."""

    order_no: pa.Array
    contract_no: pa.Array
    pi_no: pa.Array
    month: np.ndarray  # index of the month of its main receipt
    run: np.ndarray  # orders of one run were placed together: one principal, numbers in a row
    principal: np.ndarray
    kind: np.ndarray
    mode: np.ndarray
    has_freight: np.ndarray
    netted: np.ndarray  # 抵扣
    monthly: np.ndarray  # 月结
    has_declaration_service: np.ndarray
    has_door_service: np.ndarray
    currency: np.ndarray
    terms: np.ndarray
    trade_term: np.ndarray
    buyer: np.ndarray
    twin_of: np.ndarray  # the order whose amounts it repeats, -1 = none
    ordered_on: np.ndarray
    main_on: np.ndarray  # the first (or only) receipt of goods money, or the sailing of a pure shipment
    balance_on: np.ndarray  # the second receipt, DEPOSIT only
    declared_on: np.ndarray
    exported_on: np.ndarray
    sailed_on: np.ndarray
    first_month: np.ndarray  # the month whose export shows it first
    tax_entrusted: np.ndarray
    tax_original: np.ndarray
    invoice_wanted: np.ndarray
    postpaid: np.ndarray  # 后付 (import)
    dropped_on: np.ndarray  # 取消 of an export paid in advance, 退载 of a shipment; NONE = never

    @property
    def count(self) -> int:
        """Orders."""
        return len(self.month)

    @property
    def is_trade(self) -> np.ndarray:
        """Orders for goods, with or without freight."""
        return (self.kind == EXPORT) | (self.kind == IMPORT)

    @property
    def outbound(self) -> np.ndarray:
        """Goods that leave the country."""
        return (self.kind == EXPORT) | (self.kind == SHIP_OUT)


def orders_of(world: World, firms: Firms) -> Orders:
    """All orders of a sample."""
    dice, count = world.dice("orders"), world.orders
    month = np.repeat(np.arange(len(world.months.names)), world.per_month)
    starts = np.r_[True, month[1:] != month[:-1]] | (dice.random(count) < 0.55)
    run = np.cumsum(starts) - 1
    # A few principals order much, most little.
    principal = (world.principals * dice.random(run[-1] + 1) ** 1.6).astype(np.int64)[run]
    kind = weighted(dice, [46, 19, 25, 10], count)
    trade = (kind == EXPORT) | (kind == IMPORT)
    has_freight = ~trade | (dice.random(count) < np.where(kind == EXPORT, 0.5, 0.3))
    export = kind == EXPORT
    netted = export & has_freight & (dice.random(count) < 0.3)
    sequence = texts.number(np.arange(count) + 1, max(6, len(str(count)) + 1))  # so it never begins with 9
    year = texts.pick([name[2:4] for name in world.months.names], month)
    dates = _dates(world, dice, kind, month, has_freight)
    entrusted = (kind == IMPORT) & (dice.random(count) < 0.65)
    original = entrusted & (dice.random(count) < 0.8)
    twin_of = _twins(world, dice, run, kind, dates["terms"])
    dropped_on = _drop(world, dice, kind, has_freight, twin_of, dates)
    as_twin = np.where(twin_of >= 0, twin_of, np.arange(count))
    return Orders(
        order_no=texts.join("SO", year, sequence),
        contract_no=texts.join(texts.pick(["HQEX", "HQIM"], (kind == IMPORT).astype(np.int64)), year, "-", sequence),
        pi_no=texts.join("PI", year, "-", texts.number((np.arange(count) + 1) * 37 % 9_999_991, 7)),
        month=month,
        run=run,
        principal=principal,
        kind=kind,
        has_freight=has_freight,
        netted=netted,
        mode=np.where(export, weighted(dice, [88, 9, 3], count), OWN_NAME),
        monthly=firms.monthly[principal],
        has_declaration_service=dice.random(count) < 0.3,
        has_door_service=dice.random(count) < 0.25,
        currency=np.where(trade, 1 + (dice.random(count) < 0.2)[as_twin], market.CNY),
        trade_term=weighted(dice, [62, 25, 13], count),
        buyer=(principal * BUYERS_EACH + dice.integers(0, BUYERS_EACH, count))[as_twin],
        twin_of=twin_of,
        dropped_on=dropped_on,
        tax_entrusted=entrusted,
        tax_original=original,
        invoice_wanted=original & (dice.random(count) < 0.85),
        postpaid=(kind == IMPORT) & ~dates["prepaid"],
        **{name: value for name, value in dates.items() if name != "prepaid"},
    )


def _twins(world: World, dice: np.random.Generator, run: np.ndarray, kind: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Pairs of exports of one run, paid at once, that will have equal amounts (同额订单)."""
    count = len(run)
    full = (kind == EXPORT) & (terms != DEPOSIT)
    pair = np.r_[False, (run[1:] == run[:-1]) & full[1:] & full[:-1]] & (dice.random(count) < world.mess(0.08, 0.3))
    pair &= ~np.r_[False, pair[:-1]]
    return np.where(pair, np.arange(count) - 1, -1)


def _drop(
    world: World, dice: np.random.Generator, kind: np.ndarray, has_freight: np.ndarray, twin_of: np.ndarray, dates: dict
) -> np.ndarray:
    """Orders that come to nothing (C-43): their declaration and sailing move beyond all months."""
    count = len(kind)
    drawn = dice.random(count)
    twin = (twin_of >= 0) | np.isin(np.arange(count), twin_of)
    cancelled = (
        (drawn < world.mess(0.25, 0.4)) & (kind == EXPORT) & (dates["terms"] == IN_ADVANCE) & ~has_freight & ~twin
    )
    withdrawn = (drawn < world.mess(0.02, 0.04)) & (kind == SHIP_OUT)
    for name in ("declared_on", "exported_on", "sailed_on"):
        dates[name] = np.where(cancelled | (withdrawn & (name != "declared_on")), world.end + 400, dates[name])
    return np.where(cancelled | withdrawn, dates["main_on"] + dice.integers(4, 22, count), NONE)


def _dates(
    world: World, dice: np.random.Generator, kind: np.ndarray, month: np.ndarray, has_freight: np.ndarray
) -> dict:
    count, export = len(kind), kind == EXPORT
    first, last = world.months.first[month], world.months.last[month]
    main = market.roll(first + (dice.random(count) * (last - first + 1)).astype(np.int64))
    main = np.where(main > last, market.roll_back(last), main)
    terms = weighted(dice, [30, 25, 27, 18], count)
    gap = dice.integers(0, 1000, count)
    declared = np.select(
        [terms == OPEN_ACCOUNT, terms == IN_ADVANCE, terms == DEPOSIT],
        [main - 30 - gap % 46, main + 5 + gap % 26, main + 15 + gap % 26],
        main - 1 - gap % 20,
    )
    balance = np.where(export & (terms == DEPOSIT), market.roll(declared + 5 + gap % 16), NONE)
    prepaid = dice.random(count) < 0.7
    imported = np.where(prepaid, main + 6 + gap % 36, np.maximum(main - 1 - gap % 30, first))
    declared = np.where(export, declared, np.where(kind == IMPORT, market.roll(imported), main - 2))
    exported = declared + dice.integers(0, 4, count)
    inbound = (kind == IMPORT) | (kind == SHIP_IN)
    sailed = np.where(inbound, declared - 10 - gap % 9, exported + dice.integers(0, 3, count))
    # The simulated tax bill is there some days before the declaration.
    earliest = np.minimum(main, np.where(export | inbound, declared - 6, main))
    earliest = np.minimum(earliest, np.where(has_freight, sailed, earliest))
    first_month = np.clip(world.months.of(earliest), 0, month)
    return {
        "terms": np.where(export, terms, -1),
        "main_on": main,
        "balance_on": balance,
        "declared_on": declared,
        "exported_on": exported,
        "sailed_on": sailed,
        "first_month": first_month,
        "ordered_on": np.minimum(earliest, main) - dice.integers(3, 40, count),
        "prepaid": prepaid,
    }


def services(orders: Orders) -> pa.Array:
    """服务类型: the services of each order, joined by 、."""
    outbound = orders.outbound
    trade = texts.pick(["出口贸易代理", "进口贸易代理", None, None], orders.kind)
    freight = texts.choose(
        orders.has_freight, texts.pick(["进口国际物流", "出口国际物流"], outbound.astype(np.int64)), None
    )
    customs = texts.choose(
        orders.has_declaration_service, texts.pick(["进口清关", "出口报关"], outbound.astype(np.int64)), None
    )
    door = texts.choose(
        orders.has_door_service, texts.pick(["进口门点送货", "出口门点提货"], outbound.astype(np.int64)), None
    )
    return joined([trade, freight, customs, door], "、")


def joined(parts: list[pa.Array], separator: str) -> pa.Array:
    """The parts that are there, with the separator between them."""
    # Not binary_join_element_wise(null_handling="skip"): Arrow loses the rows where every part is absent.
    text = parts[0]
    for part in parts[1:]:
        both = pc.binary_join_element_wise(text, part, separator)
        text = pc.coalesce(both, text, part)
    return text


def declaration_numbers(world: World, ids: np.ndarray, declared_on: np.ndarray, outbound: np.ndarray) -> pa.Array:
    """18 digits: customs office, year, direction (0 export, 1 import), serial (CUS-01)."""
    offices = catalog()["customs_offices"]
    year = declared_on.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return texts.join(
        texts.pick(offices, ids * 5 % len(offices)),
        texts.number(year, 4),
        texts.pick(["1", "0"], outbound.astype(np.int64)),
        texts.number(500_000_000 + ids * 13 % 399_999_991, 9),
    )
