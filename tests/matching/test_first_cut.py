"""The order of evidence: decisions, references, the only open item, on account, nobody. All in one world, matched once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from .worlds import OWN, Answers, World


@dataclass(frozen=True)
class Firm:
    """A principal, its buyer, and its orders by a short name."""

    principal_id: str
    buyer: str
    orders: dict[str, str]


class Making:
    """The world in the making: each test's firm has numbers of its own, so that no test meets another's."""

    def __init__(self) -> None:
        self.world = World()
        self.txn: dict[str, str] = {}
        self.firms: dict[str, Firm] = {}

    def firm(self, key: str, **amounts: str) -> Firm:
        """A principal with one buyer and an order of each amount (USD)."""
        number = len(self.firms) + 1
        principal, buyer = f"P{number:03d}", f"BUYER NUMBER {number} LLC"
        self.world.principal(principal, f"宁波第{number}贸易有限公司")
        orders = {name: f"SO{number:02d}{place:02d}" for place, name in enumerate(amounts, 1)}
        for name, amount in amounts.items():
            self.world.export(orders[name], principal, amount, counterparty=buyer)
        self.firms[key] = Firm(principal, buyer, orders)
        return self.firms[key]

    def credit(self, key: str, amount: str, payer: str, remark: str, **fields: object) -> None:
        """A receipt under the test's key."""
        self.txn[key] = self.world.credit(amount, counterparty_name=payer, remark=remark, **fields)

    def decide(self, key: str, amount: str, order: str) -> None:
        """A decision of finance on the receipt of the key."""
        self.world.add(
            "claims", txn_id=self.txn[key], order_no=order, amount=amount, decided_by="李会计",
            decided_at="2023-09-20 10:00:00", reason="客户来函",
        )  # fmt: skip


@cache
def matched() -> tuple[Making, Answers]:
    making = Making()
    firm = making.firm("own", a="5000.00")
    making.credit("own", "5000.00", "Buyer Number 1, L.L.C.", f"付订单{firm.orders['a']}货款")
    firm = making.firm("two", a="5000.00", b="7000.00")
    making.credit("two", "12000.00", firm.buyer, f"订单{firm.orders['a']}、{firm.orders['b']}货款")
    firm = making.firm("only", a="5000.00", b="7000.00")
    making.credit("only", "7000.00", firm.buyer, "")
    firm = making.firm("equal", a="7000.00", b="7000.00")
    making.credit("equal", "7000.00", firm.buyer, "")
    firm, other = making.firm("mismatch", a="5000.00"), making.firm("stranger", a="5000.00")
    making.credit("mismatch", "5000.00", other.buyer, firm.orders["a"])
    firm = making.firm("third", a="5000.00")
    making.credit("third", "5000.00", "ZHANG WEI", firm.orders["a"])
    making.firm("nothing", a="7654.32")
    making.credit("nothing", "7654.32", "NOBODY INC", "payment")
    for key, decided in (("decided", "3000.00"), ("over", "5000.01")):
        firm = making.firm(key, a="5000.00", b="7000.00")
        making.credit(key, "5000.00", firm.buyer, firm.orders["a"])
        making.decide(key, decided, firm.orders["b"])
    firm = making.firm("refund", a="5000.00")
    making.credit(
        "refund",
        "512.34",
        "国家金库宁波市中心支库",
        f"出口退税 {firm.orders['a']}",
        currency="CNY",
        account_no=OWN["CNY"],
    )
    firm = making.firm("account", a="5000.00")
    making.credit("account", "5000.00", firm.buyer, firm.orders["a"], account_no="999")
    firm = making.firm("rest", a="5000.00")
    making.credit("first", "3000.00", firm.buyer, f"{firm.orders['a']} deposit", booked_on="2023-09-01")
    making.credit("second", "3000.00", firm.buyer, f"{firm.orders['a']} balance", booked_on="2023-09-20")
    return making, making.world.matched()


def rows(key: str) -> list[dict]:
    making, answers = matched()
    return answers.placed.get(making.txn[key], [])


def test_a_reference_of_the_payers_own_order_is_certain():
    [row] = rows("own")
    order = matched()[0].firms["own"].orders["a"]
    assert (row["order_no"], row["amount"], row["confidence"], row["rule"]) == (
        order,
        Decimal("5000.00"),
        "certain",
        "R1",
    )


def test_two_references_are_two_orders():
    orders = matched()[0].firms["two"].orders
    assert {row["order_no"]: row["amount"] for row in rows("two")} == {orders["a"]: 5000, orders["b"]: 7000}


def test_the_only_open_item_of_a_known_payer():
    assert [(row["order_no"], row["rule"]) for row in rows("only")] == [(matched()[0].firms["only"].orders["b"], "A1")]


def test_equal_items_stay_on_account_with_candidates():
    firm = matched()[0].firms["equal"]
    [row] = rows("equal")
    assert (row["order_no"], row["principal_id"], row["purpose"]) == (None, firm.principal_id, "预收")
    assert [c["order_no"] for c in json.loads(row["candidates"])] == sorted(firm.orders.values())


def test_a_reference_of_another_principals_payer_posts_nothing():
    making, answers = matched()
    txn = making.txn["mismatch"]
    assert txn not in answers.placed
    assert answers.unmatched[txn]["amount"] == 5000
    assert answers.codes(txn) == {"RCV_PAYER_MISMATCH"}


def test_an_unknown_payer_is_at_most_probable():
    making, answers = matched()
    order = making.firms["third"].orders["a"]
    assert [(row["order_no"], row["confidence"]) for row in rows("third")] == [(order, "probable")]
    assert answers.codes(making.txn["third"]) == {"RCV_THIRD_PARTY"}


def test_nothing_known_is_left_open_with_candidates():
    making, answers = matched()
    txn = making.txn["nothing"]
    assert txn not in answers.placed
    shown = [c["order_no"] for c in json.loads(answers.unmatched[txn]["candidates"])]
    assert shown == [making.firms["nothing"].orders["a"]]


def test_a_decision_overrides_every_rule():
    making, answers = matched()
    order = making.firms["decided"].orders["b"]
    assert [(row["order_no"], row["amount"], row["rule"]) for row in rows("decided")] == [(order, 3000, "DECISION")]
    assert answers.unmatched[making.txn["decided"]]["amount"] == 2000


def test_a_decision_over_the_amount_moves_nothing():
    making, answers = matched()
    assert [row["order_no"] for row in rows("over")] == [making.firms["over"].orders["a"]]
    assert answers.codes(making.txn["over"]) == {"DECISION_OVER"}


def test_money_on_an_unknown_own_account_posts_to_nobody():
    making, answers = matched()
    assert not rows("account") and "999" in answers.unmatched[making.txn["account"]]["reason"]


def test_an_order_is_not_paid_beyond_what_it_is_owed():
    order = matched()[0].firms["rest"].orders["a"]
    assert [(row["order_no"], row["amount"]) for row in rows("first")] == [(order, 3000)]
    assert sorted((row["order_no"] or "", row["amount"]) for row in rows("second")) == [("", 1000), (order, 2000)]


def test_what_the_bureau_pays_for_an_order_is_its_refund_even_before_a_notice():
    order = matched()[0].firms["refund"].orders["a"]
    assert [(row["order_no"], row["purpose"], row["amount"]) for row in rows("refund")] == [
        (order, "退税款", Decimal("512.34"))
    ]
