"""The labelled benchmark passes whole, in one run."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache

import pytest

from settlement.matching import match_receipts

from .labelled import Case, Expected, benchmark
from .worlds import rows_of

LEAST = 400


@cache
def _answers() -> tuple[dict[str, list[dict]], dict[str, dict], dict[str, set[str]]]:
    world, _ = benchmark()
    matched = match_receipts(world.inputs())
    placed: dict[str, list[dict]] = {}
    for row in rows_of(matched.allocations):
        placed.setdefault(row["txn_id"], []).append(row)
    codes: dict[str, set[str]] = {}
    for row in rows_of(matched.found):
        codes.setdefault(row["txn_id"], set()).add(row["code"])
    return placed, {row["txn_id"]: row for row in rows_of(matched.unmatched)}, codes


def differences(expected: Expected, rows: list[dict], codes: set[str]) -> list[str]:
    """What is not as expected, in words."""
    got: Counter[tuple[str | None, str | None]] = Counter()
    for row in rows:
        got[row["order_no"], None if row["order_no"] else row["principal_id"]] += row["amount"]
    found = []
    if dict(got) != expected.pieces:
        found.append(f"expected {expected.pieces or 'open'}, got {dict(got) or 'open'}")
    sure = {row["confidence"] for row in rows if row["order_no"]}
    if expected.sure and sure and sure != {expected.sure}:
        found.append(f"expected {expected.sure}, got {sure}")
    if expected.purpose and {row["purpose"] for row in rows} != {expected.purpose}:
        found.append(f"expected {expected.purpose}, got {[row['purpose'] for row in rows]}")
    if expected.code and expected.code not in codes:
        found.append(f"expected {expected.code}, got {codes}")
    return found


@pytest.mark.parametrize("case", benchmark()[1], ids=lambda case: case.id)
def test_case(case: Case) -> None:
    placed, unmatched, codes = _answers()
    problems = []
    for txn_id, expected in case.expected.items():
        rows = placed.get(txn_id, [])
        said = [f"{row['rule']} {row['evidence']}" for row in rows] or [unmatched.get(txn_id, {}).get("reason")]
        problems += [f"{problem}; {said}" for problem in differences(expected, rows, codes.get(txn_id, set()))]
    assert not problems, f"{case.about}: " + " | ".join(problems)


def test_the_benchmark_is_large_enough_and_conserves_every_receipt() -> None:
    world, cases = benchmark()
    assert sum(len(case.expected) for case in cases) >= LEAST
    placed, unmatched, _ = _answers()
    for line in world.rows["transactions"]:
        if Decimal(line["amount"]) > 0:
            pieces = sum((row["amount"] for row in placed.get(line["txn_id"], [])), Decimal(0))
            left = unmatched.get(line["txn_id"], {"amount": Decimal(0)})["amount"]
            assert pieces + left == Decimal(line["amount"]), line
