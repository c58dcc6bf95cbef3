"""Reads a sample's files as rows of text, apart from the program's readers, so that both can be wrong only once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from python_calamine import CalamineWorkbook

ROOT = Path(__file__).resolve().parents[2]


@cache
def layouts() -> dict:
    return yaml.safe_load((ROOT / "settlement/io/layouts.yaml").read_text("utf-8"))


@dataclass(frozen=True)
class Row:
    file: str
    number: int  # from 1, as a person sees it
    cells: dict[str, str]


def grids(path: Path) -> Iterator[list[list[str]]]:
    """Every sheet of a file as rows of text."""
    if path.suffix == ".xlsx":
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            yield [
                [_shown(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            ]
    else:
        yield list(csv.reader(io.StringIO(decoded(path))))


def decoded(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _shown(cell: object) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell == int(cell) else repr(cell)
    return str(cell)


def rows_of(home: Path, table: str, month: str | None = None) -> list[Row]:
    """All rows of an input table in a home, with English field names, bad and double ones too."""
    layout = layouts()[table]
    headers = {spec["header"]: name for name, spec in layout["fields"].items()}
    folder = home / "raw" / ("reference" if layout.get("reference") else f"{month}/{layout['folder']}")
    pattern = f"{table}.*" if layout.get("reference") else "*"
    found = []
    for path in sorted(folder.glob(pattern)):
        for grid in grids(path):
            if set(grid[0]) == set(headers):
                names = [headers[cell] for cell in grid[0]]
                found += [
                    Row(path.relative_to(home).as_posix(), number, dict(zip(names, cells, strict=True)))
                    for number, cells in enumerate(grid[1:], 2)
                ]
    return found


def truth(home: Path, name: str) -> list[dict[str, str]]:
    with (home / "truth" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rejected(home: Path) -> set[tuple[str, str, int]]:
    return {(row["file"], row["table"], int(row["row"])) for row in truth(home, "rejected.csv")}


def good(home: Path, table: str, months: list[str]) -> list[dict[str, str]]:
    """Rows that a program must accept, month after month."""
    bad = rejected(home)
    return [
        row.cells | {"month": month}
        for month in months
        for row in rows_of(home, table, month)
        if (row.file, table, row.number) not in bad
    ]


def months_of(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "raw").iterdir() if path.name[:2] == "20")
