"""The whole story of a sample: every subject in the order in which one follows from the other.

What belongs here: only the order of the steps. Each step draws from its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from settlement.sample import bank_lines, openings, other_lines, payouts
from settlement.sample.bank_lines import lines_of
from settlement.sample.cargo import Amounts, Lines, cargo_of
from settlement.sample.exchange import Exchange, cny_of_legs, exchange_of
from settlement.sample.exports import Exports, Refunds, exports_of, refunds_of
from settlement.sample.firms import Firms, firms_of
from settlement.sample.freight import Charges, Freight, freight_of
from settlement.sample.imports import Imports, imports_of
from settlement.sample.legs import FREIGHT, Legs, legs_of
from settlement.sample.openings import Openings
from settlement.sample.orders import Orders, orders_of
from settlement.sample.other_lines import OnAccount
from settlement.sample.payouts import Payments
from settlement.sample.quotes import Tariff, tariff_of
from settlement.sample.receipts import POST, Receipts, receipt_of_leg, receipts_of
from settlement.sample.remarks import papers_of
from settlement.sample.shipments import Shipments, shipments_of
from settlement.sample.statements import Booked, booked
from settlement.sample.texts import NONE
from settlement.sample.world import World


@dataclass(frozen=True)
class Story:
    """Everything that happened; files and truth are two views of it."""

    world: World
    firms: Firms
    tariff: Tariff
    orders: Orders
    lines: Lines
    amounts: Amounts
    shipments: Shipments
    freight: Freight
    charges: Charges
    imports: Imports
    legs: Legs
    receipts: Receipts
    exchange: Exchange
    leg_cny: np.ndarray
    exports: Exports
    refunds: Refunds
    payments: Payments
    payees: tuple[pa.Array, pa.Array]
    requests: pa.Array
    on_account: OnAccount
    openings: Openings
    released_on: np.ndarray
    book: Booked


def told(world: World) -> Story:
    """The story of a world."""
    firms, tariff = firms_of(world), tariff_of(world)
    orders = orders_of(world, firms)
    lines, amounts = cargo_of(world, orders)
    shipments = shipments_of(world, firms, orders)
    freight, charges = freight_of(world, firms, orders, shipments, tariff)
    imports = imports_of(world, orders, lines, amounts)
    legs, receipts = receipts_of(
        world, firms, orders, shipments, amounts, legs_of(world, orders, amounts, imports, charges)
    )
    paper = papers_of(world, firms, orders, shipments, legs, receipts)
    exchange = exchange_of(world, receipts)
    leg_cny = cny_of_legs(legs, receipts, exchange)
    exports = exports_of(world, orders, lines, amounts, charges, legs, receipts, exchange, leg_cny)
    refunds = refunds_of(world, orders, lines, exports)
    payments = payouts.payments_of(world, orders, amounts, imports, exports, refunds, freight)
    payees, requests = payouts.payees(firms, orders, payments), payouts.request_numbers(world, payments)
    on_account, before = other_lines.on_account_of(world), openings.openings_of(world)
    bank = lines_of(
        [
            *bank_lines.receipt_lines(receipts, exchange, paper),
            *bank_lines.conversion_lines(receipts, exchange),
            *bank_lines.refund_lines(refunds, world),
            *bank_lines.payment_lines(firms, orders, payments, imports.wire_fee, payees, requests),
            *other_lines.other_lines(world, firms, on_account, payments, payees),
            *openings.old_freight_lines(firms, before),
            *other_lines.paid_twice_lines(world, receipts, paper),
        ]
    )
    return Story(
        world=world,
        firms=firms,
        tariff=tariff,
        orders=orders,
        lines=lines,
        amounts=amounts,
        shipments=shipments,
        freight=freight,
        charges=charges,
        imports=imports,
        legs=legs,
        receipts=receipts,
        exchange=exchange,
        leg_cny=leg_cny,
        exports=exports,
        refunds=refunds,
        payments=payments,
        payees=payees,
        requests=requests,
        on_account=on_account,
        openings=before,
        released_on=_released(world, orders, shipments, legs, receipts, exports),
        book=booked(world, bank),
    )


def _released(
    world, orders: Orders, shipments: Shipments, legs: Legs, receipts: Receipts, exports: Exports
) -> np.ndarray:
    """放单日期: monthly clients soon after sailing, the others once paid; a few too early (LOG-BLR-01)."""
    dice = world.dice("releases")
    sailed = orders.sailed_on + 3 + shipments.released_extra
    paid = np.full(orders.count, NONE)
    settled = (legs.what == FREIGHT) & (receipts.verdict == POST)[receipt_of_leg(receipts)]
    paid[legs.order[settled]] = legs.paid_on[settled] + shipments.released_extra[legs.order[settled]]
    covered = np.where(orders.netted, exports.complete_on, paid)
    early = dice.random(orders.count) < world.mess(0.03, 0.08)
    day = np.where(orders.monthly | early, sailed, np.where(covered == NONE, NONE, np.maximum(covered, sailed)))
    return np.where(orders.has_freight & orders.outbound, day, NONE)
