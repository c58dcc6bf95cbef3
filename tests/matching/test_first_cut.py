"""The order of evidence: decisions, references, the only open item, on account, nobody."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from settlement.matching import match_receipts

from .worlds import World, rows_of


@pytest.fixture
def world() -> World:
    world = World()
    world.principal("P001", "宁波远洋有限公司")
    world.principal("P002", "宁波远大国际货运代理有限公司")
    world.export("SO0156", "P001", "5000.00", counterparty="ACME TRADING LLC", contract_no="HT-2023-001")
    world.export("SO0157", "P001", "7000.00", counterparty="ACME TRADING LLC")
    world.export("SO0200", "P002", "5000.00", counterparty="GLOBEX GMBH")
    return world


def placed(world: World) -> tuple[dict[str, list[dict]], dict[str, dict]]:
    matched = match_receipts(world.inputs())
    allocations: dict[str, list[dict]] = {}
    for row in rows_of(matched.allocations):
        allocations.setdefault(row["txn_id"], []).append(row)
    unmatched = {row["txn_id"]: row for row in rows_of(matched.unmatched)}
    for line in world.rows["transactions"]:
        if Decimal(line["amount"]) > 0:
            pieces = sum((row["amount"] for row in allocations.get(line["txn_id"], [])), Decimal(0))
            left = unmatched.get(line["txn_id"], {"amount": Decimal(0)})["amount"]
            assert pieces + left == Decimal(line["amount"])
    return allocations, unmatched


def test_a_reference_of_the_payers_own_order_is_certain(world):
    txn = world.credit("5000.00", counterparty_name="ACME Trading, L.L.C.", remark="付订单SO0156货款")
    allocations, _ = placed(world)
    [row] = allocations[txn]
    assert (row["order_no"], row["amount"], row["confidence"], row["rule"]) == (
        "SO0156",
        Decimal("5000.00"),
        "certain",
        "R1",
    )


def test_two_references_are_two_orders(world):
    txn = world.credit("12000.00", counterparty_name="ACME TRADING LLC", remark="订单SO0156、SO0157货款")
    allocations, _ = placed(world)
    assert {row["order_no"]: row["amount"] for row in allocations[txn]} == {"SO0156": 5000, "SO0157": 7000}


def test_the_only_open_item_of_a_known_payer(world):
    txn = world.credit("7000.00", counterparty_name="ACME TRADING LLC")
    allocations, _ = placed(world)
    assert [(row["order_no"], row["rule"]) for row in allocations[txn]] == [("SO0157", "A1")]


def test_equal_items_stay_on_account_with_candidates(world):
    world.export("SO0158", "P001", "7000.00", counterparty="ACME TRADING LLC")
    txn = world.credit("7000.00", counterparty_name="ACME TRADING LLC")
    allocations, _ = placed(world)
    [row] = allocations[txn]
    assert (row["order_no"], row["principal_id"], row["purpose"]) == (None, "P001", "预收")
    assert [c["order_no"] for c in json.loads(row["candidates"])] == ["SO0157", "SO0158"]


def test_a_reference_of_another_principals_payer_posts_nothing(world):
    txn = world.credit("5000.00", counterparty_name="GLOBEX GMBH", remark="SO0156")
    allocations, unmatched = placed(world)
    assert txn not in allocations
    assert unmatched[txn]["amount"] == 5000
    found = rows_of(match_receipts(world.inputs()).found)
    assert [row["code"] for row in found if row["txn_id"] == txn] == ["RCV_PAYER_MISMATCH"]


def test_an_unknown_payer_is_at_most_probable(world):
    txn = world.credit("5000.00", counterparty_name="ZHANG WEI", remark="SO0156")
    allocations, _ = placed(world)
    assert [(row["order_no"], row["confidence"]) for row in allocations[txn]] == [("SO0156", "probable")]


def test_nothing_known_is_left_open_with_candidates(world):
    txn = world.credit("7000.00", counterparty_name="NOBODY INC", remark="payment")
    allocations, unmatched = placed(world)
    assert txn not in allocations
    assert [c["order_no"] for c in json.loads(unmatched[txn]["candidates"])] == ["SO0157"]


def test_a_decision_overrides_every_rule(world):
    txn = world.credit("5000.00", counterparty_name="ACME TRADING LLC", remark="SO0156")
    world.add(
        "claims",
        txn_id=txn,
        order_no="SO0157",
        amount="3000.00",
        decided_by="李会计",
        decided_at="2023-09-20 10:00:00",
        reason="客户来函",
    )
    allocations, unmatched = placed(world)
    assert [(row["order_no"], row["amount"], row["rule"]) for row in allocations[txn]] == [("SO0157", 3000, "DECISION")]
    assert unmatched[txn]["amount"] == 2000


def test_a_decision_over_the_amount_moves_nothing(world):
    txn = world.credit("5000.00", counterparty_name="ACME TRADING LLC", remark="SO0156")
    world.add(
        "claims",
        txn_id=txn,
        order_no="SO0157",
        amount="5000.01",
        decided_by="李会计",
        decided_at="2023-09-20 10:00:00",
        reason="客户来函",
    )
    allocations, _ = placed(world)
    assert [row["order_no"] for row in allocations[txn]] == ["SO0156"]
    codes = [row["code"] for row in rows_of(match_receipts(world.inputs()).found)]
    assert codes == ["DECISION_OVER"]


def test_money_on_an_unknown_own_account_posts_to_nobody(world):
    txn = world.credit("5000.00", counterparty_name="ACME TRADING LLC", remark="SO0156", account_no="999")
    allocations, unmatched = placed(world)
    assert txn not in allocations and "999" in unmatched[txn]["reason"]


def test_an_order_is_not_paid_beyond_what_it_is_owed(world):
    first = world.credit(
        "3000.00", counterparty_name="ACME TRADING LLC", remark="SO0156 deposit", booked_on="2023-09-01"
    )
    second = world.credit(
        "3000.00", counterparty_name="ACME TRADING LLC", remark="SO0156 balance", booked_on="2023-09-20"
    )
    allocations, _ = placed(world)
    assert [(row["order_no"], row["amount"]) for row in allocations[first]] == [("SO0156", 3000)]
    assert sorted((row["order_no"] or "", row["amount"]) for row in allocations[second]) == [
        ("", 1000),
        ("SO0156", 2000),
    ]
