"""Decision rows (认领, 审批) of the month: which of them may act, and what is told of the rest. Joins rules to the run."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.checks.mart_schemas import mart_table
from settlement.matching.credits import DECISION
from settlement.rules import decision_rows as rules
from settlement.rules.books.decision_outcomes import APPLIED
from settlement.rules.export_check import receipts_as_shown

TABLES = ("claims", "approvals")


def keep_decisions(run: SettlementRun, claims: ir.Table, approvals: ir.Table) -> None:
    """facts.claims and facts.approvals: rows that act; facts.held_*: those whose ground changed since the export.

    ``claims``, ``approvals``: every accepted row so far.
    """
    claims = run.keep("facts", "all_claims", rules.once(claims, "认领", rules.CLAIM))
    named = approvals.mutate(exception_id=approvals.exception_id.strip().lower())
    approvals = run.keep("facts", "all_approvals", rules.once(named, "审批", rules.APPROVAL))
    applied = _published(run, "decision_outcomes").filter(lambda t: t.outcome.isin(APPLIED)).select("decision_key")
    credits = _so_far(run, "bank_transactions").filter(lambda t: t.amount > 0)
    shown = receipts_as_shown(credits, _so_far(run, "receipt_allocations"), DECISION)
    at_risk = _published(run, "exceptions").select(subject="exception_id", amount="amount_at_risk_cny")
    held = run.keep("facts", "held_claims", rules.held_back(claims, "txn_id", shown, applied))
    acting = run.keep("facts", "claims", claims.anti_join(held, "decision_key"))
    left = shown.group_by("subject").agg(open_amount=shown.amount.min())
    left = left.join(credits.select("txn_id", "currency"), left.subject == credits.txn_id).drop("subject")
    run.found("held_claims", rules.held_claims_found(held, acting, left))
    held = run.keep("facts", "held_approvals", rules.held_back(approvals, "exception_id", at_risk, applied))
    acting = run.keep("facts", "approvals", approvals.anti_join(held, "decision_key"))
    run.found("held_approvals", rules.held_approvals_found(held, acting, at_risk))


def _published(run: SettlementRun, name: str) -> ir.Table:
    """A state as last published up to this month: the month's own before a re-run, else the latest before it."""
    rows = _so_far(run, name)
    months = _so_far(run, "months")
    return rows.filter(rows.month == months.month.max().as_scalar())


def _so_far(run: SettlementRun, name: str) -> ir.Table:
    """Published rows up to and including this month, as they stood before this run."""
    if not run.warehouse.has_books("mart", name):
        return ibis.memtable([], schema=mart_table(name))
    rows = run.warehouse.books("mart", name)
    return rows.filter(rows.month <= run.month)
