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


def document_results(run: SettlementRun) -> list[Result]:
    """What documents say against orders, applications and our own masters."""
    documents, orders, goods = run.facts("documents"), run.facts("described_orders"), run.facts("goods")
    company, requests = run.reference("own_company"), requests_of_orders(run)
    aliases = run.parameters.table("unit_alias")
    always = [
        remittance_findings.papers_differ(requests, documents, orders),
        document_findings.balance_signs(documents, run.facts("order_balances")),
    ]
    # Most months bring no documents, and these relations cost more to compile than to run.
    if not documents.count().to_pyarrow().as_py():
        return always
    declared = run.keep("facts", "declared", document_findings.declared(documents, orders, goods, company))
    return [
        *always,
        document_findings.payees_of_proofs(documents, orders, company, run.reference("own_accounts")),
        document_findings.declarations_differ(documents, orders, declared),
        document_findings.statement_units(documents, orders, goods, aliases),
        paper_amount_findings.messages_add_up(documents, orders),
        paper_amount_findings.words_and_figures(documents, orders),
        remittance_findings.prepaid_papers(requests, documents, company),
        remittance_findings.certificates_missing(requests, documents),
    ]


def event_results(run: SettlementRun) -> list[Result]:
    """What recorded events prove."""
    orders, events, state = run.facts("described_orders"), run.facts("events"), run.facts("import_orders")
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
