"""Settlement (结算): from allocations to invoices, refunds, ledger and balances. Joins ``rules.books`` to the run."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement import month as months
from settlement.assets import evidence
from settlement.assets.first_month import first_month
from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version, table_asset
from settlement.rules import money, refund
from settlement.rules.books import (
    balances,
    cancelled_orders,
    export_fees,
    export_invoices,
    facts,
    import_invoices,
    ledger_differences,
    principal_ledger,
    received_invoices,
    tax_refunds,
)
from settlement.rules.rows import table_of

GROUP = "settlement"
_LEDGER_RULES = ["C-09", "C-43", "C-47", "C-48", "IMP-BAL-01", "EXP-BAL-01"]


def _asset(**more):
    return dg.asset(
        group_name=GROUP, partitions_def=PARTITIONS, owners=[OWNERS[GROUP]], kinds={"duckdb", "ibis"}, **more
    )


# --- export and import ---------------------------------------------------------------------------
@_asset(
    deps=["matched_money", "freight_workings"],
    description="出口与进口订单的计算底稿：收款、费用、税率、税单、付汇（各表的共同输入）",
    code_version=code_version(export_invoices.export_invoices, import_invoices.import_invoices),
)
def order_workings(run: SettlementRun) -> dg.MaterializeResult:
    orders, goods, standing = run.facts("described_orders"), run.facts("goods"), run.facts("standing_pieces")
    keep = run.keep
    received = keep("facts", "order_receipts", export_invoices.order_receipts(standing))
    fees = export_fees.deducted_fees(orders, received, run.facts("freight_charges"), run.facts("freight_treatments"))
    keep("facts", "deducted_fees", fees)
    invoiced = hold_invoices(run)
    dated = facts.dated_goods(goods, orders).left_join(
        invoiced.select("order_no", "line_no", "invoice_levy"), ["order_no", "line_no"], rname="held_{name}"
    )
    levels = run.parameters.table("vat_levy").filter(lambda t: t.category == "standard")
    standard = levels.select("valid_from", "valid_to", standard="rate")
    keep(
        "facts",
        "refund_terms",
        export_invoices.refund_terms(
            dated, run.reference("refund_rates"), standard, run.parameters.table("refund_transition")
        ),
    )
    bills = keep("facts", "original_bills", import_invoices.original_bills(run.facts("tax_bills")))
    keep("facts", "order_taxes", import_invoices.order_taxes(bills))
    keep("facts", "order_payments", import_invoices.order_payments(run.facts("paid")))
    keep("facts", "usd_cross", usd_cross(run))
    keep("facts", "line_marks", line_marks(run))
    return dg.MaterializeResult(metadata={"orders": int(orders.count().to_pyarrow().as_py())})


def usd_cross(run: SettlementRun) -> ir.Table:
    """What one unit of each currency, CNY too, is in USD by the mid rates of as_of: to hold USD 50 against another one."""
    rates = run.reference("fx_mid_rates")
    known = rates.filter(rates.published_on <= ibis.literal(run.day))
    newest = known.mutate(
        _rank=ibis.row_number().over(ibis.window(group_by="currency", order_by=known.published_on.desc()))
    ).filter(lambda t: t._rank == 0)
    usd = newest.filter(newest.currency == "USD").select(_usd="rate_per_100")
    quoted = newest.filter(newest.currency != "USD").select("currency", "rate_per_100")
    home = usd.select(currency=ibis.literal("CNY"), rate_per_100=ibis.literal(100).cast(quoted.rate_per_100.type()))
    crossed = quoted.union(home).cross_join(usd)
    cross = crossed.select("currency", usd_per_1=money.divide_half_up(crossed.rate_per_100, crossed._usd, 8))
    one = ibis.memtable([{"currency": "USD"}], schema=ibis.schema({"currency": "string"})).mutate(
        usd_per_1=money.decimal_literal(1, 8)
    )
    return cross.union(one)


def line_marks(run: SettlementRun) -> ir.Table:
    """What was said of each export line: 收齐 (decision), 开票通知 (event), the VAT invoice held against it."""
    events = run.facts("events")
    complete = (
        events.filter((events.event == "收齐") | (events.choice == "收齐"))
        .select("order_no")
        .union(
            run.facts("adjustments")
            .filter(lambda t: (t.kind == "核销") & t.from_order.notnull())
            .select(order_no="from_order")
        )
        .distinct()
        .mutate(is_complete=ibis.literal(True))
    )
    notified = (
        events.filter(events.event == "开票通知").select("order_no").distinct().mutate(is_notified=ibis.literal(True))
    )
    lines = run.facts("goods").select("order_no", "line_no")
    marked = lines.left_join(complete, "order_no").drop("order_no_right")
    marked = marked.left_join(notified, "order_no").drop("order_no_right")
    invoiced = run.facts("line_invoices").drop("invoice_levy")
    return marked.left_join(invoiced, ["order_no", "line_no"], rname="held_{name}").drop(
        "held_order_no", "held_line_no"
    )


def hold_invoices(run: SettlementRun) -> ir.Table:
    """facts.received_invoices, facts.held_invoices and facts.line_invoices: VAT invoices and the lines they are for."""
    numbered = run.keep("facts", "received_invoices", received_invoices.numbered(run.facts("vat_invoices")))
    goods = run.facts("goods")
    held = received_invoices.by_line(numbered, run.facts("vat_shares"), goods, run.reference("own_company"))
    held = run.keep("facts", "held_invoices", held)
    units = run.parameters.rows("unit_alias")
    return run.keep("facts", "line_invoices", received_invoices.line_totals(held, units, goods, service_words(run)))


def service_words(run: SettlementRun) -> tuple[str, ...]:
    """Words of a goods name that make an invoice one for a service (VAT-REF-14)."""
    return tuple(str(row["word"]) for row in run.parameters.rows("service_word"))


def export_state(run: SettlementRun) -> ir.Table:
    """facts.export_lines: every export line as it stands, with what exceptions need beside it."""
    day = run.day
    tolerance = export_invoices.Tolerance(
        usd=run.parameters.value_on("declared_received", day, "usd"),
        fraction=run.parameters.value_on("declared_received", day, "share"),
    )
    whole = export_invoices.export_invoices(
        orders=run.facts("described_orders"),
        goods=run.facts("goods"),
        received=run.facts("order_receipts"),
        fees=run.facts("deducted_fees"),
        terms=run.facts("refund_terms"),
        usd_rates=run.facts("usd_cross"),
        marks=run.facts("line_marks"),
        tolerance=tolerance,
    )
    return run.keep("facts", "export_lines", whole)


def export_invoice_rows(run: SettlementRun) -> ir.Table:
    whole = export_state(run)
    columns = [column for column in run.past("export_invoices").columns if column != "month"]
    return facts.open_or_changed(
        whole.select(*[column for column in columns if column in whole.columns]),
        run.past("export_invoices"),
        key=["order_no", "line_no"],
        is_open=whole.status.notin(["取消", "不适用"]),
    )


def import_invoice_rows(run: SettlementRun) -> ir.Table:
    standing = run.facts("standing_pieces")
    received = (
        standing.filter(standing.order_no.notnull())
        .group_by("order_no")
        .agg(received_cny=standing.amount_cny.sum().cast(money.MONEY))
    )
    terms = run.facts("refund_terms")
    levies = terms.group_by("order_no").agg(_rates=terms.levy_rate.nunique(), levy_rate=terms.levy_rate.max())
    whole = import_invoices.import_invoices(
        orders=run.facts("described_orders"),
        payments=run.facts("order_payments"),
        taxes=run.facts("order_taxes"),
        mid_rates=run.reference("fx_mid_rates"),
        levies=levies,
        received=received,
        issued=issued_goods_invoices(run),
    )
    run.keep("facts", "import_orders", whole)
    whole = run.facts("import_orders")
    columns = [column for column in run.past("import_invoices").columns if column != "month"]
    return facts.open_or_changed(
        whole.select(*columns),
        run.past("import_invoices"),
        key=["order_no"],
        is_open=whole.status.notin(["取消", "已开票", "不开票"]),
    )


def issued_goods_invoices(run: SettlementRun) -> ir.Table:
    """Goods invoices we issued (销方 = we) that stand: order_no, invoice_no, one an order (the lowest number).

    An invoice for our own service (C-12) is none, and one that a red invoice took back whole stands no more.
    """
    sold = evidence.sold_invoices(run)
    of_goods = sold.filter(~sold.is_service)
    summed = of_goods.group_by("order_no").agg(invoice_no=of_goods.invoice_no.min(), _total=of_goods.total_amount.sum())
    return summed.filter(ibis.coalesce(summed._total, 1) > 0).drop("_total")


# --- the ledger ----------------------------------------------------------------------------------
def desired_postings(run: SettlementRun) -> ir.Table:
    """Every posting that should stand at the month's end."""
    orders, standing, paid = run.facts("described_orders"), run.facts("standing_pieces"), run.facts("paid")
    begin = first_month(run)
    opening = principal_ledger.openings(
        run.reference("opening_items"), run.reference("opening_balances"), begin, months.first_day(begin)
    )
    named = evidence.acting_adjustments(run, with_decision_key(run.facts("adjustments")))
    decided = run.keep("facts", "decided_adjustments", named)
    kept = run.keep("facts", "kept_of_orders", cancelled_orders.kept_of_orders(decided))
    fee_rows = ibis.union(
        export_fees.order_fees(orders, standing).drop("is_first"),
        import_invoices.import_fees(orders, run.facts("order_payments"), run.facts("order_receipts")).drop("is_first"),
        cancelled_orders.kept_fees(orders, kept, run.past("principal_ledger")),
    )
    bills = run.facts("original_bills").join(orders.select("order_no", "principal_id"), "order_no")
    parts = [
        opening,
        principal_ledger.receipts(standing),
        principal_ledger.fees(fee_rows),
        principal_ledger.freight(
            run.facts("freight_charges"), run.facts("freight_treatments"), ibis.literal(months.last_day(run.month))
        ),
        principal_ledger.payments(paid),
        principal_ledger.taxes(bills),
        principal_ledger.decisions(decided),
    ]
    together = run.keep("facts", "desired_postings_before_clearing", ibis.union(*parts))
    cleared = principal_ledger.cleared_advances(together.filter(together.account.isin(["退税", "垫付退税"])))
    run.keep("facts", "cleared_advances", cleared)
    return all_desired(run)


