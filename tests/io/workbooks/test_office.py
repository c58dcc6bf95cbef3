"""Another program computes every formula anew and prints every sheet: LibreOffice agrees with what is cached."""

from __future__ import annotations

import subprocess
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from . import office

pytestmark = [pytest.mark.office, pytest.mark.slow, pytest.mark.skipif(office.SOFFICE is None, reason=office.WHY)]


@pytest.fixture(params=["zh", "en"])
def written(write, request):
    """All workbooks of the month, in one language."""
    folder, result = write(request.param, lang=request.param)
    return [path for path in result.written if path.suffix == ".xlsx"], folder


def _cells(path, *, formulas: bool) -> dict[tuple[str, str], object]:
    book = load_workbook(path, data_only=not formulas)
    return {(sheet.title, cell.coordinate): cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}


def test_every_formula_recalculates_to_its_cached_value(written, tmp_path):
    files, folder = written
    stripped = folder / "stripped"
    stripped.mkdir()
    copies = [office.without_cached_values(path, stripped / path.name) for path in files]
    computed = office.convert(copies, "xlsx", folder / "computed", tmp_path / "profile")
    counted = 0
    for original, again in zip(files, computed, strict=True):
        texts, cached, anew = _cells(original, formulas=True), _cells(original, formulas=False), _cells(again, formulas=False)
        for place, text in texts.items():
            if not (isinstance(text, str) and text.startswith("=")) or original.name.startswith("~"):
                continue
            if place not in _formula_places(original):
                continue
            counted += 1
            assert place in cached, f"{original.name} {place}: no cached value for {text}"
            if isinstance(cached[place], str):
                assert anew.get(place) == cached[place], f"{original.name} {place} {text}"
            else:
                assert Decimal(repr(anew[place])) == Decimal(repr(cached[place])), f"{original.name} {place} {text}"
    assert counted > 300


_PLACES: dict = {}


def _formula_places(path) -> set[tuple[str, str]]:
    """Cells that are formulas (a text that begins with = is none)."""
    if path not in _PLACES:
        book = load_workbook(path)
        _PLACES[path] = {(sheet.title, cell.coordinate) for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"}
    return _PLACES[path]


def test_no_cell_is_too_narrow_for_its_figure_and_nothing_is_cut_off(written, tmp_path):
    if not office.PDFTOTEXT:
        pytest.skip(office.WHY)
    files, folder = written
    for original, pdf in zip(files, office.convert(files, "pdf", folder / "pdf", tmp_path / "profile"), strict=True):
        shown = subprocess.run([office.PDFTOTEXT, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout
        assert "###" not in shown, original.name
        for error in ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:"):
            assert error not in shown, f"{original.name}: {error}"
        squeezed = "".join(shown.split())
        for (sheet, place), value in _cells(original, formulas=False).items():
            if isinstance(value, (int, float)) and sheet not in ("图表", "Charts", "选项", "Choices"):
                number = load_workbook_format(original, sheet, place)
                if number == "#,##0.00;-#,##0.00;0.00":
                    assert f"{Decimal(repr(value)):,.2f}" in squeezed, f"{original.name} {sheet} {place}: {value} is not on the page"


_BOOKS: dict = {}


def load_workbook_format(path, sheet: str, place: str) -> str:
    """The number format of a cell."""
    if path not in _BOOKS:
        _BOOKS[path] = load_workbook(path)
    return _BOOKS[path][sheet][place].number_format
