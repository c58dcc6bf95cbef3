"""The audit (审计): Great Expectations over small measures of the published tables, with Data Docs in the home.

What belongs here: what is expected of the measures, and running it. What does not: the measures
(``audit_measures.py``), the pages (``data_docs.py``), the results as asset checks (``audit_results.py``).

Great Expectations takes seconds to import: import this module only in the publish stage. Everything it sees
is a handful of rows of whole numbers and text; a million published rows stay in the database.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Read when the library is imported. 1.24 has no telemetry of its own; a later one shall not begin with it here.
os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import great_expectations.expectations as gxe
import ibis
import ibis.expr.types as ir
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound

from settlement.checks import audit_measures as measures
from settlement.checks.audit_measures import AuditLimits
from settlement.checks.audit_results import CHECKS, AuditCheck, AuditOutcome, AuditResult
from settlement.checks.breaches import Tables
from settlement.checks.data_docs import publish_pages
from settlement.checks.mart_schemas import mart_table, mart_tables
from settlement.month import last_day


def audit(
    con: BaseBackend,
    month: str,
    out: Path,
    *,
    limits: AuditLimits,
    catalog: str | None = None,
) -> AuditResult:
    """Measure the published tables up to ``month``, hold the expectations against them, write Data Docs to ``out``.

    ``con``: a backend on the published file (or with it attached as ``catalog``), schemas ``mart``, ``input`` and
    ``reference``. ``out``: ``<home>/audit``; pages of other months stay. Same tables, same pages. Raises nothing
    for a failed expectation: that is a result.
    """
    tables = published_tables(con, month, catalog)
    frames = {
        "audit_control_totals": _frame(measures.control_totals(tables, month)),
        "audit_references": _frame(measures.references(tables, month)),
        "audit_value_ranges": _frame(measures.value_ranges(tables, month, limits)),
        "audit_drift": _frame(measures.drift(tables, month, limits)),
    }
    with tempfile.TemporaryDirectory(prefix="audit-") as building:
        results = _validated(frames, month, Path(building))
        outcomes = tuple(_outcome(check, frames[check.name], results[check.name]) for check in CHECKS)
        measured = {name: [_as_text(frame, row) for row in range(len(frame))] for name, frame in frames.items()}
        site = publish_pages(Path(building), out, month, [_listed(outcome) for outcome in outcomes], measured)
    return AuditResult(month, outcomes, site)


def published_tables(con: BaseBackend, month: str, catalog: str | None = None) -> Tables:
    """All published rows up to the month, by table name, or ``schema.table``; what is not there yet is empty."""
    known: dict[str, ir.Table] = {}

    def rows(name: str) -> ir.Table:
        if name not in known:
            schema, _, table = name.rpartition(".")
            place = schema or "mart"
            try:
                found = con.table(table, database=(catalog, place) if catalog else place)
            except TableNotFound:
                if table not in mart_tables():
                    raise
                # A warehouse published by an older version lacks a table that is new.
                found = ibis.memtable([], schema=mart_table(table))
            known[name] = found.filter(found.month <= month) if "month" in found.columns else found
        return known[name]

    return rows


def _frame(measure: ir.Table) -> pd.DataFrame:
    """A measure as pandas: whole numbers as Int64 (an absent one must not make a double of its column), text as it is."""
    fetched = measure.order_by(list(measure.columns)).to_pyarrow()
    columns = {}
    for name, kind in measure.schema().items():
        assert kind.is_integer() or kind.is_string(), (
            f"{name} is {kind}: only whole numbers and text leave the database"
        )
        columns[name] = pd.array(fetched[name].to_pylist(), dtype="Int64" if kind.is_integer() else "object")
    return pd.DataFrame(columns)


def _expectations(check: str) -> Sequence[gxe.Expectation]:
    equal = gxe.ExpectColumnPairValuesToBeEqual(
        column_A="left", column_B="right", severity="critical", notes="两个数字必须相等（笔数，或金额以分计）"
    )
    return {
        "audit_control_totals": [equal],
        "audit_references": [
            gxe.ExpectColumnValuesToBeBetween(
                column="dangling", min_value=0, max_value=0, severity="critical", notes="没有一行提到不存在的对象"
            )
        ],
        "audit_value_ranges": [
            gxe.ExpectColumnValuesToBeBetween(
                column="outside", min_value=0, max_value=0, severity="warning", notes="没有一行超出合理范围"
            )
        ],
        "audit_drift": [
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="figure", column_B="floor", or_equal=True, ignore_row_if="either_value_is_missing",
                severity="warning", notes="不低于往月最低的若干倍",
            ),
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="ceiling", column_B="figure", or_equal=True, ignore_row_if="either_value_is_missing",
                severity="warning", notes="不高于往月最高的若干倍",
            ),
        ],
    }[check]  # fmt: skip


def _validated(
    frames: dict[str, pd.DataFrame], month: str, building: Path
) -> dict[str, gx.ExpectationSuiteValidationResult]:
    """Run every suite over its frame, and build the Data Docs pages in ``building``; the results by check."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        site_name="audit",
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(building)},
        },
    )
    source = context.data_sources.add_pandas("mart")
    # The month's last day, not the clock: the same tables give the same pages.
    run_id = gx.RunIdentifier(run_name=month, run_time=f"{last_day(month).isoformat()}T00:00:00+00:00")
    results = {}
    for check in CHECKS:
        batch = source.add_dataframe_asset(check.name).add_batch_definition_whole_dataframe(month)
        suite = context.suites.add(gx.ExpectationSuite(name=check.name, notes=check.title))
        for expectation in _expectations(check.name):
            suite.add_expectation(expectation)
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=check.name,
                validation_definitions=[
                    context.validation_definitions.add(
                        gx.ValidationDefinition(name=check.name, data=batch, suite=suite)
                    )
                ],
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(check.row_name)},
            )
        )
        run = checkpoint.run(batch_parameters={"dataframe": frames[check.name]}, run_id=run_id)
        results[check.name] = next(iter(run.run_results.values()))
    context.build_data_docs()
    return results


def _outcome(check: AuditCheck, frame: pd.DataFrame, result: gx.ExpectationSuiteValidationResult) -> AuditOutcome:
    broken: dict[tuple, dict[str, str]] = {}
    for expectation in result.results:
        if expectation.exception_info.get("raised_exception"):
            # An expectation that could not be evaluated has not been met.
            broken[(str(expectation.expectation_config.type),)] = {"expectation": str(expectation.exception_info)[:500]}
        for found in expectation.result.get("unexpected_index_list") or []:
            name = tuple(str(found[column]) for column in check.row_name)
            is_it = pd.Series(True, index=frame.index)
            for column, value in zip(check.row_name, name, strict=True):
                is_it &= frame[column] == value
            broken[name] = _as_text(frame, frame.index[is_it][0])
    return AuditOutcome(check, bool(result.success), len(frame), tuple(broken[name] for name in sorted(broken)))


def _as_text(frame: pd.DataFrame, row: int) -> dict[str, str]:
    # Cell by cell: a whole row fetched at once would become doubles where its columns differ.
    cells = {column: frame[column].iloc[row] for column in frame.columns}
    return {column: "" if pd.isna(cell) else str(cell) for column, cell in cells.items()}


def _listed(outcome: AuditOutcome) -> dict[str, str | int | bool]:
    return {
        "suite": outcome.check.name,
        "title": outcome.check.title,
        "severity": outcome.check.severity,
        "passed": outcome.passed,
        "rows": outcome.rows,
        "failing": len(outcome.failing),
    }