def all_desired(run: SettlementRun) -> ir.Table:
    """What ``desired_postings`` made."""
    return run.facts("desired_postings_before_clearing").union(run.facts("cleared_advances"))


def with_decision_key(adjustments: ir.Table) -> ir.Table:
    """Adjustments once each, keyed by what they say: the same decision in two workbooks is one."""
    said = ["kind", "principal_id", "from_order", "from_account", "to_order", "to_account", "ref_no", "currency", "amount", "document_no", "decided_by", "decided_at"]  # fmt: skip
    once = adjustments.mutate(
        _rank=ibis.row_number().over(
            ibis.window(group_by=said, order_by=[adjustments.month, adjustments.source_file, adjustments.source_row])
        )
    ).filter(lambda t: t._rank == 0)
    key = ibis.literal("")
    for column in said:
        key = key + ibis.literal("|") + ibis.coalesce(once[column].cast("string"), "")
    return once.mutate(decision_key=key.hexdigest("sha256").substr(0, 16)).drop("_rank")


def ledger_rows(run: SettlementRun) -> ir.Table:
    return ledger_differences.new_postings(
        desired_postings(run), run.past("principal_ledger"), run.month, months.first_day(run.month)
    )


def all_postings(run: SettlementRun) -> ir.Table:
    """The ledger up to and with this month."""
    return run.past("principal_ledger").union(run.book("principal_ledger"))


