"""Freight: the carriers' invoice lines, what is payable to them and receivable from the principal.

Receivable = client quote x the order's quantity, once per order and charge code, else the cost; payable = the
cost up to the vendor's quote, and of a pass-through line without voucher nothing (LOG-AP-01/02, LOG-AR-02/03).
Amounts in minor units of the line's currency; receivable_cny in fen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from settlement.sample import market, quotes
from settlement.sample.arithmetic import converted, group_sum, half_up
from settlement.sample.firms import Firms
from settlement.sample.orders import Orders
from settlement.sample.quotes import OCEAN_FREIGHT, OWN_CUSTOMS, Tariff
from settlement.sample.shipments import Shipments
from settlement.sample.texts import NONE
from settlement.sample.world import World

BY_ORDER, BY_BL, BY_CONTAINER = range(3)
BILL, BOX, RT = range(3)  # 票 柜 RT


@dataclass(frozen=True)
class Freight:
    """One row a carrier's line, by order and charge."""

    order: np.ndarray
    charge: np.ndarray
    vendor: np.ndarray
    currency: np.ndarray
    basis: np.ndarray
    quantity: np.ndarray  # tenths
    box: np.ndarray
    box_place: np.ndarray  # the line is for this container of the order, -1 = all
    cost: np.ndarray
    vendor_quote: np.ndarray  # quote x quantity, NONE = pass-through
    client_quote: np.ndarray  # quote x the order's quantity, NONE = billed at cost
    has_voucher: np.ndarray
    invoiced_on: np.ndarray
    confirmed_on: np.ndarray
    ar_rate: np.ndarray  # millionths, NONE = none given
    named_by: np.ndarray


@dataclass(frozen=True)
class Charges:
    """What follows per order (``receivable_cny``, ``billed_on``) and per order and vendor (the rest)."""

    receivable_cny: np.ndarray
    billed_on: np.ndarray  # the day its last line was known, NONE = no freight
    own_service: np.ndarray  # the order's own customs quote in fen, 0 = none: billed without a carrier's line


def freight_of(
    world: World, firms: Firms, orders: Orders, shipments: Shipments, tariff: Tariff
) -> tuple[Freight, Charges]:
    """All freight lines of the months, and the receivable of each order."""
    dice = world.dice("freight")
    served = np.flatnonzero(orders.has_freight & (orders.dropped_on == NONE))
    special = (
        orders.has_freight
        & (orders.dropped_on == NONE)
        & orders.has_declaration_service
        & (dice.random(orders.count) < 0.3)
    )
    level = tariff.level[orders.principal]
    own_service = np.where(special, 18_000 + level * 1_000, 0)
    own_alone = special & (dice.random(orders.count) < 0.6)
    invoiced, confirmed = _invoice_days(world, dice, orders)
    parts = []
    for charge, row in enumerate(quotes.charge_rows()):
        wanted = served[dice.random(len(served)) * 100 < row[5]]
        if row[0] == OWN_CUSTOMS:
            wanted = wanted[~own_alone[wanted]]
        if row[3] == "柜" and row[0] != OCEAN_FREIGHT:
            wanted = wanted[shipments.box[wanted] >= 0]
        parts.append(_lines(dice, charge, row, wanted, orders, shipments, tariff, invoiced, confirmed, own_service))
    merged = {name.name: np.concatenate([part[name.name] for part in parts]) for name in fields(Freight)}
    merged = _second_boxes(merged, shipments)
    merged = _box_by_box(dice, merged)
    order = np.lexsort((merged["box_place"], merged["box"], merged["charge"], merged["order"]))
    freight = Freight(**{name: values[order] for name, values in merged.items()})
    return freight, _charges(world, orders, freight, own_service)


def _invoice_days(world: World, dice: np.random.Generator, orders: Orders) -> tuple[np.ndarray, np.ndarray]:
    """By order and kind of vendor (0 carrier, 1 local): invoice day and confirmation day (NONE = not yet)."""
    shape = (orders.count, 2)
    late = np.maximum(
        orders.sailed_on[:, None] + 2 + dice.integers(0, 7, shape), world.start + dice.integers(0, 9, shape)
    )
    invoiced = market.roll(late)
    confirmed = market.add_working(invoiced, dice.integers(0, 4, shape))
    return invoiced, np.where(dice.random(shape) < 0.06, NONE, confirmed)


