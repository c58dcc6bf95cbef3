"""A run's work file in memory with September's rows, and the workbooks written from it."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from ibis.backends.duckdb import Backend

from settlement.checks.mart_schemas import MartColumn, mart_tables
from settlement.io.engine import connect
from settlement.io.workbooks.write import write_workbooks

from . import september

_NUMBERS = ("money", "rate", "quantity")
_INPUT_TYPES = {
    "date": pa.date32(), "time": pa.timestamp("us"), "money": pa.decimal128(18, 2), "quantity": pa.decimal128(18, 6),
    "quote": pa.decimal128(18, 8), "rate": pa.decimal128(18, 8), "flag": pa.bool_(), "whole": pa.int64(),
}  # fmt: skip
LAYOUTS = yaml.safe_load(files("settlement.io").joinpath("layouts.yaml").read_text(encoding="utf-8"))


def _cell(column: MartColumn, row: dict):
    value = row.get(column.name)
    if column.name == "month":
        return september.MONTH
    if value is None and column.required:
        assert column.kind == "flag", f"{column.name} is required: {row}"
        return False
    return Decimal(value) if value is not None and column.kind in _NUMBERS else value


def work_file(tables: dict[str, list[dict]], masters: dict[tuple[str, str], list[dict]]) -> Backend:
    """Every published table in schema ``book``; the inputs that are given in their schemas."""
    con = connect()
    for schema in ("book", "facts", "reference"):
        con.create_database(schema)
    for name, table in mart_tables().items():
        rows = [{column.name: _cell(column, row) for column in table.columns} for row in tables.get(name, [])]
        con.create_table(name, pa.Table.from_pylist(rows, schema=table.schema.to_pyarrow()), database="book")
    for (schema, name), rows in masters.items():
        fields = LAYOUTS[name]["fields"]
        assert not {column for row in rows for column in row} - set(fields), name
        schema_of = pa.schema(
            [(column, _INPUT_TYPES.get(field["kind"], pa.string())) for column, field in fields.items()]
        )
        con.create_table(name, pa.Table.from_pylist(rows, schema=schema_of), database=schema)
    return con


@pytest.fixture
def month() -> tuple[dict, dict]:
    """September's tables and masters, to be changed by a test before it writes."""
    return deepcopy(september.tables()), deepcopy(september.masters())


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """September as it is, written once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("september")
    con = work_file(september.tables(), september.masters())
    write_workbooks(
        con, month=september.MONTH, as_of=september.AS_OF, out=folder, lang="zh", incomplete=False, previous=None
    )
    return folder


@pytest.fixture
def write(month, tmp_path):
    """Write the month as it stands into a folder; gives that folder and what was reported."""

    def run(name: str = "out", **choices):
        folder: Path = tmp_path / name
        given = {"lang": "zh", "incomplete": False, "previous": None, **choices}
        return folder, write_workbooks(
            work_file(*month), month=september.MONTH, as_of=september.AS_OF, out=folder, **given
        )

    return run