def order_balance_rows(run: SettlementRun) -> ir.Table:
    whole = balances.order_balances(all_postings(run), run.facts("described_orders"))
    whole = run.keep("facts", "order_balances", whole)
    return facts.open_or_changed(
        whole, run.past("order_balances"), key=["order_no", "kind"], is_open=whole.balance_cny != 0
    )


def tax_refund_rows(run: SettlementRun) -> ir.Table:
    lines = run.facts("export_lines")
    notices = run.keep("facts", "order_notices", tax_refunds.notices_by_order(run.facts("refund_notices"), lines))
    kept = run.facts("kept_of_orders")
    of_refunds = kept.filter(
        ibis.coalesce(kept.account, cancelled_orders.REFUND_ACCOUNT) == cancelled_orders.REFUND_ACCOUNT
    )
    of_refunds = of_refunds.group_by("order_no").agg(kept=of_refunds.amount.sum().cast(money.MONEY))
    whole = tax_refunds.tax_refunds(
        invoices=lines,
        notices=notices,
        postings=all_postings(run),
        kept=of_refunds,
        filing_days=filing_days(run),
    )
    columns = [column for column in run.past("tax_refunds").columns if column != "month"]
    whole = run.keep("facts", "tax_refunds", whole.select(*columns))
    return facts.open_or_changed(
        whole,
        run.past("tax_refunds"),
        key=["order_no", "declaration_no"],
        is_open=whole.status.notin(["已付清", "不予退税"]),
    )


