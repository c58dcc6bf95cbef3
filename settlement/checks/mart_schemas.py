"""What every published table must look like, from ``mart.yaml``: Ibis schemas, Pandera schemas, validation.

What belongs here: types, nullability, keys, allowed words, the forms of single columns. What does
not: relations between tables (``invariants.py``), how a check shows in Dagster (``asset_checks.py``).

Pandera's Ibis backend runs one query for each column and check, and on a failure it fetches the whole
column. So the columns carry only types (which need no query), and what concerns rows is two registered
table checks, each one boolean out of the database. Failing rows are fetched afterwards, ten of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from importlib.resources import files
from operator import and_

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandera.ibis as pa
import yaml
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

TYPES: dict[str, dt.DataType] = {
    "text": dt.string,
    "date": dt.date,
    "time": dt.Timestamp(scale=6),
    "money": dt.Decimal(18, 2),
    "rate": dt.Decimal(18, 8),
    "quantity": dt.Decimal(18, 6),
    "whole": dt.int64,
    "flag": dt.boolean,
}
FORMATS: dict[str, str] = {
    "month": r"^\d{4}-(0[1-9]|1[0-2])$",
    "json_list": r"(?s)^\s*\[.*\]\s*$",
}
SAMPLE_ROWS = 10


@dataclass(frozen=True)
class MartColumn:
    """One published column: ``kind`` is a key of ``TYPES``, ``form`` of ``FORMATS``."""

    name: str
    kind: str
    zh: str
    required: bool = False
    doc: str = ""
    values: tuple[str, ...] = ()
    minimum: int | None = None
    form: str | None = None


MONTH = MartColumn("month", "text", "月份", True, "the month settled, YYYY-MM", form="month")


@dataclass(frozen=True)
class MartTable:
    """One published table; ``columns`` begin with ``month``. ``kind``: flow, state or clock."""

    name: str
    kind: str
    zh: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[MartColumn, ...]

    @property
    def schema(self) -> ibis.Schema:
        """Columns and types as Ibis knows them."""
        return ibis.schema({column.name: TYPES[column.kind] for column in self.columns})

    @property
    def full_key(self) -> tuple[str, ...]:
        """The key over months: ``month`` and the key within a month."""
        return tuple(dict.fromkeys(("month", *self.key)))


@dataclass(frozen=True)
class Failure:
    """One check that a table failed: how many rows (None where the table as a whole fails) and ten of them, as text."""

    table: str
    check: str
    column: str | None
    message: str
    rows: int | None = None
    sample: tuple[Mapping[str, str | None], ...] = field(default=())


@dataclass(frozen=True)
class RowRule:
    """What must hold of one column in every row; ``holds`` is never NULL."""

    check: str
    column: str
    message: str
    holds: Callable[[ir.Table], ir.BooleanValue]


@lru_cache(maxsize=1)
def mart_tables() -> Mapping[str, MartTable]:
    """Every table of ``mart.yaml`` by name, in its order."""
    source = yaml.safe_load(files("settlement.checks").joinpath("mart.yaml").read_text(encoding="utf-8"))
    return {name: _read_table(name, entry) for name, entry in source.items()}


def mart_table(name: str) -> ibis.Schema:
    """Columns and types of a published table, ``month`` first. Raises ``KeyError`` for an unknown name."""
    return mart_tables()[name].schema


def _read_table(name: str, entry: Mapping) -> MartTable:
    columns = [_read_column(column, facts) for column, facts in entry["columns"].items()]
    return MartTable(name, entry["kind"], entry["zh"], entry["grain"], tuple(entry["key"]), (MONTH, *columns))


def _read_column(name: str, facts: Mapping) -> MartColumn:
    unknown = set(facts) - {"type", "zh", "required", "doc", "values", "minimum", "format"}
    if unknown or facts["type"] not in TYPES or facts.get("format", "month") not in FORMATS:
        raise ValueError(f"mart.yaml: column {name} has unknown facts: {facts}")
    return MartColumn(
        name,
        facts["type"],
        facts["zh"],
        facts.get("required", False),
        facts.get("doc", ""),
        tuple(facts.get("values", ())),
        facts.get("minimum"),
        facts.get("format"),
    )


def row_rules(table: MartTable) -> list[RowRule]:
    """What must hold in every row of the table, one rule a column and kind of rule."""
    rules = []
    for column in table.columns:
        if column.required:
            rules.append(_required(column))
        if column.values:
            rules.append(_allowed(column))
        if column.form:
            rules.append(_formed(column))
        if column.minimum is not None:
            rules.append(_at_least(column))
    return rules


def _required(column: MartColumn) -> RowRule:
    def holds(rows: ir.Table) -> ir.BooleanValue:
        there = rows[column.name].notnull()
        # Absent text is NULL by the contract, so an empty text is no text.
        return there & (rows[column.name].fill_null("") != "") if column.kind == "text" else there

    return RowRule("required", column.name, f"{column.name} ({column.zh}) is empty", holds)


def _allowed(column: MartColumn) -> RowRule:
    def holds(rows: ir.Table) -> ir.BooleanValue:
        return rows[column.name].isnull() | rows[column.name].isin(column.values)

    return RowRule("values", column.name, f"{column.name} is none of {' '.join(column.values)}", holds)


def _formed(column: MartColumn) -> RowRule:
    def holds(rows: ir.Table) -> ir.BooleanValue:
        return rows[column.name].isnull() | rows[column.name].re_search(FORMATS[column.form])

    return RowRule("format", column.name, f"{column.name} is no {column.form}", holds)


def _at_least(column: MartColumn) -> RowRule:
    kind = TYPES[column.kind]

    def holds(rows: ir.Table) -> ir.BooleanValue:
        return rows[column.name].isnull() | (rows[column.name] >= ibis.literal(column.minimum).cast(kind))

    return RowRule("minimum", column.name, f"{column.name} is below {column.minimum}", holds)


def _repeated(rows: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """Keys that more than one row has, and how many rows. NULL equals NULL here, as in a GROUP BY."""
    counted = rows.group_by([column for column in key if column in rows.columns]).aggregate(rows=lambda t: t.count())
    return counted.filter(counted.rows > 1)


@lru_cache(maxsize=64)
def pandera_schema(name: str) -> pa.DataFrameSchema:
    """The Pandera schema of a published table on the Ibis backend: exact columns and types, rows, key."""
    table = mart_tables()[name]
    rules = row_rules(table)

    def every_row_keeps_its_rules(data) -> ir.BooleanScalar:
        present = [rule.holds(data.table) for rule in rules if rule.column in data.table.columns]
        # all() of no rows is NULL
        return reduce(and_, present).all().fill_null(True)

    def key_is_unique(data) -> ir.BooleanScalar:
        return _repeated(data.table, table.full_key).count() == 0

    return pa.DataFrameSchema(
        # Nullability is a rule of the rows, see the module's text: here it would cost a query a column.
        {column.name: pa.Column(TYPES[column.kind], nullable=True) for column in table.columns},
        checks=[pa.Check(every_row_keeps_its_rules, name="rows"), pa.Check(key_is_unique, name="unique")],
        name=name,
        strict=True,
    )


def validate(con: BaseBackend, database: str | tuple[str, str] | None, table: str) -> list[Failure]:
    """Hold a table against its Pandera schema, in the database. Empty list = it holds.

    A wrong column or type is reported alone: rows are read only of a table of the right shape.
    A table that does not exist is a failure too. Rows of any number of months may stand in it.
    """
    try:
        rows = con.table(table, database=database)
    except TableNotFound:
        return [Failure(table, "missing table", None, f"there is no table {table}")]
    return validate_rows(rows, table)


def validate_rows(rows: ir.Table, table: str) -> list[Failure]:
    """``validate`` for a relation that stands for the table."""
    schema = pandera_schema(table)
    shape = _pandera_errors(schema, rows, ValidationDepth.SCHEMA_ONLY)
    if shape:
        return [Failure(table, "shape", _column_of(error), str(error)) for error in shape]
    failures: list[Failure] = []
    for error in _pandera_errors(schema, rows, ValidationDepth.DATA_ONLY):
        check = getattr(error.check, "name", None)
        found = {"rows": _failing_rows, "unique": _repeated_keys}[check](rows, mart_tables()[table])
        # Pandera turns an error inside a check into a failure: without rows to show, its text is all there is.
        failures.extend(found or [Failure(table, check, None, str(error))])
    return failures


def _pandera_errors(schema: pa.DataFrameSchema, rows: ir.Table, depth: ValidationDepth) -> list:
    # Set here, because PANDERA_VALIDATION_ENABLED=False in the environment would let everything pass.
    with config_context(validation_enabled=True, validation_depth=depth):
        try:
            schema.validate(rows, lazy=True)
        except SchemaErrors as errors:
            return list(errors.schema_errors)
    return []


def _column_of(error) -> str | None:
    named = getattr(error.schema, "columns", None) is None
    return error.schema.name if named else None


def _failing_rows(rows: ir.Table, table: MartTable) -> list[Failure]:
    rules = row_rules(table)
    counts = rows.aggregate(**{f"r{i}": (~rule.holds(rows)).sum() for i, rule in enumerate(rules)}).to_pyarrow()
    failures = []
    for i, rule in enumerate(rules):
        failing = counts[f"r{i}"][0].as_py() or 0
        if failing:
            shown = list(dict.fromkeys((*table.full_key, rule.column)))
            sample = sample_rows(rows.filter(~rule.holds(rows)).select(shown))
            failures.append(Failure(table.name, rule.check, rule.column, rule.message, failing, sample))
    return failures


def _repeated_keys(rows: ir.Table, table: MartTable) -> list[Failure]:
    repeated = _repeated(rows, table.full_key)
    failing = repeated.count().to_pyarrow().as_py()
    message = f"the key {' '.join(table.full_key)} is not unique"
    return [Failure(table.name, "unique", None, message, failing, sample_rows(repeated))] if failing else []


def sample_rows(rows: ir.Table, limit: int = SAMPLE_ROWS) -> tuple[dict[str, str | None], ...]:
    """The first rows in the order of their columns, as text: what a person needs to find them."""
    found = rows.order_by(list(rows.columns)).limit(limit).to_pyarrow().to_pylist()
    return tuple({column: None if cell is None else str(cell) for column, cell in row.items()} for row in found)