def _lines(dice, charge, row, wanted, orders, shipments, tariff, invoiced, confirmed, own_service) -> dict:
    code, _, currency, unit, _, _, kind = row
    count = len(wanted)
    local = code in ("TRK", "CUS", "INSP")
    carriers = len(quotes.vendor_names()) - 4
    vendor = np.where(local, carriers + wanted % 4, (wanted * 31 + orders.principal[wanted]) % carriers)
    issued = invoiced[wanted, int(local)]
    loose = (shipments.box[wanted] < 0) & (unit == "柜")
    further = (shipments.second_box[wanted] >= 0) & (code != OCEAN_FREIGHT)  # its ocean freight is a line of its own
    units = np.where(unit == "票", 1, shipments.boxes[wanted] + further)
    basis = np.where(loose, RT, BILL if unit == "票" else BOX)
    quantity = np.where(loose, shipments.measure[wanted], units * 10)
    price = _prices(dice, code, wanted, orders, shipments, vendor, issued, count)
    price = np.where(loose, 4_500 + price % 50 * 100, price)
    quoted = quotes.is_quoted_by_vendor(code) & ~loose & (orders.outbound[wanted] | (code != OCEAN_FREIGHT))
    cost = half_up(price * quantity, 10)
    moved = dice.random(count)
    shift = np.where(moved < 0.04, 4 + dice.integers(0, 12, count), np.where(moved > 0.97, -6, 0))
    paid = np.where(quoted, half_up(cost * (100 + shift), 100), cost)
    return {
        "order": wanted,
        "charge": np.full(count, charge),
        "vendor": vendor,
        "currency": np.full(count, market.CURRENCIES.index(currency)),
        "basis": basis,
        "quantity": quantity,
        "box": np.where((basis == BOX) & ~further, shipments.box[wanted], -1),
        "box_place": np.full(count, -1),
        "cost": paid,
        "vendor_quote": np.where(quoted, cost, NONE),
        "client_quote": _client_quotes(
            code, kind, wanted, orders, shipments, tariff, issued, units, loose, own_service
        ),
        "has_voucher": ~quoted & (dice.random(count) < 0.75),
        "invoiced_on": issued,
        "confirmed_on": confirmed[wanted, int(local)],
        "ar_rate": _ar_rates(dice, currency, issued, count),
        "named_by": _naming(dice, shipments, wanted, count),
    }


def _prices(dice, code, wanted, orders, shipments, vendor, issued, count) -> np.ndarray:
    if code == OCEAN_FREIGHT:
        return quotes.ocean_cost(shipments.foreign[wanted], np.maximum(shipments.box[wanted], 0), vendor, issued)
    if code == "INSP":
        return 30_000 + dice.integers(0, 900, count) * 100
    return quotes.local_cost(code, vendor)


def _ar_rates(dice: np.random.Generator, currency: str, issued: np.ndarray, count: int) -> np.ndarray:
    agreed = dice.random(count) < 0.12
    rate = market.mid_rate(issued, np.full(count, market.USD)) // 10_000 * 10_000 + 20_000
    return np.where(agreed & (currency == "USD"), rate, NONE)


def _naming(dice: np.random.Generator, shipments: Shipments, wanted: np.ndarray, count: int) -> np.ndarray:
    drawn = dice.random(count)
    by = np.where(drawn < 0.86, BY_ORDER, np.where(drawn < 0.95, BY_BL, BY_CONTAINER))
    by = np.where((by == BY_CONTAINER) & (shipments.box[wanted] < 0), BY_BL, by)
    return np.where(shipments.shares_bl[wanted], BY_ORDER, by)  # there a bill of lading names two orders


def _client_quotes(code, kind, wanted, orders, shipments, tariff, issued, units, loose, own_service) -> np.ndarray:
    principal = orders.principal[wanted]
    level = tariff.level[principal]
    none = np.full(len(wanted), NONE)
    if kind == "lane":
        has = tariff.has_lane[principal] & shipments.on_lane[wanted] & orders.outbound[wanted] & ~loose
        price = quotes.ocean_quote(shipments.foreign[wanted], np.maximum(shipments.box[wanted], 0), level, issued)
        return np.where(has & (shipments.second_box[wanted] < 0), price * units, NONE)
    if kind != "general":
        return none
    general = np.where(tariff.has_local[principal] & ~loose, quotes.local_quote(code, level) * units, NONE)
    own = own_service[wanted]
    return np.where((code == OWN_CUSTOMS) & (own > 0), own, general)