def filing_days(run: SettlementRun) -> ir.Table:
    """The last filing day of each export year (C-46): export_year, file_by."""
    years = range(2011, int(run.month[:4]) + 1)
    rows = [{"export_year": year, "file_by": refund.last_filing_day(year, run.parameters)} for year in years]
    return table_of(rows, ibis.schema({"export_year": "int32", "file_by": "date"}))


import_invoices_asset = table_asset(
    "import_invoices",
    group=GROUP,
    deps=["order_workings"],
    rules=["IMP-EST-01", "IMP-FXP-07", "IMP-INV-01", "IMP-INV-02", "IMP-F-08", "C-10", "C-11", "C-12"],
    make=import_invoice_rows,
    versions=[import_invoices.import_invoices],
)
export_invoices_asset = table_asset(
    "export_invoices",
    group=GROUP,
    deps=["order_workings"],
    rules=["EXP-INV-01", "EXP-INV-02", "VAT-REF-01", "VAT-REF-05", "C-03", "C-04", "C-06", "C-07", "C-41", "C-44"],
    make=export_invoice_rows,
    versions=[export_invoices.export_invoices],
)
principal_ledger_asset = table_asset(
    "principal_ledger",
    group=GROUP,
    deps=["order_workings"],
    rules=_LEDGER_RULES,
    make=ledger_rows,
    versions=[ledger_differences.new_postings],
)
order_balances = table_asset(
    "order_balances",
    group=GROUP,
    deps=["principal_ledger"],
    rules=["IMP-BAL-01", "IMP-BAL-02", "IMP-BAL-03", "EXP-BAL-01", "EXP-BAL-02", "EXP-BAL-03", "C-09"],
    make=order_balance_rows,
    versions=[balances.order_balances],
)
tax_refunds_asset = table_asset(
    "tax_refunds",
    group=GROUP,
    deps=["principal_ledger", "export_invoices"],
    rules=["EXP-REF-01", "EXP-REF-03", "EXP-REF-04", "EXP-REF-05", "C-38", "C-46", "C-47"],
    make=tax_refund_rows,
    versions=[tax_refunds.tax_refunds],
)
principal_balances = table_asset(
    "principal_balances",
    group=GROUP,
    deps=["principal_ledger"],
    rules=["C-09"],
    make=lambda run: balances.principal_balances(run.past("principal_ledger"), run.book("principal_ledger")),
    versions=[balances.principal_balances],
)
principal_account_balances = table_asset(
    "principal_account_balances",
    group=GROUP,
    deps=["principal_ledger"],
    rules=["C-09"],
    make=lambda run: balances.principal_account_balances(run.past("principal_ledger"), run.book("principal_ledger")),
    versions=[balances.principal_account_balances],
)

ASSETS = [
    order_workings,
    export_invoices_asset,
    import_invoices_asset,
    principal_ledger_asset,
    order_balances,
    tax_refunds_asset,
    principal_balances,
    principal_account_balances,
]
