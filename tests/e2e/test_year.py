"""A year of the sample, settled month after month by the job itself, against books kept by hand from the raw files."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal as D
from pathlib import Path

import pytest

from settlement.io.home import Home
from tests.e2e.conftest import rows, run_month
from tests.e2e.year_books import Year

pytestmark = [pytest.mark.slow]

MONTHS = [f"2023-{number:02d}" for number in range(1, 13)]
# Kinds of postings as the recomputation names them.
KINDS = {
    "期初": "期初", "收款": "收款", "退税到账": "收款", "汇率差": "收款", "代理费": "费用", "其他费用": "费用", "物流费": "物流费",
    "付款": "付款", "购汇付款": "付款", "退税付出": "付款", "手续费": "手续费", "税金": "税金", "抵账": "抵账",
}  # fmt: skip


@pytest.fixture(scope="module")
def year(tmp_path_factory) -> Home:
    """Twelve months of the sample, settled in order."""
    from settlement.sample import write_home

    root = tmp_path_factory.mktemp("year")
    write_home(root, month=MONTHS[0], months=12, orders=50, seed=11, mess="easy")
    home = Home(Path(root))
    for month in MONTHS:
        status, said = run_month(home, month)
        assert status == 0, said
    return home


def whose(home: Home) -> dict[tuple, list[dict]]:
    """The pieces of each credit: what the evidence decides by the truth, of the others where the program put them."""
    placed: dict[tuple, dict[tuple, D]] = defaultdict(lambda: defaultdict(D))
    for row in rows(home, "receipt_allocations"):
        line = row["account_no"], row["bank_ref"] or "", row["booked_on"].isoformat(), str(row["receipt_amount"])
        placed[line][row["principal_id"], row["order_no"], row["purpose"]] += row["amount"]
    told = defaultdict(list)
    for row in _truth(home, "receipts"):
        told[_line_of(row)].append(row)
    pieces: dict[tuple, list[dict]] = {}
    for line, answers in told.items():
        if all(row["verdict"] == "post" for row in answers):
            found = [(row["principal_id"], row["order_no"] or None, row["purpose"], D(row["piece"])) for row in answers]
        else:
            found = [(*piece, amount) for piece, amount in placed[line[:-1]].items() if amount]
        pieces[line] = [
            {"principal": who, "order": order, "purpose": purpose, "amount": amount}
            for who, order, purpose, amount in found
            if who
        ]
    return pieces


def paid(home: Home) -> dict[tuple, list[dict]]:
    """The applications that each debit paid; the bank's own fee lines are on the slip already."""
    pieces = defaultdict(list)
    for row in _truth(home, "payments"):
        if row["request_no"] and row["kind"] != "银行手续费":
            pieces[_line_of(row)].append({"request": row["request_no"], "amount": D(row["piece"])})
    return pieces


def _truth(home: Home, name: str) -> list[dict]:
    with open(home.root / "truth" / f"{name}.csv", encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def _line_of(row: dict) -> tuple:
    return row["account_no"], row["bank_ref"], row["booked_on"], row["amount"], int(row["occurrence"])


def by_hand(home: Home) -> Year:
    books = Year(home.root, whose(home), paid(home))
    books.owed()
    return books


def posted(home: Home) -> dict[tuple[str, str], D]:
    sums: dict[tuple[str, str], D] = defaultdict(D)
    for row in rows(home, "principal_ledger", "principal_id", "kind", "amount_cny"):
        sums[row["principal_id"], KINDS[row["kind"]]] += row["amount_cny"]
    # Pairs cancel out.
    return {key: amount for key, amount in sums.items() if amount}


def assert_chained(home: Home, table: str, *key: str) -> None:
    balances = {(row["month"], *[row[name] for name in key]): row for row in rows(home, table)}
    months = sorted({month for month, *_ in balances})
    assert months == MONTHS
    for (month, *of), row in balances.items():
        assert row["opening"] + row["movement"] == row["closing"]
        at = MONTHS.index(month)
        if at:
            earlier = balances.get((MONTHS[at - 1], *of))
            assert row["opening"] == (earlier["closing"] if earlier else D(0)), (month, of)
        # Who is owed something stands in the next month too.
        assert not row["closing"] or month == MONTHS[-1] or (MONTHS[at + 1], *of) in balances, (month, of)


def test_every_principals_ledger_of_the_year_is_what_the_raw_files_come_to(year):
    books = by_hand(year)
    expected = {key: amount for key, amount in books.sums.items() if amount}
    assert posted(year) == expected
    assert {kind for _, kind in expected} == {"期初", "收款", "费用", "物流费", "付款", "手续费", "税金"}
    closing = {row["principal_id"]: row["closing"] for row in rows(year, "principal_balances", month="2023-12")}
    owed = {
        principal: sum(amount for (who, _), amount in expected.items() if who == principal) for principal, _ in expected
    }
    assert closing == owed and len(owed) >= 8


def test_the_year_is_settled_and_its_balances_chain(year):
    assert {row["month"]: row["state"] for row in rows(year, "months")} == dict.fromkeys(MONTHS, "settled")
    assert_chained(year, "principal_balances", "principal_id")
    assert_chained(year, "principal_account_balances", "principal_id", "account")
    ledger = rows(year, "principal_ledger", "month", "principal_id", "account", "amount_cny", "kind")
    for month in MONTHS:
        upto: dict[str, D] = defaultdict(D)
        for row in ledger:
            upto[row["principal_id"]] += row["amount_cny"] if row["month"] <= month else 0
        balances = rows(year, "principal_balances", month=month)
        assert {row["principal_id"]: row["closing"] for row in balances if row["closing"]} == {
            who: sum_ for who, sum_ in upto.items() if sum_
        }
        accounts: dict[str, D] = defaultdict(D)
        for row in rows(year, "principal_account_balances", month=month):
            accounts[row["principal_id"]] += row["closing"]
        assert {row["principal_id"]: row["closing"] for row in balances} == dict(accounts)
    assert {row["month"] for row in ledger if row["kind"] == "期初"} == {"2023-01"}
    opening = [row for row in rows(year, "principal_balances", month="2023-01") if row["opening"]]
    assert opening and all(row["opening"] + row["movement"] == row["closing"] for row in opening)
