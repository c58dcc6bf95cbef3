"""Findings (检查): every rule that can be broken, held against the month. Joins ``rules.books`` to the run."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.settlement import service_words
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.rules import money
from settlement.rules.books import (
    deadline_findings,
    export_exceptions,
    fx_findings,
    import_findings,
    payout_findings,
    received_invoices,
    refund_findings,
)
from settlement.rules.books.deadline_findings import Deadline

GROUP = "settlement"
_DEADLINES = ("receipt_confirm", "preentry", "refund_documents", "refund_claim", "refund_payout", "balance_topup")
_CUTOFFS = ("submission", "end_of_day", "followup_first", "followup_second")
_VERSIONS = (
    export_exceptions.export_findings,
    fx_findings.fx_findings,
    payout_findings.payout_findings,
    refund_findings.refund_findings,
    import_findings.tax_bill_findings,
    deadline_findings.event_deadlines,
    received_invoices.invoice_findings,
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
    for name, find in {
        "export": export_rows,
        "fx": fx_rows,
        "invoices": invoice_rows,
        "refunds": refund_rows,
        "identifiers": identifier_rows,
        "tax_bills": tax_bill_rows,
        "goods_invoices": goods_invoice_rows,
        "balances": balance_rows,
        "payouts": payout_rows,
    }.items():
        run.found(name, find(run))
    find_deadlines(run)
    counts = {name: int(run.warehouse.work("found", name).count().to_pyarrow().as_py()) for name in run.warehouse.tables_of("found")}
    return dg.MaterializeResult(metadata={"found": dg.MetadataValue.json(counts)})


def _value(run: SettlementRun, series: str, field: str | None = None, **keys: str):
    return run.parameters.value_on(series, run.day, field, **keys)


def export_rows(run: SettlementRun) -> ir.Table:
    authority = run.con.to_pyarrow(run.reference("own_company").select("tax_authority").limit(1)).to_pylist()
    key = (authority[0]["tax_authority"] if authority else None) or "*"
    band = {bound: _value(run, "swap_ratio", bound, authority=key) for bound in ("low", "high")}
    return export_exceptions.export_findings(run.facts("export_lines"), band, _value(run, "fx_unit_suspect", "ratio"))


def fx_rows(run: SettlementRun) -> ir.Table:
    standing = run.facts("standing_pieces")
    return fx_findings.fx_findings(
        run.facts("credits"),
        run.facts("receipt_values"),
        standing.filter(standing.principal_id.notnull()).select("txn_id", "principal_id").distinct(),
        run.reference("fx_mid_rates"),
        stale_days=int(_value(run, "fx_staleness", "days")),
        suspect_times=Decimal(_value(run, "fx_unit_suspect", "times")),
        advice_tolerance=_value(run, "fx_advice", "amount"),
    )


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
        as_of=run.day,
        warn_days=int(_value(run, "warn_ahead", "days", code="REFUND_WINDOW_CLOSING")),
        per_line=_value(run, "refund_difference", "per_line"),
    )


def identifier_rows(run: SettlementRun) -> ir.Table:
    return refund_findings.identifier_findings(
        run.facts("described_orders"), run.facts("goods"), run.reference("principals")
    )


def tax_bill_rows(run: SettlementRun) -> ir.Table:
    standing = run.facts("standing_pieces")
    tax_money = standing.filter(standing.order_no.notnull() & standing.purpose.isin(["税金", "预收", "余款"]))
    return import_findings.tax_bill_findings(
        run.facts("tax_bills"),
        run.facts("described_orders"),
        tax_money,
        as_of=run.day,
        tax_days=int(_value(run, "deadline", "length", what="import_tax")),
        warn_days=int(_value(run, "warn_ahead", "days", code="TAX_DUE_SOON")),
    )


def goods_invoice_rows(run: SettlementRun) -> ir.Table:
    ours = run.reference("own_company").select(_uscc="uscc")
    invoices = run.facts("received_invoices")
    sold = invoices.semi_join(ours, invoices.seller_uscc == ours._uscc)
    sold = sold.filter(sold.order_no.notnull() & ~sold.is_void)
    issued = sold.group_by("order_no", "invoice_no").agg(
        buyer_name=sold.buyer_name.min(), buyer_uscc=sold.buyer_uscc.min(), issued_on=sold.issued_on.min(),
        total_amount=sold.total_amount.sum().cast(money.MONEY),
    )  # fmt: skip
    return import_findings.goods_invoice_findings(
        run.facts("import_orders"), issued, run.facts("described_orders"), run.reference("principals"), run.facts("events"),
        gap_share=_value(run, "vat_gap", "share"),
    )  # fmt: skip


def balance_rows(run: SettlementRun) -> ir.Table:
    orders, standing = run.facts("described_orders"), run.facts("standing_pieces")
    moved = standing.filter(standing.order_no.notnull()).group_by("order_no").agg(
        moved_cny=standing.amount_cny.sum().cast(money.MONEY)
    )
    unknown = orders.filter(orders.is_import & ~orders.is_cancelled & orders.agency_fee.isnull() & orders.agency_fee_rate.isnull())
    fees = unknown.select("order_no", "principal_id").join(moved, "order_no")
    netted = orders.filter(orders.freight_treatment == "抵扣").select("order_no")
    twice = standing.filter(standing.purpose == "物流费").semi_join(netted, "order_no")
    twice = twice.group_by("order_no", "principal_id").agg(amount_cny=twice.amount_cny.sum().cast(money.MONEY))
    return import_findings.balance_findings(run.facts("order_balances"), run.facts("order_payments"), fees, twice)


def payout_rows(run: SettlementRun) -> ir.Table:
    orders = run.facts("described_orders")
    return payout_findings.payout_findings(
        requests_of_orders(run), run.reference("payout_documents"), run.facts("paid"), run.facts("transactions"), orders
    )


def requests_of_orders(run: SettlementRun) -> ir.Table:
    """Payment applications with the principal of their order."""
    return run.facts("payments").join(run.facts("described_orders").select("order_no", "principal_id"), "order_no")


def find_deadlines(run: SettlementRun) -> None:
    """found.deadlines and facts.coverage_deadlines."""
    events, days = run.facts("events"), run.facts("working_days")
    requests = requests_of_orders(run)
    lengths = {what: int(_value(run, "deadline", "length", what=what)) for what in _DEADLINES}
    at = {what: _value(run, "cutoff", "at", what=what) for what in _CUTOFFS}
    results = [
        deadline_findings.event_deadlines(event_deadlines(run, lengths), events, days),
        deadline_findings.cutoffs(requests, at["submission"], days),
        deadline_findings.payment_status(requests, events, at["end_of_day"]),
        deadline_findings.follow_ups(requests, events, days, at["followup_first"], at["followup_second"]),
        deadline_findings.client_top_ups(run.facts("order_balances"), events, days, lengths["balance_topup"], run.day),
    ]
    run.found("deadlines", ibis.union(*[rows for rows, _ in results]))
    run.keep("facts", "coverage_deadlines", ibis.union(*[counted for _, counted in results]))


def event_deadlines(run: SettlementRun, lengths: dict[str, int]) -> list[Deadline]:
    """The deadlines whose proof is an event, each with the day its clock starts for each order."""
    orders, standing = run.facts("described_orders"), run.facts("standing_pieces")
    owned = orders.select("order_no", "principal_id")
    exports = orders.filter(orders.is_own_export & ~orders.is_cancelled)
    declared = exports.filter(exports.declared_on.notnull()).select("order_no", "principal_id", started_on="declared_on")
    goods = standing.filter(standing.order_no.notnull() & (standing.purpose == "货款") & (standing.currency != "CNY"))
    received = goods.group_by("order_no").agg(started_on=goods.booked_on.max(), at_risk=goods.amount_cny.sum()).join(owned, "order_no")
    refunds = standing.filter(standing.order_no.notnull() & (standing.purpose == "退税款"))
    credited = refunds.group_by("order_no").agg(started_on=refunds.booked_on.max(), at_risk=refunds.amount_cny.sum()).join(owned, "order_no")
    confirmed = run.facts("events").filter(lambda t: (t.event == "EXP-REF-05") & t.order_no.notnull())
    told = confirmed.group_by("order_no").agg(started_on=confirmed.happened_at.max().date()).join(owned, "order_no")
    return [
        Deadline("EXP-RCV-03", "DL_RCV_CONFIRM_LATE", "EXP-RCV-03", lengths["receipt_confirm"], received, "与客户确认到账外汇、汇率与人民币金额"),
        Deadline("EXP-DOC-01", "DL_PREENTRY_LATE", "EXP-DOC-01", lengths["preentry"], declared, "取得报关预录单"),
        Deadline("EXP-REF-01", "DL_REFUND_DOC_LATE", "EXP-REF-01", lengths["refund_documents"], declared, "取得退税单证（电子信息）"),
        Deadline("EXP-REF-04", "DL_REFUND_CLAIM_LATE", "EXP-REF-04", lengths["refund_claim"], credited, "认领退税款"),
        Deadline("EXP-REF-06", "DL_REFUND_PAY_LATE", "EXP-REF-06", lengths["refund_payout"], told, "提交退税款付款申请"),
    ]  # fmt: skip


ASSETS = [rule_findings]
