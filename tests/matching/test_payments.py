"""Debits against applications, and debits that are none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from settlement.matching import match_payments

from .worlds import OWN, World, rows_of


@pytest.fixture
def world() -> World:
    world = World()
    world.principal("P001", "宁波甲纺织有限公司")
    world.export("SO0001", "P001", "10000.00")
    return world


def ask(world: World, request_no: str, amount: str, **fields) -> None:
    given = {
        "order_no": "SO0001",
        "kind": "货款",
        "payee_type": "委托方",
        "payee_name": "宁波甲纺织有限公司",
        "payee_account": "331001",
    }
    world.add("payments", request_no=request_no, currency="CNY", amount=amount, **given | fields)


def paid(world: World) -> tuple[dict[str, list[dict]], dict[str, dict], list[dict]]:
    matched = match_payments(world.inputs())
    rows: dict[str, list[dict]] = {}
    for row in rows_of(matched.allocations):
        rows.setdefault(row["txn_id"], []).append(row)
    unmatched = {row["txn_id"]: row for row in rows_of(matched.unmatched)}
    for line in world.rows["transactions"]:
        if Decimal(line["amount"]) < 0:
            put = sum((row["amount"] for row in rows.get(line["txn_id"], [])), Decimal(0))
            assert put + unmatched.get(line["txn_id"], {"amount": 0})["amount"] == -Decimal(line["amount"])
    return rows, unmatched, rows_of(matched.found)


def test_the_only_application_of_payee_and_amount(world):
    ask(world, "QK001", "8000.00")
    txn = world.line("-8000.00", counterparty_account="331001", counterparty_name="宁波甲纺织有限公司")
    rows, _, found = paid(world)
    assert [(row["request_no"], row["order_no"], row["kind"], row["amount"]) for row in rows[txn]] == [
        ("QK001", "SO0001", "货款", 8000)
    ]
    assert found == []


def test_two_equal_applications_stay_open_until_one_is_quoted(world):
    ask(world, "QK001", "8000.00")
    ask(world, "QK002", "8000.00")
    silent = world.line("-8000.00", counterparty_account="331001")
    rows, unmatched, found = paid(world)
    assert silent not in rows and "QK001" in unmatched[silent]["candidates"]
    assert [row["code"] for row in found] == ["PAY_UNMATCHED"]
    world.rows["transactions"][0]["remark"] = "QK002"
    rows, _, _ = paid(world)
    assert rows[silent][0]["request_no"] == "QK002"


def test_paid_twice(world):
    ask(world, "QK001", "8000.00")
    world.line("-8000.00", counterparty_account="331001", remark="QK001")
    second = world.line("-8000.00", counterparty_account="331001", booked_on="2023-09-14")
    rows, unmatched, found = paid(world)
    assert second in unmatched
    assert [(row["txn_id"], row["code"]) for row in found] == [(second, "PAY_DUPLICATE")]


def test_fees_transfers_and_conversions_are_no_payments(world):
    fee = world.line("-150.00", summary="电讯费")
    out = world.line("-5000.00", counterparty_account=OWN["EUR"], counterparty_name="宁波启航供应链管理有限公司")
    fx = world.line("-1000.00", "USD", summary="结汇")
    rows, unmatched, _ = paid(world)
    assert {txn: rows[txn][0]["kind"] for txn in (fee, out, fx)} == {fee: "银行手续费", out: "结汇", fx: "结汇"}
    assert unmatched == {}
