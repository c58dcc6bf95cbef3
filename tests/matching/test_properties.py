"""What holds of any receipts: in a world of many payers made from a seed, matched as it is and with one thing changed."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from functools import cache

import pytest

from .worlds import Answers, World

SEEDS = (1, 2)
PRINCIPALS = 30
Placed = set[tuple]


def _amount(chance: random.Random) -> Decimal:
    """Round ones too: they meet by accident."""
    if chance.random() < 0.3:
        return Decimal(chance.randint(1, 9) * 1000)
    return Decimal(chance.randint(100_000, 9_000_000)) / 100


class Made:
    """A world and what each receipt was meant to pay, in the order in which the rows were made."""

    def __init__(self, seed: int) -> None:
        self.chance, self.world = random.Random(seed), World()
        for number in range(PRINCIPALS):
            self._principal(f"P{number:03d}", number)

    def _principal(self, principal: str, number: int) -> None:
        chance, name = self.chance, f"宁波第{number}号贸易有限公司"
        self.world.principal(principal, name, bank_account=f"622900{number:06d}")
        buyer = f"BUYER {number} TRADING LLC"
        goods, freight = [], []
        for place in range(chance.randint(3, 7)):
            order, amount = f"SO{number:03d}{place:02d}", _amount(chance)
            self.world.export(order, principal, amount, counterparty=buyer, contract_no=f"HT-{number:03d}-{place // 2}")
            goods.append((order, amount))
        for place in range(chance.randint(1, 4)):
            order, amount = f"LG{number:03d}{place:02d}", _amount(chance)
            self.world.add(
                "orders", order_no=order, principal_id=principal, currency="CNY", services="出口国际物流", amount_fx="0",
                ordered_on="2023-08-15", sailed_on="2023-08-20",
            )  # fmt: skip
            self.world.add(
                "freight_charges", order_no=order, principal_id=principal, vendor="中远海运", receivable_cny=amount,
                charge_code="THC", payable=amount, currency="CNY", confirmed_on="2023-08-28",
            )  # fmt: skip
            freight.append((order, amount))
        for orders, currency, payer in ((goods, "USD", buyer), (freight, "CNY", name)):
            self._receipts(orders, currency, payer)

    def _receipts(self, orders: list[tuple[str, Decimal]], currency: str, payer: str) -> None:
        chance, waiting = self.chance, list(orders)
        while waiting:
            size = min(len(waiting), chance.choice((1, 1, 1, 2, 3)))
            paid, waiting = waiting[:size], waiting[size:]
            total = sum(amount for _, amount in paid)
            parts = [total] if size > 1 or chance.random() < 0.8 else [total * 3 // 10, total - total * 3 // 10]
            for part in parts:
                sent = part + chance.choice((0, 0, 0, 0, -20, 500)) if part > 1000 else part
                text = chance.choice(("、".join(order for order, _ in paid), "", "PAYMENT", f"{paid[0][0]}货款"))
                who = chance.choice((payer, payer, payer, payer, "UNKNOWN SENDER", "BUYER 0 TRADING LLC"))
                day = f"2023-09-{chance.randint(1, 28):02d}"
                self.world.credit(sent, currency, counterparty_name=who, remark=text, booked_on=day)


@cache
def made(seed: int) -> Made:
    return Made(seed)


@cache
def as_it_is(seed: int) -> Answers:
    return made(seed).world.matched()


def changed(seed: int, **tables: object) -> World:
    """The world of ``seed`` with other rows in some tables."""
    world = World()
    world.rows = made(seed).world.rows | tables
    return world


def allocations(answers: Answers) -> Placed:
    """Everything published of an allocation but its words."""
    names = ("txn_id", "order_no", "principal_id", "purpose", "amount", "rule", "confidence")
    return {tuple(row[name] for name in names) for rows in answers.placed.values() for row in rows}


def on_orders(answers: Answers) -> list[dict]:
    return [row for rows in answers.placed.values() for row in rows if row["order_no"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pieces_of_each_receipt_sum_to_it_and_the_world_is_worth_trying(seed):
    answers = as_it_is(seed)  # ``matched`` holds the sums
    rules = Counter(row["rule"] for row in on_orders(answers))
    assert {"R1", "A1", "M1"} <= set(rules), rules
    assert answers.unmatched and any(not row["order_no"] for rows in answers.placed.values() for row in rows)
    assert all(row["amount"] > 0 for rows in answers.placed.values() for row in rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_item_is_paid_beyond_what_it_is_owed(seed):
    rows = made(seed).world.rows
    owed = {row["order_no"]: row["amount_fx"] for row in rows["orders"] if row["currency"] == "USD"}
    owed |= {row["order_no"]: row["receivable_cny"] for row in rows["freight_charges"]}
    paid: Counter = Counter()
    for row in on_orders(as_it_is(seed)):
        paid[row["order_no"]] += row["amount"]
    assert not {order: (amount, owed[order]) for order, amount in paid.items() if amount > owed[order]}


def test_the_order_of_rows_changes_nothing():
    seed = SEEDS[0]
    shuffled = {name: random.Random(name).sample(rows, len(rows)) for name, rows in made(seed).world.rows.items()}
    answers = changed(seed, **shuffled).matched()
    assert answers.placed.keys() == as_it_is(seed).placed.keys()
    assert allocations(answers) == allocations(as_it_is(seed))
    # Not a word and no candidate either.
    assert answers.unmatched == as_it_is(seed).unmatched
    by_key = lambda row: (row["order_no"] or "", row["purpose"], row["amount"])  # noqa: E731
    for txn_id, rows in answers.placed.items():
        assert sorted(rows, key=by_key) == sorted(as_it_is(seed).placed[txn_id], key=by_key)


def test_an_unrelated_order_changes_no_allocation():
    """Orders of a new principal, of amounts that others have too, and one of each old principal for a buyer that never pays."""
    seed, rows = SEEDS[0], made(SEEDS[0]).world.rows
    more = World()
    more.principal("P900", "宁波不相干有限公司")
    amounts = sorted({row["amount_fx"] for row in rows["orders"] if row["currency"] == "USD"})
    for place, amount in enumerate(amounts):
        more.export(f"SO900{place:02d}", "P900", amount, counterparty="UNRELATED BUYER GMBH")
    for number in range(PRINCIPALS):
        more.export(f"SO9{number:03d}9", f"P{number:03d}", "98765.43", counterparty=f"SILENT BUYER {number} SA")
    added = {name: rows[name] + more.rows[name] for name in ("orders", "principals")}
    assert allocations(changed(seed, **added).matched()) == allocations(as_it_is(seed))


def test_without_its_text_a_receipt_is_posted_on_its_amount_or_not_at_all():
    seed = SEEDS[1]
    silent = [row | {"remark": None} for row in made(seed).world.rows["transactions"]]
    rules = {row["rule"][0] for row in on_orders(changed(seed, transactions=silent).matched())}
    assert rules <= {"A", "S"}, rules


def test_without_its_payer_nothing_is_certain_and_without_both_nothing_is_posted():
    seed = SEEDS[1]
    lines = made(seed).world.rows["transactions"]
    # Of every other receipt the text goes too.
    stripped = [
        row | {"counterparty_name": None} | ({"remark": None} if place % 2 else {}) for place, row in enumerate(lines)
    ]
    answers = changed(seed, transactions=stripped).matched()
    assert {row["confidence"] for row in on_orders(answers)} == {"probable"}
    bare = {row["txn_id"] for row in stripped if not row["remark"]}
    assert not [row for row in on_orders(answers) if row["txn_id"] in bare]


def test_without_its_order_a_receipt_goes_nowhere_else():
    """The orders that receipts were certainly put on by a reference are taken away: none of these receipts finds another."""
    seed, rows = SEEDS[0], made(SEEDS[0]).world.rows
    named = {row["order_no"]: row["txn_id"] for row in on_orders(as_it_is(seed)) if row["rule"] == "R1"}
    gone = set(sorted(named)[::3])
    kept = {name: [row for row in rows[name] if row["order_no"] not in gone] for name in ("orders", "freight_charges")}
    answers = changed(seed, **kept).matched()
    lost = {named[order] for order in gone}
    assert lost and not [row for row in on_orders(answers) if row["txn_id"] in lost]
