"""Every worked example in a docstring of the rules is run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from datetime import date, datetime, time
from decimal import Decimal

import pytest

import settlement.rules
from settlement.rules.registry import registered

MODULES = [
    module.name for module in pkgutil.walk_packages(settlement.rules.__path__, "settlement.rules.") if not module.ispkg
]
WORDS = {"Decimal": Decimal, "date": date, "datetime": datetime, "time": time}


@pytest.mark.parametrize("name", MODULES)
def test_worked_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={word: WORDS[word] for word in WORDS if not hasattr(module, word)})
    assert result.failed == 0


def test_every_formula_says_what_it_must():
    """Formula, units, rounding, errors and source; a formula over single values also has a worked example."""
    for name in MODULES:
        importlib.import_module(name)
    for entry in registered():
        if ".books." in entry.module:
            continue
        doc = entry.function.__doc__
        missing = [word for word in ("Formula:", "Units:", "Rounding:", "Errors:", "Source:") if word not in doc]
        assert missing == [], f"{entry.module}.{entry.name}: {missing}"
