"""The audit as a whole: Great Expectations' verdicts, its pages, its asset checks."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from settlement.checks.audit_results import CHECKS, AuditResult, audit_check_results, audit_check_specs
from settlement.checks.data_docs import POLICY

from .books import OCTOBER, SEPTEMBER, two_months
from .test_audit_measures import LIMITS, months_with_lines

pytestmark = pytest.mark.slow  # importing Great Expectations takes seconds


def audited(shelf, tables: dict[str, list[dict]], out: Path, month: str = OCTOBER) -> AuditResult:
    from settlement.checks.audit import audit

    shelf.publish(tables)
    return audit(shelf.con, month, out, limits=LIMITS, catalog="books")


def pages(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file()
    }


def test_right_books_pass_and_their_pages_are_private_small_and_repeatable(shelf, tmp_path):
    result = audited(shelf, two_months(), tmp_path / "audit")
    assert result.passed
    assert [outcome.check for outcome in result.outcomes] == list(CHECKS)
    assert all(outcome.rows > 0 for outcome in result.outcomes)
    first = pages(tmp_path / "audit")
    assert result.site.name == "index.html"
    assert sum(len(text) for text in first.values()) < 500_000
    for name, text in first.items():
        assert "https://" not in text, name
        assert not name.endswith(".html") or POLICY.split(";")[0] in text, name
    assert (
        "credits = allocated + open"
        in first["validations/audit_control_totals/2023-10/20231031T000000.000000Z/mart-audit_control_totals.html"]
    )
    audited(shelf, two_months(), tmp_path / "audit")
    assert pages(tmp_path / "audit") == first


def test_pages_of_earlier_months_stay_and_a_month_is_replaced(shelf, tmp_path):
    audited(shelf, two_months(), tmp_path, SEPTEMBER)
    audited(shelf, two_months(), tmp_path, OCTOBER)
    wrong = {**two_months(), "rejected_rows": []}
    audited(shelf, wrong, tmp_path, SEPTEMBER)
    told = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["suites"] for path in (tmp_path / "results").iterdir()
    }
    assert {month: [suite["passed"] for suite in suites] for month, suites in told.items()} == {
        SEPTEMBER: [False, True, True, True],
        OCTOBER: [True, True, True, True],
    }
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.index(OCTOBER) < index.index(SEPTEMBER)
    assert "1 项不符" in index
    assert all((tmp_path / suite["page"]).is_file() for suites in told.values() for suite in suites)


def test_wrong_books_fail_with_the_rows_that_are_wrong(shelf, tmp_path):
    tables = two_months()
    tables["bank_transactions"] = [row for row in tables["bank_transactions"] if row["txn_id"] != "t5"]
    tables["export_invoices"][1]["levy_rate"] = "0.18"
    result = audited(shelf, tables, tmp_path)
    outcomes = {outcome.check.name: outcome for outcome in result.outcomes}
    assert {name for name, outcome in outcomes.items() if not outcome.passed} == {
        "audit_control_totals",
        "audit_references",
        "audit_value_ranges",
    }
    assert {
        "measure": "bank amount accepted = published",
        "subject": "CNY",
        "left": "-20000",
        "right": "0",
    } in outcomes["audit_control_totals"].failing
    assert [row["dangling"] for row in outcomes["audit_references"].failing] == ["1", "1"]
    assert outcomes["audit_value_ranges"].failing[0]["column_name"] == "levy_rate"


@pytest.mark.parametrize("count, passed", [(2, True), (1, False), (48, True), (49, False)])
def test_a_month_out_of_line_with_earlier_months_is_shown(shelf, tmp_path, count, passed):
    tables = months_with_lines({"2023-07": 9, "2023-08": 10, "2023-09": 12, OCTOBER: count})
    drift = audited(shelf, tables, tmp_path).outcomes[-1]
    assert drift.passed is passed
    assert [row["measure"] for row in drift.failing] == ([] if passed else ["rows of bank_transactions"])


def test_books_without_a_row_are_audited_too(shelf, tmp_path):
    assert audited(shelf, {}, tmp_path).passed


def test_outcomes_become_asset_checks_that_block_nothing(shelf, tmp_path):
    tables = two_months()
    tables["export_invoices"][1]["levy_rate"] = "0.18"
    tables["rejected_rows"] = []
    tables["control_totals"][2]["rows_rejected"] = 1
    result = audited(shelf, tables, tmp_path)

    @dg.asset(check_specs=audit_check_specs("published_warehouse"))
    def published_warehouse() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=audit_check_results(result, "published_warehouse"))

    run = dg.materialize([published_warehouse])
    assert run.success
    found = {check.check_name: check for check in run.get_asset_check_evaluations()}
    assert {name: check.passed for name, check in found.items()} == {
        "audit_control_totals": False,
        "audit_references": True,
        "audit_value_ranges": False,
        "audit_drift": True,
    }
    assert found["audit_control_totals"].severity == dg.AssetCheckSeverity.ERROR
    assert found["audit_value_ranges"].severity == dg.AssetCheckSeverity.WARN
    assert "| export_invoices | levy_rate |" in found["audit_value_ranges"].metadata["rows"].value
