"""What a re-run of an open month changes against the last published state of that month, row by row.

The rows that differ are found in the database; only those are looked at column by column.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.checks.mart_schemas import mart_table, mart_tables
from settlement.io.change_causes import Causes, causes
from settlement.io.warehouse import Warehouse

# What a published row is about: by these its cause is found among what changed.
ABOUT = ("txn_id", "order_no", "principal_id")
MOST_ROWS = 2000  # of one table: a list nobody can read is no report; the count beyond it is told


def changes(warehouse: Warehouse, names: list[str]) -> ir.Table:
    """The rows of ``changes`` (mart.yaml) for the tables named; empty on the first run of a month.

    A run that changes nothing keeps the last list: same state, same table. ``why`` names the input rows, masters,
    program, day or earlier month that changed (``change_causes``).
    """
    schema = mart_table("changes")
    rows: list[dict] = []
    if _was_published(warehouse):
        for name in names:
            if warehouse.has_books("mart", name):
                rows += _of_table(warehouse, name)
    if not rows:
        if warehouse.has_books("mart", "changes"):
            last = warehouse.books("mart", "changes")
            return last.filter(last.month == warehouse.month)
        return ibis.memtable([], schema=schema)
    why = causes(warehouse)
    rows = [_explained(row, why) for row in rows]
    ordered = sorted(rows, key=lambda row: (row["table_name"], row["row_key"], row["column_name"] or ""))
    return ibis.memtable([{"month": warehouse.month, **row} for row in ordered], schema=schema)


def _was_published(warehouse: Warehouse) -> bool:
    if not warehouse.has_books("mart", "months"):
        return False
    months = warehouse.books("mart", "months")
    return months.filter(months.month == warehouse.month).count().to_pyarrow().as_py() > 0


def _of_table(warehouse: Warehouse, name: str) -> list[dict]:
    described = mart_tables()[name]
    now = warehouse.work("book", name)
    published = warehouse.books("mart", name)
    columns = [column for column in now.columns if column != "month" and column in published.columns]
    key = list(described.key)
    before = published.filter(published.month == warehouse.month).select(
        **{f"before_{column}": published[column] for column in columns}, _had=ibis.literal(True)
    )
    after = now.select(**{f"after_{column}": now[column] for column in columns}, _has=ibis.literal(True))
    same_row = [after[f"after_{column}"].identical_to(before[f"before_{column}"]) for column in key]
    joined = after.outer_join(before, same_row)
    differs = joined._had.isnull() | joined._has.isnull()
    for column in columns:
        differs = differs | ~joined[f"after_{column}"].identical_to(joined[f"before_{column}"])
    found = joined.filter(differs).order_by(
        [f"after_{column}" for column in key] + [f"before_{column}" for column in key]
    )
    texts = {
        f"{side}_{column}": found[f"{side}_{column}"].cast("string")
        for side in ("after", "before")
        for column in columns
    }
    rows = warehouse.con.to_pyarrow(found.select("_had", "_has", **texts).limit(MOST_ROWS)).to_pylist()
    return [change for row in rows for change in _of_row(name, key, columns, row)]


def _of_row(name: str, key: list[str], columns: list[str], row: dict) -> list[dict]:
    side = "after" if row["_has"] else "before"
    row_key = " | ".join(row[f"{side}_{column}"] or "" for column in key)
    about = {column: row.get(f"{side}_{column}") for column in ABOUT}
    base = {"table_name": name, "row_key": row_key, "about": about}
    if not (row["_had"] and row["_has"]):
        change = "removed" if row["_had"] else "added"
        return [base | {"change": change, "column_name": None, "before": None, "after": None}]
    return [
        base
        | {
            "change": "changed",
            "column_name": column,
            "before": row[f"before_{column}"],
            "after": row[f"after_{column}"],
        }
        for column in columns
        if row[f"before_{column}"] != row[f"after_{column}"]
    ]


def _explained(row: dict, why: Causes) -> dict:
    """The row with ``why`` in place of what it is about."""
    explained = {name: value for name, value in row.items() if name != "about"}
    return explained | {"why": why.of(row["about"])}
