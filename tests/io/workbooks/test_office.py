"""Another program computes every formula anew and prints every sheet: LibreOffice agrees with what is cached."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from settlement.io.workbooks.styles import MONEY_FORMAT

from . import office

pytestmark = [pytest.mark.office, pytest.mark.slow, pytest.mark.skipif(office.SOFFICE is None, reason=office.WHY)]


@dataclass(frozen=True)
class Shown:
    """One cell as the file holds it."""

    sheet: str
    place: str
    value: object
    formula: str | None
    number_format: str
    style: str


def cells(path: Path) -> list[Shown]:
    """Every cell of the sheets one sees."""
    written, cached = load_workbook(path), load_workbook(path, data_only=True)
    return [
        Shown(sheet.title, cell.coordinate, cached[sheet.title][cell.coordinate].value, cell.value if cell.data_type == "f" else None,
              cell.number_format, cell.style.removeprefix("settlement "))
        for sheet in written if sheet.sheet_state == "visible"
        for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]  # fmt: skip


@pytest.fixture(params=["zh", "en"])
def written(write, request):
    """All workbooks of the month, in one language; the English ones of an incomplete month."""
    folder, result = write(request.param, lang=request.param, incomplete=request.param == "en")
    return [path for path in result.written if path.suffix == ".xlsx"], folder


def test_every_formula_recalculates_to_its_cached_value(written, tmp_path):
    files, folder = written
    stripped = folder / "stripped"
    stripped.mkdir()
    copies = [office.without_cached_values(path, stripped / path.name) for path in files]
    counted = 0
    for original, again in zip(
        files, office.convert(copies, "xlsx", folder / "computed", tmp_path / "profile"), strict=True
    ):
        computed = load_workbook(again, data_only=True)
        for cell in (cell for cell in cells(original) if cell.formula):
            counted += 1
            anew = computed[cell.sheet][cell.place].value
            where = f"{original.name} {cell.sheet}!{cell.place} {cell.formula}: cached {cell.value}, computed {anew}"
            assert cell.value is not None and anew is not None, where
            if isinstance(cell.value, str):
                assert anew == cell.value, where
            else:
                assert Decimal(repr(anew)) == Decimal(repr(cell.value)), where
    assert counted > 300


def test_no_cell_is_too_narrow_and_no_line_is_cut_off(written, tmp_path):
    if not office.PDFTOTEXT:
        pytest.skip(office.WHY)
    files, folder = written
    for original, pdf in zip(files, office.convert(files, "pdf", folder / "pdf", tmp_path / "profile"), strict=True):
        page = subprocess.run(
            [office.PDFTOTEXT, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True
        ).stdout
        for sign in ("###", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:"):
            assert sign not in page, f"{original.name}: {sign}"
        squeezed = "".join(page.split())
        for cell in cells(original):
            if cell.number_format == MONEY_FORMAT:
                assert f"{Decimal(repr(cell.value)):,.2f}" in squeezed, (
                    f"{original.name} {cell.sheet}!{cell.place}: {cell.value} is not on the page"
                )
            elif cell.style in ("title", "subtitle", "warning"):
                assert "".join(str(cell.value).split()) in squeezed, (
                    f"{original.name} {cell.sheet}!{cell.place}: {cell.value} is cut off"
                )
