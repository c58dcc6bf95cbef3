"""docs/statement-checklist.md stays true: each line's cell, source rows and arithmetic agree, on the same sample."""

from __future__ import annotations

import csv
import re
from decimal import Decimal as D
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from openpyxl import load_workbook

from settlement.rules.amount_in_words import amount_in_words
from settlement.rules.money import divide_half_up

# Beside the other tests that look at the settled sample: it is settled once.
pytestmark = [pytest.mark.slow]

DOC = Path(__file__).resolve().parents[2] / "docs" / "statement-checklist.md"
RULES = DOC.parents[1] / "settlement" / "documentation" / "rule_ids.yaml"
WORKBOOK = "对账单-P00006-2023-09.xlsx"
NUMBER = re.compile(r"(?<![\[\d])\d+(?:\.\d+)?(?![\d\]])")


def checklist() -> list[dict[str, str]]:
    """The lines of the document's tables, by heading."""
    lines = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in DOC.read_text("utf-8").splitlines()
        if line.startswith("| ")
    ]
    heads = lines[0]
    return [dict(zip(heads, line, strict=True)) for line in lines if line[0].isdigit()]


def worked_out(formula: str, known: dict[int, D], places: int) -> D:
    """The arithmetic of a line: exact fractions, one rounding half up at the end."""
    python = re.sub(r"\[(\d+)\]", lambda found: f"Fraction('{known[int(found[1])]}')", formula)
    python = re.sub(r"(?<![\d'.])(\d+(?:\.\d+)?)(?![\d'.])", r"Fraction('\1')", python)
    python = python.replace("×", "*").replace("÷", "/").replace("−", "-")
    assert re.fullmatch(r"[\sFraction()'\d.*/+-]+", python), formula
    value = eval(python, {"__builtins__": {}, "Fraction": Fraction})
    return divide_half_up(D(value.numerator), D(value.denominator), places)


def source_row(home: Path, source: str) -> list[str]:
    """The cells of a source row, as text: ``file [sheet] row`` below raw/2023-09 or raw/reference."""
    name, *sheet, row = source.split(" ")
    path = home / "raw" / (name if name.startswith("reference/") else f"2023-09/{name}")
    if path.suffix == ".xlsx":
        book = load_workbook(path, data_only=True)
        cells = book[sheet[0]] if sheet else book.worksheets[0]
        return [str(cell.value) for cell in cells[int(row)] if cell.value is not None]
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return list(csv.reader(text.splitlines()))[int(row) - 1]


def figures(cells: list[str]) -> set[D]:
    """Every figure among a row's cells, those inside its texts apart: 13% is 13."""
    plain = [cell.replace(",", "").rstrip("%") for cell in cells]
    return {abs(D(cell)) for cell in plain if re.fullmatch(r"-?\d+(\.\d+)?", cell)}


@pytest.fixture(scope="module")
def book(sample_home):
    return load_workbook(sample_home.statements("2023-09") / WORKBOOK, data_only=True)


def test_every_line_is_what_the_statement_shows_and_what_its_arithmetic_gives(book):
    known: dict[int, D] = {}
    for line in checklist():
        sheet, place = line["单元格"].split("!")
        said = D(line["金额"])
        places = max(2, -said.as_tuple().exponent)
        shown = D(repr(book[sheet][place].value))
        assert shown == said, f"{line['n']} {line['单元格']}: the statement shows {shown}, the checklist {said}"
        assert worked_out(line["算式"], known, places) == said, f"{line['n']} {line['算式']} is not {said}"
        known[int(line["n"])] = said
    assert len(known) > 50


def test_every_figure_that_is_no_result_stands_in_its_source_row(sample_home):
    for line in checklist():
        sources = [] if line["来源"] == "—" else line["来源"].split("；")
        found = [figures(source_row(sample_home.root, source)) for source in sources]
        given = {D(number) for number in NUMBER.findall(re.sub(r"\[\d+\]", "", line["算式"]))} - {D(0), D(1), D(100)}
        for number in given:
            assert found and all(number in row for row in found), f"{line['n']}: {number} is not in {line['来源']}"
        if not given and sources:  # a result that somebody else has worked out too
            assert all(D(line["金额"]) in row for row in found), f"{line['n']}: {line['金额']} is not in {line['来源']}"


def test_every_rule_it_names_is_known():
    known = set(yaml.safe_load(RULES.read_text("utf-8"))["rules"])
    for line in checklist():
        assert {rule.strip() for rule in line["规则"].split(",")} <= known, line


def test_no_figure_of_the_statement_is_left_out(book):
    """Every figure on the sheets is one of the checklist's, or nought, or its negative (a line by line count apart)."""
    known = {D(line["金额"]) for line in checklist()}
    known |= {-each for each in known} | {D(0), D(1)}
    counts = {D(3), D(4), D(10)}
    sums = {D("689427.15"), D("68144.86"), D("82509.31")}  # totals of 订单余额 and 付款 over lines above
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, (int, float)) and sheet.title != "明细账":
                    assert D(repr(cell.value)) in known | counts | sums, (sheet.title, cell.coordinate, cell.value)


def test_the_words_are_those_of_the_closing():
    (closing,) = [line for line in checklist() if line["单元格"] == "对账单!E24"]
    assert amount_in_words(D(closing["金额"])) in DOC.read_text("utf-8")
