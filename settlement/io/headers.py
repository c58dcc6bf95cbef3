"""Which input table a sheet is, and where its header stands: by the names in its first rows, never by the file's name.

What belongs here: comparing header cells with `layouts.yaml`. What does not: the rows below (`tables.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from settlement.io.layouts import Layout
from settlement.io.sheet_model import SOURCE_ROW, Sheet

# BNK-01: the header is looked for in the first 20 rows; a title page longer than that is no table.
HEADER_WITHIN = 20
_BRACKETED = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]$")


@dataclass(frozen=True)
class Header:
    """A header that was found: the layout, its row (0-based in the sheet's table), and each field's column."""

    layout: Layout
    row: int
    columns: Mapping[str, int]


class NoHeader(Exception):
    """No row of the sheet is the header of a table that may lie here; the message says what was nearest, in Chinese."""


@dataclass(frozen=True)
class _Match:
    layout: Layout
    row: int
    columns: Mapping[str, int]
    missing: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, int, int]:
        return (not self.missing, len(self.columns), -self.row)


def header_name(cell: str) -> str:
    """A header cell as it is compared: half-width, lower case, without spaces, underscores, ``*`` and colons.

    >>> header_name(" 外币　金额＊："), header_name("Order_No")
    ('外币金额', 'orderno')
    """
    return re.sub(r"[\s_*:\u200b-\u200f\ufeff]", "", unicodedata.normalize("NFKC", cell)).casefold()


def find_header(sheet: Sheet, candidates: Sequence[Layout]) -> Header:
    """The header of a sheet among the tables that its folder may hold.

    The row and table with every required column and the most known columns win; a sheet named as the table
    breaks a tie. Raises ``NoHeader`` where no row has every required column, or one column stands twice.
    """
    top = sheet.table.slice(0, HEADER_WITHIN).drop([SOURCE_ROW]).to_pydict()
    rows = [list(row) for row in zip(*top.values(), strict=True)]
    matches = [_match(layout, number, row) for number, row in enumerate(rows) for layout in candidates]
    if not matches:
        raise NoHeader("没有任何行")
    best = max(matches, key=lambda match: (*match.rank, match.layout.sheet == sheet.name))
    if len(best.columns) < 2:
        raise NoHeader(f"前 {HEADER_WITHIN} 行中找不到表头（应有：{_names(best.layout)}）")
    where = (
        f"第 {sheet.table.column(SOURCE_ROW)[best.row].as_py()} 行像是「{best.layout.sheet or best.layout.name}」的表头"
    )
    if best.missing:
        raise NoHeader(f"{where}，但缺少必需的列：{'、'.join(best.missing)}")
    if best.doubled:
        raise NoHeader(f"{where}，但这些列出现两次，分不清用哪一列：{'、'.join(best.doubled)}")
    return Header(best.layout, best.row, best.columns)


def _names(layout: Layout) -> str:
    return "、".join(field.header for field in layout.fields if field.required)


def _match(layout: Layout, number: int, row: Sequence[str]) -> _Match:
    exact = [header_name(cell) for cell in row]
    # 金额(元) is 金额 where no column is called just that.
    loose = [_BRACKETED.sub("", cell) for cell in exact]
    columns: dict[str, int] = {}
    doubled = []
    for field in layout.fields:
        names = {header_name(field.header), header_name(field.name)}
        found = _positions(exact, names) or _positions(loose, names)
        if found:
            columns[field.name] = found[0]
        if len(found) > 1:
            doubled.append(field.header)
    missing = [field.header for field in layout.fields if field.required and field.name not in columns]
    if layout.any_of and not any(name in columns for name in layout.any_of):
        missing.append("或".join(layout.field(name).header for name in layout.any_of))
    return _Match(layout, number, columns, tuple(missing), tuple(doubled))


def _positions(cells: Iterable[str], names: set[str]) -> list[int]:
    return [index for index, cell in enumerate(cells) if cell in names]
