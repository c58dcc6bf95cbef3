"""The run: the month being settled, its databases and its lock, as a Dagster resource.

What belongs here: holding the home while a job runs, and the few ways assets read and keep
relations. What does not: any rule, any file format.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import ibis
import ibis.expr.types as ir
from pydantic import PrivateAttr

from settlement import month as months
from settlement.checks.mart_schemas import mart_table
from settlement.io.engine import collect_seldom
from settlement.io.home import find_home
from settlement.io.ingest import MonthFiles
from settlement.io.lock import holding
from settlement.io.parameters import load_parameters
from settlement.io.published import month_states
from settlement.io.run_record import input_digest, now, refusal
from settlement.io.warehouse import FOR_NOW, Warehouse, conformed

PARTITION_TAG = "dagster/partition"
RUN = "run"


class SettlementRun(dg.ConfigurableResource):
    """The month that is being settled, and where.

    ``home``: the data folder (empty: SETTLEMENT_HOME, else ``data``). ``as_of``: the day that decides
    every deadline, ``YYYY-MM-DD`` (empty: the last day of the month). ``workbooks``: write the Excel files.
    """

    home: str = ""
    as_of: str = ""
    lang: str = "zh"
    workbooks: bool = True
    wait_seconds: int = 600

    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)
    _warehouse: Warehouse | None = PrivateAttr(default=None)
    _digest: Future[str] | None = PrivateAttr(default=None)
    _is_part: bool = PrivateAttr(default=False)
    _month_files: MonthFiles | None = PrivateAttr(default=None)
    _parameters: object = PrivateAttr(default=None)
    _run_id: str = PrivateAttr(default="")
    _started_at: datetime = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        run = context.dagster_run
        tags = run.tags if run else {}
        if PARTITION_TAG not in tags:
            raise dg.Failure("no month chosen: launch the job with a partition like 2023-09")
        month = months.checked(tags[PARTITION_TAG])
        collect_seldom()
        as_of = date.fromisoformat(self.as_of) if self.as_of else months.last_day(month)
        home = find_home(self.home or None)
        self._run_id = run.run_id
        self._started_at = now()
        self._parameters = load_parameters(home.reference)
        with ExitStack() as held:
            held.enter_context(
                holding(
                    home.workshop / "lock",
                    who=f"settle_month {month}, run {run.run_id}",
                    wait_seconds=self.wait_seconds,
                    tell=_teller(context),
                )
            )
            # Whoever launches it, and however long it waited: only what holds now, with the lock held, counts.
            why_not = refusal(month_states(home), home.months(), month)
            if why_not:
                raise dg.Failure(f"{month} is not settled: {why_not}", allow_retries=False)
            self._warehouse = Warehouse(home, month, as_of)
            self._warehouse.open()
            # Where only a part of the job is launched nobody waits at its end for what is still being made.
            self._warehouse.con.is_waiting = self._is_part = _is_part(run)
            held.callback(self._warehouse.close)
            self._stack = held.pop_all()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        self._stack.close()
        self._warehouse = self._month_files = self._digest = None

    # --- what assets use -----------------------------------------------------------------------
    @property
    def warehouse(self) -> Warehouse:
        if self._warehouse is None:
            raise dg.Failure("the run is not open: launch the whole job settle_month")
        return self._warehouse

    @property
    def con(self):
        return self.warehouse.con

    @property
    def month(self) -> str:
        return self.warehouse.month

    @property
    def day(self) -> date:
        """as_of as a date."""
        return self.warehouse.as_of

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def is_part(self) -> bool:
        """Whether only a part of the job is launched."""
        return self._is_part

    @property
    def started_at(self) -> datetime:
        return self._started_at

    @property
    def parameters(self):
        return self._parameters

    @property
    def staging(self) -> Path:
        """Where workbooks are written before they are put in their place."""
        return self.warehouse.home.workshop / "statements"

    def facts(self, name: str) -> ir.Table:
        return self.warehouse.work("facts", name)

    def reference(self, name: str) -> ir.Table:
        return self.warehouse.work("reference", name)

    def book(self, name: str) -> ir.Table:
        """This month's rows of a published table."""
        return self.warehouse.work("book", name)

    def past(self, name: str) -> ir.Table:
        """Earlier months' rows of a published table."""
        return self.warehouse.past(name, mart_table(name))

    def month_files(self) -> MonthFiles:
        """The month's files, being read since they were first asked for in this run."""
        if self._month_files is None:
            self._month_files = self._stack.enter_context(MonthFiles(self.warehouse.home, self.month))
        return self._month_files

    def keep(self, schema: str, name: str, relation: ir.Table) -> ir.Table:
        return self.warehouse.keep(schema, name, relation)

    def keep_for_now(self, name: str, relation: ir.Table) -> ir.Table:
        """A relation that nobody needs when the asset is made: gone with ``forget``, there for engineers if it fails."""
        return self.keep(FOR_NOW, name, relation)

    def forget(self) -> None:
        """The end of what was kept for now."""
        self.con.drop_kept(FOR_NOW)

    def keep_book(self, name: str, relation: ir.Table) -> ir.Table:
        """The month's rows of a published table, in the columns and types of mart.yaml, ordered by its key."""
        schema = mart_table(name)
        with_month = relation.mutate(month=ibis.literal(self.month))
        return self.keep("book", name, conformed(with_month, schema))

    def input_digest(self) -> Future[str]:
        """The digest of the month's files, being worked out since it was first asked for in this run."""
        if self._digest is None:
            pool = self._stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="digest"))
            self._digest = pool.submit(input_digest, self.warehouse.home, self.month)
        return self._digest

    def has_book(self, name: str) -> bool:
        """Whether this month's rows of a published table are made, or being made."""
        return name in self.warehouse.tables_of("book")

    def found(self, name: str, rows: ir.Table) -> None:
        """Exceptions of a stage (``rules.exceptions.FOUND``)."""
        self.keep("found", name, rows)

    def all_found(self) -> list[ir.Table]:
        return [self.warehouse.work("found", name) for name in self.warehouse.tables_of("found")]


def _is_part(run: dg.DagsterRun) -> bool:
    return bool(run.asset_selection) and dg.AssetKey("published_warehouse") not in run.asset_selection


def _teller(context: dg.InitResourceContext) -> Callable[[str], None]:
    """To the run's log, and to whoever waits at a terminal: the command shows nothing of that log."""

    def tell(text: str) -> None:
        if context.log:
            context.log.warning(text)
        print(text, file=sys.stderr, flush=True)

    return tell
