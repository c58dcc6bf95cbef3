"""CSV and its kin: encoding, delimiter, quotes, ragged rows; a million rows in a second or two.

Arrow's reader does the work and hands back the rows of another width; Python's strict csv reader
takes over where a quotation mark might have swallowed a line end.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from settlement.io.limits import limits
from settlement.io.sheet_model import SOURCE_ROW, Sheet, UnreadableFile, batch_of, table_of
from settlement.io.text_encoding import TextFile, find_encoding

_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_CHARACTERS = 1 << 18
_ROWS_AT_A_TIME = 50_000
# Beyond this many rows of another width the strict reader is as fast as patching.
_ODD_ROWS = 20_000


def read_text(path: Path) -> Sheet:
    """The one sheet of a text file, named ``""``. Raises ``UnreadableFile``."""
    text_file = find_encoding(path)
    with path.open(encoding=text_file.encoding, newline="") as stream:
        sample = stream.read(_SAMPLE_CHARACTERS)
        whole = not stream.read(1)
    if not sample.strip("\ufeff \t\r\n\u3000"):
        raise UnreadableFile("文件中只有空白")
    delimiter, width = sniff_delimiter(sample, whole=whole)
    if width > limits().columns:
        raise UnreadableFile(f"列数 {width} 超过上限 {limits().columns}")
    table = _read_fast(path, text_file, delimiter, width)
    if table is None:
        table = _read_strictly(path, text_file, delimiter)
    _check_size(table)
    return Sheet("", table)


def sniff_delimiter(sample: str, *, whole: bool) -> tuple[str, int]:
    """The delimiter of a text and the width of most of its rows.

    For each of comma, tab, semicolon, pipe: how many rows have the commonest width, times that width less
    one; the greatest wins, the earlier in that order on a tie. A first line ``sep=;`` decides.
    """
    declared = sample.lstrip("\ufeff")[:5]
    if declared.lower().startswith("sep=") and declared[4:5] in _DELIMITERS:
        return declared[4], _common_width(sample, declared[4], whole=whole)[1]
    scored = [(*_common_width(sample, delimiter, whole=whole), delimiter) for delimiter in _DELIMITERS]
    best = max(score for score, _, _ in scored)
    return next((delimiter, width) for score, width, delimiter in scored if score == best)


def _common_width(sample: str, delimiter: str, *, whole: bool) -> tuple[int, int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            widths.append(len(row))
    except csv.Error:  # A cell over the reader's own bound: what was read so far is sample enough.
        pass
    if not whole:
        widths = widths[:-1] or widths
    counted = Counter(width for width in widths if width > 1)
    if not counted:
        return 0, 1
    width, rows = max(counted.items(), key=lambda item: (item[1] * (item[0] - 1), item[0]))
    return rows * (width - 1), width


def _read_fast(path: Path, text_file: TextFile, delimiter: str, width: int) -> pa.Table | None:
    """The table by Arrow's reader, or None where only the strict reader can be sure of the rows."""
    odd: list[tuple[int, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        odd.append((row.number, row.text))
        return "skip" if len(odd) <= _ODD_ROWS else "error"

    names = [f"c{index}" for index in range(width)]
    try:
        table = arrow_csv.read_csv(
            path,
            # One thread: only then does Arrow tell the number of a row it sets aside.
            read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, encoding=text_file.encoding),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if text_file.has_quote and any(_holds_line_end(column) for column in table.columns):
        return None
    patches = []
    for number, text in odd:
        cells = _cells_of(text, delimiter)
        if cells is None:
            return None
        patches.append((number, cells))
    return _patched(table, patches)


def _holds_line_end(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, "[\r\n]")).as_py())


def _cells_of(text: str, delimiter: str) -> list[str] | None:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    if any("\n" in cell or "\r" in cell for row in rows for cell in row):
        return None
    return rows[0] if len(rows) == 1 else ([] if not rows else None)


def _patched(table: pa.Table, patches: list[tuple[int, list[str]]]) -> pa.Table:
    """Arrow's rows with the rows of another width put back in their places, all numbered."""
    total = table.num_rows + len(patches)
    is_regular = np.ones(total, dtype=bool)
    is_regular[[number - 1 for number, _ in patches]] = False
    numbers = np.arange(1, total + 1, dtype=np.int64)
    regular = table.append_column(SOURCE_ROW, pa.array(numbers[is_regular]))
    if not patches:
        return regular
    width = max(table.num_columns, *(len(cells) for _, cells in patches))
    odd = table_of([batch_of([cells], width, number) for number, cells in patches])
    whole = pa.concat_tables([table_of(regular.to_batches() + [batch_of([], width, 1)]), odd])
    return whole.take(pc.sort_indices(whole, sort_keys=[(SOURCE_ROW, "ascending")]))


def _read_strictly(path: Path, text_file: TextFile, delimiter: str) -> pa.Table:
    """The table by Python's reader, which refuses a quotation mark that does not close where a cell ends."""
    batches, read = [], 0
    try:
        with path.open(encoding=text_file.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            while rows := list(islice(reader, _ROWS_AT_A_TIME)):
                widest = max(len(row) for row in rows)
                if widest > limits().columns or read > limits().rows:
                    raise UnreadableFile(f"行数或列数超过上限（{limits().rows:,} 行、{limits().columns} 列）")
                batches.append(batch_of(rows, widest, read + 1))
                read += len(rows)
    except csv.Error as error:
        reason = f"第 {read + 1} 行以后（约第 {reader.line_num} 行）引号不成对或单元格过长，分不清列"
        raise UnreadableFile(reason) from error
    return table_of(batches)


def _check_size(table: pa.Table) -> None:
    bound = limits()
    if table.num_rows > bound.rows or table.num_columns - 1 > bound.columns:
        size = f"{table.num_rows:,} 行、{table.num_columns - 1} 列"
        raise UnreadableFile(f"表格过大：{size}，上限 {bound.rows:,} 行、{bound.columns} 列")
    for index, column in enumerate(table.columns[:-1]):
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > 4 * bound.cell_characters:
            raise UnreadableFile(f"第 {index + 1} 列有一个单元格超过 {bound.cell_characters:,} 字")
