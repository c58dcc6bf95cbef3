"""Receipts over months: what September posted October leaves, tries again or moves, and only by − and + rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from functools import cache

from .worlds import Answers, World

SEPTEMBER, OCTOBER = "2023-09", "2023-10"


def _september() -> tuple[World, dict[str, str]]:
    world, txn = World(SEPTEMBER, date(2023, 9, 30)), {}

    def firm(number: int, **orders: str) -> str:
        principal, buyer = f"P{number}", f"BUYER {number} LTD"
        world.principal(principal, f"宁波第{number}贸易有限公司")
        for order, amount in orders.items():
            world.export(order, principal, amount, counterparty=buyer)
        return buyer

    def credit(key: str, amount: str, payer: str, remark: str = "", **fields: object) -> None:
        txn[key] = world.credit(amount, counterparty_name=payer, remark=remark, **fields)

    buyer = firm(1, SO1001="10000.00")
    credit("deposit", "3000.00", buyer, "30% DEPOSIT SO1001")
    buyer = firm(2, SO2001="5500.00", SO2002="5500.00")
    credit("equal", "5500.00", buyer)
    buyer = firm(3, SO3001="600.00", SO3002="700.00")
    credit("over", "1000.00", buyer, "SO3001")
    buyer = firm(4, SO4001="7000.00")
    credit("early", "7700.00", buyer, "SO4002")
    buyer = firm(5, SO5001="8000.00")
    credit("sole", "8000.00", buyer)
    firm(6, SO6001="9000.00")
    credit("stranger", "123.00", "QUIET PAYER SA", account_no="6222000000000000002", counterparty_account="DE001")
    buyer = firm(7, SO7001="4000.00")
    credit("cancelled", "4000.00", buyer, "SO7001")
    buyer = firm(8, SO8001="4100.00")
    credit("decided", "4100.00", "SOMEBODY PLC")
    return world, txn


def _with_october(world: World, placed: Answers, txn: dict[str, str]) -> World:
    later = world.next_month(OCTOBER, date(2023, 10, 31), placed)

    def decide(key: str, amount: str, order: str | None = None, principal: str | None = None) -> None:
        later.add(
            "claims", txn_id=txn[key], order_no=order, principal_id=principal, amount=amount, decided_by="李会计",
            decided_at="2023-10-08 10:00:00", reason="客户来函",
        )  # fmt: skip

    def credit(key: str, amount: str, payer: str, remark: str = "", **fields: object) -> None:
        txn[key] = later.credit(amount, counterparty_name=payer, remark=remark, booked_on="2023-10-20", **fields)

    credit("balance", "7000.00", "BUYER 1 LTD", "SO1001 BALANCE")
    decide("equal", "5500.00", "SO2002")
    decide("over", "300.00", "SO3001")
    decide("over", "700.00", "SO3002")
    later.export("SO4002", "P4", "7700.00", counterparty="BUYER 4 LTD")
    # A second order of the amount: the sole one of September stays where it is.
    later.export("SO5002", "P5", "8000.00", counterparty="BUYER 5 LTD")
    decide("stranger", "123.00", principal="P6")
    credit("learned", "9000.00", "QUIET PAYER SA")
    credit("contradicted", "9000.00", "QUIET PAYER SA", counterparty_account="331099")
    later.add("payers", principal_id="P8", payer_account="331099", relation="代付")
    later.rows["orders"] = [
        row | {"order_status": "取消"} if row["order_no"] == "SO7001" else row for row in later.rows["orders"]
    ]
    decide("decided", "4100.00", "SO8001")
    return later


@cache
def months() -> tuple[Answers, Answers, Answers, dict[str, str]]:
    """September, October, and October run again on what it posted itself."""
    world, txn = _september()
    september = world.matched()
    october_world = _with_october(world, september, txn)
    october = _flows(october_world)
    again = october_world.next_month("2023-11", date(2023, 11, 30), october)
    return september, october, _flows(again), txn


def _flows(world: World) -> Answers:
    """A later month's new rows: the sums are those of all months together."""
    return world.matched(conserved=False)


def flows(answers: Answers, key: str) -> set[tuple]:
    rows = answers.placed.get(months()[3][key], [])
    return {(row["order_no"], row["principal_id"], row["amount"]) for row in rows}


def test_a_part_leaves_the_rest_open_for_the_next_month():
    september, october, _, _ = months()
    assert flows(september, "deposit") == {("SO1001", "P1", D("3000.00"))}
    assert flows(october, "deposit") == set()
    assert flows(october, "balance") == {("SO1001", "P1", D("7000.00"))}


def test_a_decision_moves_money_from_on_account_by_a_minus_and_a_plus_row():
    september, october, _, _ = months()
    assert flows(september, "equal") == {(None, "P2", D("5500.00"))}
    assert flows(october, "equal") == {(None, "P2", D("-5500.00")), ("SO2002", "P2", D("5500.00"))}


def test_a_decision_that_splits_moves_only_the_difference():
    september, october, _, _ = months()
    assert flows(september, "over") == {("SO3001", "P3", D("600.00")), (None, "P3", D("400.00"))}
    moved = {("SO3001", "P3", D("-300.00")), ("SO3002", "P3", D("700.00")), (None, "P3", D("-400.00"))}
    assert flows(october, "over") == moved


def test_an_order_that_comes_later_is_paid_in_the_month_it_comes():
    september, october, _, txn = months()
    assert flows(september, "early") == set() and september.unmatched[txn["early"]]["amount"] == D("7700.00")
    assert flows(october, "early") == {("SO4002", "P4", D("7700.00"))}


def test_what_was_posted_stays_though_a_second_order_of_the_amount_comes():
    september, october, _, _ = months()
    assert flows(september, "sole") == {("SO5001", "P5", D("8000.00"))}
    assert flows(october, "sole") == set()


def test_a_payer_is_known_after_a_decision_and_never_against_a_contradicting_account():
    september, october, _, txn = months()
    assert flows(september, "stranger") == set()
    assert flows(october, "stranger") == {(None, "P6", D("123.00"))}
    assert flows(october, "learned") == {("SO6001", "P6", D("9000.00"))}
    assert flows(october, "contradicted") == set()
    assert "不同委托方" in october.unmatched[txn["contradicted"]]["reason"]


def test_goods_money_of_an_order_cancelled_later_goes_on_account():
    _, october, _, _ = months()
    assert flows(october, "cancelled") == {("SO7001", "P7", D("-4000.00")), (None, "P7", D("4000.00"))}


def test_the_next_month_finds_nothing_to_move():
    *_, november, txn = months()
    assert {key: flows(november, key) for key in txn if flows(november, key)} == {}
