"""Small tables for tests of the books: rows written as dicts, columns from layouts.yaml or given."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import ibis
import ibis.expr.types as ir
import yaml

from settlement.io.engine import connect
from settlement.rules.rows import table_of

_KINDS = {
    "text": "string", "code": "string", "list": "string", "date": "date", "time": "timestamp", "money": "decimal(18,2)",
    "quantity": "decimal(18,6)", "quote": "decimal(18,8)", "rate": "decimal(18,8)", "flag": "boolean", "whole": "int64",
}  # fmt: skip


@lru_cache
def layouts() -> dict:
    return yaml.safe_load(files("settlement.io").joinpath("layouts.yaml").read_text(encoding="utf-8"))


def given(table: str, *rows: dict, month: str = "2023-09") -> ir.Table:
    """An input table with the rows given; what a row does not say has the layout's default or is NULL."""
    fields = layouts()[table]["fields"]
    schema = {"month": "string", "source_file": "string", "source_row": "int64"}
    schema |= {name: _KINDS[field["kind"]] for name, field in fields.items()}
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    full = [
        {"month": month, "source_file": f"{table}.csv", "source_row": number + 2} | defaults | row
        for number, row in enumerate(rows)
    ]
    return table_of(full, ibis.schema(schema))


def rows_of(relation: ir.Table, *columns: str, order: str | list[str] | None = None) -> list[tuple]:
    """The relation's rows as tuples of the columns named, ordered."""
    con = connect()
    ordered = relation.order_by(order) if order else relation
    arrow = con.to_pyarrow(ordered.select(*columns) if columns else ordered)
    return [tuple(row[name] for name in arrow.column_names) for row in arrow.to_pylist()]
