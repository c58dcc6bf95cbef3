"""Freight findings (物流检查): every logistics rule held against the month. Joins ``rules.books`` to the run."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.freight import all_allocations
from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.matching.words import GROUPS
from settlement.rules import text
from settlement.rules.books import (
    bl_releases,
    freight_exceptions,
    freight_orders,
    freight_rate_findings,
    freight_settlement,
    shipment_exceptions,
)

GROUP = "settlement"


@dg.asset(
    group_name=GROUP,
    deps=["freight_workings", "credit_positions"],
    partitions_def=PARTITIONS,
    owners=[OWNERS[GROUP]],
    kinds={"duckdb", "ibis"},
    description="物流检查：报价、凭证、重复、归属、箱重、放单、月结逾期等规则逐条核对",
    code_version=code_version(freight_exceptions.over_quote, shipment_exceptions.weights),
)
def freight_rule_findings(run: SettlementRun) -> dg.MaterializeResult:
    run.found("freight_lines", ibis.union(*_line_findings(run)))
    run.found("freight_money", ibis.union(*_money_findings(run)))
    results = _shipment_findings(run)
    run.found("shipments", ibis.union(*[found for found, _ in results]))
    run.keep("facts", "coverage_freight", ibis.union(*[counted for _, counted in results]))
    names = [
        name for name in run.warehouse.tables_of("found") if name in ("freight_lines", "freight_money", "shipments")
    ]
    counts = {name: int(run.warehouse.work("found", name).count().to_pyarrow().as_py()) for name in names}
    return dg.MaterializeResult(metadata={"found": dg.MetadataValue.json(counts)})


def _line_findings(run: SettlementRun) -> list[ir.Table]:
    charges, value_on = run.facts("freight_charges"), run.parameters.value_on
    return [
        freight_exceptions.over_quote(charges),
        freight_exceptions.without_voucher(charges),
        freight_exceptions.billed_twice(charges),
        freight_exceptions.without_order(charges),
        freight_exceptions.rate_differs(charges),
        freight_exceptions.wrong_basis(charges, run.parameters.table("charge_basis")),
        freight_exceptions.all_in_without_breakdown(charges, run.facts("documents")),
        freight_rate_findings.ambiguous_quotes(charges),
        freight_rate_findings.rates_found(charges, stale_days=int(value_on("fx_staleness", run.day, "days"))),
        freight_exceptions.splits_found(
            run.facts("freight_lines"),
            freight_orders.split_decisions(run.facts("adjustments"), run.facts("described_orders")),
        ),
    ]


def _money_findings(run: SettlementRun) -> list[ir.Table]:
    receivables = run.facts("freight_receivables")
    return [
        freight_settlement.month_overdue_found(run.facts("overdue_months")),
        freight_settlement.not_written_off(receivables, run.facts("freight_money"), run.facts("freight_charges")),
        freight_settlement.credit_not_released(on_account(run), run.book("credit_positions")),
        bl_releases.releases_found(run.facts("release_tests"), receivables, month=run.month),
        bl_releases.exposure_unknown_found(run.facts("freight_shipped"), run.facts("freight_expected")),
    ]


def on_account(run: SettlementRun) -> ir.Table:
    """Receipt pieces as they stand; money on account whose bank text speaks of freight is freight money that waits."""
    pieces = all_allocations(run)
    lines = run.facts("transactions").semi_join(pieces.filter(pieces.order_no.isnull()), "txn_id")
    said = text.joined(lines.summary, lines.purpose, lines.remark).upper().re_search("|".join(GROUPS["freight"]))
    spoken = lines.filter(ibis.coalesce(said, False)).select("txn_id").distinct().mutate(_says=ibis.literal(True))
    joined = pieces.left_join(spoken, "txn_id").drop("txn_id_right")
    waits = joined.order_no.isnull() & ibis.coalesce(joined._says, False)
    return joined.mutate(purpose=waits.ifelse("物流费", joined.purpose)).drop("_says")


def _shipment_findings(run: SettlementRun) -> list[tuple[ir.Table, ir.Table]]:
    orders, events, documents = run.facts("described_orders"), run.facts("events"), run.facts("documents")
    days, charges = run.facts("working_days"), run.facts("freight_charges")

    def length(what: str) -> int:
        return int(run.parameters.value_on("deadline", run.day, "length", what=what))

    return [
        shipment_exceptions.booking_mismatches(documents, orders),
        shipment_exceptions.proof_mismatches(documents, orders),
        shipment_exceptions.invalid_states(orders, events),
        shipment_exceptions.states_late(orders, events, days, days=length("shipment_status"), as_of=run.day),
        shipment_exceptions.weights(orders, run.parameters.table("container_limit")),
        shipment_exceptions.couriers_missing(orders, events),
        shipment_exceptions.disputes_escalated(orders, events),
        shipment_exceptions.statements_wrong(charges, documents),
        freight_settlement.statements_late(charges, events, days, days=length("ar_statement")),
    ]


ASSETS = [freight_rule_findings]
