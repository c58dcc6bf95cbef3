"""Evidence (凭据核对): documents, events and openings held against the month. Joins ``rules.books`` to the run.

What belongs here: which facts each finding gets. ``findings.rule_findings`` keeps the results.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.assets.first_month import first_month
from settlement.assets.run import SettlementRun
from settlement.rules.books import document_findings, event_findings, paper_amount_findings, remittance_findings
from settlement.rules.vat_invoices import is_for_services

Result = tuple[ir.Table, ir.Table]


def requests_of_orders(run: SettlementRun) -> ir.Table:
    """Payment applications with the principal of their order."""
    return run.facts("payments").join(run.facts("described_orders").select("order_no", "principal_id"), "order_no")


def sold_invoices(run: SettlementRun) -> ir.Table:
    """Invoices we issued for an order and that stand, with ``is_service`` (C-12: a service invoice is no goods invoice)."""
    ours = run.reference("own_company").select(_uscc="uscc")
    invoices = run.facts("received_invoices")
    sold = invoices.semi_join(ours, invoices.seller_uscc == ours._uscc)
    words = tuple(str(row["word"]) for row in run.parameters.rows("service_word"))
    sold = sold.filter(sold.order_no.notnull() & ~sold.is_void)
    return sold.mutate(is_service=ibis.coalesce(is_for_services(sold.goods_name, words), False))


def has_rows(relation: ir.Table) -> bool:
    """Whether anything is there: relations over optional tables cost more to compile than to run."""
    return bool(relation.limit(1).count().to_pyarrow().as_py())


def document_results(run: SettlementRun) -> list[Result]:
    """What documents say against orders, applications and our own masters; and an application's payee against its order."""
    orders, requests = run.facts("described_orders"), requests_of_orders(run)
    papers = run.keep("facts", "papers", document_findings.normalised(run.facts("documents")))
    abroad = remittance_findings.papers_differ(requests, papers, orders)
    if not has_rows(papers):
        return [abroad] if has_rows(run.facts("payments")) else []
    goods, company = run.facts("goods"), run.reference("own_company")
    declared = run.keep("facts", "declared", document_findings.declared(papers, orders, goods, company))
    return [
        abroad,
        remittance_findings.prepaid_papers(requests, papers, company),
        remittance_findings.certificates_missing(requests, papers),
        document_findings.balance_signs(papers, run.facts("order_balances")),
        document_findings.payees_of_proofs(papers, orders, company, run.reference("own_accounts")),
        document_findings.declarations_differ(papers, orders, declared),
        document_findings.statement_units(papers, orders, goods, run.parameters.table("unit_alias")),
        paper_amount_findings.messages_add_up(papers, orders),
        paper_amount_findings.words_and_figures(papers, orders),
    ]


def event_results(run: SettlementRun) -> list[Result]:
    """What recorded events prove."""
    orders, events, state = run.facts("described_orders"), run.facts("events"), run.facts("import_orders")
    if not (has_rows(events) or has_rows(state)):
        return []
    sold = sold_invoices(run)
    return [
        event_findings.return_routes(orders, events),
        event_findings.receipts_not_posted(orders, events, run.facts("standing_pieces")),
        event_findings.tax_bill_uses(state, events, sold.filter(~sold.is_service)),
        event_findings.heads_missing(
            orders, events, state.filter(state.status == "可开票"), run.reference("principals")
        ),
    ]


def opening_rows(run: SettlementRun) -> ir.Table:
    """Openings whose items do not sum to the balance."""
    return event_findings.openings_differ(
        run.reference("opening_balances"), run.reference("opening_items"), first_month(run)
    )


def known_orders(run: SettlementRun) -> ir.Table:
    """order_no of every order a decision may name: those of the order files and of the opening items."""
    items = run.reference("opening_items")
    of_items = items.filter(items.order_no.notnull()).select("order_no")
    return run.facts("described_orders").select("order_no").union(of_items).distinct()


def acting_adjustments(run: SettlementRun, adjustments: ir.Table) -> ir.Table:
    """Adjustments that name what exists; the others change nothing and are listed by ``decision_rows``."""
    nothing = event_findings.unknown_names(adjustments, known_orders(run), run.reference("principals"))
    return adjustments.anti_join(nothing, "decision_key")


def decision_rows(run: SettlementRun) -> ir.Table:
    """Adjustments that name an order or a principal nobody knows."""
    return event_findings.adjustments_of_nothing(
        run.facts("adjustments"), known_orders(run), run.reference("principals")
    )
