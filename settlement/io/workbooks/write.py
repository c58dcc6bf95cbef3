"""The workbooks of a month: the one entry point that the run calls.

What belongs here: the order of the work and what is reported of it. What does not: sheets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from ibis.backends import BaseBackend

from settlement.io.workbooks.context import Context, read_context
from settlement.io.workbooks.exceptions_list import exceptions_name, write_exceptions
from settlement.io.workbooks.month_data import PrincipalTables
from settlement.io.workbooks.source import Source
from settlement.io.workbooks.statements import Done, Job, statement_names, write_statements
from settlement.io.workbooks.summary import summary_name, write_summary
from settlement.io.workbooks.written import Difference, WorkbooksWritten, file_digest, read_manifest, write_manifest

MONTH_WORKBOOKS: tuple[tuple[Callable[[str], str], Callable[[Path, Source, Context], None]], ...] = (
    (exceptions_name, write_exceptions),
    (summary_name, write_summary),
)
Progress = Callable[[int, int], None]
PROCESSES = 2


def write_workbooks(
    con: BaseBackend, *, month: str, as_of: date, out: Path, lang: str = "zh", incomplete: bool,
    previous: Path | None, only_changed: bool = True, progress: Progress | None = None, processes: int | None = None,
) -> WorkbooksWritten:  # fmt: skip
    """Write 对账单, 异常清单 and 月结汇总 of ``month`` into ``out``.

    Reads schemas ``book`` (the month's published rows), ``facts`` and ``reference`` of ``con`` and,
    where it is attached, catalog ``books`` (earlier months). ``previous``: the folder with the
    workbooks of the last run of this month; files that would be the same are taken over from it
    (``only_changed=False`` writes all anew). ``out`` may be ``previous``. The same tables give the
    same bytes. ``progress`` is told (done, total). Raises ``StatementMismatch`` where the tables
    contradict each other; ``out`` is then incomplete and not to be published.
    """
    source = Source(con, month)
    context = read_context(source, as_of=as_of, language=lang, incomplete=incomplete)
    out.mkdir(parents=True, exist_ok=True)
    before = read_manifest(previous)
    usable = before if only_changed else {}
    tables = PrincipalTables.read(source)
    names = statement_names(tables.principals(), month)
    total = len(names) + len(MONTH_WORKBOOKS)
    tell = progress or (lambda done, total: None)
    jobs = [Job(principal, name, usable.get(name)) for principal, name in names.items()]
    done = write_statements(
        tables, context, jobs, out, previous,
        processes=processes or min(PROCESSES, os.cpu_count() or 1), progress=lambda count: tell(count, total),
    )  # fmt: skip
    for name, write in MONTH_WORKBOOKS:
        done.append(_month_workbook(name(month), write, source, context, out, before))
        tell(len(done), total)
    result = WorkbooksWritten()
    for each in done:
        (result.unchanged if each.kept else result.written).append(out / each.name)
    notes: dict[str, dict[str, Any]] = {each.name: each.note for each in done}
    result.differences = _differences(before, notes)
    write_manifest(out, notes)
    return result


def _month_workbook(
    name: str, write: Callable[[Path, Source, Context], None], source: Source, context: Context, out: Path,
    before: dict[str, dict[str, Any]],
) -> Done:  # fmt: skip
    """One workbook of the whole month: always written, and only put in place where its bytes differ."""
    fresh = out / f".{name}.new"
    write(fresh, source, context)
    digest = file_digest(fresh)
    kept = digest == before.get(name, {}).get("file")
    if file_digest(out / name) == digest:
        fresh.unlink()
    else:
        fresh.replace(out / name)
    return Done(name, {"file": digest, "shown": {}}, kept=kept)


def _differences(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[Difference]:
    found = []
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            found.append(Difference(name, "gone", ""))
        elif name not in before:
            found.append(Difference(name, "new", ""))
        elif before[name]["file"] != now[name]["file"]:
            old, new = before[name]["shown"], now[name]["shown"]
            detail = "; ".join(
                f"{key}: {old.get(key)} → {value}" for key, value in new.items() if old.get(key) != value
            )
            found.append(Difference(name, "rewritten", detail))
    return found
