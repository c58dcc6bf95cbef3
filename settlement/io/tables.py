"""A file of a month or of the masters as typed rows: accepted, rejected with field and reason, counted.

What belongs here: one file. `sheets.py` gives its sheets, `headers.py` says which table each is, `table_rows.py`
reads the cells. What does not: other files and other tables (`ingest.py`), bank statements (`bank/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.cells import MONEY
from settlement.io.headers import Header, NoHeader, find_header
from settlement.io.layouts import Layout
from settlement.io.sheet_model import SOURCE_ROW, Sheet, UnreadableFile
from settlement.io.sheets import read_sheets
from settlement.io.table_rows import CellsRead, joined_present, originals, read_cells, shown

_INVOICE_LINES = "信息汇总表"
# Rows cleaned at a time: bounds what is alive beside the file's own cells.
_ROWS_AT_A_TIME = 200_000

REJECTED = pa.schema(
    [
        (SOURCE_ROW, pa.int64()),
        ("field", pa.string()),
        ("found", pa.string()),
        ("reason", pa.string()),
        ("code", pa.string()),
        ("currency", pa.string()),
        ("amount", MONEY),
        ("order_no", pa.string()),
        ("principal_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class TableRead:
    """Rows of one layout from one sheet.

    ``accepted``: the layout's fields typed, ``source_row``, ``original`` (JSON or NULL).
    ``rejected``: ``REJECTED``, one row for each row of the sheet; ``amount`` is what the control total counts.
    """

    layout: Layout
    accepted: pa.Table
    rejected: pa.Table


@dataclass(frozen=True)
class FileRead:
    """One file. ``unread``: (sheet, Chinese reason) of sheets that could not be read; sheet ``""`` is the file."""

    path: Path
    tables: Sequence[TableRead] = ()
    unread: Sequence[tuple[str, str]] = ()


def accepted_schema(layout: Layout) -> pa.Schema:
    """Columns of ``TableRead.accepted``."""
    return pa.schema([*layout.arrow_schema, (SOURCE_ROW, pa.int64()), ("original", pa.string())])


def read_file(path: Path, candidates: Sequence[Layout], root: Path | None = None) -> FileRead:
    """The tables in a file, among those its folder may hold; ``root`` is that folder. Never raises for a bad file.

    A sheet of a workbook that is none of them is reported, unless it is nearly empty, or the folder's
    tables come with sheets of their own names and it has another (the exceptions workbook, handed back).
    """
    try:
        sheets = read_sheets(path, root)
    except UnreadableFile as unreadable:
        return FileRead(path, unread=(("", unreadable.reason_zh),))
    tables, unread = [], []
    for sheet in _without_summaries(sheets, candidates):
        try:
            tables.append(read_table(sheet, find_header(sheet, candidates)))
        except NoHeader as nothing:
            if len(sheets) == 1 or _is_expected(sheet, candidates):
                named = f"工作表「{sheet.name}」：" if len(sheets) > 1 else ""
                unread.append((sheet.name, f"{named}{nothing}"))
    if not tables and not unread:
        unread.append(("", "没有一个工作表像是这个文件夹的表"))
    return FileRead(path, tables, unread)


def _without_summaries(sheets: Sequence[Sheet], candidates: Sequence[Layout]) -> Sequence[Sheet]:
    """The tax bureau's export shows every invoice twice: whole on one sheet, by lines on 信息汇总表 (EIV-01)."""
    names = {sheet.name.strip() for sheet in sheets}
    kept = {_INVOICE_LINES, *(layout.sheet for layout in candidates)}
    return [sheet for sheet in sheets if _INVOICE_LINES not in names or sheet.name.strip() in kept]


def _is_expected(sheet: Sheet, candidates: Sequence[Layout]) -> bool:
    names = [layout.sheet for layout in candidates]
    if all(names):
        return sheet.name in names or (
            sheet.table.num_rows > 1 and sheet.width > 1 and "decided_by" not in _fields(candidates)
        )
    return sheet.table.num_rows > 1 and sheet.width > 1


def _fields(candidates: Sequence[Layout]) -> set[str]:
    return {item.name for layout in candidates for item in layout.fields}


