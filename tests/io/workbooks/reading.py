"""What openpyxl reads of a workbook, as values that tests compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet


def texts(path: Path, *sheets: str) -> Iterator[str]:
    """Every text of a workbook's cells (of these sheets, if any are named)."""
    for sheet in load_workbook(path):
        if not sheets or sheet.title in sheets:
            yield from (cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str))


def table(path: Path, sheet: str, first_heading: str, *, cached: bool = True) -> list[dict[str, Any]]:
    """The rows under the row of headings that begins with ``first_heading``, up to the first empty row."""
    found = load_workbook(path, data_only=cached)[sheet]
    rows = list(found.iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if row[0] == first_heading)
    headings = [heading for heading in rows[start] if heading is not None]
    made = []
    for row in rows[start + 1 :]:
        if all(value is None for value in row):
            break
        made.append(dict(zip(headings, row, strict=False)))
    return made


def dump(path: Path) -> list[str]:
    """Every cell that holds something: sheet, place, formula or value, cached value, number format, named style."""
    written, cached = load_workbook(path), load_workbook(path, data_only=True)
    lines = []
    for sheet in written:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is None:
                    continue
                value = cached[sheet.title][cell.coordinate].value
                shown = f"{cell.value} -> {value}" if cell.data_type == "f" else str(cell.value)
                lines.append(
                    "\t".join(
                        [f"{sheet.title}!{cell.coordinate}", shown.replace("\n", "⏎"), cell.number_format, cell.style]
                    )
                )
    return lines


def cell_where(sheet: Worksheet, heading: str, row: int) -> Any:
    """The cell of a row under a heading."""
    for line in sheet.iter_rows(max_row=20):
        for cell in line:
            if cell.value == heading:
                return sheet.cell(row, cell.column)
    raise AssertionError(f"{sheet.title} has no heading {heading}")
