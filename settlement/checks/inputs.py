"""What every ingested table must look like, from ``layouts.yaml``: Pandera schemas on the Ibis backend, and totals.

Rows that break a rule were rejected while they were read; what stands in ``stage.*`` and ``reference.*`` must keep
every rule. So a failure here is a fault of the program, never of a file: the run stops, nothing is published.

What belongs here: the shape of input tables, their rows, their keys, and that the control totals count just them.
What does not: published tables (``mart_schemas.py``), judging files (``settlement/io``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandera.ibis as pa
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from settlement.checks.mart_schemas import Failure, RowRule, sample_rows
from settlement.io.ingest import stage_schema
from settlement.io.ingest_bank import bank_schema
from settlement.io.layouts import Field, Layout, monthly_layouts, reference_layouts

PLACE = ("source_file", "source_row")
_CURRENCY = "^[A-Z]{3}$"
_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
_DIGEST = "^[0-9a-f]{32}$"


@dataclass(frozen=True)
class InputSchema:
    """One ingested table: its columns, what holds in each row, and the columns that are unique together."""

    name: str
    database: str
    columns: ibis.Schema
    rules: tuple[RowRule, ...]
    keys: tuple[tuple[str, ...], ...]

    def pandera(self) -> pa.DataFrameSchema:
        """The Pandera schema: exact columns and types, one check of all rows, one a key."""

        def every_row_keeps_its_rules(data) -> ir.BooleanScalar:
            return reduce(and_, [rule.holds(data.table) for rule in self.rules]).all().fill_null(True)

        def unique(key: tuple[str, ...]) -> pa.Check:
            return pa.Check(lambda data: _repeated(data.table, key).count() == 0, name=" ".join(key))

        return pa.DataFrameSchema(
            {name: pa.Column(kind, nullable=True) for name, kind in self.columns.items()},
            checks=[pa.Check(every_row_keeps_its_rules, name="rows"), *(unique(key) for key in self.keys)],
            name=self.name,
            strict=True,
        )


def input_schemas() -> list[InputSchema]:
    """Every table of ``layouts.yaml`` and the bank's lines."""
    return [*(_of_layout(layout) for layout in [*reference_layouts(), *monthly_layouts()]), _of_bank()]


def validate_inputs(con: BaseBackend) -> list[Failure]:
    """Hold every ingested table against its schema, and the control totals against the tables. Empty list = all hold."""
    failures = [failure for schema in input_schemas() for failure in validate_input(con, schema)]
    return failures or totals_agree(con)


def validate_input(con: BaseBackend, schema: InputSchema) -> list[Failure]:
    """One table against its schema, in the database. A wrong shape is reported alone."""
    try:
        rows = con.table(schema.name, database=schema.database)
    except TableNotFound:
        return [Failure(schema.name, "missing table", None, f"there is no table {schema.database}.{schema.name}")]
    wrong = _errors(schema, rows, ValidationDepth.SCHEMA_ONLY)
    if wrong:
        return [Failure(schema.name, "shape", None, str(error)) for error in wrong]
    failures: list[Failure] = []
    for error in _errors(schema, rows, ValidationDepth.DATA_ONLY):
        name = error.check.name
        found = _broken_rows(schema, rows) if name == "rows" else _broken_key(schema, rows, name.split(" "))
        # An error inside a check is a failure too: without rows to show, its text is all there is.
        failures += found or [Failure(schema.name, name, None, str(error))]
    return failures


def totals_agree(con: BaseBackend) -> list[Failure]:
    """The control totals count each accepted row of the stage and each rejected row exactly once, to the fen."""
    totals = con.table("control_totals", database="stage")
    counted = totals.group_by("input_table").agg(
        accepted=totals.rows_accepted.sum(),
        rejected=totals.rows_rejected.sum(),
        amount=totals.amount_accepted.sum().cast("decimal(18, 2)"),
    )
    said = {row["input_table"]: row for row in con.to_pyarrow(counted).to_pylist()}
    rejected = con.table("rejected_rows", database="stage")
    refused = con.to_pyarrow(rejected.group_by("input_table").agg(rows=lambda t: t.count())).to_pylist()
    failures = [
        Failure(
            "control_totals",
            "rejected",
            None,
            f"{row['input_table']}: {row['rows']} rows are rejected, the totals say otherwise",
        )
        for row in refused
        if said.get(row["input_table"], {}).get("rejected") != row["rows"]
    ]
    layouts = {layout.name: layout for layout in monthly_layouts()}
    for name in [*layouts, "bank"]:
        rows = con.table(name, database="stage")
        money = layouts[name].money_of if name in layouts else ("amount",)
        sums = {column: rows[column].sum().cast("decimal(38, 2)") for column in money}
        [found] = con.to_pyarrow(rows.agg(rows=rows.count(), **sums)).to_pylist()
        there = {"rows": found["rows"], "amount": sum(found[column] or 0 for column in money)}
        mine = said.get(name, {"accepted": 0, "amount": None})
        if (there["rows"], there["amount"]) != (mine["accepted"], mine["amount"] or 0):
            message = f"{name}: the stage has {there['rows']} rows of {there['amount']}, the totals {mine['accepted']} of {mine['amount']}"
            failures.append(Failure("control_totals", "accepted", None, message))
    return failures


