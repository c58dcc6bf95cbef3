"""The engine: how a DuckDB connection of this project is opened, and the functions it must know.

What belongs here: macros that the rules call by name (``ibis.udf.scalar.builtin``) and settings
that make a run repeatable and closed to the network. What does not: tables, files, business.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from ibis.common.exceptions import TableNotFound

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


class Engine(Backend):
    """Ibis' DuckDB backend, less what it does again and again: a month asks a thousand times what columns a table has."""

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> sch.Schema:
        """The schema of a table. Raises ``TableNotFound``. The name of a type is parsed once, not once a column."""
        described = sge.Describe(this=sg.table(table_name, db=database, catalog=catalog, quoted=True))
        try:
            columns = self.con.execute(described.sql(self.dialect)).fetchall()
        except duckdb.CatalogException as error:
            raise TableNotFound(table_name) from error
        return sch.Schema({name: _type_named(text, null == "YES") for name, text, null, *_ in columns})


@lru_cache(maxsize=1024)
def _type_named(text: str, nullable: bool) -> dt.DataType:
    return DuckDBType.from_string(text, nullable=nullable)


def connect(path: Path | None = None, *, read_only: bool = False, memory_limit: str | None = None) -> Backend:
    """An Ibis backend on a DuckDB file (or in memory), with this project's macros.

    ``memory_limit`` like ``"2GB"``. No extension is installed or loaded from outside.
    Raises ``duckdb.IOException`` where another process holds the file for writing.
    """
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    if memory_limit:
        settings["memory_limit"] = memory_limit
    if path is None:
        settings["checkpoint_threshold"] = "1TB"  # there is no file to write to: packing the tables up gains nothing
    backend = Engine().connect(path or ":memory:", read_only=read_only, **settings)
    for macro in _MACROS:
        backend.raw_sql(macro)
    return backend
