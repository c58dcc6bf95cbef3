"""Files of the sample: CSV in any encoding and XLSX, byte for byte the same each time.

Columns are Arrow text; "" and absent are both an empty cell.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import xlsxwriter

_CREATED = datetime(2023, 1, 1)  # noqa: DTZ001 - a workbook's property without a zone; no clock may show in a file
_BATCH = 200_000


@dataclass(frozen=True)
class Sheet:
    """A table as a file shows it: header and columns, title rows above, total rows below."""

    columns: dict[str, pa.Array]
    above: list[list[str]] = field(default_factory=list)
    below: list[list[str]] = field(default_factory=list)
    encoding: str = "utf-8"
    as_xlsx: bool = False
    numbers: tuple[str, ...] = ()  # columns that Excel shows as numbers
    dates: tuple[str, ...] = ()  # columns that Excel shows as dates

    @property
    def rows(self) -> int:
        """Rows below the header, total rows not counted."""
        return len(next(iter(self.columns.values())))


def write_csv(path: Path, sheet: Sheet) -> None:
    """One table as CSV in its encoding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = "utf-8" if sheet.encoding == "utf-8-sig" else sheet.encoding
    with path.open("wb") as file:
        if sheet.encoding == "utf-8-sig":
            file.write(b"\xef\xbb\xbf")
        file.write(_text_rows([*sheet.above, list(sheet.columns)]).encode(codec))
        table = pa.table({str(place): _no_empty(column) for place, column in enumerate(sheet.columns.values())})
        for batch in table.to_batches(max_chunksize=_BATCH):
            data = _csv_bytes(pa.Table.from_batches([batch]))
            file.write(data if codec == "utf-8" else data.decode("utf-8").encode(codec))
        file.write(_text_rows(sheet.below).encode(codec))


def _csv_bytes(table: pa.Table) -> bytes:
    """Rows as CSV, quoted only where some cell of the batch needs it: Arrow's own "needed" quotes every text."""
    for style in ("none", "needed"):
        buffer = io.BytesIO()
        try:
            pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(include_header=False, quoting_style=style))
        except pa.ArrowInvalid:
            if style == "needed":
                raise
            continue
        return buffer.getvalue()
    raise AssertionError("unreachable: the last style returns or raises")


def _text_rows(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _no_empty(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(pc.utf8_length(column), 0), pa.scalar(None, pa.string()), column)


def write_xlsx(path: Path, sheets: dict[str, Sheet]) -> None:
    """Tables as the sheets of one workbook. Numbers go in as Excel holds them; codes and accounts as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"created": _CREATED})
        date_format = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, sheet in sheets.items():
            page = book.add_worksheet(name)
            _write_page(page, sheet, date_format)


def _write_page(page, sheet: Sheet, date_format) -> None:
    row = 0
    for cells in [*sheet.above, list(sheet.columns)]:
        for place, cell in enumerate(cells):
            page.write_string(row, place, cell)
        row += 1
    kinds = [1 if name in sheet.numbers else 2 if name in sheet.dates else 0 for name in sheet.columns]
    table = pa.table({str(place): column for place, column in enumerate(sheet.columns.values())})
    for batch in table.to_batches(max_chunksize=_BATCH):
        for cells in zip(*[column.to_pylist() for column in batch.columns], strict=True):
            for place, cell in enumerate(cells):
                if not cell:
                    continue
                if kinds[place] == 1:
                    # A cell of Excel is a double; fifteen digits are enough for every amount here to come back as typed.
                    page.write_number(row, place, float(cell))
                elif kinds[place] == 2:
                    page.write_datetime(row, place, datetime.fromisoformat(cell), date_format)
                else:
                    page.write_string(row, place, cell)
            row += 1
    for cells in sheet.below:
        for place, cell in enumerate(cells):
            if cell:
                page.write_string(row, place, cell)
        row += 1


def write_sheet(path: Path, sheet: Sheet, *, csv_only: bool) -> Path:
    """The table as XLSX where it asks for it and may be, else as CSV; ``path`` has no suffix yet. Returns the file."""
    if sheet.as_xlsx and not csv_only:
        target = path.with_name(path.name + ".xlsx")
        write_xlsx(target, {"Sheet1": sheet})
    else:
        target = path.with_name(path.name + ".csv")
        write_csv(target, sheet)
    return target


def repeated(sheet: Sheet, rows: list[int]) -> Sheet:
    """The sheet with some of its rows once more at its end."""
    again = pa.array(rows, pa.int64())
    columns = {name: pa.concat_arrays([column, column.take(again)]) for name, column in sheet.columns.items()}
    return Sheet(**{**vars(sheet), "columns": columns})


def with_rows(sheet: Sheet, rows: list[dict[str, str]]) -> Sheet:
    """The sheet with further rows typed by hand at its end; columns a row does not name stay empty."""
    columns = {
        name: pa.concat_arrays([column, pa.array([row.get(name) for row in rows], pa.string())])
        for name, column in sheet.columns.items()
    }
    return Sheet(**{**vars(sheet), "columns": columns})
