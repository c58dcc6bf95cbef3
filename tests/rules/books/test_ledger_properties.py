"""Whatever happens to the facts from month to month: what is posted sums to what should stand, and no fen is lost in a share."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal as D

import ibis
import pytest

from settlement.rules.books import balances, ledger_differences, principal_ledger, receipts, tax_refunds
from settlement.rules.rows import table_of
from tests.rules.books.tables import given, rows_of
from tests.rules.books.test_principal_ledger import CONVERTED, CREDITS, FLOWS, LEDGER, as_published

MONTHS = ["2023-09", "2023-10", "2023-11", "2023-12"]
ACCOUNTS = ["货款", "预收", "税款", "物流费", "退税", "垫付退税"]


def fen(dice: random.Random, most: int = 10_000_000) -> D:
    return D(dice.randint(-most, most)).scaleb(-2)


def facts_of(dice: random.Random) -> list[dict]:
    """What should stand at a month's end: some keys are new, some changed, some gone, as chance has it."""
    return [
        {
            "posting_key": f"K{number}", "posted_on": date(2023, 9, 1 + number % 28), "principal_id": f"P{number % 7}", "order_no": f"SO{number % 50}",
            "account": ACCOUNTS[number % 6], "kind": "收款" if number % 3 else "物流费", "currency": "USD" if number % 5 == 0 else "CNY",
            "amount_fx": fen(dice), "amount_cny": fen(dice), "rule_id": "C-48",
        }
        for number in range(300)
        if dice.random() < 0.7
    ]  # fmt: skip


@pytest.fixture(scope="module")
def books() -> tuple[list[dict], list[list[dict]]]:
    """Four months posted one after the other: the ledger, and what should have stood at each month's end."""
    dice, ledger, wanted = random.Random(48), [], []
    for month in MONTHS:
        wanted.append(facts_of(dice))
        first = date.fromisoformat(f"{month}-01")
        posted = ledger_differences.new_postings(
            table_of(wanted[-1], principal_ledger.POSTING), table_of(ledger, LEDGER), month, first
        )
        ledger = ledger + as_published(posted, month)
    return ledger, wanted


def sums(rows, *key: str) -> dict[tuple, D]:
    total: dict[tuple, D] = defaultdict(D)
    for row in rows:
        total[tuple(row[name] for name in key)] += row["amount_cny"]
    return {name: amount for name, amount in total.items() if amount}


def test_the_postings_up_to_each_month_are_what_should_stand_at_its_end(books):
    ledger, wanted = books
    for month, stands in zip(MONTHS, wanted, strict=True):
        upto = [row for row in ledger if row["month"] <= month]
        assert sums(upto, "posting_key", "account", "principal_id") == sums(
            stands, "posting_key", "account", "principal_id"
        )
    assert {row["month"] for row in ledger} == set(MONTHS) and any(row["adjusts_month"] for row in ledger)


def test_a_balance_is_the_sum_of_its_postings_and_the_accounts_are_the_principal(books):
    ledger, _ = books
    before: dict[str, D] = {}
    for month in MONTHS:
        past, now = (
            table_of([row for row in ledger if test(row["month"])], LEDGER)
            for test in (lambda m, month=month: m < month, lambda m, month=month: m == month)
        )
        whole = {
            who: figures
            for who, *figures in rows_of(
                balances.principal_balances(past, now), "principal_id", "opening", "movement", "closing"
            )
        }
        accounts: dict[str, D] = defaultdict(D)
        for who, closing in rows_of(balances.principal_account_balances(past, now), "principal_id", "closing"):
            accounts[who] += closing
        upto = sums([row for row in ledger if row["month"] <= month], "principal_id")
        for who, (opening, movement, closing) in whole.items():
            assert opening + movement == closing == upto.get((who,), D(0)) == accounts[who]
            assert opening == before.get(who, D(0))
        before = {who: closing for who, (_, _, closing) in whole.items()}
    assert len(before) == 7


def test_the_pieces_of_a_receipt_and_what_is_left_of_it_share_its_cny_to_the_fen():
    dice, credits, flows = random.Random(28), [], []
    for number in range(150):
        amounts = [D(dice.randint(1, 9_999_999)).scaleb(-2) for _ in range(dice.randint(1, 7))]
        whole = sum(amounts)
        # The last piece of every other receipt nobody has claimed.
        claimed = amounts[: len(amounts) - (number % 2 and len(amounts) > 1)]
        flows += [
            {
                "txn_id": f"T{number}",
                "principal_id": "P1",
                "order_no": f"SO{piece}",
                "purpose": "货款",
                "amount": amount,
            }
            for piece, amount in enumerate(claimed)
        ]
        credits.append(
            {
                "txn_id": f"T{number}",
                "currency": "USD",
                "booked_on": "2023-09-05",
                "amount": whole,
                "cny_amount": (whole * D("7.123456")).quantize(D("0.01")),
            }
        )
    table = table_of(credits, CREDITS)
    values = receipts.receipt_values(table, table_of([], CONVERTED), given("fx_mid_rates"))
    shared: dict[str, list[tuple]] = defaultdict(list)
    for txn, amount, cny in rows_of(
        receipts.standing_pieces(table_of(flows, FLOWS), values, table), "txn_id", "amount", "amount_cny"
    ):
        shared[txn].append((amount, cny))
    for credit in credits:
        pieces = shared[credit["txn_id"]]
        left = credit["amount"] - sum(amount for amount, _ in pieces)
        rest = credit["cny_amount"] - sum(cny for _, cny in pieces)
        assert rest == 0 if left == 0 else abs(rest - left * credit["cny_amount"] / credit["amount"]) < D("0.01")
        assert all(abs(cny - amount * credit["cny_amount"] / credit["amount"]) < D("0.01") for amount, cny in pieces)


