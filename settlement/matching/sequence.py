"""Receipts that name several orders, one after the other by date, with the receipts that name one of the same orders.

A receipt for four orders and one for a single of them want the same items, so they are looked at in turn, each
on what the ones before it left. In Python, on the few that are bound together like this.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache

from settlement.matching.decision_table import Row, row_for
from settlement.matching.sums import Reach, solutions

NIL = Decimal(0)
REFUND = "退税款"
_AMOUNT = re.compile(r"(?:USD|EUR|CNY|RMB|JPY|HKD|GBP|US\$|[$€£¥])?\s?([0-9][0-9,]*(?:\.[0-9]{1,2})?)\s?(万)?")
# The worst party decides: one order of another principal spoils the whole receipt.
_WORST = ("conflict", "other", "unknown", "weak", "buyer", "bureau", "own")


@dataclass
class Item:
    """An open item. ``open`` and ``room`` shrink as receipts are put on it."""

    order_no: str
    purpose: str
    principal_id: str
    open: Decimal
    room: Decimal
    others: tuple[Decimal, ...] = ()  # other amounts that pay it whole


@dataclass(frozen=True)
class Target:
    """An order that a receipt names. ``shared``: by a number that stands for several orders."""

    order_no: str
    principal_id: str
    raw: str
    party: str
    shared: bool
    is_live: bool
    in_currency: bool  # whether its trade is in the receipt's currency
    is_trade: bool


@dataclass(frozen=True)
class Receipt:
    """A receipt with its targets; ``small`` is the shortfall tolerated in its currency, 0 in CNY."""

    txn_id: int
    booked_on: date
    amount: Decimal
    currency: str
    said: str
    text: str
    bank_fee: Decimal
    small: Decimal
    targets: tuple[Target, ...]
    is_alike: bool
    is_unclear: bool


@dataclass
class Outcome:
    """What was decided: the row of the table, the four facts, and the pieces (item, amount)."""

    receipt: Receipt
    row: Row
    facts: tuple[str, str, str, str]
    pieces: list[tuple[Item, Decimal]] = field(default_factory=list)
    note: str = ""


def eligible(receipt: Receipt, items: Iterable[Item]) -> list[Item]:
    """The items that the receipt may mean: a refund is the bureau's, words narrow the rest unless they exclude all."""
    bureau = receipt.targets[0].party == "bureau"
    right = [item for item in items if (item.purpose == REFUND) == bureau and item.room > NIL]
    named = [item for item in right if not receipt.said or item.purpose in receipt.said]
    return named or right


def quoted_amounts(text: str, raws: Sequence[str]) -> dict[str, Decimal]:
    """The amount that stands right behind each number, before the next one; numbers without one are left out.

    >>> quoted_amounts("SO0156 USD5,000.00, SO0157: 3000", ["SO0156", "SO0157"])
    {'SO0156': Decimal('5000.00'), 'SO0157': Decimal('3000')}
    """
    places = sorted((text.find(raw), raw) for raw in raws if raw in text)
    amounts = {}
    for (start, raw), following in zip(places, [*places[1:], (len(text), "")], strict=True):
        between = text[start + len(raw) : following[0]]
        found = [match for match in _AMOUNT.finditer(between) if match.group(1)]
        if len(found) == 1:
            value = Decimal(found[0].group(1).replace(",", ""))
            amounts[raw] = value * 10000 if found[0].group(2) else value
    return amounts


def _party(receipt: Receipt) -> str:
    parties = {target.party for target in receipt.targets}
    return next(party for party in _WORST if party in parties)


def _reference(receipt: Receipt) -> str:
    if len(receipt.targets) > 1:
        return "choice" if any(target.shared for target in receipt.targets) else "several"
    return "alike" if receipt.is_alike else "unclear" if receipt.is_unclear else "one"


def _explained(receipt: Receipt, short: Decimal, charges_share: Decimal) -> bool:
    """Whether bank charges explain a shortfall: tolerated in foreign currency, or shown on the line (FX-08, FX-09)."""
    shown = receipt.bank_fee == short and short <= receipt.amount * charges_share
    return short > NIL and (shown or short <= receipt.small)


def _in_turn(items: Sequence[Item], amount: Decimal, *, by_room: bool) -> list[tuple[Item, Decimal]]:
    pieces = []
    for item in items:
        piece = min(amount, item.room if by_room else item.open)
        if piece > NIL:
            pieces.append((item, piece))
            amount -= piece
    return pieces


def _one(
    receipt: Receipt, items: Sequence[Item], charges_share: Decimal, settled: set[Decimal]
) -> tuple[str, list[tuple[Item, Decimal]]]:
    """Fit and pieces of a receipt that names one order (the same cases as ``by_reference``).

    ``settled``: amounts that paid an item of the order whole: the same once more is a duplicate.
    """
    target, amount = receipt.targets[0], receipt.amount
    fits = eligible(receipt, items)
    total, room = sum((item.open for item in items), NIL), sum((item.room for item in items), NIL)
    if not items:
        return ("dropped" if not target.is_live else "undue" if target.in_currency else "currency"), []
    equal = [item for item in fits if item.open == amount]
    if equal:
        return "exact", [(equal[0], amount)]
    other = [item for item in fits if amount in item.others]
    if other:
        return "variant", [(other[0], amount)]
    if room == NIL or receipt.amount in settled:
        return "paid", []
    first = fits if receipt.said else list(items)
    pieces = _in_turn([*first, *[item for item in items if item not in first]], amount, by_room=True)
    if total == amount:
        return "exact", pieces
    if amount > room:
        return "over", pieces
    if _explained(receipt, total - amount, charges_share):
        return "charges", pieces
    return ("estimate" if amount > total else "part"), pieces


