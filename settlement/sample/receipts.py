"""Receipts: how each transfer looks on the bank's paper, and whether that paper decides where it belongs.

For each transfer: who sends it, how the remittance text names the order, what the banks kept. The verdict is
the contract's Confidence section over what was drawn, not over what the text happens to look like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from settlement.sample import market
from settlement.sample.arithmetic import group_sum
from settlement.sample.cargo import Amounts
from settlement.sample.firms import Firms
from settlement.sample.legs import ADVANCE, FREIGHT, GOODS, MONTH_FREIGHT, Legs
from settlement.sample.orders import EXPORT, Orders
from settlement.sample.shipments import Shipments
from settlement.sample.texts import NONE
from settlement.sample.world import World, weighted

# How the text names its order (one), or its orders (several).
(
    ORDER_NO,
    FULL_WIDTH,
    LETTER_O,
    SPACED,
    CONTRACT,
    PROFORMA,
    BILL_OF_LADING,
    PHONE_TOO,
    LONGER_NUMBER_TOO,
    TYPING_ERROR,
    ANOTHERS,
    NOTHING,
    LIST,
    RANGE,
    SUFFIXES,
    MONTH,
    LIST_WITH_AMOUNTS,
) = range(17)
NAMES_ONE = (ORDER_NO, FULL_WIDTH, LETTER_O, SPACED, CONTRACT, PROFORMA, BILL_OF_LADING, PHONE_TOO, LONGER_NUMBER_TOO)
NAMES_SEVERAL = (LIST, RANGE, SUFFIXES, MONTH, LIST_WITH_AMOUNTS)
# Who sends it.
(
    OWN,
    OWN_NO_ACCOUNT,
    OWN_PADDED,
    AFFILIATE,
    PERSON_KNOWN,
    BUYER,
    FIRM_UNKNOWN,
    STAFF_UNKNOWN,
    OVERSEAS_UNKNOWN,
    OTHER_PRINCIPAL,
    NEAR_NAME,
) = range(11)
UNKNOWN = (FIRM_UNKNOWN, STAFF_UNKNOWN, OVERSEAS_UNKNOWN, NEAR_NAME)
# What the evidence allows.
POST, OPEN, EITHER = range(3)
VERDICTS = ("post", "open", "either")


@dataclass(frozen=True)
class Receipts:
    """One row a transfer; its legs are rows ``first`` to ``first + size - 1`` of the legs, sorted by transfer."""

    first: np.ndarray
    size: np.ndarray
    order: np.ndarray  # the first leg's
    principal: np.ndarray
    what: np.ndarray
    currency: np.ndarray
    owed: np.ndarray  # the legs' sum
    amount: np.ndarray  # what was credited
    charges: np.ndarray  # what the banks kept on the way, by the buyer's account
    over: np.ndarray  # paid beyond what was owed
    booked_on: np.ndarray
    naming: np.ndarray
    sender: np.ndarray
    distractor: np.ndarray  # another order, whose number the text may hold
    verdict: np.ndarray
    why: np.ndarray  # index into WHY


WHY = (
    "reference",
    "reference by an unknown payer",
    "references of all orders",
    "the month's freight, in full",
    "only open item of this amount",
    "reference of an order that is not the payer's",
    "names nobody's order",
    "several open items of this amount",
    "amount alone, not the whole of an item",
    "number mistyped",
    "sum of several items",
    "short by bank charges, no reference",
    "buyer known from the order only",
    "reference by an unknown payer, part of the amount",
    "the order comes to nothing",
)


def receipts_of(
    world: World, firms: Firms, orders: Orders, shipments: Shipments, amounts: Amounts, legs: Legs
) -> tuple[Legs, Receipts]:
    """The receipts and the legs sorted by receipt."""
    dice = world.dice("receipts")
    order = np.lexsort((legs.order, legs.transfer))
    legs = Legs(**{name: values[order] for name, values in vars(legs).items()})
    starts = (
        np.flatnonzero(np.r_[True, legs.transfer[1:] != legs.transfer[:-1]]) if len(order) else np.zeros(0, np.int64)
    )
    size = np.diff(np.r_[starts, len(order)])
    owed = np.add.reduceat(legs.amount, starts) if len(starts) else np.zeros(0, np.int64)
    first = legs.order[starts]
    what, principal = legs.what[starts], orders.principal[first]
    naming = _naming(world, dice, orders, legs, starts, size, what)
    sender = _sender(world, dice, firms, orders, first, what)
    naming, sender = _agreeing(
        dice, firms.buyer_listed[orders.buyer[first]], orders, legs, starts, size, what, naming, sender, amounts
    )
    naming = np.where((naming == BILL_OF_LADING) & shipments.shares_bl[first], ORDER_NO, naming)
    charges, over = _deviations(world, dice, what, size, naming, sender, owed)
    distractor = (first + world.orders // 3 + dice.integers(0, max(world.orders // 5, 1), len(first))) % world.orders
    naming = np.where(
        np.isin(naming, (ANOTHERS, LONGER_NUMBER_TOO, PHONE_TOO)) & (orders.principal[distractor] == principal),
        ORDER_NO,
        naming,
    )
    receipts = Receipts(
        first=starts,
        size=size,
        order=first,
        principal=principal,
        what=what,
        currency=legs.currency[starts],
        owed=owed,
        amount=owed - charges + over,
        charges=charges,
        over=over,
        booked_on=legs.paid_on[starts],
        naming=naming,
        sender=sender,
        distractor=distractor,
        verdict=np.zeros(len(first), np.int64),
        why=np.zeros(len(first), np.int64),
    )
    receipts.verdict[:], receipts.why[:] = _verdicts(firms, orders, amounts, legs, receipts)
    return legs, receipts


def _naming(world, dice, orders, legs, starts, size, what) -> np.ndarray:
    count = len(starts)
    easy = [56, 6, 4, 4, 8, 8, 0, 2, 1, 1, 0.6, 9]
    hard = [32, 9, 8, 7, 9, 9, 0, 4, 4, 3, 2, 14]
    one = np.array([*NAMES_ONE, TYPING_ERROR, ANOTHERS, NOTHING])[weighted(dice, hard if world.hard else easy, count)]
    freight = np.isin(what, (FREIGHT, MONTH_FREIGHT))
    one = np.where(freight & np.isin(one, (CONTRACT, PROFORMA)), BILL_OF_LADING, one)
    ways = np.array([LIST, RANGE, SUFFIXES, LIST_WITH_AMOUNTS, NOTHING])
    several = ways[weighted(dice, [42, 25, 12, 8, 13 if world.hard else 8], count)]
    last = legs.order[starts + size - 1] if count else starts
    first = legs.order[starts] if count else starts
    contiguous = (last - first + 1 == size) & ((first + 1) // 100 == (last + 1) // 100)
    several = np.where(~contiguous & np.isin(several, (RANGE, SUFFIXES)), LIST, several)
    month = np.where((size > 1) & (dice.random(count) < world.mess(0.95, 0.85)), MONTH, NOTHING)
    return np.where(what == MONTH_FREIGHT, np.where(size > 1, month, one), np.where(size > 1, several, one))


def _sender(world, dice, firms: Firms, orders, first, what) -> np.ndarray:
    count, principal = len(first), orders.principal[first]
    easy, hard = [80, 4, 3, 6, 4, 3, 2, 1, 0.4], [58, 7, 6, 10, 5, 6, 5, 2, 2]
    kinds = np.array(
        [
            OWN,
            OWN_NO_ACCOUNT,
            OWN_PADDED,
            AFFILIATE,
            PERSON_KNOWN,
            FIRM_UNKNOWN,
            STAFF_UNKNOWN,
            OTHER_PRINCIPAL,
            NEAR_NAME,
        ]
    )
    domestic = kinds[weighted(dice, hard if world.hard else easy, count)]
    domestic = np.where((domestic == AFFILIATE) & ~firms.has_affiliate[principal], OWN, domestic)
    domestic = np.where((domestic == PERSON_KNOWN) & ~firms.has_person[principal], OWN, domestic)
    stranger = dice.random(count) < world.mess(0.04, 0.09)
    mistaken = dice.random(count) < world.mess(0.008, 0.02)
    foreign = np.where(mistaken, OTHER_PRINCIPAL, np.where(stranger, OVERSEAS_UNKNOWN, BUYER))
    return np.where(what == GOODS, foreign, domestic)


def _agreeing(dice, listed, orders, legs, starts, size, what, naming, sender, amounts) -> tuple[np.ndarray, np.ndarray]:
    """Draws that would make no sense together are replaced."""
    first = legs.order[starts]
    twin = (orders.twin_of >= 0) | np.isin(np.arange(orders.count), orders.twin_of)
    pair = np.where(orders.twin_of >= 0, orders.twin_of, np.arange(orders.count))
    # Both of a pair of equal amounts name their order, or neither does.
    silent = (pair * 7919 % 10) < 6
    plain = np.isin(naming, (ORDER_NO, FULL_WIDTH, LETTER_O, SPACED, CONTRACT, PROFORMA))
    naming = np.where(twin[first] & silent[first] & (what == GOODS), NOTHING, naming)
    naming = np.where(twin[first] & ~silent[first] & (what == GOODS) & ~plain, ORDER_NO, naming)
    sender = np.where(twin[first] & (what == GOODS), BUYER, sender)
    # A short-shipped order, an advance, a top-up: their amount lies in no file before they are paid.
    vague = (what == ADVANCE) | (amounts.declared[first] != NONE)
    naming = np.where(vague & (naming == NOTHING) & (dice.random(len(first)) < 0.8), ORDER_NO, naming)
    # Who quotes another's order pays in his own name; a firm with a near name quotes nothing.
    naming = np.where((naming == ANOTHERS) & (what == GOODS) & ~listed, ORDER_NO, naming)
    sender = np.where((naming == ANOTHERS) & (what != GOODS), OWN, np.where(naming == ANOTHERS, BUYER, sender))
    naming = np.where((sender == NEAR_NAME) & (size == 1), NOTHING, naming)
    sender = np.where((what == MONTH_FREIGHT) & (naming == MONTH), OWN, sender)
    naming = np.where((sender == OTHER_PRINCIPAL) & (size == 1), ORDER_NO, naming)
    sender = np.where((sender == OTHER_PRINCIPAL) & (size > 1), np.where(what == GOODS, BUYER, OWN), sender)
    return naming, sender


def _deviations(world, dice, what, size, naming, sender, owed) -> tuple[np.ndarray, np.ndarray]:
    """Bank charges kept on the way (FX-09), and overpayments of freight."""
    count = len(what)
    drawn = dice.random(count)
    small = 800 + dice.integers(0, 3_600, count)
    large = 6_000 + dice.integers(0, 24_000, count)
    single = (what == GOODS) & (size == 1)
    charged = np.where(drawn < 0.4, small, np.where(drawn < world.mess(0.42, 0.45), np.minimum(large, owed // 20), 0))
    silent_exact = (naming == NOTHING) & (dice.random(count) < 0.8)
    charges = np.where(single & ~silent_exact, charged, 0)
    overpaid = (what == FREIGHT) & (size == 1) & np.isin(naming, NAMES_ONE) & (sender == OWN)
    overpaid &= dice.random(count) < world.mess(0.01, 0.03)
    return charges, np.where(overpaid, dice.integers(1, 40, count) * 5_000, 0)


def _verdicts(firms, orders, amounts, legs: Legs, receipts: Receipts) -> tuple[np.ndarray, np.ndarray]:
    unknown = np.isin(receipts.sender, UNKNOWN)
    listed = firms.buyer_listed[orders.buyer[receipts.order]]
    unlisted_buyer = (receipts.sender == BUYER) & ~listed
    whole = legs.whole[receipts.first] & (receipts.size == 1)
    # An order that comes to nothing is no open item once that is known (C-43), and is one before.
    dropped = orders.dropped_on != NONE
    alone = _only_item_of_its_amount(orders, amounts, legs, np.zeros_like(dropped))[receipts.first]
    alone_alive = _only_item_of_its_amount(orders, amounts, legs, dropped)[receipts.first]
    comes_to_nothing = (
        np.logical_or.reduceat(dropped[legs.order], receipts.first)
        if len(receipts.first)
        else receipts.first.astype(bool)
    )
    # An unknown payer's reference is at most probable: only an amount that fits too decides (C-27).
    tolerated = np.maximum(5_000, receipts.owed // 500)
    fits = whole & (receipts.charges <= np.where(np.isin(receipts.naming, (LETTER_O, SPACED)), 0, tolerated))
    rules = [
        (receipts.sender == OTHER_PRINCIPAL, OPEN, 5),
        (receipts.naming == ANOTHERS, OPEN, 5),
        (comes_to_nothing, EITHER, 14),
        (np.isin(receipts.naming, NAMES_ONE) & unknown & ~fits, EITHER, 13),
        (np.isin(receipts.naming, NAMES_ONE) & unknown, POST, 1),
        (np.isin(receipts.naming, NAMES_ONE), POST, 0),
        (receipts.naming == MONTH, POST, 3),
        (np.isin(receipts.naming, NAMES_SEVERAL) & unknown, POST, 1),
        (np.isin(receipts.naming, NAMES_SEVERAL), POST, 2),
        (unknown, OPEN, 6),
        (receipts.naming == TYPING_ERROR, EITHER, 9),
        (receipts.size > 1, EITHER, 10),
        (whole & ~alone_alive, OPEN, 7),
        (whole & ~alone, EITHER, 14),
        (receipts.charges > 0, EITHER, 11),
        (~whole, EITHER, 8),
        (unlisted_buyer, EITHER, 12),
    ]
    conditions = [rule[0] for rule in rules]
    return (
        np.select(conditions, [rule[1] for rule in rules], POST),
        np.select(conditions, [rule[2] for rule in rules], 4),
    )


def _only_item_of_its_amount(orders: Orders, amounts: Amounts, legs: Legs, without: np.ndarray) -> np.ndarray:
    """For each leg: no other open item of the principal has this currency and amount; ``without`` some orders."""
    items = np.flatnonzero(legs.whole & ~without[legs.order])
    goods = np.flatnonzero((orders.kind == EXPORT) & ~without)
    unpaid = np.setdiff1d(goods, legs.order[items][legs.what[items] == GOODS])
    principal = np.r_[orders.principal[legs.order[items]], orders.principal[unpaid]]
    currency = np.r_[legs.currency[items], orders.currency[unpaid]]
    amount = np.r_[legs.amount[items], amounts.amount[unpaid]]
    _, index, counts = np.unique(
        np.stack([principal * len(market.CURRENCIES) + currency, amount], axis=1),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    alone = np.zeros(len(legs.order), bool)
    alone[items] = counts[index.ravel()][: len(items)] == 1
    return alone


def received(legs: Legs, receipts: Receipts) -> np.ndarray:
    """What each leg got of its receipt: all, less the charges kept from a single one."""
    kept = np.repeat(receipts.charges, receipts.size)
    return legs.amount - kept


def receipt_of_leg(receipts: Receipts) -> np.ndarray:
    """The receipt of each leg."""
    return np.repeat(np.arange(len(receipts.first)), receipts.size)


def total_by_order(values: np.ndarray, legs: Legs, count: int, chosen: np.ndarray) -> np.ndarray:
    """Σ of a leg column by order over the chosen legs."""
    return group_sum(np.where(chosen, values, 0), legs.order, count)
