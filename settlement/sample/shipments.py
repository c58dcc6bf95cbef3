"""Shipments: lanes, containers with valid check digits (ISO 6346), bills of lading, weights.

One row an order; orders without freight have empty cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from settlement.sample import texts
from settlement.sample.catalog import catalog
from settlement.sample.firms import Firms
from settlement.sample.orders import Orders, joined
from settlement.sample.world import World, weighted

MOST_CONTAINERS = 3


@dataclass(frozen=True)
class Shipments:
    """Ports are indices: ``home`` into home_ports, ``foreign`` into foreign_ports."""

    home: np.ndarray
    foreign: np.ndarray
    on_lane: np.ndarray  # the foreign port is one of the principal's usual ones: it may have a quote
    box: np.ndarray  # container type, -1 = less than a container (LCL)
    boxes: np.ndarray
    second_box: np.ndarray  # a further container of another type, -1 = none
    measure: np.ndarray  # tenths of a revenue ton (RT), LCL only
    weight: np.ndarray  # kg
    bl_no: pa.Array
    container: list[pa.Array]  # first, second, third container number; absent where there are fewer
    second_on_bl: np.ndarray  # the order travels on the bill of lading of the order before it
    shares_bl: np.ndarray  # one of two orders on one bill of lading
    released_extra: np.ndarray  # days a release takes after its condition holds


def shipments_of(world: World, firms: Firms, orders: Orders) -> Shipments:
    """Lane and boxes of every order with freight."""
    dice, count = world.dice("shipments"), orders.count
    usual = dice.integers(0, 2, count)
    on_lane = dice.random(count) < 0.85
    foreign = np.where(
        on_lane, firms.lane[orders.principal, usual], dice.integers(0, len(catalog()["foreign_ports"]), count)
    )
    on_lane = (foreign[:, None] == firms.lane[orders.principal]).any(axis=1)
    loose = dice.random(count) < 0.06
    box = np.where(orders.has_freight & ~loose, weighted(dice, [30, 15, 55], count), -1)
    boxes = np.where(box >= 0, 1 + weighted(dice, [68, 22, 10], count), 0)
    # Two types only where no lane quote can apply: "once per order and charge code" does not say which type's quote.
    mixed = (boxes == 1) & ~on_lane & (dice.random(count) < 0.3)
    second = np.where(mixed, (box + 1) % 3, -1)
    each = 7_000 + dice.integers(0, 15_500, count)
    weight = np.where(box >= 0, np.minimum(each, 26_000) * np.maximum(boxes + mixed, 1), 300 + each // 20)
    ids = np.arange(count)
    second_on_bl = _together(world, dice, orders)
    bill = np.where(second_on_bl, ids - 1, ids)
    containers = [
        texts.blank(container_numbers(ids * MOST_CONTAINERS + place), ~(boxes + mixed > place))
        for place in range(MOST_CONTAINERS)
    ]
    return Shipments(
        home=firms.home_port[orders.principal],
        foreign=foreign,
        on_lane=on_lane,
        box=box,
        boxes=boxes,
        second_box=second,
        measure=np.where(orders.has_freight & loose, 15 + dice.integers(0, 90, count), 0),
        weight=np.where(orders.has_freight, weight, texts.NONE),
        container=containers,
        bl_no=texts.blank(
            texts.join("HQSL", texts.number(300_000_007 + bill * 17 % 599_999_993, 9)), ~orders.has_freight
        ),
        second_on_bl=second_on_bl,
        shares_bl=second_on_bl | np.r_[second_on_bl[1:], False],
        released_extra=dice.integers(0, 3, count),
    )


def _together(world: World, dice: np.random.Generator, orders: Orders) -> np.ndarray:
    """Orders of one run that share the bill of lading of the one before (拼柜)."""
    served = orders.has_freight & orders.outbound & ~orders.netted & (orders.dropped_on == texts.NONE)
    pair = np.r_[False, (orders.run[1:] == orders.run[:-1]) & served[1:] & served[:-1]]
    pair &= dice.random(orders.count) < world.mess(0.03, 0.08)
    return pair & ~np.r_[False, pair[:-1]]


def container_numbers(ids: np.ndarray) -> pa.Array:
    """Container numbers (柜号), one an id: owner, six digits, ISO 6346 check digit."""
    owners = catalog()["container_owners"]
    owner, serial = ids // 1_000_000 % len(owners), ids * 7919 % 1_000_000
    values = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _letter_values(), strict=True))
    total = np.array(
        [sum(values[letter] * 2**place for place, letter in enumerate(code)) for code in owners], np.int64
    )[owner]
    for place in range(6):
        total = total + serial // 10 ** (5 - place) % 10 * 2 ** (4 + place)
    return texts.join(texts.pick(owners, owner), texts.number(serial, 6), texts.number(total % 11 % 10))


def _letter_values() -> list[int]:
    """ISO 6346: A is 10, then upwards without the multiples of 11."""
    return [value for value in range(10, 39) if value % 11]


def boxes_text(shipments: Shipments) -> pa.Array:
    """箱型箱量, like ``1x40HQ,2x20GP``."""
    types = catalog()["container_types"]
    first = texts.choose(
        shipments.box >= 0, texts.join(texts.number(shipments.boxes), "x", texts.pick(types, shipments.box)), None
    )
    second = texts.choose(shipments.second_box >= 0, texts.join("1x", texts.pick(types, shipments.second_box)), None)
    text = joined([first, second], ",")
    return texts.blank(text, shipments.box < 0)


def containers_text(shipments: Shipments) -> pa.Array:
    """柜号 of an order, joined by commas."""
    return texts.blank(joined(shipments.container, ","), shipments.box < 0)


def ports(orders: Orders, shipments: Shipments) -> tuple[pa.Array, pa.Array]:
    """起运港 and 目的港."""
    home = texts.pick(catalog()["home_ports"], shipments.home)
    foreign = texts.pick(catalog()["foreign_ports"], shipments.foreign)
    absent = ~orders.has_freight
    return (
        texts.blank(texts.choose(orders.outbound, home, foreign), absent),
        texts.blank(texts.choose(orders.outbound, foreign, home), absent),
    )
