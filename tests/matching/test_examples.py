"""Every worked example in a docstring of matching is run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from datetime import date
from decimal import Decimal

import pytest

import settlement.matching
from settlement.matching.decision_table import FITS, PARTIES
from settlement.matching.wording import _FIT, _PARTY

MODULES = [f"settlement.matching.{module.name}" for module in pkgutil.iter_modules(settlement.matching.__path__)]
WORDS = {"Decimal": Decimal, "date": date}


@pytest.mark.parametrize("name", [*MODULES, "settlement.assets.tryout"])
def test_examples(name):
    module = importlib.import_module(name)
    missing = {word: WORDS[word] for word in WORDS if not hasattr(module, word)}
    assert doctest.testmod(module, extraglobs=missing).failed == 0


def test_every_fact_of_the_decision_table_has_words_for_the_clerk():
    assert (set(_FIT), set(_PARTY)) == (set(FITS), set(PARTIES))
