"""Asset checks in a small Dagster job: green where the books are right, red and blocking where they are not."""

from __future__ import annotations

import dagster as dg
import pytest

from settlement.checks.asset_checks import (
    TABLE_CHECK,
    make_invariant_checks,
    make_table_check,
    table_check_result,
    table_check_spec,
    tables_up_to,
)
from settlement.checks.invariants import INVARIANTS
from settlement.checks.mart_schemas import mart_tables

from .books import MASTERS, OCTOBER, SEPTEMBER, two_months
from .conftest import Shelf

READ = sorted({table for invariant in INVARIANTS for table in (*invariant.reads, invariant.shown_on)})


class Run:
    """What the run's resource gives."""

    def __init__(self, con, month: str) -> None:
        self.con, self.month = con, month


def settled(shelf: Shelf, tables: dict[str, list[dict]]) -> Run:
    """October's rows in the work file, September's in the books."""
    for name in mart_tables():
        shelf.put(name, [row for row in tables.get(name, []) if row["month"] == OCTOBER])
        shelf.put(name, [row for row in tables.get(name, []) if row["month"] == SEPTEMBER], ("books", "mart"))
    shelf.put_masters(MASTERS)
    return Run(shelf.con, OCTOBER)


def launched(run: Run, checks: list, wanted: list[str]):
    """Run the checks with an asset that publishing stands for; it must run only when nothing blocks."""
    published = []
    tables = [dg.asset(name=name)(lambda: None) for name in wanted]

    @dg.asset(deps=wanted)
    def publishing() -> None:
        published.append(True)

    result = (
        dg.Definitions(
            assets=[*tables, publishing],
            asset_checks=checks,
            resources={"run": dg.ResourceDefinition.hardcoded_resource(run)},
        )
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(raise_on_error=False)
    )
    found = {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}
    return found, bool(published)


def test_books_that_are_right_are_green_and_are_published(shelf):
    found, published = launched(settled(shelf, two_months()), make_invariant_checks(), READ)
    assert set(found) == {invariant.id for invariant in INVARIANTS}
    assert all(evaluation.passed for evaluation in found.values())
    assert published


def test_a_breach_blocks_publishing_and_shows_the_rows(shelf):
    tables = two_months()
    tables["unmatched_receipts"] = [row for row in tables["unmatched_receipts"] if row["month"] == SEPTEMBER]
    found, published = launched(settled(shelf, tables), make_invariant_checks(), READ)
    assert [name for name, evaluation in found.items() if not evaluation.passed] == [
        "every_credit_is_allocated_or_open"
    ]
    assert not published
    red = found["every_credit_is_allocated_or_open"]
    assert red.severity == dg.AssetCheckSeverity.ERROR
    assert red.metadata["breaches"].value == 1
    assert "| t2 | CNY | 88.00 | 0.00 | 0.00 | 88.00 |" in red.metadata["rows"].value
    assert red.description == "收款金额 ≠ 已认领 + 未认领（1 行）"


def test_a_table_of_the_wrong_shape_blocks_publishing(shelf):
    tables = two_months()
    tables["exceptions"] = [{"month": OCTOBER, "exception_id": f"e{i}", "severity": "fatal"} for i in range(12)]
    found, published = launched(settled(shelf, tables), [make_table_check("exceptions", "exceptions")], ["exceptions"])
    assert not found[TABLE_CHECK].passed
    assert not published
    shown = found[TABLE_CHECK].metadata["failure_1"].value
    assert "severity is none of block review warn: 12 rows" in shown
    assert shown.count("fatal") == 10


def test_the_check_inside_the_asset_blocks_as_well(shelf):
    run, published = settled(shelf, {"exceptions": [{"month": OCTOBER, "severity": "fatal"}]}), []

    @dg.asset(check_specs=[table_check_spec("exceptions", "exceptions")])
    def exceptions() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=[table_check_result(run.con, "exceptions", "exceptions")])

    @dg.asset(deps=[exceptions])
    def publishing() -> None:
        published.append(True)

    result = dg.materialize([exceptions, publishing], raise_on_error=False)
    assert not result.success
    assert not published


def test_an_asset_may_be_named_otherwise_than_its_table(shelf):
    checks = make_invariant_checks(asset_keys={"control_totals": dg.AssetKey(["desk", "control_totals"])})
    keys = {key for check in checks for key in check.check_keys}
    on_totals = {key.name for key in keys if key.asset_key == dg.AssetKey(["desk", "control_totals"])}
    assert on_totals == {"rows_read_are_accepted_or_rejected", "amounts_read_are_accepted_or_rejected"}


@pytest.mark.parametrize("table", sorted(mart_tables()))
def test_every_published_table_has_its_blocking_check(table):
    spec = table_check_spec(table, table)
    assert spec.blocking
    assert mart_tables()[table].zh in spec.description


def test_rows_of_earlier_months_come_from_the_books_even_if_those_lack_a_column(shelf):
    settled(shelf, two_months())
    narrow = shelf.con.table("principal_ledger", database=("books", "mart")).drop("note")
    rows = narrow.to_pyarrow()
    shelf.con.create_table("principal_ledger", rows, database=("books", "mart"), overwrite=True)
    ledger = tables_up_to(shelf.con, OCTOBER)("principal_ledger")
    assert sorted(ledger.month.to_pyarrow().to_pylist()) == [SEPTEMBER] * 5 + [OCTOBER]
    assert ledger.schema().names == mart_tables()["principal_ledger"].schema.names


def test_what_stands_in_the_books_of_the_month_itself_or_later_does_not_count(shelf):
    settled(shelf, {})
    shelf.put(
        "control_totals",
        [{"month": month, "source_file": month} for month in (SEPTEMBER, OCTOBER, "2023-11")],
        ("books", "mart"),
    )
    rows = tables_up_to(shelf.con, OCTOBER)("control_totals")
    assert rows.source_file.to_pyarrow().to_pylist() == [SEPTEMBER]


def test_a_new_home_has_no_books_yet(shelf):
    shelf.put("control_totals", [{"month": OCTOBER}])
    assert tables_up_to(shelf.con, OCTOBER)("control_totals").count().to_pyarrow().as_py() == 1
