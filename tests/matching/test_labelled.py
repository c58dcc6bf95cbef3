"""The labelled benchmark passes whole, in one run."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from functools import cache

import pytest

from bench.matching_score import export, read_answers, score

from .labelled import Case, Expected, benchmark
from .worlds import Answers

LEAST = 400


@cache
def _answers() -> Answers:
    return benchmark()[0].matched()


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
    answers = _answers()
    problems = []
    for txn_id, expected in case.expected.items():
        rows = answers.placed.get(txn_id, [])
        said = [f"{row['rule']} {row['evidence']}" for row in rows] or [answers.unmatched.get(txn_id, {}).get("reason")]
        problems += [f"{problem}; {said}" for problem in differences(expected, rows, answers.codes(txn_id))]
    assert not problems, f"{case.about}: " + " | ".join(problems)


def test_the_benchmark_is_large_enough() -> None:
    assert sum(len(case.expected) for case in benchmark()[1]) >= LEAST


def test_the_scorer_finds_our_answers_right_and_what_is_changed_wrong(tmp_path) -> None:
    export(tmp_path)
    asked = list(csv.DictReader((tmp_path / "asked.csv").open(encoding="utf-8")))
    assert {row["case"] for row in asked} == {case.id for case in benchmark()[1]}
    rows = [row for placed in _answers().placed.values() for row in placed]
    assert (score(rows).whole, score(rows).wrong) == (len(benchmark()[1]), 0)
    [first, *rest] = sorted((row for row in rows if row["order_no"]), key=lambda row: row["txn_id"])
    strayed = score([first | {"order_no": "ELSEWHERE"}, *rest])
    assert (strayed.wrong, strayed.sure_wrong) == (1, int(first["confidence"] == "certain"))
    assert score(rest).missed >= 1 and score(rest).wrong == 0


def test_answers_are_read_as_the_page_says_and_refused_where_they_are_none(tmp_path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("txn_id,order_no,principal_id,amount\nab,SO1,,5.00\n", encoding="utf-8")
    [row] = read_answers(path)
    assert (row["order_no"], row["principal_id"], row["amount"]) == ("SO1", None, Decimal("5.00"))
    path.write_text("txn_id,order_no,principal_id,amount\nab,SO1,,five\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no amount"):
        read_answers(path)
    path.write_text("txn_id,order_no\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the columns"):
        read_answers(path)
