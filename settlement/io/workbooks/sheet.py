"""A workbook and its sheets: text that cannot become a formula, widths that show every figure, print setup.

What belongs here: how anything is put on a sheet. What does not: tables (table.py), which figures, which words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter.utility import xl_range

from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.styles import STYLES, StyledWorkbook

SHEET_ROWS = 1_048_576
CELL_TEXT = 32_767
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_BREAKS = re.compile(r"[!-,.-~]+-?\s?|.", re.DOTALL)
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
PADDING, DEFAULT_WIDTH = 2.5, 8.4
WIDEST = {"text": 44, "code": 40, "word": 20}
ROW_HEIGHT = 17  # points
UPRIGHT = 105  # characters: a table no wider is printed on an upright page
_UNSCALED = {"scale_with_doc": False}  # a page number stays readable on a sheet that was shrunk to fit


def quoted(sheet: str) -> str:
    """A sheet name as formulas write it."""
    return "'" + sheet.replace("'", "''") + "'"


def sheet_name(name: str, part: int = 1) -> str:
    """A legal sheet name of at most 31 characters; ``part`` numbers the sheets of one long table.

    >>> sheet_name("收款/付款", 2)
    '收款_付款 (2)'
    """
    suffix = f" ({part})" if part > 1 else ""
    return (_NOT_IN_SHEET_NAMES.sub("_", name).strip("'")[: 31 - len(suffix)] or "_") + suffix


def shown_width(text: str) -> int:
    """How many digits wide a text is: Han characters count two."""
    return len(text.encode("gb18030", "replace"))


@dataclass(frozen=True)
class Frame:
    """What stands around every sheet of one workbook."""

    title: str
    subtitle: str
    footer: str
    as_of: date
    warning: str | None = None


class Sheet:
    """One worksheet. Rows are written from top to bottom (constant-memory mode knows no way back)."""

    def __init__(self, book: Book, name: str, *, landscape: bool) -> None:
        self.book = book
        self.name = name
        self.row = 0
        self.work = book.file.add_worksheet(name)
        self.widths: dict[int, int] = {}
        self.last_column = 0
        self.print_rows: int | None = None
        self.print_columns: int | None = None
        self.longest_line = 0.0
        self.hidden = False
        self._print_setup(landscape)

    def put(self, row: int, column: int, value: Any, kind: str, style: str | None = None) -> None:
        """One cell: ``kind`` says how the value is written, ``style`` how it looks (default: the kind)."""
        look = self.book.file.style(style or kind)
        if value is None or value == "":
            self.work.blank(row, column, look)
        elif isinstance(value, str):
            self.text(row, column, value, style or kind, WIDEST.get(kind, 60))
        elif isinstance(value, date):  # a datetime is one, too
            self.work.write_datetime(row, column, value, look)
            self.widen(column, 16 if isinstance(value, datetime) else 10)
        else:
            self.work.figure(row, column, value, look)
            self.widen(column, figure_width(value, kind))

    def text(self, row: int, column: int, text: str, style: str, most: int) -> None:
        """A text cell; wider than ``most`` it wraps (or is cut on the screen, never in the cell)."""
        if len(text) > CELL_TEXT:
            text = text[: CELL_TEXT - 1] + "…"
        self.work.text(row, column, text, self.book.file.style(style, quoted=text.startswith(FORMULA_STARTS)))
        width = shown_width(text) if "\n" not in text else max(map(shown_width, text.split("\n")))
        self.widen(column, min(width, most))

    def live(
        self, row: int, column: int, formula: str, value: Decimal | int, kind: str, style: str | None = None
    ) -> None:
        """A formula with the warehouse's figure as its cached value."""
        self.work.formula(row, column, formula, self.book.file.style(style or kind), value)
        self.widen(column, figure_width(value, kind))

    def live_text(self, row: int, column: int, formula: str, value: str, style: str) -> None:
        """A formula that gives a word, with the word as its cached value."""
        self.work.formula(row, column, formula, self.book.file.style(style), value)
        self.widen(column, shown_width(value))

    def line(self, text: str, style: str, *, span: int = 0, height: float | None = None) -> None:
        """A line of text in the first column of the next row, over ``span`` columns (never inside data)."""
        shown = self.book.file.style(style, quoted=text.startswith(FORMULA_STARTS))
        if span > 1:
            self.work.merge_range(self.row, 0, self.row, span - 1, "", shown)
        else:
            self.longest_line = max(self.longest_line, shown_width(text) * STYLES[style].get("font_size", 10) / 10)
        self.work.text(self.row, 0, text, shown)
        if height:
            self.work.set_row(self.row, height)
        self.row += 1

    def opening_lines(self, heading: str) -> None:
        """Title, subtitle and, for an incomplete month, the warning that every sheet carries."""
        frame = self.book.frame
        self.line(f"{frame.title} · {heading}" if heading else frame.title, "title", height=24)
        self.line(frame.subtitle, "subtitle")
        if frame.warning:
            self.line(frame.warning, "warning")

    def widen(self, column: int, width: int) -> None:
        """The column shows at least so many characters."""
        if width > self.widths.get(column, 0):
            self.widths[column] = width
        if column > self.last_column:
            self.last_column = column

    def _print_setup(self, landscape: bool) -> None:
        work, frame = self.work, self.book.frame
        work.set_default_row(ROW_HEIGHT)
        if landscape:
            work.set_landscape()
        work.set_paper(9)
        work.fit_to_pages(1, 0)
        work.set_margins(left=0.5, right=0.5, top=0.7, bottom=0.7)
        if frame.warning:
            work.set_header("&R " + frame.warning.replace("&", "&&")[:80], _UNSCALED)
        work.set_footer(f"&L {frame.footer.replace('&', '&&')[:120]}&C" + self.book.labels.text("page"), _UNSCALED)
        work.ignore_errors({"number_stored_as_text": f"A1:XFD{SHEET_ROWS}"})
        work.hide_gridlines(2)

    def redden(self, first: int, last: int, columns: Sequence[int]) -> None:
        """Negative figures of these columns in dark red."""
        if last >= first and columns:
            areas = [xl_range(first, column, last, column) for column in columns]
            rule = {"type": "cell", "criteria": "<", "value": 0, "format": self.book.file.negative()}
            self.work.conditional_format(areas[0], {**rule, "multi_range": " ".join(areas)} if areas[1:] else rule)

    def finish(self) -> None:
        """Widths that show every figure, and a print area that holds every line of text above a table."""
        for column, width in self.widths.items():
            self.work.set_column(column, column, width + PADDING)
        if self.hidden:
            return
        last = self.last_column if self.print_columns is None else self.print_columns - 1
        shown = sum(self.widths.get(column, DEFAULT_WIDTH) + PADDING for column in range(last + 1))
        if self.widths and max(shown, self.longest_line) <= UPRIGHT:
            self.work.set_portrait()
        while shown < self.longest_line:
            last += 1
            shown += self.widths.get(last, DEFAULT_WIDTH)
        self.work.print_area(0, 0, max((self.print_rows or self.row) - 1, 0), last)

    def hide(self) -> None:
        """Nobody sees the sheet, on the screen or on paper: some programs print whatever has a print area."""
        self.hidden = True
        self.work.hide()


