"""Decisions (决定) and the scoreboard: what finance's sheets did, and how well matching did. Joins rules to the run."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.settlement import all_desired, with_decision_key
from settlement.assets.table_asset import table_asset
from settlement.rules.books import decision_outcomes as outcomes
from settlement.rules.books import scoreboard as boards
from settlement.rules.decision_rows import HELD

GROUP = "settlement"


def decision_rows(run: SettlementRun) -> ir.Table:
    """The outcome of every row of 认领, 调整 and 审批 so far."""
    facts = run.facts
    findings = ibis.union(*run.all_found()) if len(run.all_found()) > 1 else run.all_found()[0]
    refused = findings.filter(
        findings.code.startswith("DECISION_"), findings.txn_id.notnull(), findings.field.fill_null("") != HELD
    )
    parts = [
        outcomes.claim_outcomes(facts("claims"), facts("standing_pieces"), refused),
        outcomes.held_outcomes(facts("held_claims"), facts("claims"), "认领", "txn_id"),
        outcomes.adjustment_outcomes(with_decision_key(facts("adjustments")), all_desired(run)),
        outcomes.approval_outcomes(facts("approvals"), run.book("exceptions")),
        outcomes.held_outcomes(facts("held_approvals"), facts("approvals"), "审批", "exception_id"),
    ]
    return ibis.union(*parts)


def scoreboard_rows(run: SettlementRun) -> ir.Table:
    """How much of the month's receipts was placed, by rule; what was corrected later; what is unapplied."""
    return boards.scoreboard(
        run.facts("credits").filter(lambda t: t.month == run.month),
        run.facts("receipt_values"),
        run.book("receipt_allocations"),
        run.past("receipt_allocations"),
        run.facts("standing_pieces"),
    )


decision_outcomes = table_asset(
    "decision_outcomes", group=GROUP, deps=["exceptions"], rules=["DECISION"], make=decision_rows,
    versions=[outcomes.claim_outcomes, outcomes.held_outcomes],
)  # fmt: skip
scoreboard = table_asset(
    "scoreboard", group="matching", deps=["receipt_allocations"], rules=["C-27", "C-28"], make=scoreboard_rows,
    versions=[boards.scoreboard],
)  # fmt: skip

ASSETS = [decision_outcomes, scoreboard]
