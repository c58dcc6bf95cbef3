"""docs/banks.md says what the readers do today."""

from __future__ import annotations

import pytest

from settlement.io.bank import describe
from tests.io.bank.banks_page import PAGE, REAL_HEADING, page, real_files

HINT = "docs/banks.md is out of date: run python -m tests.io.bank.banks_page"


def test_formats_and_corpus_are_those_of_the_page():
    written = PAGE.read_text("utf-8").split(f"\n{REAL_HEADING}")[0]
    assert written == page(with_real=False), HINT


@pytest.mark.realdata
def test_real_files_are_those_of_the_page(real):
    assert PAGE.read_text("utf-8") == page(with_real=True), HINT


@pytest.mark.realdata
def test_every_real_statement_is_in_the_page(real):
    text = PAGE.read_text("utf-8")
    assert len(real_files()) >= 90 and all(f"/{path.name}`" in text for path in real_files())


def test_every_format_has_a_name_of_its_own():
    names = [item.name for item in describe()]
    assert len(set(names)) == len(names) and names[-1] == "plain"
