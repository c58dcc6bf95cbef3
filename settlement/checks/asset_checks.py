"""Asset checks: every published table against its schema, the books against what is always true of them.

What belongs here: how a check is attached to an asset, and how a failure shows in the UI. What does not:
what is checked (``mart_schemas.py``, ``invariants.py``), which assets there are (``settlement.assets``).

All of these block: what stands downstream of the asset, publishing above all, does not run when one fails.
A table's own check runs inside the asset's step (``table_check_spec`` with ``table_check_result``), or as a step
of its own (``make_table_check``). Invariants relate tables, so theirs are steps, one an asset they show on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound

from settlement.checks.breaches import Tables
from settlement.checks.invariants import INVARIANTS, Invariant
from settlement.checks.mart_schemas import Failure, mart_table, mart_tables, sample_rows, validate
from settlement.checks.metadata import markdown_table

TABLE_CHECK = "published_shape"
RESOURCE = "run"
BOOK = "book"
EARLIER = ("books", "mart")


# --- a table against its schema -----------------------------------------------------------------------------


def table_check_spec(asset_key: dg.AssetKey | str, table: str) -> dg.AssetCheckSpec:
    """The blocking check of a published table, for ``@asset(check_specs=...)`` or a step of its own."""
    described = mart_tables()[table]
    return dg.AssetCheckSpec(
        name=TABLE_CHECK,
        asset=asset_key,
        blocking=True,
        description=f"{described.zh}：列、类型、必填、取值、唯一键（{'、'.join(described.key)}）符合 mart.yaml",
    )


def table_check_result(
    con: BaseBackend, asset_key: dg.AssetKey | str, table: str, database: str | tuple[str, str] = BOOK
) -> dg.AssetCheckResult:
    """Validate the table in the database; on failure ten rows of each broken rule are in the metadata."""
    failures = validate(con, database, table)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey.from_coercible(asset_key),
        check_name=TABLE_CHECK,
        passed=not failures,
        severity=dg.AssetCheckSeverity.ERROR,
        description="；".join(_told(failure) for failure in failures) or None,
        metadata=_failure_metadata(failures),
    )


def make_table_check(asset_key: dg.AssetKey | str, table: str, *, resource: str = RESOURCE) -> dg.AssetChecksDefinition:
    """The table's check as a step of its own. ``resource`` names the resource whose ``con`` holds ``book.<table>``."""

    @dg.multi_asset_check(
        name=f"check_{table}",
        specs=[table_check_spec(asset_key, table)],
        required_resource_keys={resource},
    )
    def check_table(context):  # Dagster refuses an annotation that is text
        yield table_check_result(getattr(context.resources, resource).con, asset_key, table)

    return check_table


def _told(failure: Failure) -> str:
    return failure.message if failure.rows is None else f"{failure.message}: {failure.rows} rows"


def _failure_metadata(failures: Sequence[Failure]) -> dict[str, dg.MetadataValue]:
    shown: dict[str, dg.MetadataValue] = {"failures": dg.MetadataValue.int(len(failures))}
    for number, failure in enumerate(failures, start=1):
        text = f"**{failure.check}** {_told(failure)}"
        if failure.sample:
            text += "\n\n" + markdown_table(failure.sample)
        shown[f"failure_{number}"] = dg.MetadataValue.md(text)
    return shown


# --- the books against the invariants -----------------------------------------------------------------------


def tables_up_to(con: BaseBackend, month: str) -> Tables:
    """What the invariants ask for: all rows up to the month of a published table, or ``schema.table`` of the run.

    This month's rows are ``book.<table>``; those of the months before, where the books have any, lie in
    catalog ``books``, schema ``mart``.
    """
    known: dict[str, ir.Table] = {}

    def rows(name: str) -> ir.Table:
        if name not in known:
            schema, _, table = name.rpartition(".")
            known[name] = con.table(table, database=schema) if schema else _all_months(con, month, name)
        return known[name]

    return rows


def _all_months(con: BaseBackend, month: str, name: str) -> ir.Table:
    now = con.table(name, database=BOOK)
    try:
        earlier = con.table(name, database=EARLIER)
    except TableNotFound:
        return now
    # Books kept by an older version may lack a column that mart.yaml has since gained.
    wanted = mart_table(name)
    shaped = {column: earlier[column] if column in earlier.columns else None for column in wanted.names}
    earlier = earlier.filter(earlier.month < month).select(**shaped).cast(wanted)
    return earlier.union(now.select(*wanted.names))


def invariant_spec(invariant: Invariant, asset_keys: Mapping[str, dg.AssetKey | str]) -> dg.AssetCheckSpec:
    """The blocking check of an invariant, on the asset of ``invariant.shown_on``, after all tables it reads."""
    return dg.AssetCheckSpec(
        name=invariant.id,
        asset=asset_keys.get(invariant.shown_on, invariant.shown_on),
        additional_deps=[asset_keys.get(table, table) for table in invariant.reads if table != invariant.shown_on],
        blocking=True,
        description=invariant.statement,
    )


def invariant_result(
    invariant: Invariant, tables: Tables, month: str, asset_key: dg.AssetKey | str
) -> dg.AssetCheckResult:
    """Count the breaches in the database; the first ten are in the metadata."""
    breaches = invariant.breaches(tables, month)
    failing = int(breaches.count().to_pyarrow().as_py())
    metadata: dict[str, dg.MetadataValue] = {"breaches": dg.MetadataValue.int(failing)}
    if failing:
        metadata["rows"] = dg.MetadataValue.md(markdown_table(sample_rows(breaches)))
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey.from_coercible(asset_key),
        check_name=invariant.id,
        passed=failing == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{invariant.message}（{failing} 行）" if failing else None,
        metadata=metadata,
    )


def make_invariant_check(
    shown_on: str,
    invariants: Sequence[Invariant] | None = None,
    *,
    asset_keys: Mapping[str, dg.AssetKey | str] | None = None,
    resource: str = RESOURCE,
) -> dg.AssetChecksDefinition:
    """One step for the invariants that show on one table's asset (all of them, or those given).

    ``asset_keys``: the asset of a table where it is not named as the table. The resource gives ``con`` and ``month``.
    """
    keys = asset_keys or {}
    chosen = [invariant for invariant in invariants or INVARIANTS if invariant.shown_on == shown_on]

    @dg.multi_asset_check(
        name=f"always_true_of_{shown_on}",
        specs=[invariant_spec(invariant, keys) for invariant in chosen],
        required_resource_keys={resource},
    )
    def check_invariants(context):  # Dagster refuses an annotation that is text
        run = getattr(context.resources, resource)
        tables = tables_up_to(run.con, run.month)
        for invariant in chosen:
            yield invariant_result(invariant, tables, run.month, keys.get(shown_on, shown_on))

    return check_invariants


def make_invariant_checks(
    *, asset_keys: Mapping[str, dg.AssetKey | str] | None = None, resource: str = RESOURCE
) -> list[dg.AssetChecksDefinition]:
    """Every invariant, one step for each table they show on."""
    shown_on = dict.fromkeys(invariant.shown_on for invariant in INVARIANTS)
    return [make_invariant_check(table, asset_keys=asset_keys, resource=resource) for table in shown_on]
