"""Tables on sheets: headings that repeat, one row a record, live formulas, totals, and where the rows came to lie.

What belongs here: how a table is written, and formulas over it. What does not: which columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name

from settlement.io.workbooks.formulas import Live, Row
from settlement.io.workbooks.sheet import SHEET_ROWS, WIDEST, Book, Sheet, lines_of, quoted, shown_width

FORMULA_CELLS = 5_000_000  # what formulas of one table may look at together: above, Excel takes long to open the file
MOST_LINES = 27  # Excel's rows are at most 409 points high
LINE_HEIGHT = 14.5  # points
NO_DECIMALS = ("JPY", "KRW", "VND")
WHOLE_AT = {"percent": Decimal("0.01"), "quantity": Decimal(1)}  # finer figures show their decimals
TEXTS = ("text", "code", "id", "word", "flag")
WRAPPED = ("text", "id")


@dataclass(frozen=True)
class Column:
    """One column of a table: the row's field, its Chinese heading, its kind (a style of styles.py).

    ``live``: the formula where the amount follows from others; ``total``: a sum below the table;
    ``money_in``: the field with the currency of a ``money`` column (JPY has no decimals);
    ``to_fill``: finance types here; ``least``, ``most``: bounds of its width; ``header``: a heading that
    readers of the file look for, whatever the language. ``off_page``: the table prints without this and what follows.
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
    off_page: bool = False


