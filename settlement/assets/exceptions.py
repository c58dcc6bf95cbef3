"""Exceptions (异常), rule coverage, and what a re-run changed: collected once everything else of the month stands."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import table_asset
from settlement.checks.mart_schemas import mart_tables
from settlement.io import changes as change_report
from settlement.io.parameters import load_calendar, load_catalogue
from settlement.io.warehouse import conformed
from settlement.rules.books import rule_coverage as coverage_rules
from settlement.rules.exceptions import FOUND, exceptions_of, placed

GROUP = "settlement"
EVERYTHING = [
    "control_totals", "rejected_rows", "bank_transactions", "receipt_allocations", "unmatched_receipts", "receipt_evidence", "conversions",
    "payment_allocations", "unmatched_payments", "export_invoices", "import_invoices", "tax_refunds",
    "freight_charges", "freight_receivables", "order_balances", "principal_ledger", "principal_balances",
    "principal_account_balances", "credit_positions", "bl_releases", "rule_findings", "freight_rule_findings",
]  # fmt: skip


def exception_rows(run: SettlementRun) -> ir.Table:
    """Every stage's findings, judged by catalogue, approvals and earlier months."""
    reference = run.warehouse.home.reference
    calendar = load_calendar(reference).table()
    catalogue = load_catalogue(reference).table()
    findings = ibis.union(*[conformed(rows, FOUND) for rows in run.all_found()])
    findings = placed(findings, run.facts("described_orders"), run.facts("transactions"))
    return exceptions_of(
        run.keep("facts", "all_found", findings),
        run.past("exceptions"),
        run.facts("approvals"),
        run.keep("facts", "catalogue", catalogue),
        run.keep("facts", "working_days", calendar),
        run.month,
        run.day,
    )


def coverage_rows(run: SettlementRun) -> ir.Table:
    """How often each rule could be checked: what the findings counted, and the cases of the books, summed by rule."""
    wanted = ["rule_id", "checked", "failed", "not_checkable"]
    cases = ibis.union(
        coverage_rules.cases_of_exports(run.facts("export_lines"), run.facts("tax_refunds")),
        coverage_rules.cases_of_masters(run.facts("described_orders"), run.facts("goods"), run.reference("principals")),
        coverage_rules.cases_of_receipts(run.facts("credits"), run.month),
        coverage_rules.cases_of_freight(
            run.facts("freight_charges"), run.facts("freight_money"), run.facts("release_tests"),
            run.facts("freight_receivables"), run.facts("described_orders"),
        ),
    )  # fmt: skip
    parts = [run.facts(name) for name in run.warehouse.tables_of("facts") if name.startswith("coverage_")]
    parts.append(coverage_rules.counted_cases(cases, run.facts("all_found")))
    together = ibis.union(*[part.select(*wanted) for part in parts])
    return together.group_by("rule_id").agg(**{name: together[name].sum().cast("int64") for name in wanted[1:]})


def change_rows(run: SettlementRun) -> ir.Table:
    """What this run changes against the month's last published state, row by row."""
    names = [name for name, table in mart_tables().items() if table.kind != "clock" and name != "changes"]
    return change_report.changes(run.warehouse, names)


exceptions = table_asset(
    "exceptions", group=GROUP, deps=EVERYTHING, rules=["Part D"], make=exception_rows, versions=[exceptions_of]
)
rule_coverage = table_asset(
    "rule_coverage", group=GROUP, deps=[*EVERYTHING, "exceptions"], rules=["C-40"], make=coverage_rows
)
changes = table_asset(
    "changes",
    group=GROUP,
    deps=["exceptions", "rule_coverage", "scoreboard", "decision_outcomes"],
    rules=["C-48"],
    make=change_rows,
)

ASSETS = [exceptions, rule_coverage, changes]
