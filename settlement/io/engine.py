"""The engine: how a DuckDB connection of this project is opened, and the functions it must know.

What belongs here: macros that the rules call by name (``ibis.udf.scalar.builtin``) and settings
that make a run repeatable and closed to the network. What does not: tables, files, business.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType
from ibis.common.exceptions import TableNotFound
from ibis.common.graph import Graph
from ibis.common.patterns import AnyOf, InstanceOf, Object, Pattern, Replace

from settlement.io.later import Later

# Drawing selects together is half of what compiling an expression costs; the engine runs them as well apart.
ibis.options.sql.fuse_selects = False

# Exact on 128-bit integers: DuckDB's "/" on decimals is a double. Both sides are widened to ten decimals,
# those of DECIMAL(18,2) x DECIMAL(18,8). The same in Spark: SQL functions over `div`.
_WIDENED = """CREATE OR REPLACE TEMP MACRO widened(x) AS
    CAST(CAST(x AS DECIMAL(38, 10)) * CAST(10000000000 AS DECIMAL(38, 0)) AS HUGEINT)"""

_IN_FEN = """CREATE OR REPLACE TEMP MACRO in_fen(x) AS CAST(CAST(x AS DECIMAL(28, 2)) * 100 AS HUGEINT)"""

_DIVIDE = """CREATE OR REPLACE TEMP MACRO divide_half_up_{places}(n, d) AS
    CASE WHEN d = 0 THEN NULL ELSE
        CAST(CAST(CAST(sign(n) * sign(d) AS HUGEINT)
            * ((2 * abs(widened(n)) * {scale} + abs(widened(d))) // (2 * abs(widened(d)))) AS DECIMAL(28, 0))
            * CAST({unit} AS DECIMAL({width}, {places})) AS DECIMAL(18, {places})) END"""

_FLOOR_SHARE = """CREATE OR REPLACE TEMP MACRO floor_share(t, w, s) AS
    CASE WHEN s = 0 THEN NULL ELSE
        CAST(CAST((in_fen(t) * in_fen(w)) // in_fen(s) AS DECIMAL(28, 0))
            * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2)) END"""

_MACROS = (
    _WIDENED,
    _IN_FEN,
    *(
        _DIVIDE.format(places=places, scale=10**places, unit=f"{10**-places:.{places}f}", width=places + 1)
        for places in (0, 2, 4, 8)
    ),
    _FLOOR_SHARE,
    """CREATE OR REPLACE TEMP MACRO share_remainder(t, w, s) AS CAST(
        CASE WHEN s = 0 THEN NULL ELSE (in_fen(t) * in_fen(w)) % in_fen(s) END AS DECIMAL(38, 0))""",
)


_SETTINGS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
# What Ibis sets on the one connection it knows of.
_SESSION = ("SET timezone = 'UTC'", "SET python_enable_replacements = false")
# Statements in the background: one with few rows keeps one core busy.
AT_A_TIME = 2


def collect_seldom() -> None:
    """Garbage is seldom collected from now on: a month compiles some hundred expressions of many small objects, and
    looking through them again and again costs a third of it."""
    gc.set_threshold(2_000_000, 100, 1_000)


@contextmanager
def drawn_together() -> Iterator[None]:
    """While it lasts, expressions are compiled to SQL that people read: one select for several steps, where that is one."""
    ibis.options.sql.fuse_selects = True
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = False


def _types_of(pattern: Pattern) -> tuple[type, ...]:
    """Only nodes of these types can match a pattern; every node, where it does not say."""
    if isinstance(pattern, Replace):
        return _types_of(pattern.matcher)
    if isinstance(pattern, AnyOf):
        return tuple(kind for part in pattern.patterns for kind in _types_of(part))
    if isinstance(pattern, Object):
        return _types_of(pattern.type)
    return (pattern.type,) if isinstance(pattern, InstanceOf) else (ops.Node,)


class Compiler(DuckDBCompiler):
    """Ibis' compiler to DuckDB's SQL, less the rewriting of what does not occur in an expression: to look for it again
    and again in every node is a fifth of the work."""

    __slots__ = ("rewrites",)
    lowered_ops = LOWERED_OPS = {}

    def translate(self, op: ops.Node, *, params: Mapping[ir.Value, object]) -> sge.Expression:
        """As Ibis has it."""
        found = {type(node) for node in Graph.from_bfs(op)}
        self.rewrites = tuple(rewrite for rewrite, kinds in _REWRITES if any(issubclass(kind, kinds) for kind in found))
        return super().translate(op, params=params)


_REWRITES = tuple((rewrite, _types_of(rewrite)) for rewrite in DuckDBCompiler.rewrites)


class Engine(Backend):
    """Ibis' DuckDB backend, less what it does again and again: a month asks a thousand times what columns a table has.

    ``keep`` makes tables in the background. ``to_pyarrow``, ``execute`` and ``load`` wait for those they need, whatever else is asked
    of the connection waits until nothing is under way.
    """

    compiler = Compiler()

    def __init__(self, *given, **more) -> None:
        self._later: Later | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._beginning: Sequence[str] = ()
        self._is_aside = False
        self.is_waiting = False  # for each table that it keeps, at once: nobody after it may ask
        self._kept: dict[tuple[str | tuple[str, str] | None, str], ir.Table] = {}
        super().__init__(*given, **more)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection, when nothing is under way."""
        if self._later is not None and not self._is_aside:
            self._later.finish()
        return self._connection

    @con.setter
    def con(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def creation(self, schema: str, name: str, relation: ir.Table, *, is_shown: bool = False) -> str:
        """The SQL that makes the relation a table, each column cast to the type Ibis says it has: the engine widens sums,
        and dates to times. ``is_shown``: drawn together and laid out, for people.

        One CREATE TABLE AS: Ibis' own create_table computes into a second table, inserts, drops and renames, which
        costs more than most relations of a month.
        """
        types = self.compiler.type_mapper
        with drawn_together() if is_shown else nullcontext():
            inner = self.compiler.to_sqlglot(relation).subquery("kept", copy=False)
        columns = [
            sge.alias_(sge.Cast(this=sg.column(column, quoted=True), to=types.from_ibis(kind)), column, quoted=True)
            for column, kind in relation.schema().items()
        ]
        made = sge.Create(
            kind="TABLE",
            this=sg.table(name, db=schema, quoted=True),
            replace=True,
            expression=sg.select(*columns, copy=False).from_(inner, copy=False),
        )
        return made.sql(self.dialect, pretty=is_shown, copy=False)  # the tree is not used again

    def keep(self, schema: str, name: str, relation: ir.Table, sql: str | None = None) -> ir.Table:
        """The relation as a table, made in the background: what comes after it may read it at once.

        ``sql``: the ``creation`` of it, where it was asked for. Errors of the engine are raised by what waits for it.
        """
        if self._later is None:
            self._later = Later([self.another() for _ in range(AT_A_TIME)])
        sql = sql or self.creation(schema, name, relation)
        self._later.run((schema, name), sql, after=_tables_of(relation), rows=rows_in(relation))
        if self.is_waiting:
            self._later.finish()
        kept = sch.Schema({column: _kept_as(kind) for column, kind in relation.schema().items()})
        place = ops.Namespace(database=schema)
        self._kept[schema, name] = ops.DatabaseTable(name, schema=kept, source=self, namespace=place).to_expr()
        return self._kept[schema, name]

    def table(self, name: str, /, *, database: str | tuple[str, str] | None = None) -> ir.Table:
        """As Ibis has it; a table that is being made is known without waiting. Raises ``TableNotFound``."""
        kept = self._kept.get((database, name))
        return super().table(name, database=database) if kept is None else kept

    def create_table(self, name: str, /, *rows: ir.Table | pa.Table, **more) -> ir.Table:
        """As Ibis has it."""
        self._kept.pop((more.get("database"), name), None)
        return super().create_table(name, *rows, **more)

    def drop_table(self, name: str, /, **more) -> None:
        """As Ibis has it."""
        self._kept.pop((more.get("database"), name), None)
        super().drop_table(name, **more)

    def wait_for(self, relations: Iterable[ir.Table]) -> None:
        """Until the tables that these read are made, for whoever reads them on another connection."""
        if self._later is not None:
            self._later.finish({table for relation in relations for table in _tables_of(relation)})

    def drop_kept(self, schema: str) -> None:
        """Drop every table kept in a schema, in the background, when what reads them now has read them."""
        names = [name for of, name in self._kept if of == schema]
        for name in names:
            del self._kept[schema, name]
            sql = sge.Drop(kind="TABLE", this=sg.table(name, db=schema, quoted=True)).sql(self.dialect)
            self._later.run((schema, name), sql)

    def kept_in(self, schema: str) -> list[str]:
        """Names of the tables kept in a schema, made or being made."""
        return sorted(name for of, name in self._kept if of == schema)

    def to_pyarrow(self, expr: ir.Expr, /, **more):
        """As Ibis has it, of the tables it needs."""
        with self._aside(expr):
            return super().to_pyarrow(expr, **more)

    def execute(self, expr: ir.Expr, /, **more):
        """As Ibis has it, of the tables it needs."""
        with self._aside(expr):
            return super().execute(expr, **more)

    def load(self, name: str, rows: pa.Table) -> ir.Table:
        """A new table of these rows, while others are made."""
        with self._aside():
            return self.create_table(name, rows)

    @contextmanager
    def _aside(self, expr: ir.Expr | None = None) -> Iterator[None]:
        """The connection, when what an expression needs is there, beside what is under way on others."""
        if self._later is not None and expr is not None:
            self._later.finish(_tables_of(expr))
        was, self._is_aside = self._is_aside, True
        try:
            yield
        finally:
            self._is_aside = was

    def attach_unlogged(self, path: Path, name: str, *, rows_a_group: int | None = None) -> None:
        """Attach a database file, new or there, that nobody needs if this process ends before a CHECKPOINT of it.

        ``rows_a_group``: how many rows are packed up together from now on. Full groups are written while rows are being
        inserted, by all cores; the rest waits for the CHECKPOINT.
        """
        file, catalog = sge.convert(str(path)).sql("duckdb"), sg.to_identifier(name, quoted=True).sql("duckdb")
        size = "" if rows_a_group is None else f", ROW_GROUP_SIZE {rows_a_group:d}"
        self.raw_sql(f"ATTACH {file} AS {catalog} (RECOVERY_MODE no_wal_writes{size})")

    def begun_with(self, statements: Sequence[str]) -> None:
        """Run what every connection of this backend begins with: its macros, its catalog."""
        self._beginning = (*_SESSION, *statements)
        for statement in self._beginning:
            self._connection.execute(statement)

    def another(self) -> duckdb.DuckDBPyConnection:
        """A connection more to the same databases."""
        connection = self._connection.cursor()
        for statement in self._beginning:
            connection.execute(statement)
        return connection

    def give_up(self) -> None:
        """Stop what is under way, and forget what came of it: nobody asks any more."""
        if self._later is not None:
            self._later.close()
            self._later = None

    def disconnect(self) -> None:
        """As Ibis has it."""
        self.give_up()
        super().disconnect()

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> sch.Schema:
        """The schema of a table. Raises ``TableNotFound``. The name of a type is parsed once, not once a column."""
        described = sge.Describe(this=sg.table(table_name, db=database, catalog=catalog, quoted=True))
        if self._later is not None:
            self._later.finish([(database, table_name)])
        try:
            columns = self._connection.execute(described.sql(self.dialect)).fetchall()
        except duckdb.CatalogException as error:
            raise TableNotFound(table_name) from error
        return sch.Schema({name: _type_named(text, null == "YES") for name, text, null, *_ in columns})


def rows_in(relation: ir.Table) -> dict[str, pa.Table]:
    """The tables in memory that a relation reads, by the names its SQL calls them."""
    return {table.name: table.data.to_pyarrow(table.schema) for table in relation.op().find(ops.InMemoryTable)}


def _tables_of(expr: ir.Expr) -> set[tuple[str | None, str]]:
    """What an expression reads, as ``Later`` knows it."""
    return {(table.namespace.database, table.name) for table in expr.op().find(ops.DatabaseTable)}


@lru_cache(maxsize=1024)
def _type_named(text: str, nullable: bool) -> dt.DataType:
    return DuckDBType.from_string(text, nullable=nullable)


@lru_cache(maxsize=1024)
def _kept_as(kind: dt.DataType) -> dt.DataType:
    return DuckDBType.from_string(DuckDBType.to_string(kind), nullable=True)


def connect(path: Path | None = None, *, read_only: bool = False, memory_limit: str | None = None) -> Engine:
    """An Ibis backend on a DuckDB file (or in memory), with this project's macros.

    ``memory_limit`` like ``"2GB"``. No extension is installed or loaded from outside.
    Raises ``duckdb.IOException`` where another process holds the file for writing.
    """
    settings = dict(_SETTINGS)
    if memory_limit:
        settings["memory_limit"] = memory_limit
    if path is None:
        settings["checkpoint_threshold"] = "1TB"  # there is no file to write to: packing the tables up gains nothing
    backend = Engine().connect(path or ":memory:", read_only=read_only, **settings)
    backend.begun_with(_MACROS)
    return backend


def spill_of(path: Path) -> Path:
    """Where the engine of a scratch file puts what memory does not hold."""
    return path.with_name(path.name + ".tmp")


def connect_scratch(path: Path, name: str) -> Engine:
    """An Ibis backend whose default catalog is ``name``, a new DuckDB file that only this run reads.

    Nothing in the file lasts before a CHECKPOINT: no log is written, and no table is packed up on the way. What a
    month keeps is used a few times and thrown away; packing it up costs more than making it.
    """
    backend = Engine().connect(":memory:", **_SETTINGS, checkpoint_threshold="1TB", temp_directory=str(spill_of(path)))
    backend.raw_sql("PRAGMA disable_checkpoint_on_shutdown")
    backend.attach_unlogged(path, name)
    backend.begun_with((f"USE {sg.to_identifier(name, quoted=True).sql('duckdb')}", *_MACROS))
    return backend
