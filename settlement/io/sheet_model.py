"""What every reader of tables returns: a sheet of text cells, or the reason why there is none.

What belongs here: the two types. What does not: reading (`sheets.py` and its parts), meaning (`tables.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

FILE_UNREADABLE = "FILE_UNREADABLE"
BNK_ENCODING = "BNK_ENCODING"
SOURCE_ROW = "source_row"


class UnreadableFile(Exception):
    """A file that cannot be read as a table. ``reason_zh`` is for the clerk, ``code`` one of Part D of the rules."""

    def __init__(self, reason_zh: str, code: str = FILE_UNREADABLE) -> None:
        super().__init__(reason_zh)
        self.reason_zh = reason_zh
        self.code = code


@dataclass(frozen=True)
class Sheet:
    """One table as it stands in a file.

    ``table``: string columns ``c0 .. cN``, never NULL (an absent cell is ``""``), and ``source_row`` int64, the
    1-based row as a spreadsheet counts it (title rows, blank rows and all). ``from_workbook``: the cells
    come from Excel, so a date may be a serial number and a number may carry binary noise (BNK-09).
    """

    name: str
    table: pa.Table
    from_workbook: bool = False

    @property
    def width(self) -> int:
        return self.table.num_columns - 1


def batch_of(rows: Sequence[Sequence[str]], width: int, first_row: int) -> pa.RecordBatch:
    """Rows of text as a batch of ``width`` columns, short rows padded with ``""``, numbered from ``first_row``."""
    padded = [[*row, *[""] * (width - len(row))] if len(row) < width else row for row in rows]
    columns = [pa.array(column, pa.string()) for column in zip(*padded, strict=True)] if padded else []
    if not columns:
        columns = [pa.array([], pa.string())] * width
    return numbered_batch(columns, len(rows), first_row)


def numbered_batch(columns: Sequence[pa.Array], height: int, first_row: int) -> pa.RecordBatch:
    """Columns of text of ``height`` rows as a batch, numbered from ``first_row``."""
    numbers = pa.array(range(first_row, first_row + height), pa.int64())
    return pa.record_batch([*columns, numbers], names=[*(f"c{index}" for index in range(len(columns))), SOURCE_ROW])


def table_of(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Batches of differing width as one table, narrower ones padded with ``""``."""
    parts = list(batches)
    width = max((part.num_columns - 1 for part in parts), default=0)
    names = [*(f"c{index}" for index in range(width)), SOURCE_ROW]
    whole = []
    for part in parts:
        missing = width - (part.num_columns - 1)
        fill = pa.repeat(pa.scalar("", pa.string()), part.num_rows)
        whole.append(pa.record_batch([*part.columns[:-1], *[fill] * missing, part.columns[-1]], names=names))
    schema = pa.schema([*((name, pa.string()) for name in names[:-1]), (SOURCE_ROW, pa.int64())])
    return pa.Table.from_batches(whole, schema=schema)
