"""Publish (发布): the month's rows into the books in one transaction, the rename, the workbooks, the audit."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from threading import Thread

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.checks.audit_measures import audit_limits
from settlement.checks.audit_results import audit_check_results, audit_check_specs
from settlement.checks.mart_schemas import mart_table, mart_tables
from settlement.io import run_record
from settlement.io.warehouse import BOOKS
from settlement.rules import privacy

GROUP = "publish"
CLOCKS = ("months", "runs")
# Input tables that may hold a natural person's account, and in which column (PRV-01).
ACCOUNTS_OF_PERSONS = {
    "bank": "counterparty_account",
    "payments": "payee_account",
    "payers": "payer_account",
    "payout_documents": "payee_account",
}


def _asset(**more):
    return dg.asset(group_name=GROUP, partitions_def=PARTITIONS, owners=[OWNERS[GROUP]], **more)


def published_rows(run: SettlementRun) -> dict[tuple[str, str], ir.Table]:
    """This month's rows of the contract's tables that are made, in ``mart``, and of the accepted input, in ``input``."""
    made = run.warehouse.tables_of("book")
    rows = {("mart", name): run.book(name) for name in mart_tables() if name in made}
    for name in run.warehouse.tables_of("stage"):
        staged = run.warehouse.work("stage", name)
        if name in mart_tables() or "month" not in staged.columns:
            continue  # control_totals and rejected_rows are published in mart
        rows["input", name] = _masked(run, name, staged)
    return rows


def published_masters(run: SettlementRun) -> dict[tuple[str, str], ir.Table]:
    """The masters as they were read."""
    names = run.warehouse.tables_of("reference")
    return {("reference", name): _masked(run, name, run.reference(name)) for name in names}


def _masked(run: SettlementRun, name: str, rows: ir.Table) -> ir.Table:
    column = ACCOUNTS_OF_PERSONS.get(name)
    return privacy.masked(rows, column, run.facts("persons")) if column else rows


def begin_publishing(run: SettlementRun) -> None:
    """Write into the coming file what is made and changes no more, while exceptions are being found. Nothing of it is
    there for anybody before ``published_warehouse`` ends it."""
    run.input_digest()  # begins, too
    rows = published_rows(run)
    coming = {("mart", name): mart_table(name) for name in mart_tables() if ("mart", name) not in rows}
    run.warehouse.begin_month(rows, published_masters(run), coming)


def clock_rows(run: SettlementRun) -> dict[tuple[str, str], ir.Table]:
    """``months`` and ``runs`` with this run."""
    at = run_record.now()
    # A mandatory folder without input makes the month incomplete: it cannot be closed, but everything else is done.
    found = run.book("exceptions")
    missing = (
        found.filter((found.code == "INPUT_MISSING") & (found.state != "resolved")).message.to_pyarrow().to_pylist()
    )
    states = run_record.after_run(_rows(run, "months"), run.month, not missing, at, "；".join(missing) or None)
    runs = [
        *(_rows(run, "runs")),
        {
            "month": run.month,
            "run_id": run.run_id,
            "as_of": run.day,
            "input_digest": run.input_digest().result(),
            "code_version": run_record.code_version(),
            "started_at": run.started_at,
            "finished_at": at,
        },
    ]
    return {
        ("mart", "months"): ibis.memtable(states, schema=mart_table("months")),
        ("mart", "runs"): ibis.memtable(runs, schema=mart_table("runs")),
    }


def _rows(run: SettlementRun, name: str) -> list[dict]:
    if not run.warehouse.has_books("mart", name):
        return []
    return run.con.to_pyarrow(run.warehouse.books("mart", name)).to_pylist()


@_asset(
    deps=["workbooks"],
    kinds={"duckdb"},
    description="发布：本月各表在一个事务内替换，随后整库以一次改名生效；工作簿放入 statements/<月份>",
    code_version=code_version(run_record.after_run),
)
def published_warehouse(run: SettlementRun) -> dg.MaterializeResult:
    # Great Expectations takes seconds to import, and only the next asset uses it: meanwhile the engine writes.
    Thread(target=import_module, args=["settlement.checks.audit"], daemon=True).start()
    rows = published_rows(run)
    missing = sorted(set(mart_tables()) - {name for schema, name in rows if schema == "mart"} - set(CLOCKS))
    if missing:
        raise dg.Failure(f"not made in this run: {', '.join(missing)}; launch the whole job")
    run.warehouse.replace_month(rows, {**published_masters(run), **clock_rows(run)})
    # The pair to the checks before writing: what was written is what was checked.
    expected, written = run.warehouse.count_made(rows), run.warehouse.count_written(rows)
    for (schema, name), count in expected.items():
        if written[schema, name] != count:
            raise dg.Failure(
                f"{schema}.{name}: {count} rows were to be written, {written[schema, name]} are there; nothing published"
            )
    run.warehouse.publish()
    placed = place_workbooks(run)
    return dg.MaterializeResult(
        metadata={
            "warehouse": dg.MetadataValue.path(str(run.warehouse.home.published)),
            "workbooks": placed,
            "rows": dg.MetadataValue.json({f"{schema}.{name}": count for (schema, name), count in expected.items()}),
        }
    )


def place_workbooks(run: SettlementRun) -> int:
    """Put the workbooks that changed in their folder, each by rename, and take away those that are no more."""
    if not run.workbooks:
        return 0
    target = run.warehouse.home.statements(run.month)
    target.mkdir(parents=True, exist_ok=True)
    placed = 0
    # With them their manifest: it says what each workbook was written from, so that the next run can take it over.
    fresh = {path.name: path for path in sorted(run.staging.iterdir()) if path.is_file()}
    for name, path in fresh.items():
        there = target / name
        if there.exists() and there.read_bytes() == path.read_bytes():
            continue
        beside = target / f".{name}.new"
        shutil.copyfile(path, beside)
        os.replace(beside, there)
        placed += 1
    for old in target.glob("*.xlsx"):
        # Only what this system wrote: an accountant's own workbook in that folder stays.
        if old.name not in fresh and old.name.startswith(("对账单-", "异常清单-", "月结汇总-")):
            old.unlink()
    return placed


@_asset(
    deps=["published_warehouse"],
    kinds={"greatexpectations"},
    description="审计：Great Expectations 对已发布各表的控制总额、引用、数值范围与波动逐项核对；Data Docs 在 audit/ 目录",
    check_specs=audit_check_specs("audit_report"),
    code_version=code_version(audit_limits, audit_check_results),
)
def audit_report(run: SettlementRun) -> dg.MaterializeResult:
    # Imported here, for only this asset uses it.
    from settlement.checks.audit import audit

    run.warehouse.attach_published()
    result = audit(
        run.con, run.month, run.warehouse.home.audit, limits=audit_limits(run.parameters, run.day), catalog=BOOKS
    )
    return dg.MaterializeResult(
        check_results=audit_check_results(result, "audit_report"),
        metadata={"data_docs": dg.MetadataValue.path(str(result.site)), "passed": result.passed},
    )


ASSETS = [published_warehouse, audit_report]