# --- schemas -------------------------------------------------------------------------------------
def _of_layout(layout: Layout) -> InputSchema:
    rules = [rule for field in layout.fields for rule in _rules_of(field)]
    if layout.any_of:
        said = f"one of {' '.join(layout.any_of)} is filled"
        rules.append(
            RowRule(
                "any_of",
                layout.any_of[0],
                said,
                lambda rows: reduce(or_, [rows[name].notnull() for name in layout.any_of]),
            )
        )
    rules += [_required("source_file"), _required("source_row"), _formed("row_digest", _DIGEST, "a digest")]
    if not layout.is_reference:
        rules.append(_formed("month", _MONTH, "a month"))
    keys = [PLACE]
    if layout.key:
        versions = ("valid_from",) if layout.is_reference and "valid_from" in layout.schema else ()
        keys.append((*layout.key, *versions))
    return InputSchema(
        layout.name, "reference" if layout.is_reference else "stage", stage_schema(layout), tuple(rules), tuple(keys)
    )


def _of_bank() -> InputSchema:
    required = ("txn_id", "source_file", "account_no", "currency", "booked_on", "amount", "credit_in", "debit_out")
    sides = RowRule(
        "sides",
        "amount",
        "amount is credit_in less debit_out",
        lambda rows: rows.amount == rows.credit_in - rows.debit_out,
    )
    rules = [
        *(_required(name) for name in required),
        sides,
        _formed("currency", _CURRENCY, "a currency"),
        _formed("month", _MONTH, "a month"),
    ]
    return InputSchema("bank", "stage", bank_schema(), tuple(rules), (("txn_id",),))


def _rules_of(field: Field) -> list[RowRule]:
    rules = [_required(field.name)] if field.required or field.default is not None else []
    if field.values:
        rules.append(
            _rule("values", field.name, f"is one of {' '.join(field.values)}", lambda column: column.isin(field.values))
        )
    if field.kind == "currency":
        rules.append(_formed(field.name, _CURRENCY, "a currency"))
    if field.kind == "month":
        rules.append(_formed(field.name, _MONTH, "a month"))
    if field.kind == "rate":
        one = ibis.literal("1").cast(dt.Decimal(18, 8))
        rules.append(
            _rule(
                "rate", field.name, "is a fraction from 0 to 1", lambda column: (column >= one - one) & (column <= one)
            )
        )
    if field.kind in ("text", "code", "account", "list"):
        rules.append(
            _rule(
                "text",
                field.name,
                "is trimmed and not empty",
                lambda column: (column == column.strip()) & (column != ""),
            )
        )
    return rules


def _rule(check: str, name: str, said: str, holds: Callable[[ir.Value], ir.BooleanValue]) -> RowRule:
    """A rule of one column that lets NULL pass."""
    return RowRule(check, name, f"{name} {said}", lambda rows: rows[name].isnull() | holds(rows[name]))


def _required(name: str) -> RowRule:
    return RowRule("required", name, f"{name} is filled", lambda rows: rows[name].notnull())


def _formed(name: str, pattern: str, said: str) -> RowRule:
    return _rule("format", name, f"is {said}", lambda column: column.re_search(pattern))


# --- failures --------------------------------------------------------------------------------------
def _errors(schema: InputSchema, rows: ir.Table, depth: ValidationDepth) -> list:
    # Set here, because PANDERA_VALIDATION_ENABLED=False in the environment would let everything pass.
    with config_context(validation_enabled=True, validation_depth=depth):
        try:
            schema.pandera().validate(rows, lazy=True)
        except SchemaErrors as errors:
            return list(errors.schema_errors)
    return []


def _repeated(rows: ir.Table, key: Sequence[str]) -> ir.Table:
    counted = rows.group_by(list(key)).agg(rows=lambda t: t.count())
    return counted.filter(counted.rows > 1)


def _broken_rows(schema: InputSchema, rows: ir.Table) -> list[Failure]:
    counts = rows.aggregate(**{f"r{i}": (~rule.holds(rows)).sum() for i, rule in enumerate(schema.rules)}).to_pyarrow()
    failures = []
    for i, rule in enumerate(schema.rules):
        failing = counts[f"r{i}"][0].as_py() or 0
        if failing:
            shown = list(dict.fromkeys((*PLACE, rule.column)))
            failures.append(
                Failure(
                    schema.name,
                    rule.check,
                    rule.column,
                    rule.message,
                    failing,
                    sample_rows(rows.filter(~rule.holds(rows)).select(shown)),
                )
            )
    return failures


def _broken_key(schema: InputSchema, rows: ir.Table, key: Sequence[str]) -> list[Failure]:
    repeated = _repeated(rows, key)
    failing = repeated.count().to_pyarrow().as_py()
    said = f"{' '.join(key)} is not unique"
    return [Failure(schema.name, "unique", None, said, failing, sample_rows(repeated))] if failing else []
