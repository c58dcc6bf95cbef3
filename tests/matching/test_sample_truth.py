"""A home with every kind of mess, read and matched: nothing posted is wrong. Ten seeds: ``python -m bench.sample_truth``."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from bench.sample_truth import Score, judge, try_seed

pytestmark = [pytest.mark.slow]


def test_nothing_posted_is_wrong_and_what_the_evidence_decides_is_placed():
    result, _ = try_seed(seed=23, orders=80)
    assert result.posted["certain"] > 40 and result.decidable > 80
    assert result.wrong == Counter(), result.examples
    assert result.placed >= result.decidable * 0.97, result.missed


def test_the_judge_calls_a_stray_piece_wrong_and_an_open_receipt_missed():
    answer = {"pieces": Counter({("SO1", "P1"): Decimal(5)}), "verdict": "post", "why": "", "world": {"SO1"}}
    row = {
        "order_no": "SO2",
        "principal_id": "P1",
        "amount": Decimal(5),
        "confidence": "certain",
        "rule": "R1",
        "evidence": "",
    }
    result = Score()
    judge(result, "a", (), answer, [row])
    judge(result, "b", (), answer, [])
    judge(result, "c", (), answer, [row | {"order_no": "SO1"}])
    assert result.wrong == Counter({("certain", "R1"): 1})
    assert (result.decidable, result.placed) == (3, 1)
