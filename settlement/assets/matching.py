"""Matching (认领与核对): gives the matcher its facts and keeps what it returns, with CNY. Decides nothing itself."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version, table_asset
from settlement.checks.mart_schemas import mart_table
from settlement.io.warehouse import conformed
from settlement.matching import MatchInputs, match_payments, match_receipts, prepared
from settlement.matching.limits import limits_on
from settlement.rules.books import conversions as conversion_books
from settlement.rules.books import payments as payment_books
from settlement.rules.books import receipts

GROUP = "matching"


def match_inputs(run: SettlementRun) -> MatchInputs:
    """Everything the matcher may look at, up to the month."""
    facts, reference = run.facts, run.reference
    return MatchInputs(
        month=run.month,
        as_of=run.day,
        limits=limits_on(run.parameters, run.day),
        transactions=facts("transactions"),
        orders=facts("orders"),
        goods=facts("goods"),
        principals=reference("principals"),
        payers=reference("payers"),
        own_accounts=reference("own_accounts"),
        own_company=reference("own_company"),
        payout_documents=reference("payout_documents"),
        payments=facts("payments"),
        tax_bills=facts("tax_bills"),
        refund_notices=facts("refund_notices"),
        vat_invoices=facts("vat_invoices"),
        claims=facts("claims"),
        adjustments=facts("adjustments"),
        opening_items=reference("opening_items"),
        fx_mid_rates=reference("fx_mid_rates"),
        freight_lines=facts("freight_lines"),
        freight_charges=facts("freight_charges"),
        placed=run.past("receipt_allocations"),
        placed_payments=run.past("payment_allocations"),
        run=lambda table: run.con.to_pyarrow(table).to_pylist(),
        load=lambda rows, schema: ibis.memtable(rows, schema=schema) if rows else ibis.memtable([], schema=schema),
        keep=run.keep_for_now,
    )


@dg.asset(
    group_name=GROUP,
    deps=["freight_lines"],
    partitions_def=PARTITIONS,
    owners=[OWNERS[GROUP]],
    kinds={"duckdb", "ibis"},
    description="认领：每笔收款属于谁、付哪张订单；每笔付款对应哪张请款单。规则表见 settlement/matching/decision_table.yaml",
    code_version=code_version(match_receipts, match_payments),
)
def matched_money(run: SettlementRun) -> dg.MaterializeResult:
    inputs = prepared(match_inputs(run))  # once for both
    receipt_result, payment_result = match_receipts(inputs), match_payments(inputs)
    results = {
        "receipt_flows": receipt_result.allocations,
        "receipt_unmatched": receipt_result.unmatched,
        "receipt_evidence": receipt_result.evidence,
        "receipt_scoreboard": receipt_result.scoreboard,
        "payment_flows": payment_result.allocations,
        "payment_unmatched": payment_result.unmatched,
        "payment_evidence": payment_result.evidence,
    }
    kept = {name: run.keep("facts", name, relation) for name, relation in results.items()}
    _convert(run)
    run.found("matching", receipt_result.found)
    run.found("payments", payment_result.found)
    _value_receipts(run)
    _value_payments(run)
    run.forget()
    # Counted last: nobody waits for what can be made meanwhile.
    counts = {name: int(relation.count().to_pyarrow().as_py()) for name, relation in kept.items()}
    return dg.MaterializeResult(metadata={"rows": dg.MetadataValue.json(counts)})


def _convert(run: SettlementRun) -> None:
    """facts.new_conversions and facts.conversions: what the lines that matching called 结汇 fix, this month and so far."""
    earlier = run.past("conversions").drop("month")
    exchanged = conversion_books.conversions(
        run.facts("transactions"),
        _lines_called(run, "receipt_allocations", "receipt_flows", "purpose"),
        _lines_called(run, "payment_allocations", "payment_flows", "kind"),
        earlier,
    )
    new = run.keep("facts", "new_conversions", conformed(exchanged, earlier.schema()))
    run.keep("facts", "conversions", earlier.union(new))


def _lines_called(run: SettlementRun, published: str, new: str, column: str) -> ir.Table:
    """txn_id of all lines up to now whose ``column`` says 结汇."""
    earlier, now = run.past(published), run.facts(new)
    both = earlier.select("txn_id", column).union(now.select("txn_id", column))
    return both.filter(both[column] == "结汇").select("txn_id").distinct()


def _value_receipts(run: SettlementRun) -> None:
    """facts.receipt_values and facts.standing_pieces: the CNY of each credit and of what stands of it."""
    lines = run.facts("transactions")
    credits = run.keep("facts", "credits", lines.filter(lines.amount > 0))
    values = run.keep(
        "facts",
        "receipt_values",
        receipts.receipt_values(credits, run.facts("conversions"), run.reference("fx_mid_rates")),
    )
    earlier = run.past("receipt_allocations").select(*receipts.PIECE_KEY, "amount")
    flows = earlier.union(run.facts("receipt_flows").select(*receipts.PIECE_KEY, "amount"))
    run.keep("facts", "standing_pieces", receipts.standing_pieces(flows, values, credits))


def _value_payments(run: SettlementRun) -> None:
    """facts.payments_valued and facts.paid: this month's payment allocations, and all so far, with CNY and slip fee.

    All are valued anew: a slip's rate that came after its payment's month, or was corrected since, is posted then.
    """
    new = run.facts("payment_flows")
    earlier = conformed(run.past("payment_allocations"), new.schema())
    both = new.mutate(_is_new=ibis.literal(True)).union(earlier.mutate(_is_new=ibis.literal(False)))
    valued = run.keep(
        "facts",
        "all_payments_valued",
        payment_books.valued(both, run.facts("transactions"), run.facts("payments"), run.reference("fx_mid_rates")),
    )
    run.keep("facts", "payments_valued", valued.filter(valued._is_new).drop("_is_new"))
    columns = ["txn_id", "request_no", "order_no", "principal_id", "kind", "amount", "amount_cny", "settlement_rate", "currency", "booked_on"]  # fmt: skip
    run.keep("facts", "paid", payment_books.with_slip_fee(valued.select(*columns), run.facts("payments")))


def _bank_columns(run: SettlementRun, rows: ir.Table, whole: str) -> ir.Table:
    """Allocation rows with what the bank line says of them; ``whole`` names the column of its absolute amount."""
    lines = run.facts("transactions")
    said = lines.select(
        "txn_id", "account_no", "bank_ref", "booked_on", "currency", "counterparty_name", **{whole: lines.amount.abs()}
    )
    keep = [column for column in rows.columns if column not in said.columns or column == "txn_id"]
    return rows.select(*keep).join(said, "txn_id")


def receipt_allocation_rows(run: SettlementRun) -> ir.Table:
    valued = receipts.valued_flows(
        run.facts("receipt_flows"),
        run.facts("receipt_values"),
        run.facts("standing_pieces"),
        run.past("receipt_allocations"),
    )
    # The contract: candidates are a list wherever no order is named, and stand nowhere else.
    listed = ibis.cases((valued.order_no.isnull(), valued.candidates.fill_null("[]")))
    return _bank_columns(run, valued.mutate(candidates=listed), "receipt_amount")


def payment_allocation_rows(run: SettlementRun) -> ir.Table:
    return _bank_columns(run, run.facts("payments_valued"), "payment_amount")


def unmatched_payment_rows(run: SettlementRun) -> ir.Table:
    """Open debits in the columns of the allocated ones: what would name an application is NULL, CNY at the mid rate."""
    unknown = {
        name: ibis.null("string") for name in ("request_no", "order_no", "principal_id", "vendor", "kind", "rule")
    }
    opened = run.facts("payment_unmatched").mutate(evidence=lambda t: t.reason, **unknown)
    valued = payment_books.valued(
        opened, run.facts("transactions"), run.facts("payments"), run.reference("fx_mid_rates")
    )
    return _bank_columns(run, valued, "payment_amount")


def scoreboard_rows(run: SettlementRun) -> ir.Table:
    return conformed(run.facts("receipt_scoreboard"), mart_table("scoreboard"))


receipt_allocations = table_asset(
    "receipt_allocations",
    group=GROUP,
    deps=["matched_money"],
    rules=["IMP-RCV-01", "EXP-RCV-02", "LOG-RCV-01", "EXP-REF-04", "C-27", "C-28", "C-45"],
    make=receipt_allocation_rows,
    versions=[receipts.valued_flows],
)
conversions = table_asset(
    "conversions",
    group=GROUP,
    deps=["matched_money"],
    rules=["C-45", "FX-05"],
    make=lambda run: run.facts("new_conversions"),
    versions=[conversion_books.conversions],
)
unmatched_receipts = table_asset(
    "unmatched_receipts",
    group=GROUP,
    deps=["matched_money"],
    rules=["IMP-RCV-01"],
    make=lambda run: _bank_columns(run, run.facts("receipt_unmatched"), "receipt_amount"),
)
receipt_evidence = table_asset(
    "receipt_evidence",
    group=GROUP,
    deps=["matched_money"],
    rules=["IMP-RCV-01", "C-27"],
    make=lambda run: run.facts("receipt_evidence"),
)
payment_allocations = table_asset(
    "payment_allocations",
    group=GROUP,
    deps=["matched_money"],
    rules=["EXP-PAY-02", "EXP-PAY-04", "IMP-FXP-07"],
    make=payment_allocation_rows,
    versions=[payment_books.valued],
)
unmatched_payments = table_asset(
    "unmatched_payments",
    group=GROUP,
    deps=["matched_money"],
    rules=["EXP-PAY-04"],
    make=unmatched_payment_rows,
)

ASSETS = [
    matched_money,
    receipt_allocations,
    conversions,
    unmatched_receipts,
    receipt_evidence,
    payment_allocations,
    unmatched_payments,
]
