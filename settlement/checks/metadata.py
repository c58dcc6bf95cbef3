"""What the UI shows of a table: rows, control totals, a preview, the SQL that made it. For every asset the same.

What does not belong here: checks and how they fail. Nothing here fetches more than ten rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from settlement.checks.mart_schemas import mart_tables

PREVIEW_ROWS = 10
_LONGEST_CELL = 60
_LONGEST_SQL = 20_000
_WITHOUT_CURRENCY = "—"


def table_metadata(
    con: BaseBackend,
    database: str | tuple[str, str] | None,
    table: str,
    *,
    sql: str | None = None,
    expression: ir.Table | None = None,
) -> dict[str, dg.MetadataValue]:
    """Dagster metadata of a table: ``dagster/row_count``, ``dagster/column_schema``, ``control_totals``, ``preview``, ``sql``.

    ``sql``, or the ``expression`` it is compiled from: what made the table. Control totals are the sum of each
    money column, by currency where the table has one, as exact text: a UI that reads JSON would make doubles.
    A preview only of published tables: in others personal account numbers stand whole (PRV-01).
    """
    rows = con.table(table, database=database)
    count = int(rows.count().to_pyarrow().as_py())
    shown: dict[str, dg.MetadataValue] = {"dagster/row_count": dg.MetadataValue.int(count)}
    totals = control_totals(rows)
    if totals:
        shown["control_totals"] = dg.MetadataValue.md(markdown_table(totals))
    if count and table in mart_tables():
        shown["preview"] = dg.MetadataValue.md(preview(rows, mart_tables()[table].full_key))
    shown["dagster/column_schema"] = dg.MetadataValue.table_schema(_column_schema(rows, table))
    text = (
        sql if sql is not None else str(ibis.to_sql(expression, dialect=con.name)) if expression is not None else None
    )
    if text:
        cut = text if len(text) <= _LONGEST_SQL else text[:_LONGEST_SQL] + "\n-- …"
        shown["sql"] = dg.MetadataValue.md(f"```sql\n{cut}\n```")
    return shown


def control_totals(rows: ir.Table) -> list[dict[str, str]]:
    """The sum of every DECIMAL(·, 2) column, a row a currency (one row where the table has no currency), as text."""
    money = [name for name, kind in rows.schema().items() if kind.is_decimal() and kind.scale == 2]
    if not money:
        return []
    sums = {name: rows[name].sum().fill_null(0) for name in money}
    if "currency" in rows.columns:
        found = rows.group_by("currency").aggregate(**sums).order_by("currency").to_pyarrow().to_pylist()
    else:
        found = rows.aggregate(**sums).mutate(currency=ibis.literal(_WITHOUT_CURRENCY)).to_pyarrow().to_pylist()
    return [
        {"currency": row["currency"] or _WITHOUT_CURRENCY, **{name: f"{row[name]:.2f}" for name in money}}
        for row in found
    ]


def preview(rows: ir.Table, key: Sequence[str], limit: int = PREVIEW_ROWS) -> str:
    """The first rows by their key as a Markdown table; long cells are cut."""
    return markdown_table(rows.order_by(list(key)).limit(limit).to_pyarrow().to_pylist())


def _column_schema(rows: ir.Table, table: str) -> dg.TableSchema:
    described = {column.name: column for column in mart_tables()[table].columns} if table in mart_tables() else {}
    columns = []
    for name, kind in rows.schema().items():
        known = described.get(name)
        meaning = known and (known.doc or "、".join(known.values))
        text = f"{known.zh}：{meaning}" if meaning else None
        required = bool(known and known.required)
        columns.append(
            dg.TableColumn(name, str(kind), text, constraints=dg.TableColumnConstraints(nullable=not required))
        )
    return dg.TableSchema(columns=columns)


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as a Markdown table with the columns of the first; NULL is empty, ``|`` and line breaks are made harmless."""
    if not rows:
        return ""
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    text = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