@dataclass
class Span:
    """Where a table's rows came to lie: sheet names with first and last row (0-based), and each field's column."""

    places: list[tuple[str, int, int]] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)

    def ranges(self, name: str) -> list[str]:
        """Absolute ranges of a field's cells, one a sheet."""
        letter = xl_col_to_name(self.columns[name], col_abs=True)
        return [
            f"{quoted(sheet)}!{letter}${first + 1}:{letter}${last + 1}"
            for sheet, first, last in self.places
            if last >= first
        ]

    def sum(self, name: str) -> str:
        """A formula: the sum of a field, to the fen."""
        return "=ROUND(" + ("+".join(f"SUM({cells})" for cells in self.ranges(name)) or "0") + ",2)"

    def sum_where(self, name: str, **conditions: str) -> str:
        """A formula: the sum over the rows where each field meets its condition (a cell, or a quoted text)."""
        wanted = [self.ranges(other) for other in conditions]
        parts = []
        for place, cells in enumerate(self.ranges(name)):
            pairs = ",".join(
                f"{ranges[place]},{test}" for ranges, test in zip(wanted, conditions.values(), strict=True)
            )
            parts.append(f"SUMIFS({cells},{pairs})")
        return "=ROUND(" + ("+".join(parts) or "0") + ",2)"

    def sum_of(self, name: str, **ids: str) -> str:
        """A formula: the sum over the rows whose ids are these cells, letter by letter.

        For ids from outside ``SUMIFS`` will not do: it takes 0012 for 12, reads wildcards, and knows 15 digits.
        """
        wanted = [self.ranges(other) for other in ids]
        parts = []
        for place, cells in enumerate(self.ranges(name)):
            tests = "*".join(
                f"EXACT({ranges[place]},{cell})" for ranges, cell in zip(wanted, ids.values(), strict=True)
            )
            parts.append(f"SUMPRODUCT({tests}*{cells})")
        return "=ROUND(" + ("+".join(parts) or "0") + ",2)"

    @property
    def rows(self) -> int:
        return sum(last - first + 1 for _, first, last in self.places)

    def count_where(self, **conditions: str) -> str:
        """A formula: the number of rows where each field meets its condition."""
        wanted = [self.ranges(other) for other in conditions]
        parts = [
            "COUNTIFS("
            + ",".join(f"{ranges[place]},{test}" for ranges, test in zip(wanted, conditions.values(), strict=True))
            + ")"
            for place in range(len(wanted[0]))
        ]
        return "=" + ("+".join(parts) or "0")


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
    totals: dict[str, Decimal | None] = {column.field: None for column in columns if column.total}
    writer = RowWriter(book, columns)
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
        writer.write(sheet, row)
        if after_row:
            after_row(sheet, sheet.row, row)
        for key in totals:
            if row.get(key) is not None:
                totals[key] = (totals[key] or 0) + row[key]
        sheet.row += 1
    is_empty = not span.places and sheet.row == begin
    _close_part(sheet, span, begin, columns, filtered)
    if is_empty:
        sheet.line(book.labels.word("（无）"), "subtitle")
    elif total and totals:
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
    """The row of headings; long ones break in two lines."""
    for place, column in enumerate(columns):
        word = column.header or book.labels.word(column.heading)
        sheet.work.text(sheet.row, place, word, book.file.style("heading"))
        width = shown_width(word)
        sheet.widen(place, max(column.least, width if width <= 12 else (width + 1) // 2))
    sheet.work.set_row(sheet.row, 30)
    sheet.row += 1


class RowWriter:
    """Writes rows of one table: what depends on the columns alone is looked up once."""

    def __init__(self, book: Book, columns: Sequence[Column]) -> None:
        self._labels = book.labels
        self._letters = {column.field: xl_col_to_name(place) for place, column in enumerate(columns)}
        self._plan = [
            (
                place,
                column,
                column.kind,
                f"{column.kind}_input" if column.to_fill else column.kind,
                column.most or WIDEST.get(column.kind, 60),
            )
            for place, column in enumerate(columns)
        ]
        self._looks = [book.file.style(style) for _, _, _, style, _ in self._plan]

    def write(self, sheet: Sheet, row: Row) -> None:
        """One row at the sheet's next row; the height follows the text that wraps most."""
        number, work, lines = sheet.row, sheet.work, 1
        for place, column, kind, style, most in self._plan:
            value = row.get(column.field)
            if value is None:
                work.blank(number, place, self._looks[place])
                continue
            if column.money_in and row.get(column.money_in) in NO_DECIMALS:
                kind, style = "money0", style.replace("money", "money0")
            elif kind in WHOLE_AT and value % WHOLE_AT[kind]:
                style = f"{kind}_fine"
            if column.live and column.live.holds(row, value):
                sheet.live(
                    number,
                    place,
                    column.live.text(lambda name: f"{self._letters[name]}{number + 1}"),
                    value,
                    kind,
                    style,
                )
            elif kind in TEXTS or isinstance(value, str):
                text = self._worded(value) if kind in ("word", "flag") else value
                sheet.text(number, place, text, f"severity_{value}" if column.field == "severity" else style, most)
                if kind in WRAPPED:
                    lines = max(lines, lines_of(text, most))
            else:
                sheet.put(number, place, value, kind, style)
        if lines > 1:
            work.set_row(number, LINE_HEIGHT * min(lines, MOST_LINES) + 3)

    def _worded(self, value: str | bool) -> str:
        if isinstance(value, str):
            return self._labels.value(value)
        return self._labels.word("是" if value else "否")


def _close_part(sheet: Sheet, span: Span, begin: int, columns: Sequence[Column], filtered: bool) -> None:
    span.places.append((sheet.name, begin, sheet.row - 1))
    sheet.print_columns = next((place for place, column in enumerate(columns) if column.off_page), None)
    sheet.redden(begin, sheet.row, [place for place, column in enumerate(columns) if column.kind == "money"])
    if filtered:
        sheet.work.autofilter(begin - 1, 0, max(sheet.row - 1, begin), len(columns) - 1)


def _total_row(
    book: Book, sheet: Sheet, columns: Sequence[Column], span: Span, totals: dict[str, Decimal | None]
) -> None:
    """The sums below the last row; blank under a column that holds nothing, for nothing known is not nought."""
    for place, column in enumerate(columns):
        if totals.get(column.field) is not None:
            kind = column.kind
            sheet.live(sheet.row, place, span.sum(column.field), totals[column.field], kind, f"{kind}_total")
        else:
            sheet.put(sheet.row, place, book.labels.word("合计") if place == 0 else None, "text", "text_total")
    sheet.row += 1
