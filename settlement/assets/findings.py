"""Findings (检查): every rule that can be broken, held against the month. Joins ``rules.books`` to the run."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets import evidence
from settlement.assets.evidence import requests_of_orders
from settlement.assets.publish import begin_publishing
from settlement.assets.run import SettlementRun
from settlement.assets.settlement import service_words
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.io.warehouse import conformed
from settlement.matching.parties import BUREAU
from settlement.rules import desk, money
from settlement.rules.books import (
    balance_findings,
    deadline_findings,
    document_findings,
    event_findings,
    export_exceptions,
    fx_findings,
    goods_invoice_findings,
    payout_findings,
    received_invoices,
    refund_findings,
    remittance_findings,
    tax_bill_findings,
)
from settlement.rules.books.deadline_findings import COVERAGE, Deadline
from settlement.rules.exceptions import FOUND

GROUP = "settlement"
_DEADLINES = ("receipt_confirm", "preentry", "refund_documents", "refund_claim", "refund_payout", "balance_topup")
_CUTOFFS = ("submission", "end_of_day", "followup_first", "followup_second")
_VERSIONS = (
    export_exceptions.export_findings,
    fx_findings.fx_findings,
    payout_findings.routes,
    balance_findings.over_balance,
    goods_invoice_findings.goods_invoice_findings,
    refund_findings.refund_findings,
    tax_bill_findings.paid_too_early,
    deadline_findings.judged_deadlines,
    received_invoices.invoice_findings,
    document_findings.declarations_differ,
    event_findings.return_routes,
    remittance_findings.papers_differ,
)


@dg.asset(
    group_name=GROUP,
    deps=["export_invoices", "import_invoices", "tax_refunds", "principal_ledger", "order_balances", "receipt_allocations",
          "payment_allocations"],
    partitions_def=PARTITIONS,
    owners=[OWNERS[GROUP]],
    kinds={"duckdb", "ibis"},
    description="检查：外汇、出口开票、发票、退税、进口、付款、期限等规则逐条核对，违反的成为异常",
    code_version=code_version(*_VERSIONS),
)  # fmt: skip
def rule_findings(run: SettlementRun) -> dg.MaterializeResult:
    begin_publishing(run)
    for name, find in {
        "export": export_rows,
        "fx": fx_rows,
        "invoices": invoice_rows,
        "refunds": refund_rows,
        "identifiers": identifier_rows,
        "openings": evidence.opening_rows,
        "desk": desk_rows,
        "decisions": evidence.decision_rows,
    }.items():
        run.found(name, find(run))
    for name, judge in {
        "tax_bills": tax_bill_results,
        "issued_invoices": issued_invoice_results,
        "balances": balance_results,
        "payouts": payout_results,
        "documents": evidence.document_results,
        "events": evidence.event_results,
        "deadlines": deadline_results,
    }.items():
        results = judge(run)
        if results:
            _keep_results(run, name, results)
    counts = {
        name: int(run.warehouse.work("found", name).count().to_pyarrow().as_py())
        for name in run.warehouse.tables_of("found")
    }
    return dg.MaterializeResult(metadata={"found": dg.MetadataValue.json(counts)})


def _keep_results(run: SettlementRun, name: str, results: list[evidence.Result]) -> None:
    """found.<name> and facts.coverage_<name>: what was judged is computed once for both."""
    rows, counted = ibis.union(*[rows for rows, _ in results]), ibis.union(*[counted for _, counted in results])
    whole = ibis.schema({**FOUND, **COVERAGE})
    judged = run.keep("facts", f"judged_{name}", conformed(rows, whole).union(conformed(counted, whole)))
    run.found(name, judged.filter(judged.checked.isnull()).select(*FOUND))
    run.keep("facts", f"coverage_{name}", judged.filter(judged.checked.notnull()).select(*COVERAGE))


def _value(run: SettlementRun, series: str, field: str | None = None, **keys: str):
    return run.parameters.value_on(series, run.day, field, **keys)


def export_rows(run: SettlementRun) -> ir.Table:
    authority = run.con.to_pyarrow(run.reference("own_company").select("tax_authority").limit(1)).to_pylist()
    key = (authority[0]["tax_authority"] if authority else None) or "*"
    band = {bound: _value(run, "swap_ratio", bound, authority=key) for bound in ("low", "high")}
    return export_exceptions.export_findings(run.facts("export_lines"), band, _value(run, "fx_unit_suspect", "ratio"))


def fx_rows(run: SettlementRun) -> ir.Table:
    standing = run.facts("standing_pieces")
    stale_days = int(_value(run, "fx_staleness", "days"))
    received = fx_findings.fx_findings(
        run.facts("credits"),
        run.facts("receipt_values"),
        standing.filter(standing.principal_id.notnull()).select("txn_id", "principal_id", "order_no").distinct(),
        run.reference("fx_mid_rates"),
        stale_days=stale_days,
        suspect_times=Decimal(_value(run, "fx_unit_suspect", "times")),
        advice_tolerance=_value(run, "fx_advice", "amount"),
    )
    return received.union(fx_findings.estimate_findings(run.facts("import_orders"), stale_days=stale_days))


def invoice_rows(run: SettlementRun) -> ir.Table:
    payers, principals = run.reference("payers"), run.reference("principals")
    suppliers = payers.filter(payers.relation == "供货商").select("principal_id", seller_name="payer_name")
    sellers = suppliers.union(principals.select("principal_id", seller_name="name")).distinct()
    return received_invoices.invoice_findings(
        run.facts("received_invoices"),
        run.facts("held_invoices"),
        run.facts("export_lines"),
        sellers,
        run.reference("own_company"),
        service_words=service_words(run),
        line_tax=_value(run, "vat_invoice", "line_tax"),
        line_price=_value(run, "vat_invoice", "line_price"),
    )


def refund_rows(run: SettlementRun) -> ir.Table:
    return refund_findings.refund_findings(
        run.facts("tax_refunds"),
        run.facts("order_notices"),
        run.facts("export_lines"),
        run.facts("events"),
        as_of=run.day,
        warn_days=int(_value(run, "warn_ahead", "days", code="REFUND_WINDOW_CLOSING")),
        per_line=_value(run, "refund_difference", "per_line"),
    )


def identifier_rows(run: SettlementRun) -> ir.Table:
    return refund_findings.identifier_findings(
        run.facts("described_orders"), run.facts("goods"), run.reference("principals")
    )


def desk_rows(run: SettlementRun) -> ir.Table:
    charges = desk.desk_charges(run.facts("desk"), run.parameters["desk_rule"], run.day)
    return desk.desk_findings(run.keep("facts", "desk_charges", charges))


def tax_bill_results(run: SettlementRun) -> list[evidence.Result]:
    if not evidence.has_rows(run.facts("tax_bills")):
        return []
    orders, standing = run.facts("described_orders"), run.facts("standing_pieces")
    bills = tax_bill_findings.bills_once(run.facts("tax_bills"))
    originals = run.facts("original_bills")
    return [
        tax_bill_findings.other_consignees(bills, orders),
        tax_bill_findings.other_amounts(bills, orders),
        tax_bill_findings.paid_too_early(originals, orders, standing.filter(standing.order_no.notnull()), run.facts("paid")),
        tax_bill_findings.due_soon(
            originals, orders, run.facts("working_days"), as_of=run.day,
            tax_days=int(_value(run, "deadline", "length", what="import_tax")),
            warn_days=int(_value(run, "warn_ahead", "days", code="TAX_DUE_SOON")),
        ),
    ]  # fmt: skip


def issued_invoice_results(run: SettlementRun) -> list[evidence.Result]:
    if not any(evidence.has_rows(run.facts(name)) for name in ("import_orders", "vat_invoices", "events")):
        return []
    return goods_invoice_findings.goods_invoice_findings(
        run.facts("import_orders"), evidence.sold_invoices(run), run.facts("described_orders"), run.facts("goods"),
        run.reference("principals"), run.facts("events"), gap_share=_value(run, "vat_gap", "share"),
    )  # fmt: skip


def balance_results(run: SettlementRun) -> list[evidence.Result]:
    orders, standing, balances = (
        run.facts("described_orders"),
        run.facts("standing_pieces"),
        run.facts("order_balances"),
    )
    moved = (
        standing.filter(standing.order_no.notnull())
        .group_by("order_no")
        .agg(moved_cny=lambda t: t.amount_cny.sum().cast(money.MONEY))
    )
    run.found("fees", balance_findings.fees_not_stated(orders, moved))
    return [
        balance_findings.over_balance(balances, requests_of_orders(run), run.facts("paid"), run.facts("tax_refunds")),
        balance_findings.missing_components(balances, run.facts("order_payments")),
        balance_findings.netted_and_billed(orders, standing, run.facts("documents")),
    ]


def payout_results(run: SettlementRun) -> list[evidence.Result]:
    if not evidence.has_rows(run.facts("payments")):
        return []
    orders, requests, paid = run.facts("described_orders"), requests_of_orders(run), run.facts("paid")
    return [
        payout_findings.routes(requests, run.reference("payout_documents"), orders),
        payout_findings.slips(requests, paid, run.facts("transactions")),
        payout_findings.requests_differ(requests, paid, run.facts("events")),
        payout_findings.abroad(requests, paid, orders),
    ]


def deadline_results(run: SettlementRun) -> list[evidence.Result]:
    """Every deadline: late, due today, or overdue where the books themselves tell."""
    events, days = run.facts("events"), run.facts("working_days")
    requests = requests_of_orders(run)
    lengths = {what: int(_value(run, "deadline", "length", what=what)) for what in _DEADLINES}
    at = {what: _value(run, "cutoff", "at", what=what) for what in _CUTOFFS}
    known = events.select("event", "order_no", "ref_no", "happened_at").union(acts_in_books(run, requests))
    judged = deadline_findings.judged_deadlines(event_deadlines(run, lengths, requests), known, days, run.day)
    judged = run.keep("facts", "deadlines", judged)
    run.found("calendar", deadline_findings.calendar_ends(judged, days))
    return [
        (deadline_findings.deadlines_found(judged, run.day), deadline_findings.deadlines_counted(judged, run.day)),
        deadline_findings.unclaimed_refunds(bureau_money(run), days, lengths["refund_claim"], run.day),
        deadline_findings.cutoffs(requests, at["submission"], days, run.day),
        deadline_findings.payment_status(requests, events, at["end_of_day"], run.day),
        deadline_findings.follow_ups(requests, events, days, at["followup_first"], at["followup_second"]),
        deadline_findings.client_top_ups(run.facts("order_balances"), events, days, lengths["balance_topup"], run.day),
    ]


def acts_in_books(run: SettlementRun, requests: ir.Table) -> ir.Table:
    """What the books tell of deeds that events may record as well: refund payouts applied for, refund money claimed."""
    applied = requests.filter((requests.kind == "退税款") & requests.submitted_at.notnull())
    standing = run.facts("standing_pieces")
    refunds = standing.filter(standing.order_no.notnull() & (standing.purpose == "退税款"))
    claims = run.facts("claims").group_by("txn_id").agg(decided_at=lambda t: t.decided_at.min())
    claimed = refunds.select("txn_id", "order_no").distinct().join(claims, "txn_id")
    none = ibis.null("string")
    return applied.select(
        event=ibis.literal("EXP-REF-06"), order_no="order_no", ref_no=none, happened_at="submitted_at"
    ).union(
        claimed.select(event=ibis.literal("EXP-REF-04"), order_no="order_no", ref_no=none, happened_at="decided_at")
    )


def bureau_money(run: SettlementRun) -> ir.Table:
    """Credits of the tax bureau with money that stands on no order yet: txn_id, amount (open), and the bank line's place."""
    lines = run.facts("transactions")
    paid_in = lines.filter(ibis.coalesce(lines.counterparty_name.re_search(BUREAU), False))
    waiting = run.facts("receipt_unmatched").select("txn_id", _open="amount")
    return paid_in.join(waiting, "txn_id").select(
        "txn_id", "booked_on", "currency", "counterparty_name", "source_file", "source_row", amount="_open"
    )