def _sums(receipt: Receipt, items: list[Item]) -> list[list[Item]]:
    """The natural sums that meet the amount: all that is open, or all of one purpose."""
    found = []
    purposes = sorted({item.purpose for item in items})
    groups = [items] if len(purposes) == 1 else [items, *[[i for i in items if i.purpose == p] for p in purposes]]
    for group in groups:
        if sum((item.open for item in group), NIL) == receipt.amount:
            found.append(group)
    return found


def _several(receipt: Receipt, items: list[Item], limits) -> tuple[str, str, list[tuple[Item, Decimal]]]:
    """Fit, uniqueness and pieces of a receipt that names several orders."""
    fits = [item for item in eligible(receipt, items) if item.open > NIL]
    orders = {item.order_no for item in fits}
    whole = _sums(receipt, fits)
    is_choice = any(target.shared for target in receipt.targets)
    if is_choice:
        alone = [
            order
            for order in sorted(orders)
            if sum((i.open for i in fits if i.order_no == order), NIL) == receipt.amount
            or any(receipt.amount in (i.open, *i.others) for i in fits if i.order_no == order)
        ]
        if len(alone) == 1 and not whole:
            mine = [item for item in fits if item.order_no == alone[0]]
            equal = [item for item in mine if item.open == receipt.amount] or mine
            return "exact", "sole", _in_turn(equal, receipt.amount, by_room=True)
        if alone:
            return "exact", "several", []
    if whole:
        return (
            "sum",
            "sole" if len(whole) == 1 else "several",
            [(item, item.open) for item in whole[0]] if len(whole) == 1 else [],
        )
    split = _by_amounts_said(receipt, fits)
    if split:
        return "exact", "sole", split
    total, room = sum((i.open for i in fits), NIL), sum((i.room for i in items), NIL)
    if fits and not is_choice and _explained(receipt, total - receipt.amount, limits.charges_share):
        return "charges", "sole", _in_turn(fits, receipt.amount, by_room=False)
    if is_choice:
        short = [
            order
            for order in sorted(orders)
            if _explained(
                receipt, sum((i.open for i in fits if i.order_no == order), NIL) - receipt.amount, limits.charges_share
            )
        ]
        if len(short) == 1:
            return (
                "charges",
                "sole",
                _in_turn([i for i in fits if i.order_no == short[0]], receipt.amount, by_room=False),
            )
    if fits and not is_choice and receipt.amount > room:
        return "over", "sole", [(item, item.open) for item in fits]
    return _subset(receipt, fits, limits) if is_choice else ("none", "several", [])


def _by_amounts_said(receipt: Receipt, items: list[Item]) -> list[tuple[Item, Decimal]]:
    """Each order gets the amount the text puts behind its number, if these are the receipt and fit the orders."""
    said = quoted_amounts(receipt.text, [target.raw for target in receipt.targets])
    if len(said) < len(receipt.targets) or sum(said.values()) != receipt.amount:
        return []
    pieces = []
    for target in receipt.targets:
        mine = [item for item in items if item.order_no == target.order_no]
        part = _in_turn(mine, said[target.raw], by_room=True)
        if sum((amount for _, amount in part), NIL) != said[target.raw]:
            return []
        pieces.extend(part)
    return pieces


def _subset(receipt: Receipt, items: list[Item], limits) -> tuple[str, str, list[tuple[Item, Decimal]]]:
    """Some of the orders that one number stands for, if only one set of them sums to the receipt."""
    search = solutions([item.open for item in items], receipt.amount, Reach.of(limits))
    if len(search.found) == 1 and search.chance <= limits.sum_chance_certain:
        return "sum", "sole", [(items[place], items[place].open) for place in search.found[0]]
    return "none", "several", []


def settle(
    receipts: Iterable[Receipt], items: Mapping[tuple[str, str], list[Item]], limits, table: Sequence[Row] | None = None
) -> list[Outcome]:
    """Every receipt in order of date and txn_id; ``items`` by order and currency, each list oldest first.

    ``items`` are used up: no item is paid beyond its room.
    """
    outcomes = []
    row_of = cache(lambda *facts: row_for(*facts, table))
    settled: dict[tuple[str, str], set[Decimal]] = defaultdict(set)
    for receipt in sorted(receipts, key=lambda one: (one.booked_on, one.txn_id)):
        mine = [item for target in receipt.targets for item in items.get((target.order_no, receipt.currency), ())]
        if len(receipt.targets) == 1:
            key = (receipt.targets[0].order_no, receipt.currency)
            fit, pieces = _one(receipt, mine, limits.charges_share, settled[key])
            facts = (_party(receipt), _reference(receipt), fit, "-")
        else:
            fit, unique, pieces = _several(receipt, mine, limits)
            facts = (_party(receipt), _reference(receipt), fit, unique)
        row = row_of(*facts)
        outcome = Outcome(receipt, row, facts, pieces if row.posts == "order" else [])
        for item, amount in outcome.pieces:
            item.open, item.room, item.others = max(item.open - amount, NIL), item.room - amount, ()
            if item.open == NIL:
                settled[item.order_no, receipt.currency].add(amount)
            assert item.room >= NIL, f"{item.order_no} {item.purpose} is paid beyond what it is owed"
        outcomes.append(outcome)
    return outcomes
