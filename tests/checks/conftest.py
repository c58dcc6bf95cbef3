"""A small warehouse in memory: rows of published tables written as dicts, the rest filled with valid cells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from settlement.checks.mart_schemas import MartColumn, MartTable, mart_table, mart_tables
from settlement.io.engine import connect

MONTH = "2023-09"
_CELLS = {
    "text": "文",
    "date": date(2023, 9, 5),
    "time": datetime.fromisoformat("2023-09-05 10:00:00"),
    "money": Decimal("0.00"),
    "rate": Decimal("1.00000000"),
    "quantity": Decimal("1.000000"),
    "whole": 1,
    "flag": False,
}


def _cell(column: MartColumn):
    if not column.required:
        return None
    if column.values:
        return column.values[0]
    if column.form:
        return {"month": MONTH, "json_list": "[]"}[column.form]
    return _CELLS[column.kind]


def arrow_rows(table: MartTable, rows: list[dict]) -> pa.Table:
    """The rows as Arrow in the table's types; money may be given as text."""
    unknown = {name for row in rows for name in row} - set(table.schema)
    assert not unknown, f"{table.name} has no columns {sorted(unknown)}"
    full = []
    for row in rows:
        cells = {column.name: row.get(column.name, _cell(column)) for column in table.columns}
        for column in table.columns:
            if column.kind in ("money", "rate", "quantity") and cells[column.name] is not None:
                cells[column.name] = Decimal(cells[column.name])
        full.append(cells)
    return pa.Table.from_pylist(full, schema=table.schema.to_pyarrow())


class Shelf:
    """Published tables in memory: ``book`` is this month's, catalog ``books`` schema ``mart`` the months before."""

    def __init__(self) -> None:
        self.con = connect()
        for schema in ("book", "facts", "reference"):
            self.con.create_database(schema)
        self.con.raw_sql("ATTACH ':memory:' AS books")
        self.con.raw_sql("CREATE SCHEMA books.mart")

    def put(self, table: str, rows: list[dict], database: str | tuple[str, str] = "book") -> ir.Table:
        return self.con.create_table(table, arrow_rows(mart_tables()[table], rows), database=database, overwrite=True)

    def put_all(self, tables: dict[str, list[dict]]) -> None:
        """Every published table: the given rows, the others empty."""
        for name in mart_tables():
            self.put(name, tables.get(name, []))

    def put_masters(self, masters: dict[tuple[str, str], list[dict]]) -> None:
        """Tables of text columns that are not published."""
        for (schema, name), rows in masters.items():
            columns = pa.schema([(column, pa.string()) for column in rows[0]])
            self.con.create_table(name, pa.Table.from_pylist(rows, schema=columns), database=schema, overwrite=True)

    def lookup(self, name: str) -> ir.Table:
        """What the invariants ask for: a published table, or ``schema.table`` of the work file."""
        schema, _, table = name.rpartition(".")
        return self.con.table(table, database=schema or "book")

    def publish(self, tables: dict[str, list[dict]]) -> None:
        """Published tables as the books hold them, with the input and masters the audit looks at."""
        for name in mart_tables():
            self.put(name, tables.get(name, []), ("books", "mart"))
        self.con.raw_sql("CREATE SCHEMA IF NOT EXISTS books.input")
        self.con.raw_sql("CREATE SCHEMA IF NOT EXISTS books.reference")
        orders = pa.table({"order_no": ["SO1"], "principal_id": ["P1"], "month": [MONTH]})
        principals = pa.table({"principal_id": ["P1", "P2"]})
        openings = pa.table({"order_no": ["OLD1"], "principal_id": ["P2"], "month": [MONTH]})
        rates = pa.table(
            {
                "currency": ["USD"],
                "published_on": [date(2023, 9, 5)],
                "rate_per_100": pa.array([Decimal("717.89000000")], pa.decimal128(18, 8)),
            }
        )
        for place, name, rows in (
            ("input", "orders", orders),
            ("reference", "principals", principals),
            ("reference", "opening_items", openings),
            ("reference", "fx_mid_rates", rates),
        ):
            self.con.create_table(name, rows, database=("books", place), overwrite=True)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def put(shelf) -> Callable[..., ir.Table]:
    return shelf.put


__all__ = ["MONTH", "Shelf", "mart_table"]