class Book:
    """One workbook file: same content, same bytes (its dates come from ``as_of``, never from a clock)."""

    def __init__(self, path: Path, labels: Labels, frame: Frame, *, big: bool = False) -> None:
        self.labels = labels
        self.frame = frame
        self.file = StyledWorkbook(str(path), constant_memory=big)
        self.file.set_properties(
            {"title": frame.title, "subject": frame.subtitle, "created": datetime.combine(frame.as_of, time())}
        )
        self.sheets: list[Sheet] = []

    def sheet(self, name: str, *, part: int = 1, landscape: bool = True) -> Sheet:
        """A new sheet, named by a word of the dictionary."""
        made = Sheet(self, sheet_name(self.labels.word(name), part), landscape=landscape)
        self.sheets.append(made)
        return made

    def close(self) -> None:
        """Write the file."""
        for sheet in self.sheets:
            sheet.finish()
        self.file.close()


def lines_of(text: str, width: int) -> int:
    """How many lines a wrapped text takes in a column so wide: Latin words and figures break only at blanks and hyphens."""
    return sum(1 if shown_width(line) <= width else _wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> int:
    lines, used = 1, 0
    for word in _BREAKS.findall(line):
        wide = shown_width(word)
        if used + wide <= width:
            used += wide
        elif wide > width:  # longer than a line: broken wherever the line ends
            lines, used = lines + (used + wide - 1) // width, (used + wide) % width or width
        else:
            lines, used = lines + 1, wide
    return lines


def figure_width(value: Decimal | int | float, kind: str) -> int:
    """How many characters a figure needs in its number format."""
    if kind in ("money", "money0"):
        return len(f"{value:,.2f}") + 1
    if kind in ("rate", "ratio", "quantity"):
        return max(len(f"{value:,.6f}".rstrip("0")), 8) + 1
    if kind in ("percent", "share"):
        return 7
    return len(f"{value:,}") + 1
