"""A folder's files as Arrow tables: every row of every file, and the files that say nothing.

What belongs here: walking a folder, files that are copies of each other byte for byte. What does not: one file
(`tables.py`), where it is read (`readers.py`), rows of different files against each other (`rules/input_rows.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from settlement.io.home import Home
from settlement.io.layouts import Layout, layouts
from settlement.io.readers import Readers, is_big_workbook
from settlement.io.sheet_model import FILE_UNREADABLE, SOURCE_ROW
from settlement.io.tables import REJECTED, FileRead, TableRead, accepted_schema, control_amounts, files_in, read_file

ROW_DUPLICATE = "ROW_DUPLICATE"
NO_TABLE = "未知"  # what the control totals call a file whose folder or name says no table

REJECTED_ROWS = pa.schema([("source_file", pa.string()), ("input_table", pa.string()), *REJECTED])


@dataclass(frozen=True)
class FileProblem:
    """A file, or a sheet of it, that is an exception as a whole."""

    source_file: str
    code: str
    reason: str
    sheet: str = ""


@dataclass
class Inbox:
    """What the files of some folders hold. ``seen``: (source_file, input_table) of everything that was looked at."""

    accepted: dict[str, list[pa.Table]] = field(default_factory=dict)
    rejected: list[pa.Table] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def rows_of(self, layout: Layout) -> pa.Table:
        """Accepted rows of a table with ``source_file``; empty with all columns where there are none."""
        schema = accepted_schema(layout).append(pa.field("source_file", pa.string()))
        return pa.concat_tables(self.accepted.get(layout.name, []) or [schema.empty_table()])

    def rejected_rows(self) -> pa.Table:
        """``REJECTED_ROWS`` of all files."""
        return pa.concat_tables(self.rejected or [REJECTED_ROWS.empty_table()])


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copies(files: Sequence[Path], earlier: Sequence[Path]) -> dict[Path, Path]:
    """File -> the first file with the same bytes, among those before it or among ``earlier`` ones."""
    ordered = [path for path in [*earlier, *files] if path.is_file() and not path.is_symlink() and path.stat().st_size]
    by_size: dict[int, list[Path]] = {}
    for path in ordered:
        by_size.setdefault(path.stat().st_size, []).append(path)
    wanted = set(files)
    found: dict[Path, Path] = {}
    for same_size in by_size.values():
        if len(same_size) < 2 or wanted.isdisjoint(same_size):
            continue
        first: dict[str, Path] = {}
        for path in same_size:
            original = first.setdefault(file_digest(path), path)
            if original != path and path in wanted:
                found[path] = original
    return found


@dataclass(frozen=True)
class Folder:
    """The files of a folder being read, in order. ``originals``: file -> the first with the same bytes (``copies``)."""

    candidates: Sequence[Layout]
    files: Sequence[Path]
    originals: Mapping[Path, Path]
    reads: Sequence[Future[FileRead]]

    @property
    def is_slow(self) -> bool:
        """Whether a file of it is read apart: everything else is done before it."""
        return any(is_big_workbook(path) for path in self.files)


def begin_folder(readers: Readers, folder: Path, candidates: Sequence[Layout], earlier: Sequence[Path] = ()) -> Folder:
    """Begin to read every file of a folder. ``earlier``: files of the same folder in earlier months."""
    files = list(files_in(folder))
    reads = [readers.read(read_file, path, candidates, folder) for path in files]
    return Folder(candidates, files, copies(files, earlier), reads)


def take_folder(inbox: Inbox, home: Home, folder: Folder) -> None:
    """What the files of a folder gave, into ``inbox``.

    A copy of a file of this folder counts once; a copy of an earlier month's file repeats its rows where a table
    has no key (with a key the latest month wins).
    """
    for future in folder.reads:
        read = future.result()
        original = folder.originals.get(read.path)
        _take(inbox, home, read, folder.candidates, original, original in folder.files if original else False)


def _take(
    inbox: Inbox, home: Home, read: FileRead, candidates: Sequence[Layout], original: Path | None, is_here: bool
) -> None:
    shown = home.shown(read.path)
    for sheet, reason in read.unread:
        inbox.problems.append(FileProblem(shown, FILE_UNREADABLE, reason, sheet))
        inbox.seen.add(
            (shown, next((layout.name for layout in candidates if layout.sheet == sheet), candidates[0].name))
        )
    copied = []
    for table, source_file in _named(read.tables, shown):
        rejected = table.rejected
        accepted = table.accepted
        if original is not None and (is_here or not table.layout.key):
            rejected = pa.concat_tables([rejected, _as_copies(table, home.shown(original))])
            accepted = accepted.slice(0, 0)
            copied.append(table.layout.name)
        inbox.seen.add((source_file, table.layout.name))
        inbox.accepted.setdefault(table.layout.name, []).append(_with_file(accepted, source_file))
        if rejected.num_rows:
            constants = {"source_file": source_file, "input_table": table.layout.name}
            inbox.rejected.append(_with_constants(rejected, constants))
    if copied and original is not None:
        reason = f"与文件 {home.shown(original)} 内容完全相同，整个文件按重复处理，不再计入"
        inbox.problems.append(FileProblem(shown, ROW_DUPLICATE, reason))


def _named(tables: Sequence[TableRead], shown: str) -> list[tuple[TableRead, str]]:
    """Each table with its source: the file, and the second sheet of one layout with a number, or rows would share names."""
    times: dict[str, int] = {}
    named = []
    for table in tables:
        times[table.layout.name] = times.get(table.layout.name, 0) + 1
        number = times[table.layout.name]
        named.append((table, shown if number == 1 else f"{shown}#{number}"))
    return named


def _as_copies(table: TableRead, original: str) -> pa.Table:
    rows = table.accepted
    currency, amount = control_amounts(rows, table.layout)
    count = rows.num_rows
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        [
            rows.column(SOURCE_ROW),
            nothing,
            nothing,
            pa.repeat(pa.scalar(f"文件与 {original} 完全相同"), count),
            pa.repeat(pa.scalar(ROW_DUPLICATE), count),
            currency,
            amount,
            *(rows.column(name) if name in rows.column_names else nothing for name in ("order_no", "principal_id")),
        ],
        schema=REJECTED,
    )


def _with_file(rows: pa.Table, source_file: str) -> pa.Table:
    return rows.append_column("source_file", pa.repeat(pa.scalar(source_file), rows.num_rows))


def _with_constants(rows: pa.Table, constants: Mapping[str, str]) -> pa.Table:
    columns = [pa.repeat(pa.scalar(value), rows.num_rows) for value in constants.values()]
    return pa.table([*columns, *rows.columns], schema=REJECTED_ROWS)


def note_strays(inbox: Inbox, home: Home, month: str, folders: Sequence[str]) -> None:
    """Files of a month that lie in none of its folders (a misspelt name, the month's root): each is said, none is read."""
    folder = home.inbox(month)
    for path in files_in(folder):
        if path.relative_to(folder).parts[0] in folders and path.parent != folder:
            continue
        reason = f"不在本月任何一个资料文件夹内（{'、'.join(folders)}），未读取"
        inbox.problems.append(FileProblem(home.shown(path), FILE_UNREADABLE, reason))
        inbox.seen.add((home.shown(path), NO_TABLE))


def read_references(home: Home, known_names: Sequence[str], only: str | None = None) -> Inbox:
    """The masters: one table a file, the file's name is the table's. ``known_names``: of parameter files, left alone.

    ``only``: no more than this one.
    """
    inbox = Inbox()
    reads: list[tuple[Layout, Future[FileRead]]] = []
    masters = {name: layout for name, layout in layouts().items() if layout.is_reference}
    with Readers() as readers:
        for path in files_in(home.reference):
            name = path.name.split(".")[0].lower()
            if name in known_names or only not in (None, name):
                continue
            if name in masters:
                reads.append((masters[name], readers.read(read_file, path, [masters[name]], home.reference)))
                continue
            reason = f"文件名不是任何主数据表（{'、'.join(masters)}）"
            inbox.problems.append(FileProblem(home.shown(path), FILE_UNREADABLE, reason))
            inbox.seen.add((home.shown(path), NO_TABLE))
        for layout, read in reads:
            _take(inbox, home, read.result(), [layout], None, False)
    return inbox
