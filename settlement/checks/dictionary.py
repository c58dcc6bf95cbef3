"""``docs/data-dictionary.md`` (数据字典), written from ``mart.yaml`` and ``layouts.yaml``: ``python -m settlement.checks.dictionary``.

A test compares the page with what is written here, so that it cannot fall behind. What does not belong here: what
a column means (the two YAML files say it).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from settlement.checks.mart_schemas import MartColumn, MartTable, mart_tables
from settlement.io.layouts import Field, Layout, layouts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"

KINDS = {
    "flow": "flow (流水): what is new in the month; sum over months freely",
    "state": "state (余额/状态): as it stands at the month's end; never sum over months, take one month",
    "clock": "run record (运行记录): the only tables that carry a clock",
}
SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18,2)",
    "rate": "DECIMAL(18,8)",
    "quantity": "DECIMAL(18,6)",
    "whole": "BIGINT",
    "flag": "BOOLEAN",
}
INPUT_KINDS = {
    "text": "text",
    "code": "code (text, upper case)",
    "account": "account number (text)",
    "list": "list (text, joined by 、 or ;)",
    "currency": "currency (ISO code or its Chinese name)",
    "month": "month (2023-09)",
    "date": "date",
    "time": "date and time",
    "money": "amount, 2 decimals",
    "quantity": "quantity, 6 decimals",
    "quote": "number, 8 decimals",
    "rate": "rate (13, 13% or 0.13)",
    "flag": "是 / 否",
    "whole": "whole number",
}
INTRODUCTION = """\
# Data dictionary

Written by `python -m settlement.checks.dictionary` from `settlement/checks/mart.yaml` and
`settlement/io/layouts.yaml`. Change those, not this page.

## Published tables

`warehouse/settlement.duckdb`, schema `mart`. Open it read-only; it is replaced, never written to, so an open
connection and a running month do not disturb each other. Schema `input` holds the accepted rows of the input tables
below with the month of their folder, schema `reference` the masters as last read.

Money is `DECIMAL(18,2)`, rates and ratios `DECIMAL(18,8)` (CNY per 1 unit; tax rates as fractions). A figure that
cannot be computed is NULL, never 0. Money of principals has the sign *+ = we owe the principal*. In DuckDB `/` on
decimals is a double, and so is a pandas column: sum in SQL, divide in `Decimal`.
"""


def data_dictionary() -> str:
    """The whole page as Markdown."""
    tables, inputs = list(mart_tables().values()), list(layouts().values())
    monthly = [layout for layout in inputs if not layout.is_reference]
    reference = [layout for layout in inputs if layout.is_reference]
    parts = [
        INTRODUCTION,
        _markdown(("table", "中文", "kind", "one row a"), [_listed(table) for table in tables]),
        *[_published(table) for table in tables],
        "## Monthly input tables\n\nWhat a file is follows from its folder and its header row, never from its name."
        " The header may be the Chinese one or the field.\n",
        *[_input(layout) for layout in monthly],
        "## Reference tables\n\n`raw/reference/<table>.csv` or `.xlsx`, one table a file.\n",
        *[_input(layout) for layout in reference],
    ]
    return "\n".join(parts)


def _listed(table: MartTable) -> Sequence[str]:
    return (f"[`{table.name}`](#{table.name})", table.zh, table.kind, table.grain)


def _published(table: MartTable) -> str:
    rows = [
        (f"`{column.name}`", column.zh, _sql_type(column), "yes" if column.required else "", _meaning(column))
        for column in table.columns
    ]
    return (
        f"### {table.name}\n\n{table.zh}. One row: {table.grain}. {KINDS[table.kind]}."
        f" Key within a month: {', '.join(f'`{column}`' for column in table.key)}.\n\n"
        + _markdown(("column", "中文", "type", "always there", "meaning"), rows)
    )


def _sql_type(column: MartColumn) -> str:
    return SQL_TYPES[column.kind]


def _meaning(column: MartColumn) -> str:
    said = [column.doc] if column.doc else []
    if column.values:
        said.append("one of " + " ".join(column.values))
    if column.form == "month" and column.name != "month":
        said.append("YYYY-MM")
    if column.form == "json_list":
        said.append("JSON list")
    if column.minimum is not None:
        said.append(f"≥ {column.minimum}")
    return "; ".join(said)


def _input(layout: Layout) -> str:
    if layout.is_reference:
        place = f"`raw/reference/{layout.name}`"
    else:
        place = f"`raw/<month>/{layout.folder}/`" + (f", sheet `{layout.sheet}`" if layout.sheet else "")
    said = [place + (" (mandatory)" if layout.is_mandatory else "")]
    if layout.key:
        said.append("key " + ", ".join(f"`{name}`" for name in layout.key))
    if layout.any_of:
        said.append("at least one of " + ", ".join(f"`{name}`" for name in layout.any_of))
    if layout.money_of:
        said.append("control total of " + ", ".join(f"`{name}`" for name in layout.money_of))
    rows = [
        (f"`{field.name}`", field.header, INPUT_KINDS[field.kind], "yes" if field.required else "", _said(field))
        for field in layout.fields
    ]
    return f"### {layout.name}\n\n{'; '.join(said)}.\n\n" + _markdown(
        ("field", "header 表头", "kind", "required", "meaning"), rows
    )


def _said(field: Field) -> str:
    said = []
    if field.values:
        said.append("one of " + " ".join(field.values))
    if field.words:
        said.append("of " + " ".join(field.words))
    if field.default is not None:
        said.append(f"empty = {field.default}")
    if field.kind == "rate" and field.percent_from != "1":
        said.append(f"a bare figure of {field.percent_from} or more is percent")
    return "; ".join(said)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; ``--check`` says with status 1 that it is not current, and writes nothing."""
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    text = data_dictionary()
    if "--check" in sys.argv[1:]:
        return int(current != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