def test_an_orders_refund_cash_is_spread_over_its_declarations_without_loss():
    dice, lines, postings = random.Random(47), [], []
    for number in range(60):
        for declaration in range(dice.randint(1, 4)):
            lines.append({"order_no": f"SO{number}", "declaration_no": f"D{number}-{declaration}", "principal_id": "P1", "exported_on": "2023-08-01",
                          "refund_amount": abs(fen(dice, 900_000)), "status": "已收票"})  # fmt: skip
        for kind, account, sign in (("退税到账", "退税", 1), ("退税付出", "退税", -1), ("付款", "垫付退税", -1)):
            amount = abs(fen(dice, 2_000_000)) * (1 if kind != "退税到账" or number % 9 else -1)
            postings.append({"posting_key": f"{number}{kind}", "posted_on": "2023-10-05", "principal_id": "P1", "order_no": f"SO{number}", "account": account, "kind": kind,
                             "currency": "CNY", "amount_cny": amount * sign, "rule_id": "EXP-REF-04"})  # fmt: skip
    of_lines = ibis.schema(
        {
            "order_no": "string",
            "declaration_no": "string",
            "principal_id": "string",
            "exported_on": "date",
            "refund_amount": "decimal(18,2)",
            "status": "string",
        }
    )
    told = table_of(lines, of_lines)
    state = tax_refunds.tax_refunds(
        invoices=told,
        notices=tax_refunds.notices_by_order(given("refund_notices"), told),
        postings=table_of(postings, LEDGER),
        kept=table_of([], ibis.schema({"order_no": "string", "kept": "decimal(18,2)"})),
        filing_days=table_of(
            [{"export_year": 2023, "file_by": "2024-04-30"}], ibis.schema({"export_year": "int32", "file_by": "date"})
        ),
    )
    spread: dict[str, list[D]] = defaultdict(lambda: [D(0), D(0), D(0)])
    for order, *figures in rows_of(state, "order_no", "received", "paid_out", "advanced"):
        spread[order] = [total + (figure or 0) for total, figure in zip(spread[order], figures, strict=True)]
    for number in range(60):
        received, paid, advanced = (row["amount_cny"] for row in postings[number * 3 : number * 3 + 3])
        assert spread[f"SO{number}"] == [received, -paid, -advanced]


def test_a_corrected_opening_is_a_movement_of_the_open_month_and_a_row_moved_in_its_file_is_nothing():
    def opening(*items):
        rows = [
            {"principal_id": "P1", "month": "2023-09", "account": "货款", "currency": "CNY"} | item for item in items
        ]
        return principal_ledger.openings(
            given("opening_items", *rows), given("opening_balances"), "2023-09", date(2023, 9, 1)
        )

    first, twin, other = (
        {"amount_cny": "100.00", "ref_no": "A"},
        {"amount_cny": "70.00", "ref_no": "A"},
        {"amount_cny": "-30.00", "ref_no": "B"},
    )
    september = as_published(
        ledger_differences.new_postings(opening(first, twin, other), table_of([], LEDGER), "2023-09", date(2023, 9, 1)),
        "2023-09",
    )
    assert {row["kind"] for row in september} == {"期初"}
    moved = ledger_differences.new_postings(
        opening(other, twin, first), table_of(september, LEDGER), "2023-10", date(2023, 10, 1)
    )
    assert rows_of(moved) == []
    corrected = ledger_differences.new_postings(
        opening(first, twin, other | {"amount_cny": "-35.00"}),
        table_of(september, LEDGER),
        "2023-10",
        date(2023, 10, 1),
    )
    assert rows_of(corrected, "kind", "amount_cny", "adjusts_month") == [("更正", D("-5.00"), "2023-09")]
    october = as_published(corrected, "2023-10")
    state = balances.principal_balances(table_of(september, LEDGER), table_of(october, LEDGER))
    assert rows_of(state, "opening", "movement", "closing") == [(D("140.00"), D("-5.00"), D("135.00"))]


def test_a_payment_that_came_back_later_is_taken_back_once():
    paid = {"posting_key": "PAYMENT|T1|Q1|货款", "posted_on": "2023-09-12", "principal_id": "P1", "order_no": "SO1", "account": "货款", "kind": "付款",
            "currency": "CNY", "amount_fx": "-500.00", "amount_cny": "-500.00", "rule_id": "EXP-PAY-01"}  # fmt: skip
    september = as_published(
        ledger_differences.new_postings(
            table_of([paid], principal_ledger.POSTING), table_of([], LEDGER), "2023-09", date(2023, 9, 1)
        ),
        "2023-09",
    )
    # The allocations say + 500.00 in September and − 500.00 in October: two rows of one key.
    back = paid | {"amount_fx": "500.00", "amount_cny": "500.00"}
    october = ledger_differences.new_postings(
        table_of([paid, back], principal_ledger.POSTING), table_of(september, LEDGER), "2023-10", date(2023, 10, 1)
    )
    assert rows_of(october, "kind", "amount_fx", "amount_cny", "adjusts_month") == [
        ("付款", D("500.00"), D("500.00"), "2023-09")
    ]
    nothing_more = ledger_differences.new_postings(
        table_of([paid, back], principal_ledger.POSTING),
        table_of(september + as_published(october, "2023-10"), LEDGER),
        "2023-11",
        date(2023, 11, 1),
    )
    assert rows_of(nothing_more) == []
