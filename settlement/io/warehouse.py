"""The warehouse: the work file of a run, the next published file, and the rename that publishes it.

What belongs here: opening, attaching, keeping relations as tables, the one transaction that
replaces a month's rows, the atomic rename. What does not: what the rows mean.

Three databases, see docs/architecture.md: ``settlement.duckdb`` (published, only ever replaced),
``work/work.duckdb`` (this run's), ``work/next.duckdb`` (the coming published file, catalog ``books``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.common.exceptions import TableNotFound

from settlement.io.engine import Engine, connect_scratch, rows_in, spill_of
from settlement.io.home import Home
from settlement.io.replacing import Replacing

BOOKS, WORK = "books", "work"
FOR_NOW = "workings"
WORK_SCHEMAS = ("stage", "reference", "facts", FOR_NOW, "found", "book")
BOOKS_SCHEMAS = ("mart", "input", "reference")
_PUBLISHED_AS = {"book": "mart", "stage": "input", "reference": "reference"}
_ARRIVED = "arrived"
# A quarter of what the engine takes by itself: the tables of 30,000 to 120,000 rows, most of a month of 100,000 orders, are
# packed up on the way and not at the end. The file is a tenth larger.
_ROWS_A_GROUP = 30_720
Rows = Mapping[tuple[str, str], ir.Table]


class Warehouse:
    """One run's databases. ``con`` is the Ibis backend of the work file with ``books`` attached."""

    def __init__(self, home: Home, month: str, as_of: date) -> None:
        self.home = home
        self.month = month
        self.as_of = as_of
        self.con: Engine | None = None
        self.made_by: dict[tuple[str, str], str] = {}  # the SQL that made each table, for the UI
        self._is_published = False
        self._replacing: Replacing | None = None
        self._replaced: set[tuple[str, str]] = set()

    @property
    def work_file(self) -> Path:
        return self.home.workshop / "work.duckdb"

    @property
    def next_file(self) -> Path:
        return self.home.workshop / "next.duckdb"

    def open(self) -> None:
        """Begin anew: whatever an earlier run left in the workshop is thrown away, the published file is copied."""
        self.home.workshop.mkdir(parents=True, exist_ok=True)
        for file in (self.work_file, self.next_file):
            _remove(file)
        if self.home.published.exists():
            shutil.copyfile(self.home.published, self.next_file)
        self.con = connect_scratch(self.work_file, WORK)
        self.con.attach_unlogged(self.next_file, BOOKS, rows_a_group=_ROWS_A_GROUP)
        self._is_published = False
        for schema in WORK_SCHEMAS:
            self.con.create_database(schema, force=True)
        for schema in BOOKS_SCHEMAS:
            self.con.raw_sql(
                sge.Create(kind="SCHEMA", this=sg.table(schema, db=BOOKS, quoted=True), exists=True).sql("duckdb")
            )

    def close(self) -> None:
        """Let go of the files. After a run that did not publish the work file says how far it came, until the next ``open``."""
        if self.con is None:
            return
        self.con.give_up()
        if self._replacing is not None:
            self._replacing.close()
            self._replacing = None
        try:
            if not self._is_published:
                self.con.raw_sql(f"CHECKPOINT {WORK}")
        finally:
            self.con.disconnect()
            self.con = None
        if self._is_published:
            _remove(self.work_file)

    # --- the work file -------------------------------------------------------------------------
    def keep(self, schema: str, name: str, relation: ir.Table) -> ir.Table:
        """The relation as a table of the work file: computed once, in the background, readable by name at once."""
        if (_PUBLISHED_AS.get(schema), name) in self._replaced:
            raise AssertionError(f"{schema}.{name} is made again, and what it was is being published")
        sql = self.con.creation(schema, name, relation, is_shown=schema == "book")
        self.made_by[schema, name] = sql
        return self.con.keep(schema, name, relation, sql)

    def work(self, schema: str, name: str) -> ir.Table:
        """A table of the work file. Raises ``TableNotFound``."""
        return self.con.table(name, database=schema)

    def has_work(self, schema: str, name: str) -> bool:
        return self._has(self.con.current_catalog, schema, name)

    def tables_of(self, schema: str) -> list[str]:
        """Names of the tables of the work file in a schema, in order."""
        return self.con.kept_in(schema)

    # --- the books -----------------------------------------------------------------------------
    def books(self, schema: str, name: str) -> ir.Table:
        return self.con.table(name, database=(BOOKS, schema))

    def has_books(self, schema: str, name: str) -> bool:
        return self._has(BOOKS, schema, name)

    def past(self, name: str, like: ibis.Schema) -> ir.Table:
        """Rows of earlier months of a published table (``mart``); empty with ``like``'s columns in a new home."""
        return self._earlier("mart", name, like)

    def past_input(self, name: str, like: ibis.Schema) -> ir.Table:
        """Accepted input rows of earlier months."""
        return self._earlier("input", name, like)

    def _earlier(self, schema: str, name: str, like: ibis.Schema) -> ir.Table:
        if not self.has_books(schema, name):
            return empty(like)
        table = self.books(schema, name)
        return conformed(table.filter(table.month < self.month), like)

    def _has(self, catalog: str, schema: str, name: str) -> bool:
        try:
            self.con.get_schema(name, catalog=catalog, database=schema)
        except TableNotFound:
            return False
        return True

    # --- publishing ----------------------------------------------------------------------------
    def begin_month(self, rows: Rows, whole: Rows, coming: Mapping[tuple[str, str], ibis.Schema]) -> None:
        """Begin, in the background, what ``replace_month`` ends: the rows that nothing changes any more.

        ``coming``: the columns of the tables that it will bring. Until it ends nothing of it is in the books.
        """
        schemas = {key: relation.schema() for key, relation in {**rows, **whole}.items()}
        for (schema, name), columns in {**schemas, **coming}.items():
            self._ensure(schema, name, columns)
        self.con.wait_for([*rows.values(), *whole.values()])
        self._replacing = Replacing(self.con.another())
        for month, relations in ((self.month, rows), (None, whole)):
            for (schema, name), relation in relations.items():
                ordered = self._in_order(schema, name, relation)
                self._replace(schema, name, month, self.con.compiler.to_sqlglot(ordered), rows_in(ordered))

    def replace_month(self, rows: Rows, whole: Rows) -> None:
        """In one transaction: this month's rows of each ``(schema, table)`` of the books are replaced.

        ``whole`` tables are replaced entirely (the reference masters, the run record). What ``begin_month`` was given
        is on its way. Raises what any statement raises; then nothing is replaced.
        """
        if self._replacing is None:
            self.begin_month(rows, whole, {})
        for month, relations in ((self.month, rows), (None, whole)):
            for (schema, name), relation in relations.items():
                if (schema, name) not in self._replaced:
                    arrived = self.con.to_pyarrow(self._in_order(schema, name, relation))
                    self._replace(schema, name, month, sg.select("*").from_(_ARRIVED), {_ARRIVED: arrived})
        replacing, self._replacing, self._replaced = self._replacing, None, set()
        replacing.commit()

    def _replace(
        self, schema: str, name: str, month: str | None, select: sge.Query, arrived: Mapping[str, pa.Table]
    ) -> None:
        target = sg.table(name, db=schema, catalog=BOOKS, quoted=True)
        old = sge.Delete(this=target)
        if month is None:
            self._replacing.run(old.sql("duckdb"))
        else:
            self._replacing.run(old.where(sg.column("month", quoted=True).eq(sge.Placeholder())).sql("duckdb"), [month])
        self._replacing.run(sge.insert(select, target).sql("duckdb"), rows=arrived)
        self._replaced.add((schema, name))

    def count_made(self, tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Rows in the work file of what the books' ``(schema, table)`` are written from."""
        made = {place: kept for kept, place in _PUBLISHED_AS.items()}
        return self._counts({key: sg.table(key[1], db=made[key[0]], quoted=True) for key in tables}, None)

    def count_written(self, tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Rows of this month in the books' ``(schema, table)``."""
        places = {key: sg.table(key[1], db=key[0], catalog=BOOKS, quoted=True) for key in tables}
        return self._counts(places, sg.column("month", quoted=True).eq(sge.convert(self.month)))

    def _counts(
        self, tables: Mapping[tuple[str, str], sge.Table], condition: sge.Condition | None
    ) -> dict[tuple[str, str], int]:
        """All in one query."""
        counts = [
            sg.select(sge.convert(number), sge.Count(this=sge.Star())).from_(table).where(condition)
            for number, table in enumerate(tables.values())
        ]
        whole = reduce(lambda one, other: sg.union(one, other, distinct=False), counts)
        found = dict(self.con.con.execute(whole.sql("duckdb")).fetchall())
        return {key: found[number] for number, key in enumerate(tables)}

    def publish(self) -> None:
        """Put the books in the place of the published file, by one rename. Nobody ever sees half of it."""
        self.con.raw_sql(f"CHECKPOINT {BOOKS}")
        self.con.detach(BOOKS)
        with open(self.next_file, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(self.next_file, self.home.published)
        self._is_published = True
        _sync_folder(self.home.published.parent)

    def attach_published(self) -> None:
        """The published file, read-only, as the books: what everybody sees from now on."""
        self.con.attach(self.home.published, name=BOOKS, read_only=True)

    def _ensure(self, schema: str, name: str, wanted: ibis.Schema) -> None:
        """The books' table, created or widened by the columns it lacks: an older file gains them as NULL."""
        if not self.has_books(schema, name):
            self.con.create_table(name, schema=wanted, database=(BOOKS, schema))
            return
        present = self.books(schema, name).schema()
        for column, kind in wanted.items():
            if column not in present:
                target = sg.table(name, db=schema, catalog=BOOKS, quoted=True)
                definition = sge.ColumnDef(
                    this=sg.to_identifier(column, quoted=True), kind=self.con.compiler.type_mapper.from_ibis(kind)
                )
                self.con.raw_sql(sge.Alter(this=target, kind="TABLE", actions=[definition]).sql("duckdb"))

    def _in_order(self, schema: str, name: str, relation: ir.Table) -> ir.Table:
        """The relation with the columns of the books' table, by name: an insert goes by position."""
        return conformed(relation, self.books(schema, name).schema())


def empty(schema: ibis.Schema) -> ir.Table:
    """A relation of no rows."""
    return ibis.memtable([], schema=schema)


def conformed(relation: ir.Table, schema: ibis.Schema) -> ir.Table:
    """The relation with just the schema's columns, in its order and types; what it lacks is NULL."""
    present = relation.schema()
    return relation.select(
        **{
            column: (relation[column].cast(kind) if present[column] != kind else relation[column])
            if column in present
            else ibis.null(kind)
            for column, kind in schema.items()
        }
    )


def _remove(file: Path) -> None:
    """A database file and what a killed run may have left beside it."""
    for path in (file, file.with_name(file.name + ".wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(spill_of(file), ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
