"""Small input tables, typed as the layouts say, and the engine to run relations on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest
import yaml

from settlement.io.engine import connect
from settlement.rules.deadlines import WorkingCalendar
from settlement.rules.rows import table_of

ROOT = Path(__file__).resolve().parents[3]
TYPES = {
    "text": "string", "code": "string", "list": "string", "money": "decimal(18, 2)", "quote": "decimal(18, 8)",
    "rate": "decimal(18, 8)", "quantity": "decimal(18, 6)", "date": "date", "time": "timestamp", "flag": "boolean",
    "whole": "int64",
}  # fmt: skip
_LAYOUTS = yaml.safe_load((ROOT / "settlement/io/layouts.yaml").read_text(encoding="utf-8"))

# October 2023 as it was: Mid-Autumn and National Day from 09-29 to 10-06, worked 10-07 and 10-08.
CALENDAR = WorkingCalendar(
    date(2023, 1, 1),
    date(2024, 12, 31),
    rest=frozenset(date(2023, 9, day) for day in (29, 30)) | frozenset(date(2023, 10, day) for day in range(1, 7)),
    worked=frozenset({date(2023, 10, 7), date(2023, 10, 8)}),
)


def facts_table(name: str, *rows: dict) -> ir.Table:
    """Rows of one input table, with its kinds; monthly tables get month, source_file and source_row."""
    fields = {field: TYPES[kind["kind"]] for field, kind in _LAYOUTS[name]["fields"].items()}
    defaults = {field: kind["default"] for field, kind in _LAYOUTS[name]["fields"].items() if "default" in kind}
    if not _LAYOUTS[name].get("reference"):
        fields |= {"month": "string", "source_file": "string", "source_row": "int64"}
        defaults |= {"month": "2023-09", "source_file": f"raw/2023-09/{name}.csv"}
    numbered = [{"source_row": number} | defaults | row for number, row in enumerate(rows, start=2)]
    return table_of(numbered, ibis.schema(fields))


@pytest.fixture(scope="session")
def engine():
    """One in-memory engine for the relations of a session."""
    return connect()


@pytest.fixture(scope="session")
def facts():
    """``facts("freight", {...}, ...)``: an input table from rows."""
    return facts_table


@pytest.fixture(scope="session")
def working_days():
    """The calendar as a table."""
    return CALENDAR.table()


@pytest.fixture(scope="session")
def rows_of(engine):
    """``rows_of(table)``: its rows as dicts, exact."""
    return lambda table: engine.to_pyarrow(table).to_pylist()


@pytest.fixture(scope="session")
def keep(engine):
    """Materialise an intermediate table, as a run does: without it a relation is computed where it is used."""

    def kept(name, table):
        return engine.create_table(name, table, temp=True, overwrite=True)

    return kept
