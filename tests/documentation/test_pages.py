"""The pages that are written from the program are current, and no rule is forgotten."""

from __future__ import annotations

import importlib

import pytest

from settlement.documentation import traceability
from settlement.documentation.formulas import LABELS, sections_of
from settlement.documentation.pages import DOCS, ROOT, pages, register
from settlement.io.parameters import load_catalogue
from settlement.rules import vat

# What the rulebook has, by part.
COUNTS = {"A1": 19, "A2": 23, "A3": 18, "A4": 18, "C": 49}


@pytest.fixture(scope="module")
def written():
    return pages()


@pytest.mark.parametrize("name", ["formulas.md", "exceptions.md", "traceability.md"])
def test_a_page_is_current(written, name):
    current = (DOCS / name).read_text("utf-8") == written[name]
    assert current, f"docs/{name} is not current: run python -m settlement.documentation"


@pytest.fixture(scope="module")
def found():
    return traceability.traces(register(), load_catalogue(), ROOT)


def test_every_rule_of_the_rulebook_is_listed():
    parts = [about["part"] for about in traceability.rule_ids().values()]
    assert {part: parts.count(part) for part in COUNTS} == COUNTS
    assert len(parts) == 269


def test_no_rule_of_the_seeds_is_missing(found):
    """A1–A3 whole: each has a function, its inputs and a test."""
    seeds = [rule for rule, about in traceability.rule_ids().items() if about["part"] in ("A1", "A2", "A3")]
    for kind in ("functions", "inputs", "tests"):
        lacking = {rule for rule in seeds if not getattr(found[rule], kind)}
        assert not lacking, f"{kind}: {sorted(lacking)}"


def test_every_other_rule_is_held_or_left_out_with_a_reason(found):
    left_out = traceability.left_out()
    lacking = {rule for rule, trace in found.items() if not trace.functions and rule not in left_out}
    assert not lacking, sorted(lacking)
    assert [rule for rule in left_out if traceability.rule_ids()[rule]["part"] in ("A1", "A2", "A3", "C")] == []
    assert all(len(reason) > 10 for reason in left_out.values())


def test_registered_ids_and_codes_exist():
    catalogue = load_catalogue()
    known = traceability.rule_ids()
    for entry in register():
        assert [rule for rule in entry.rule_ids if rule not in known] == [], entry.name
        assert [code for code in entry.codes if code not in catalogue.codes] == [], entry.name


def test_ids_are_found_in_text_with_ranges():
    assert traceability.ids_in("IMP-BAL-01..03 and C-09, W01, GB-18030") == {
        "IMP-BAL-01",
        "IMP-BAL-02",
        "IMP-BAL-03",
        "C-09",
    }


def test_a_docstring_falls_into_its_sections():
    parts = sections_of(vat.invoice_amount.__doc__)
    assert set(LABELS) <= set(parts)
    assert parts["Formula"].startswith("N × (1 + v)") and parts["example"].startswith(">>> invoice_amount(")


def test_functions_named_by_hand_exist():
    held = {rule: about["held"] for rule, about in traceability.rule_ids().items() if "held" in about}
    assert held
    for rule, name in held.items():
        module, _, function = f"settlement.{name}".rpartition(".")
        assert callable(getattr(importlib.import_module(module), function, None)), f"{rule}: {name}"