def read_table(sheet: Sheet, header: Header) -> TableRead:
    """Every row under the header, accepted or rejected. Raises nothing: a bad cell rejects its row."""
    body = sheet.table.slice(header.row + 1)
    accepted, rejected = [], []
    for start in range(0, max(body.num_rows, 1), _ROWS_AT_A_TIME):
        read = read_cells(body.slice(start, _ROWS_AT_A_TIME), header, from_workbook=sheet.from_workbook)
        good, bad = _split(read, header.layout)
        accepted.append(good)
        rejected.append(bad)
    return TableRead(header.layout, pa.concat_tables(accepted), pa.concat_tables(rejected))


def _split(read: CellsRead, layout: Layout) -> tuple[pa.Table, pa.Table]:
    schema = accepted_schema(layout)
    columns = [read.values[item.name] for item in layout.fields]
    rows = pa.table([*columns, read.source_row, originals(read, layout)], schema=schema)
    if not read.wrong:
        return rows, REJECTED.empty_table()
    is_wrong = reduce(pc.or_, [pc.is_valid(problem) for problem in read.wrong.values()])
    wrong = {name: problem.filter(is_wrong) for name, problem in read.wrong.items()}
    nothing = pa.scalar(None, pa.string())
    names = [pc.if_else(pc.is_valid(problem), name, nothing) for name, problem in wrong.items()]
    found = [
        pc.if_else(pc.is_valid(problem), shown(read.raw[name].filter(is_wrong)), nothing)
        for name, problem in wrong.items()
    ]
    rejected = pa.table(
        [
            read.source_row.filter(is_wrong),
            pc.coalesce(*names),
            pc.coalesce(*found),
            joined_present(list(wrong.values()), "；"),
            pa.repeat(pa.scalar("ROW_REJECTED"), len(names[0])),
            _currency(read.values, layout).filter(is_wrong),
            _amount(read.values, layout).filter(is_wrong),
            *(_named(read.values, name, is_wrong) for name in ("order_no", "principal_id")),
        ],
        schema=REJECTED,
    )
    return rows.filter(pc.invert(is_wrong)), rejected


def _named(values: Mapping[str, pa.Array], name: str, rows: pa.Array) -> pa.Array:
    """Whose row it is, as far as the row says: so that an exception finds its order and principal."""
    return values[name].filter(rows) if name in values else pa.nulls(pc.sum(rows).as_py(), pa.string())


def _currency(values: Mapping[str, pa.Array], layout: Layout) -> pa.Array:
    if layout.currency_of is None:
        return pa.repeat(pa.scalar("CNY"), len(values[layout.fields[0].name]))
    # An unreadable currency is nobody's: the row is counted with the company's own.
    return pc.fill_null(values[layout.currency_of], "CNY")


def _amount(values: Mapping[str, pa.Array], layout: Layout) -> pa.Array:
    nil = pa.scalar(Decimal("0.00"), MONEY)
    total = pa.repeat(nil, len(values[layout.fields[0].name]))
    for name in layout.money_of:
        # Arrow widens a sum by a digit each time; the largest amount of a cell (limits.yaml) keeps it far from 18.
        total = pc.cast(pc.add(total, pc.fill_null(values[name], nil)), MONEY)
    return total


def control_amounts(rows: pa.Table, layout: Layout) -> tuple[pa.Array, pa.Array]:
    """Currency and amount of each accepted row, as the control totals count them."""
    values = {name: rows.column(name).combine_chunks() for name in rows.column_names}
    return _currency(values, layout), _amount(values, layout)


def files_in(folder: Path) -> Iterable[Path]:
    """Files of a folder and its subfolders by path; links are listed, not followed.

    Left out: hidden files and what desktops leave behind (``~$x.xlsx`` of an open workbook, Thumbs.db). A name that
    begins with two dots hides nothing that a desktop made: it is read like any other.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        is_hidden = entry.name.startswith((".", "~$")) and not entry.name.startswith("..")
        if is_hidden or entry.name.lower() in ("thumbs.db", "desktop.ini"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from files_in(entry)
        else:
            yield entry
