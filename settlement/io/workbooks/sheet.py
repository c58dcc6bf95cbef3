"""A workbook and its sheets: text that cannot become a formula, widths, print setup, tables with live totals.

What belongs here: how anything is put on a sheet. What does not: which figures, in which words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter.utility import xl_col_to_name, xl_range

from settlement.io.workbooks.formulas import Live, Row
from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.styles import StyledWorkbook

SHEET_ROWS = 1_048_576
FORMULA_CELLS = 5_000_000  # what formulas of one table may look at together: above, Excel takes long to open the file
CELL_TEXT = 32_767
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
_WIDEST = {"text": 44, "code": 40, "word": 20}
_UNSCALED = {"scale_with_doc": False}  # a page number stays readable on a sheet that was shrunk to fit
_NO_DECIMALS = ("JPY", "KRW", "VND")


@dataclass(frozen=True)
class Column:
    """One column of a table: the row's field, its Chinese heading, its kind (a style of styles.py).

    ``live``: the formula where the amount follows from others; ``total``: a sum below the table;
    ``money_in``: the field with the currency of a ``money`` column (JPY has no decimals);
    ``to_fill``: finance types here; ``least``, ``most``: bounds of its width; ``header``: a heading that
    readers of the file look for, whatever the language.
    """

    field: str
    heading: str
    kind: str = "text"
    live: Live | None = None
    total: bool = False
    money_in: str | None = None
    to_fill: bool = False
    least: int = 0
    most: int | None = None
    header: str | None = None


@dataclass
class Span:
    """Where a table's rows came to lie: sheet names with first and last row (0-based), and each field's column."""

    places: list[tuple[str, int, int]] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)

    def ranges(self, name: str) -> list[str]:
        """Absolute ranges of a field's cells, one a sheet."""
        letter = xl_col_to_name(self.columns[name], col_abs=True)
        return [f"{quoted(sheet)}!{letter}${first + 1}:{letter}${last + 1}" for sheet, first, last in self.places if last >= first]

    def sum(self, name: str) -> str:
        """A formula: the sum of a field, to the fen."""
        return "=ROUND(" + ("+".join(f"SUM({cells})" for cells in self.ranges(name)) or "0") + ",2)"

    def sum_where(self, name: str, **conditions: str) -> str:
        """A formula: the sum over the rows where each field meets its condition (a cell, or a quoted text)."""
        wanted = [self.ranges(other) for other in conditions]
        parts = []
        for place, cells in enumerate(self.ranges(name)):
            pairs = ",".join(f"{ranges[place]},{test}" for ranges, test in zip(wanted, conditions.values(), strict=True))
            parts.append(f"SUMIFS({cells},{pairs})")
        return "=ROUND(" + ("+".join(parts) or "0") + ",2)"

    def sum_of(self, name: str, **ids: str) -> str:
        """A formula: the sum over the rows whose ids are these cells, letter by letter.

        For ids from outside ``SUMIFS`` will not do: it takes 0012 for 12, reads wildcards, and knows 15 digits.
        """
        wanted = [self.ranges(other) for other in ids]
        parts = []
        for place, cells in enumerate(self.ranges(name)):
            tests = "*".join(f"EXACT({ranges[place]},{cell})" for ranges, cell in zip(wanted, ids.values(), strict=True))
            parts.append(f"SUMPRODUCT({tests}*{cells})")
        return "=ROUND(" + ("+".join(parts) or "0") + ",2)"

    @property
    def rows(self) -> int:
        return sum(last - first + 1 for _, first, last in self.places)

    def count_where(self, **conditions: str) -> str:
        """A formula: the number of rows where each field meets its condition."""
        wanted = [self.ranges(other) for other in conditions]
        parts = [
            "COUNTIFS(" + ",".join(f"{ranges[place]},{test}" for ranges, test in zip(wanted, conditions.values(), strict=True)) + ")"
            for place in range(len(wanted[0]))
        ]
        return "=" + ("+".join(parts) or "0")


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
        self._print_setup(landscape)

    def put(self, row: int, column: int, value: Any, kind: str, style: str | None = None, most: int | None = None) -> None:
        """One cell: ``kind`` says how the value is written, ``style`` how it looks (default: the kind)."""
        work, file, style = self.work, self.book.file, style or kind
        if value is None or value == "":
            work.blank(row, column, file.style(style))
            return
        if isinstance(value, str):
            text = value if len(value) <= CELL_TEXT else value[: CELL_TEXT - 1] + "…"
            work.text(row, column, text, file.style(style, quoted=text.startswith(_FORMULA_STARTS)))
            bytes_wide = shown_width(text)
            if "\n" in text:
                bytes_wide = max(map(shown_width, text.split("\n")))
            width = min(bytes_wide, most or _WIDEST.get(kind, 60))
        elif isinstance(value, date):  # a datetime is one, too
            work.write_datetime(row, column, value, file.style(style))
            width = 16 if isinstance(value, datetime) else 10
        else:
            work.figure(row, column, value, file.style(style))
            width = figure_width(value, kind)
        self._widen(column, width)

    def live(self, row: int, column: int, formula: str, value: Decimal | int, kind: str, style: str | None = None) -> None:
        """A formula with the warehouse's figure as its cached value."""
        self.work.formula(row, column, formula, self.book.file.style(style or kind), value)
        self._widen(column, figure_width(value, kind))

    def live_text(self, row: int, column: int, formula: str, value: str, style: str) -> None:
        """A formula that gives a word, with the word as its cached value."""
        self.work.formula(row, column, formula, self.book.file.style(style), value)
        self._widen(column, shown_width(value))

    def line(self, text: str, style: str, *, span: int = 0, height: float | None = None) -> None:
        """A line of text in the first column of the next row, over ``span`` columns (never inside data)."""
        shown = self.book.file.style(style, quoted=text.startswith(_FORMULA_STARTS))
        if span > 1:
            self.work.merge_range(self.row, 0, self.row, span - 1, "", shown)
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

    def _widen(self, column: int, width: int) -> None:
        if width > self.widths.get(column, 0):
            self.widths[column] = width
        if column > self.last_column:
            self.last_column = column

    def _print_setup(self, landscape: bool) -> None:
        work, frame = self.work, self.book.frame
        if landscape:
            work.set_landscape()
        work.set_paper(9)
        work.fit_to_pages(1, 0)
        work.set_margins(left=0.5, right=0.5, top=0.7, bottom=0.7)
        if frame.warning:
            work.set_header("&R" + frame.warning.replace("&", "&&")[:80], _UNSCALED)
        work.set_footer(f"&L{frame.footer.replace('&', '&&')[:120]}&C" + self.book.labels.text("page"), _UNSCALED)
        work.ignore_errors({"number_stored_as_text": f"A1:XFD{SHEET_ROWS}"})
        work.hide_gridlines(2)

    def redden(self, first: int, last: int, columns: Sequence[int]) -> None:
        """Negative figures of these columns in dark red."""
        if last >= first and columns:
            areas = [xl_range(first, column, last, column) for column in columns]
            rule = {"type": "cell", "criteria": "<", "value": 0, "format": self.book.file.negative()}
            self.work.conditional_format(areas[0], {**rule, "multi_range": " ".join(areas)} if areas[1:] else rule)

    def finish(self) -> None:
        """Widths that show every figure, and the print area."""
        for column, width in self.widths.items():
            self.work.set_column(column, column, width + 2.5)
        self.work.print_area(0, 0, max((self.print_rows or self.row) - 1, 0), self.last_column)


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
    """How many lines a wrapped text takes in a column so wide."""
    return sum(max(1, -(-shown_width(line) // width)) for line in text.split("\n"))


def figure_width(value: Decimal | int | float, kind: str) -> int:
    """How many characters a figure needs in its number format."""
    if kind in ("money", "money0"):
        return len(f"{value:,.2f}")
    if kind in ("rate", "ratio", "quantity"):
        return max(len(f"{value:,.6f}".rstrip("0")), 8)
    if kind in ("percent", "share"):
        return 6
    return len(f"{value:,}")


def table(
    book: Book, name: str, heading: str, columns: Sequence[Column], rows: Iterable[Row], *,
    total: bool = False, first: Sheet | None = None, notes: Sequence[str] = (),
    filtered: bool = True, most_rows: int | None = None, before_rows: Callable[[Sheet], None] | None = None,
    after_row: Callable[[Sheet, int, Row], None] | None = None,
) -> Span:  # fmt: skip
    """A table on its own sheet (on several where it is longer than a sheet), headings repeated, with a total row.

    ``notes`` stand above the headings; ``before_rows`` may write rows of its own under them, ``after_row``
    may add to a written row. ``first``: a sheet made earlier, to be filled now.
    """
    most_rows = most_rows or SHEET_ROWS
    span = Span(columns={column.field: place for place, column in enumerate(columns)})
    totals = {column.field: Decimal(0) for column in columns if column.total}
    sheet = first or book.sheet(name)
    begin = _head(book, sheet, heading, columns, notes)
    if before_rows:
        before_rows(sheet)
    part = 1
    for row in rows:
        if sheet.row >= most_rows - 2:
            _close_part(sheet, span, begin, columns, filtered)
            part += 1
            sheet = book.sheet(name, part=part)
            begin = _head(book, sheet, heading, columns, notes)
        write_row(book, sheet, columns, row)
        if after_row:
            after_row(sheet, sheet.row, row)
        for key in totals:
            totals[key] += row.get(key) or 0
        sheet.row += 1
    _close_part(sheet, span, begin, columns, filtered)
    if total and totals:
        _total_row(book, sheet, columns, span, totals)
    return span


def _head(book: Book, sheet: Sheet, heading: str, columns: Sequence[Column], notes: Sequence[str]) -> int:
    sheet.opening_lines(book.labels.word(heading))
    for note in notes:
        sheet.line(note, "subtitle")
    headings(book, sheet, columns)
    sheet.work.freeze_panes(sheet.row, 0)
    sheet.work.repeat_rows(sheet.row - 1)
    return sheet.row


def headings(book: Book, sheet: Sheet, columns: Sequence[Column]) -> None:
    """The row of headings; narrow columns break theirs in two lines."""
    for place, column in enumerate(columns):
        word = column.header or book.labels.word(column.heading)
        sheet.work.text(sheet.row, place, word, book.file.style("heading"))
        sheet._widen(place, max(column.least, shown_width(word) if shown_width(word) <= 12 else (shown_width(word) + 1) // 2))
    sheet.work.set_row(sheet.row, 30)
    sheet.row += 1


def write_row(book: Book, sheet: Sheet, columns: Sequence[Column], row: Row) -> None:
    """One row of a table at the sheet's next row."""
    number = sheet.row

    def at(name: str) -> str:
        return f"{xl_col_to_name(places[name])}{number + 1}"

    places = {column.field: place for place, column in enumerate(columns)}
    lines = 1
    for place, column in enumerate(columns):
        value, kind = row.get(column.field), column.kind
        if kind == "money" and column.money_in and row.get(column.money_in) in _NO_DECIMALS:
            kind = "money0"
        style = f"{kind}_input" if column.to_fill else f"severity_{value}" if column.field == "severity" and value else kind
        if column.live and column.live.holds(row, value):
            sheet.live(number, place, column.live.text(at), value, kind, style)
            continue
        if kind == "word":
            value = book.labels.value(value)
        elif kind == "flag" and value is not None:
            value = book.labels.word("是" if value else "否")
        if kind == "text" and isinstance(value, str):
            lines = max(lines, lines_of(value, column.most or _WIDEST["text"]))
        sheet.put(number, place, value, kind, style, column.most)
    if lines > 1:
        sheet.work.set_row(number, 13.5 * min(lines, 30) + 2)


def _close_part(sheet: Sheet, span: Span, begin: int, columns: Sequence[Column], filtered: bool) -> None:
    span.places.append((sheet.name, begin, sheet.row - 1))
    sheet.redden(begin, sheet.row, [place for place, column in enumerate(columns) if column.kind == "money"])
    if filtered:
        sheet.work.autofilter(begin - 1, 0, max(sheet.row - 1, begin), len(columns) - 1)


def _total_row(book: Book, sheet: Sheet, columns: Sequence[Column], span: Span, totals: dict[str, Decimal]) -> None:
    for place, column in enumerate(columns):
        if column.field in totals:
            kind = column.kind
            sheet.live(sheet.row, place, span.sum(column.field), totals[column.field], kind, f"{kind}_total")
        else:
            sheet.put(sheet.row, place, book.labels.word("合计") if place == 0 else None, "text", "text_total")
    sheet.row += 1
