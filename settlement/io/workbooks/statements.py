"""All statements of a month: who gets one, which have changed, and the processes that write them.

What belongs here: names of files, batches, the pool. What does not: what a statement shows.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from settlement.io.home import file_part
from settlement.io.workbooks.context import Context
from settlement.io.workbooks.month_data import STATEMENT_TABLES, PrincipalTables
from settlement.io.workbooks.statement import write_statement
from settlement.io.workbooks.written import ContentDigest, file_digest

ALONE = 100  # statements: fewer are written in this process, a pool costs more than it gains
BATCH = 40
LONGEST_ID = 100  # bytes of an id in a file name: file systems take 255 for the whole name


@dataclass(frozen=True)
class Job:
    """One statement to write: whose, under which name, and what the last run noted of it."""

    principal: str
    name: str
    before: dict[str, Any] | None


@dataclass(frozen=True)
class Done:
    """One statement that stands: its note for the next run, and whether its bytes are the earlier ones."""

    name: str
    note: dict[str, Any]
    kept: bool


def statement_names(principals: list[str], month: str) -> dict[str, str]:
    """File name of each principal's statement, from ids only; ids that look alike as file names get a digest."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for principal in principals:
        part = file_part(principal).encode()[:LONGEST_ID].decode(errors="ignore")
        if part.casefold() in taken or part != principal:
            part = f"{part}-{hashlib.sha256(principal.encode()).hexdigest()[:6]}"
        taken.add(part.casefold())
        names[principal] = f"对账单-{part}-{month}.xlsx"
    return names


def write_statements(
    tables: PrincipalTables, context: Context, jobs: list[Job], out: Path, previous: Path | None, *,
    processes: int, progress: Callable[[int], None],
) -> list[Done]:  # fmt: skip
    """Every job's file stands in ``out`` afterwards. The result is in the order of ``jobs``."""
    if len(jobs) < ALONE or processes < 2:
        done = []
        for job in jobs:
            done.append(_one(tables, context, job, out, previous))
            progress(len(done))
        return done
    results: dict[str, Done] = {}
    with tempfile.TemporaryDirectory() as folder:
        tables.save(Path(folder))
        # Spawned, not forked: the parent holds database threads.
        with ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(folder, context, out, previous)
        ) as pool:
            batches = [pool.submit(_batch, jobs[start : start + BATCH]) for start in range(0, len(jobs), BATCH)]
            for batch in as_completed(batches):
                results.update({done.name: done for done in batch.result()})
                progress(len(results))
    return [results[job.name] for job in jobs]


_WORKER: dict[str, Any] = {}


def _begin(folder: str, context: Context, out: Path, previous: Path | None) -> None:
    _WORKER.update(tables=PrincipalTables.load(Path(folder)), context=context, out=out, previous=previous)


def _batch(jobs: list[Job]) -> list[Done]:
    return [_one(_WORKER["tables"], _WORKER["context"], job, _WORKER["out"], _WORKER["previous"]) for job in jobs]


def _one(tables: PrincipalTables, context: Context, job: Job, out: Path, previous: Path | None) -> Done:
    """Take over the earlier file where it shows the same and nobody touched it; else write."""
    content = _content(tables, context, job.principal)
    target, before = out / job.name, job.before or {}
    if (
        previous is not None
        and before.get("content") == content
        and file_digest(previous / job.name) == before.get("file")
    ):
        if previous != out:
            shutil.copyfile(previous / job.name, target)
        return Done(job.name, before, kept=True)
    write_statement(target, tables, job.principal, context)
    note = {"content": content, "file": file_digest(target), "shown": _shown(tables, job.principal)}
    return Done(job.name, note, kept=note["file"] == before.get("file"))


def _content(tables: PrincipalTables, context: Context, principal: str) -> str:
    persons = (sorted(context.persons.accounts), sorted(context.persons.names))
    digest = ContentDigest(
        context.month, context.as_of, context.language, context.incomplete, sorted(context.company.items()),
        sorted(context.principals.get(principal, {}).items()), persons,
    )  # fmt: skip
    for name in STATEMENT_TABLES:
        digest.rows(name, tables.rows(name, principal))
    return digest.hexdigest()


def _shown(tables: PrincipalTables, principal: str) -> dict[str, str]:
    """The figures by which a difference is told: the closing, and how many rows each sheet has."""
    balances: Iterator[dict[str, Any]] = tables.rows("balances", principal)
    closing = next(balances, {"closing": None})["closing"]
    counts = {
        name: str(tables.count(name, principal)) for name in STATEMENT_TABLES if name not in ("balances", "accounts")
    }
    return {"closing": str(closing), **counts}
