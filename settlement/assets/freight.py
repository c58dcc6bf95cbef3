"""Freight (物流): charges before matching, write-off, releases and credit after it. Joins ``rules.books`` to the run."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement import month as months
from settlement.assets.first_month import first_month
from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version, table_asset
from settlement.io.parameters import load_calendar
from settlement.rules.books import (
    bl_releases,
    credit_exposure,
    credit_positions,
    facts,
    freight_orders,
    freight_settlement,
    freight_write_off,
)
from settlement.rules.books import freight_charges as charge_books

GROUP = "settlement"


def approved_exceptions(run: SettlementRun) -> ir.Table:
    """exception_id of the approvals (批准) in force on as_of: the latest decision on each counts."""
    approvals = run.facts("approvals")
    order = ibis.window(group_by="exception_id", order_by=approvals.decided_at.desc())
    latest = approvals.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0)
    in_time = latest.valid_to.isnull() | (latest.valid_to >= ibis.literal(run.day))
    return latest.filter((latest.action == "批准") & in_time).select("exception_id").distinct()


def collection_terms(run: SettlementRun) -> dict[str, int | str]:
    """By which day of the next month freight is collected, and where that moves off a rest day (LOG-CR-01, C-18)."""
    return {
        "collection_day": int(run.parameters.value_on("deadline", run.day, "length", what="monthly_collection")),
        "rest_day": str(run.parameters.value_on("month_deadline_on_rest_day", run.day, "moves")),
    }


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
    working_days = run.keep("facts", "working_days", load_calendar(run.warehouse.home.reference).table())
    orders, adjustments = run.facts("described_orders"), run.facts("adjustments")
    lines = freight_orders.assign_orders(run.facts("freight"), orders, adjustments, keep=run.keep_for_now)
    lines = run.keep("facts", "freight_lines", lines)
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
        **collection_terms(run),
        unit_suspect_ratio=run.parameters.value_on("fx_unit_suspect", run.day, "times"),
        keep=run.keep_for_now,
    )
    run.keep("facts", "freight_charges", charges)
    run.forget()
    # Nobody waits here for the charges: matching begins with what needs none. How many they are is shown with their table.
    return dg.MaterializeResult(metadata={"lines_read": int(run.facts("freight").count().to_pyarrow().as_py())})


@dg.asset(
    group_name=GROUP,
    deps=["matched_money"],
    partitions_def=PARTITIONS,
    owners=[OWNERS[GROUP]],
    kinds={"duckdb", "ibis"},
    description="物流结算底稿：逐项销账、账龄、信用占用与放单测试（各物流表的共同输入）",
    code_version=code_version(freight_write_off.write_offs, bl_releases.release_tests, credit_exposure.exposure_events),
)
def freight_workings(run: SettlementRun) -> dg.MaterializeResult:
    def keep(name: str, table: ir.Table) -> ir.Table:
        return run.keep("facts", name, table)

    orders, charges, events = run.facts("described_orders"), run.facts("freight_charges"), run.facts("events")
    clients = run.reference("principals")
    approved = keep("approved_exceptions", approved_exceptions(run))
    end = ibis.literal(months.last_day(run.month))
    treated = keep("freight_treatments", freight_write_off.treatments(charges, orders, events))
    items = freight_write_off.freight_items(charges, treated).union(opening_freight(run))
    items = keep("freight_items", items)
    settling = keep("freight_money", freight_write_off.freight_money(all_allocations(run), run.facts("adjustments")))
    written = keep("freight_written", freight_write_off.write_offs(items, settling))
    bands = run.parameters.rows("ageing")
    receivables = keep(
        "freight_receivables", freight_settlement.freight_receivables(items, written, as_of=run.day, bands=bands)
    )
    shipped = keep("freight_shipped", credit_exposure.shipments(orders, charges, end))
    quotes, rates = run.reference("client_quotes"), run.reference("fx_mid_rates")
    expected = keep("freight_expected", credit_exposure.expected_charges(shipped, charges, orders, quotes, rates))
    exposure = keep("freight_exposure", credit_exposure.exposure_events(shipped, charges, items, written, expected))
    overdue = keep("freight_overdue", credit_exposure.overdue_events(orders, clients, items, written, approved))
    keep(
        "release_tests",
        bl_releases.release_tests(
            shipped, charges, items, settling, written, expected, exposure, overdue, clients,
            run.reference("credit_limits"), approved, end,
        ),
    )  # fmt: skip
    keep("overdue_months", freight_settlement.month_overdue(receivables, orders, clients, as_of=run.day))
    return dg.MaterializeResult(metadata={"items": int(items.count().to_pyarrow().as_py())})


def opening_freight(run: SettlementRun) -> ir.Table:
    """What orders owed for freight when the books began: collected, aged and used of the credit like any other item."""
    begin = first_month(run)
    return freight_write_off.opening_freight(
        run.reference("opening_items").filter(lambda t: t.month == begin),
        run.facts("working_days"),
        **collection_terms(run),
    )


def all_allocations(run: SettlementRun) -> ir.Table:
    """Receipt pieces as they stand, with what the freight rules ask for."""
    return run.facts("standing_pieces").select(
        "txn_id", "principal_id", "order_no", "purpose", "amount_cny", "booked_on", "currency"
    )


def freight_charge_rows(run: SettlementRun) -> ir.Table:
    charges = run.facts("freight_charges")
    mine = charges.filter(charges.month == run.month)
    settled = run.facts("freight_receivables").select("line_key", "settled_cny")
    return mine.left_join(settled, "line_key", rname="settled_{name}")


def receivable_rows(run: SettlementRun) -> ir.Table:
    whole = run.facts("freight_receivables")
    columns = [column for column in run.past("freight_receivables").columns if column != "month"]
    return facts.open_or_changed(
        whole.select(*columns), run.past("freight_receivables"), key=["line_key"], is_open=whole.open_cny != 0,
        ignore=("days_overdue", "age_bucket"),
    )  # fmt: skip


def position_rows(run: SettlementRun) -> ir.Table:
    return credit_positions.credit_positions(
        run.reference("principals"), run.reference("credit_limits"), run.facts("freight_exposure"),
        run.facts("freight_overdue"), run.facts("overdue_months"),
        month_end=ibis.literal(months.last_day(run.month)), as_of=ibis.literal(run.day),
    )  # fmt: skip


def release_rows(run: SettlementRun) -> ir.Table:
    whole = bl_releases.bl_releases(run.facts("release_tests"))
    return facts.open_or_changed(
        whole, run.past("bl_releases"), key=["order_no"], is_open=whole.released_on.isnull() | ~whole.allowed
    )


freight_charges = table_asset(
    "freight_charges", group=GROUP, deps=["freight_workings"], make=freight_charge_rows, versions=[charge_books.price],
    rules=["LOG-AP-01", "LOG-AP-02", "LOG-AR-02", "LOG-AR-03", "C-18", "C-19", "C-23", "C-24", "FRT-04"],
)  # fmt: skip
freight_receivables = table_asset(
    "freight_receivables", group=GROUP, deps=["freight_workings"], make=receivable_rows,
    versions=[freight_settlement.freight_receivables], rules=["LOG-RCV-01", "S2-DUN-01", "C-18"],
)  # fmt: skip
credit_position_table = table_asset(
    "credit_positions", group=GROUP, deps=["freight_workings"], make=position_rows,
    versions=[credit_positions.credit_positions], rules=["LOG-CR-01", "LOG-CR-02", "C-20", "C-21"],
)  # fmt: skip
release_table = table_asset(
    "bl_releases", group=GROUP, deps=["freight_workings"], make=release_rows, versions=[bl_releases.release_tests],
    rules=["LOG-BLR-01", "LOG-BLR-02", "C-20", "C-21", "C-22"],
)  # fmt: skip

ASSETS = [freight_lines, freight_workings, freight_charges, freight_receivables, credit_position_table, release_table]
