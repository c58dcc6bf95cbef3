"""Freight (物流): charges before matching, write-off, releases and credit after it. Joins ``rules.books`` to the run."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version, table_asset
from settlement.io.parameters import load_calendar
from settlement.rules.books import freight_charges as charge_books
from settlement.rules.books import freight_orders

GROUP = "settlement"


def approved_exceptions(run: SettlementRun) -> ir.Table:
    """exception_id of the approvals (批准) in force on as_of: the latest decision on each counts."""
    approvals = run.facts("approvals")
    order = ibis.window(group_by="exception_id", order_by=approvals.decided_at.desc())
    latest = approvals.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0)
    in_time = latest.valid_to.isnull() | (latest.valid_to >= ibis.literal(run.day))
    return latest.filter((latest.action == "批准") & in_time).select("exception_id").distinct()


@dg.asset(
    group_name="ingest",
    deps=["known_facts"],
    partitions_def=PARTITIONS,
    owners=[OWNERS["settlement"]],
    kinds={"duckdb", "ibis"},
    description="物流费用底稿：每行费用归属订单，套用供应商与客户报价，算出应付与应收（认领要用）",
    code_version=code_version(charge_books.price, freight_orders.assign_orders),
)
def freight_lines(run: SettlementRun) -> dg.MaterializeResult:
    def keep(name: str, table: ir.Table) -> ir.Table:
        return run.keep("facts", name, table)

    working_days = run.keep("facts", "working_days", load_calendar(run.warehouse.home.reference).table())
    orders, adjustments = run.facts("described_orders"), run.facts("adjustments")
    lines = freight_orders.assign_orders(run.facts("freight"), orders, adjustments, keep=keep)
    charges = charge_books.price(
        lines,
        orders=orders,
        vendor_quotes=run.reference("vendor_quotes"),
        client_quotes=run.reference("client_quotes"),
        fx_mid_rates=run.reference("fx_mid_rates"),
        adjustments=adjustments,
        approved=approved_exceptions(run),
        working_days=working_days,
        month=run.month,
        collection_day=int(run.parameters.value_on("deadline", run.day, "length", what="monthly_collection")),
        rest_day=str(run.parameters.value_on("month_deadline_on_rest_day", run.day, "moves")),
        unit_suspect_ratio=run.parameters.value_on("fx_unit_suspect", run.day, "times"),
        keep=keep,
    )
    charges = run.keep("facts", "freight_charges", charges)
    return dg.MaterializeResult(metadata={"lines": int(charges.count().to_pyarrow().as_py())})


ASSETS = [freight_lines]

# TEMPORARY until the books arrive
from settlement.assets.run import no_rows
from settlement.checks.mart_schemas import mart_table

def _interim(name, make):
    return table_asset(name, group=GROUP, deps=["matched_money"], rules=[], make=make)

ASSETS += [
    _interim("freight_charges", lambda run: run.facts("freight_charges").filter(lambda t: t.month == run.month)),
    *[_interim(name, lambda run, name=name: no_rows(mart_table(name))) for name in ("freight_receivables", "credit_positions", "bl_releases")],
]
