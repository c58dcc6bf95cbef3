"""The sheets of an .xlsx, read by python-calamine after `workbook_scan.py` has looked through it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import python_calamine

from settlement.io.sheet_model import Sheet, UnreadableFile, batch_of, numbered_batch, table_of
from settlement.io.workbook_numbers import cell_text
from settlement.io.workbook_scan import SheetScan, scan_workbook

_ROWS_AT_A_TIME = 20_000


def read_workbook(path: Path) -> list[Sheet]:
    """Every worksheet of an .xlsx with its cells as typed text. Raises ``UnreadableFile``.

    Errors (``#N/A``) and formulas without a calculated value stay as their text, so that no
    reader takes them for an empty cell. Hidden sheets are read: a row is not absent because it is not seen.
    """
    scans = scan_workbook(path)
    try:
        with path.open("rb") as stream:
            workbook = python_calamine.CalamineWorkbook.from_filelike(stream)
            return [
                _sheet(workbook.get_sheet_by_name(name), name, scans.get(name, SheetScan()))
                for name in workbook.sheet_names
                if name in scans
            ]
    except python_calamine.PasswordError as error:
        raise UnreadableFile("工作簿有密码，打不开") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise UnreadableFile("工作簿已损坏或不完整，打不开") from error
    except BaseException as error:
        # A fault inside the Rust library reaches Python as this type, which is no Exception and cannot be imported.
        if type(error).__name__ == "PanicException":
            raise UnreadableFile("工作簿已损坏，读取器无法继续") from error
        raise


def _sheet(sheet: python_calamine.CalamineSheet, name: str, scan: SheetScan) -> Sheet:
    batches: list[pa.RecordBatch] = []
    # The reader starts at the first used column: put the empty ones before it back.
    before, nothing = sheet.start[1] if sheet.start else 0, pa.scalar("", pa.string())
    rows = sheet.iter_rows() if sheet.start else iter(())
    read = 0
    while part := list(islice(rows, _ROWS_AT_A_TIME)):
        columns = [pa.repeat(nothing, len(part))] * before + [_texts(column) for column in zip(*part, strict=True)]
        batches.append(numbered_batch(columns, len(part), read + 1))
        read += len(part)
    return Sheet(name, _with_unread(table_of(batches), scan), from_workbook=True)


def _texts(column: Sequence[object]) -> pa.Array:
    try:
        return pa.array(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # most columns hold nothing but text; not this one
        known: dict[type, _Texts] = defaultdict(_Texts)  # by type: 1, 1.0 and TRUE are one key
        return pa.array([cell if type(cell) is str else known[type(cell)][cell] for cell in column], pa.string())


class _Texts(dict[object, str]):
    """The text of each value of one type, worked out once: a column has few days, and many equal numbers."""

    def __missing__(self, cell: object) -> str:
        self[cell] = text = cell_text(cell)
        return text


def _with_unread(table: pa.Table, scan: SheetScan) -> pa.Table:
    """The table with the texts of ``scan.unread`` in their cells; what is empty to the reader ends before them."""
    if not scan.unread:
        return table
    height = max(table.num_rows, *(row for row, _ in scan.unread))
    width = max(table.num_columns - 1, *(column for _, column in scan.unread))
    below = batch_of([[""] * width for _ in range(height - table.num_rows)], width, table.num_rows + 1)
    whole = table_of([*table.to_batches(), below])
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), text in scan.unread.items():
        by_column.setdefault(column, {})[row] = text
    for column, texts in by_column.items():
        values = whole.column(column - 1).to_pylist()
        for row, text in texts.items():
            values[row - 1] = text
        whole = whole.set_column(column - 1, f"c{column - 1}", pa.array(values, pa.string()))
    return whole