def _second_boxes(lines: dict, shipments: Shipments) -> dict:
    """A container of another type is a line of its own; only its ocean freight differs."""
    ocean = (lines["charge"] == quotes.codes().index(OCEAN_FREIGHT)) & (shipments.second_box[lines["order"]] >= 0)
    extra = {name: values[ocean].copy() for name, values in lines.items()}
    extra["box"] = shipments.second_box[extra["order"]]
    price = quotes.ocean_cost(shipments.foreign[extra["order"]], extra["box"], extra["vendor"], extra["invoiced_on"])
    extra["cost"] = price
    extra["vendor_quote"] = np.where(extra["vendor_quote"] == NONE, NONE, price)
    extra["quantity"] = np.full(len(price), 10)
    return {name: np.concatenate([values, extra[name]]) for name, values in lines.items()}


def _box_by_box(dice: np.random.Generator, lines: dict) -> dict:
    """Some carriers bill the terminal handling container by container."""
    handling = (lines["charge"] == quotes.codes().index("THC")) & (lines["quantity"] > 10)
    handling &= dice.random(len(handling)) < 0.2
    kept = {name: values[~handling] for name, values in lines.items()}
    split = {name: values[handling] for name, values in lines.items()}
    boxes = split["quantity"] // 10
    parts = {name: np.repeat(values, boxes) for name, values in split.items()}
    place = np.arange(len(parts["order"])) - np.repeat(np.cumsum(boxes) - boxes, boxes)
    each = np.repeat(split["cost"] // np.maximum(boxes, 1), boxes)
    rest = np.repeat(split["cost"] - split["cost"] // np.maximum(boxes, 1) * boxes, boxes)
    parts["cost"] = each + np.where(place == 0, rest, 0)
    parts["box_place"], parts["quantity"] = place, np.full(len(place), 10)
    return {name: np.concatenate([kept[name], parts[name]]) for name in lines}


def _charges(world: World, orders: Orders, freight: Freight, own_service: np.ndarray) -> Charges:
    known = world.within(freight.invoiced_on)
    day = np.where(freight.confirmed_on == NONE, freight.invoiced_on, freight.confirmed_on)
    rate = np.where(freight.ar_rate == NONE, market.mid_rate(day, freight.currency), freight.ar_rate)
    first = first_of_charge(freight)
    due = np.where(freight.client_quote == NONE, freight.cost, np.where(first, freight.client_quote, 0))
    receivable = group_sum(np.where(known, converted(due, rate), 0), freight.order, orders.count)
    has_line = np.zeros(orders.count, bool)
    has_line[freight.order[freight.charge == quotes.codes().index(OWN_CUSTOMS)]] = True
    receivable = receivable + np.where(~has_line & orders.has_freight, own_service, 0)
    billed = np.full(orders.count, NONE)
    np.maximum.at(billed, freight.order, np.where(known, day, world.end + 1))
    return Charges(receivable_cny=receivable, billed_on=billed, own_service=own_service)


def first_of_charge(freight: Freight) -> np.ndarray:
    """Whether a line is the first of its order and charge code; a quote is billed with it."""
    changed = (freight.order[1:] != freight.order[:-1]) | (freight.charge[1:] != freight.charge[:-1])
    return np.r_[True, changed] if len(freight.order) else np.zeros(0, bool)


def payable(freight: Freight, orders: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Payable by order and charge code, cumulative: (order, charge, amount in the charge's currency)."""
    if not len(freight.order):
        return freight.order, freight.charge, freight.cost
    starts = np.flatnonzero(first_of_charge(freight))
    cost = np.add.reduceat(freight.cost, starts)
    quoted = freight.vendor_quote[starts] != NONE
    per_line_quote = np.where(freight.vendor_quote == NONE, 0, freight.vendor_quote)
    split = freight.box_place[starts] >= 0
    limit = np.where(split, per_line_quote[starts], np.add.reduceat(per_line_quote, starts))
    unquoted = np.add.reduceat(np.where(freight.has_voucher, freight.cost, 0), starts)
    return freight.order[starts], freight.charge[starts], np.where(quoted, np.minimum(cost, limit), unquoted)