def event_deadlines(run: SettlementRun, lengths: dict[str, int], requests: ir.Table) -> list[Deadline]:
    """The deadlines whose proof is an event, each with the day its clock starts."""
    orders, standing = run.facts("described_orders"), run.facts("standing_pieces")
    owned = orders.select("order_no", "principal_id")
    exports = orders.filter(orders.is_own_export & ~orders.is_cancelled)
    declared = exports.filter(exports.declared_on.notnull()).select(
        "order_no", "principal_id", started_on="declared_on"
    )
    placed = standing.filter(standing.order_no.notnull()).drop("principal_id").join(owned, "order_no")
    lines = run.facts("transactions").select("txn_id", ref="bank_ref")

    def money_in(rows: ir.Table) -> ir.Table:
        named = rows.join(lines, "txn_id")
        return named.group_by("order_no", "principal_id", "ref", started_on="booked_on").agg(
            at_risk=named.amount_cny.sum().cast(money.MONEY)
        )

    received = money_in(placed.filter((placed.purpose == "货款") & (placed.currency != "CNY")))
    credited = money_in(placed.filter(placed.purpose == "退税款"))
    confirmed = run.facts("events").filter(lambda t: (t.event == "EXP-REF-05") & t.order_no.notnull())
    confirmed = confirmed.filter(~ibis.coalesce(confirmed.choice.contains("留"), False))
    told = confirmed.group_by("order_no").agg(started_on=confirmed.happened_at.max().date()).join(owned, "order_no")
    # An application without its time of submission says neither.
    untimed = requests.filter((requests.kind == "退税款") & requests.submitted_at.isnull())
    has_applications = run.facts("payments").count().as_scalar() > 0
    timed = told.anti_join(untimed, "order_no").filter(has_applications)
    return [
        Deadline("EXP-RCV-03", "DL_RCV_CONFIRM_LATE", lengths["receipt_confirm"], received, "与客户确认到账外汇、汇率与人民币金额", is_each=True),
        Deadline("EXP-DOC-01", "DL_PREENTRY_LATE", lengths["preentry"], declared, "取得报关预录单"),
        Deadline("EXP-REF-01", "DL_REFUND_DOC_LATE", lengths["refund_documents"], declared, "取得退税单证（电子信息）"),
        Deadline("EXP-REF-04", "DL_REFUND_CLAIM_LATE", lengths["refund_claim"], credited, "认领退税款", is_each=True),
        Deadline("EXP-REF-06", "DL_REFUND_PAY_LATE", lengths["refund_payout"], timed, "提交退税款付款申请", is_known=True),
    ]  # fmt: skip


ASSETS = [rule_findings]
