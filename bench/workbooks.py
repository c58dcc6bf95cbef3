"""How long the statements of a big month take: many small ones, and one long one.

    python bench/workbooks.py            # 5,000 statements of 40 lines; one statement of 100,000 lines
    python bench/workbooks.py --principals 500 --lines 10000

Prints seconds, processor seconds (over two cores half of them is the best time), and the peak memory of this process
and of its workers. The tables are made up in the
engine: a principal's lines are postings, receipts and freight items in equal parts of its ledger.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from settlement.checks.mart_schemas import mart_table, mart_tables
from settlement.io.engine import connect
from settlement.io.warehouse import conformed
from settlement.io.workbooks.context import read_context
from settlement.io.workbooks.month_data import PrincipalTables, Source
from settlement.io.workbooks.statements import Job, statement_names, write_statements
from settlement.rules.money import MONEY, RATE

MONTH, AS_OF = "2023-09", date(2023, 9, 30)


def month_of(principals: int, lines: int) -> Backend:
    """A work file whose principals each have ``lines`` postings: a quarter receipts, a quarter freight, the rest fees."""
    con = connect()
    for schema in ("book", "facts", "reference"):
        con.create_database(schema)
    numbered = ibis.range(principals * lines).unnest().name("n").as_table()
    rows = numbered.mutate(
        principal_id=ibis.literal("P") + (numbered.n // lines).cast("string").lpad(5, "0"), k=numbered.n % lines
    )
    rows = rows.mutate(
        order_no=ibis.literal("SO") + (rows.n // 2).cast("string").lpad(7, "0"),
        amount=((rows.n % 9973) * 100 + 1234).cast(MONEY),
        day=ibis.literal(date(2023, 9, 1)) + ibis.interval(days=1) * (rows.k % 30),
        txn_id=ibis.literal("t") + rows.n.cast("string"),
    )
    rows = con.create_table("rows", rows)
    made = {"principal_ledger": _ledger(rows), "receipt_allocations": _receipts(rows), "bank_transactions": _bank(rows)}
    made |= {"freight_charges": _freight(rows), "freight_receivables": _receivables(rows)}
    ledger = made["principal_ledger"]
    sums = ledger.group_by("principal_id").agg(movement=ledger.amount_cny.sum().cast(MONEY))
    balances = sums.mutate(opening=ibis.literal(0, MONEY), closing=sums.movement)
    made |= {
        "principal_balances": balances,
        "principal_account_balances": balances.mutate(account=ibis.literal("货款")),
    }
    for name in mart_tables():
        relation = made.get(name)
        schema = mart_table(name)
        table = conformed(relation.mutate(month=ibis.literal(MONTH)), schema) if relation is not None else None
        con.create_table(name, table, schema=None if relation is not None else schema, database="book")
    return con


def _ledger(rows: ir.Table) -> ir.Table:
    receipt = rows.k % 4 == 0
    return rows.select(
        "principal_id", "order_no", entry_no=ibis.literal("E") + rows.n.cast("string").lpad(8, "0"), posted_on="day", account=ibis.literal("货款"),
        kind=ibis.cases((receipt, "收款"), (rows.k % 4 == 1, "物流费"), else_="代理费"), currency=ibis.literal("CNY"),
        amount_cny=ibis.cases((receipt, rows.amount), else_=-rows.amount).cast(MONEY), txn_id=rows.txn_id,
        posting_key=rows.txn_id, rule_id=ibis.literal("LEDGER"),
    )  # fmt: skip


def _receipts(rows: ir.Table) -> ir.Table:
    mine = rows.filter(rows.k % 4 == 0)
    return mine.select(
        "principal_id", "order_no", "txn_id", account_no=ibis.literal("1001"), bank_ref=mine.txn_id, booked_on=mine.day, currency=ibis.literal("CNY"),
        receipt_amount=mine.amount, purpose=ibis.literal("货款"), amount=mine.amount, amount_cny=mine.amount, rate_source=ibis.literal("本币"),
        settlement_rate=ibis.literal(1, RATE), rule=ibis.literal("R"), confidence=ibis.literal("certain"), evidence=ibis.literal("附言"),
    )  # fmt: skip


def _bank(rows: ir.Table) -> ir.Table:
    mine = rows.filter(rows.k % 4 == 0)
    return mine.select(
        "txn_id", "amount", account_no=ibis.literal("1001"), bank_ref=mine.txn_id, booked_on=mine.day, currency=ibis.literal("CNY"),
        counterparty_name=ibis.literal("某某贸易有限公司"), remark=ibis.literal("货款 ") + mine.order_no, is_reversal=ibis.literal(False),
        is_marked=ibis.literal(False), source_file=ibis.literal("raw/bank.csv"), source_row=mine.n,
    )  # fmt: skip


def _freight(rows: ir.Table) -> ir.Table:
    mine = rows.filter(rows.k % 4 == 1)
    return mine.select(
        "principal_id", "order_no", line_key=mine.txn_id, charge_code=ibis.literal("THC"), charge_name=ibis.literal("码头操作费"), currency=ibis.literal("CNY"),
        unit_basis=ibis.literal("柜"), quantity=ibis.literal(1, "decimal(18,6)"), cost=mine.amount, client_currency=ibis.literal("CNY"), client_quote=mine.amount,
        receivable=mine.amount, ar_rate=ibis.literal(1, RATE), receivable_cny=mine.amount, settled_cny=ibis.literal(0, MONEY),
        is_pass_through=ibis.literal(False), fee_month=ibis.literal(MONTH), due_on=ibis.literal(date(2023, 10, 10)), status=ibis.literal("正常"),
    )  # fmt: skip


def _receivables(rows: ir.Table) -> ir.Table:
    mine = rows.filter(rows.k % 8 == 1)
    return mine.select(
        "principal_id", "order_no", line_key=mine.txn_id, charge_code=ibis.literal("THC"), receivable_cny=mine.amount, settled_cny=ibis.literal(0, MONEY),
        open_cny=mine.amount, fee_month=ibis.literal(MONTH), due_on=ibis.literal(date(2023, 10, 10)), days_overdue=ibis.literal(0, "int64"), age_bucket=ibis.literal("未到期"),
    )  # fmt: skip


def measure(principals: int, lines: int, processes: int) -> None:
    """Write the statements of such a month once, then again with nothing changed."""
    con = month_of(principals, lines)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        begun, spent = time.monotonic(), cpu_seconds()
        source = Source(con, MONTH)
        context = read_context(source, as_of=AS_OF, language="zh", incomplete=False)
        tables = PrincipalTables.read(source)
        read = time.monotonic() - begun
        names = statement_names(tables.principals(), MONTH)
        jobs = [Job(principal, name, None) for principal, name in names.items()]
        done = write_statements(tables, context, jobs, out, None, processes=processes, progress=lambda count: None)
        wrote, writing = time.monotonic() - begun, cpu_seconds() - spent
        notes = {each.name: each.note for each in done}
        again = [Job(job.principal, job.name, notes[job.name]) for job in jobs]
        begun, spent = time.monotonic(), cpu_seconds()
        write_statements(tables, context, again, out, out, processes=processes, progress=lambda count: None)
        kept, keeping = time.monotonic() - begun, cpu_seconds() - spent
        size = sum(path.stat().st_size for path in out.glob("*.xlsx"))
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"{principals} statements x {lines} lines: {wrote:.1f} s (reading {read:.1f} s), {writing:.1f} s of processor; "
        f"again unchanged {kept:.1f} s, {keeping:.1f} s of processor; {size / 2**20:.1f} MiB of files, "
        f"peak {own:.0f} MiB here, {workers:.0f} MiB in a worker",
        flush=True,
    )


def cpu_seconds() -> float:
    """Processor time of this process and of its finished workers: what a busy machine does not blur."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Both sizes the requirements name, or the sizes given."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--principals", type=int, default=5000)
    options.add_argument("--lines", type=int, default=100_000, help="lines of the one long statement")
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()
    measure(1, given.lines, 1)
    measure(given.principals, 40, given.processes)


if __name__ == "__main__":
    main()
