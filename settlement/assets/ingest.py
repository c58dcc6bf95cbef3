"""Ingest (读入): from files to facts. Joins ``io.ingest`` to ``rules.books.facts``; decides nothing itself."""

from __future__ import annotations

import dagster as dg
import ibis
import ibis.expr.types as ir

from settlement.assets.decision_rows import keep_decisions
from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version, table_asset
from settlement.checks.metadata import PREVIEW_ROWS, markdown_table
from settlement.io import ingest
from settlement.rules import privacy, text
from settlement.rules.books import facts

GROUP = "ingest"
# Tables whose later row of the same key replaces the earlier one; of all others every accepted row is a fact.
KEYED = {
    "orders": ("order_no",),
    "payments": ("request_no",),
}
MONTHLY = [
    "orders", "goods", "freight", "payments", "tax_bills", "refund_notices", "vat_invoices", "vat_shares",
    "documents", "events", "desk", "adjustments",
]  # fmt: skip

_TOTALS = ["rows_read", "rows_accepted", "rows_rejected", "amount_read", "amount_accepted", "amount_rejected"]
# What the rest of the run knows of a bank line; how its file was read stays in stage.bank.
TRANSACTION = [
    "txn_id", "account_no", "bank_ref", "booked_on", "value_on", "currency", "amount", "balance", "counterparty_name",
    "counterparty_account", "counterparty_bank", "summary", "purpose", "remark", "fx_rate", "cny_amount", "bank_fee",
    "is_reversal", "is_marked", "month", "source_file", "source_row",
]  # fmt: skip


def _asset(**more):
    return dg.asset(group_name=GROUP, partitions_def=PARTITIONS, owners=[OWNERS[GROUP]], kinds={"duckdb"}, **more)


@_asset(
    description="主数据：raw/reference 下各表（委托方、本方账户、付款人、汇率、退税率、报价、授权文件、期初）",
    code_version=code_version(ingest.ingest_reference),
)
def reference_masters(run: SettlementRun) -> dg.MaterializeResult:
    run.month_files()  # meanwhile
    ingest.ingest_reference(run.con, run.warehouse.home)
    return dg.MaterializeResult(metadata=_told(run, "reference", "C-40、contract-3"))


@_asset(
    deps=[reference_masters],
    description="本月收件：raw/<月份> 下每个文件的每一行，接受或拒绝，拒绝的写明文件、行、字段与原因",
    code_version=code_version(ingest.ingest_month),
)
def input_rows(run: SettlementRun) -> dg.MaterializeResult:
    ingest.ingest_month(run.con, run.warehouse.home, run.month, run.warehouse.past_input, run.month_files())
    totals = run.warehouse.work("stage", "control_totals").group_by("input_table", "currency")
    sums = totals.agg(**{name: (lambda t, name=name: t[name].sum()) for name in _TOTALS}).order_by(
        "input_table", "currency"
    )
    refused = (
        run.warehouse.work("stage", "rejected_rows").order_by("source_file", "source_row", "field").limit(PREVIEW_ROWS)
    )
    return dg.MaterializeResult(
        metadata={
            **_told(run, "stage", "BNK-01 至 BNK-09、contract-1、contract-2"),
            "control_totals": dg.MetadataValue.md(markdown_table(sums.to_pyarrow().to_pylist())),
            "rejected": dg.MetadataValue.md(markdown_table(refused.to_pyarrow().to_pylist())),
        }
    )


def _told(run: SettlementRun, schema: str, rules: str) -> dict[str, dg.MetadataValue]:
    """What the UI shows of an asset that makes a schema of tables: the rows of each, the rules."""
    tables = run.warehouse.tables_of(schema)
    counts = {name: int(run.warehouse.work(schema, name).count().to_pyarrow().as_py()) for name in tables}
    return {"rows": dg.MetadataValue.json(counts), "rules": dg.MetadataValue.text(rules)}


def cumulative(run: SettlementRun, name: str) -> ir.Table:
    """Accepted rows of a monthly table in all months up to this one."""
    here = run.warehouse.work("stage", name)
    return run.warehouse.past_input(name, here.schema()).union(here)


@_asset(
    deps=[input_rows],
    description="截至本月末的事实：同一订单以最近月份为准，银行流水一笔一次",
    code_version=code_version(facts.latest),
)
def known_facts(run: SettlementRun) -> dg.MaterializeResult:
    for name in MONTHLY:
        rows = cumulative(run, name)
        if name == "orders":
            begun = rows.group_by("order_no").agg(first_month=rows.month.min())
            rows = facts.latest(rows, *KEYED[name]).left_join(begun, "order_no").drop("order_no_right")
        elif name in KEYED:
            rows = facts.latest(rows, *KEYED[name])
        elif name == "goods":
            rows = facts.latest_goods(rows)
        run.keep("facts", name, rows)
    keep_decisions(run, cumulative(run, "claims"), cumulative(run, "approvals"))
    people = privacy.persons(
        run.reference("payers"), run.reference("payout_documents"), run.warehouse.work("stage", "payments")
    )
    people = run.keep("facts", "persons", people)
    # Earlier months' rows come from the published file, where persons' accounts are masked (PRV-01).
    run.keep("facts", "payments", privacy.restored(run.facts("payments"), "payee_account", "payee_name", people))
    lines = privacy.restored(cumulative(run, "bank"), "counterparty_account", "counterparty_name", people)
    run.keep("facts", "transactions", first_seen(lines.select(*TRANSACTION)))
    described = facts.described_orders(run.facts("orders"), run.facts("goods"), run.reference("principals"))
    run.keep("facts", "described_orders", described)
    sql = run.warehouse.made_by["facts", "orders"]
    shown = {"sql": dg.MetadataValue.md(f"```sql\n{sql}\n```")}
    return dg.MaterializeResult(metadata=_told(run, "facts", "C-48、BNK-07、PRV-01") | shown)


def first_seen(bank: ir.Table) -> ir.Table:
    """Bank lines once each, in the first month whose folder held them (contract, section 4)."""
    return facts.first_of_each(bank, ["txn_id"], [bank.month, bank.source_file, bank.source_row])


def bank_transactions_of_month(run: SettlementRun) -> ir.Table:
    """The lines first held by this month's folder, with personal accounts masked (PRV-01)."""
    lines = run.facts("transactions")
    mine = lines.filter(lines.month == run.month)
    remark = text.joined(mine.summary, mine.purpose, mine.remark)
    joined = privacy.masked(mine.mutate(remark=remark), "counterparty_account", run.facts("persons"))
    return joined.mutate(
        is_reversal=ibis.coalesce(joined.is_reversal, False),
        is_marked=ibis.coalesce(joined.is_marked, False),
    )


bank_transactions = table_asset(
    "bank_transactions",
    group=GROUP,
    deps=["known_facts"],
    rules=["BNK-07", "PRV-01"],
    make=bank_transactions_of_month,
)
control_totals = table_asset(
    "control_totals",
    group=GROUP,
    deps=["input_rows"],
    rules=[],
    make=lambda run: run.warehouse.work("stage", "control_totals"),
)
rejected_rows = table_asset(
    "rejected_rows",
    group=GROUP,
    deps=["input_rows"],
    rules=[],
    make=lambda run: run.warehouse.work("stage", "rejected_rows"),
)

ASSETS = [reference_masters, input_rows, known_facts, bank_transactions, control_totals, rejected_rows]
