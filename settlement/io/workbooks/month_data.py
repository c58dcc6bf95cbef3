"""Everything the workbooks of a month show, read from the work file once, as Arrow tables.

What belongs here: relations that put beside each published row what its sheet shows, and the slices
of one principal. What does not: sheets. A statement's relations carry nothing of another principal:
whole receipts, payers and remarks are NULL unless every piece of the receipt is the principal's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute
import pyarrow.feather as feather

from settlement.io.workbooks.invoices_due import notices
from settlement.io.workbooks.source import Source
from settlement.rules.money import MONEY

BATCH = 8192
KEPT = 2000
PRINCIPAL = "principal_id"


def ledger(source: Source) -> ir.Table:
    """分户账: postings of the month, 期初 apart (it is the opening, not movement)."""
    table = source.book("principal_ledger")
    return table.order_by(PRINCIPAL, "posted_on", "entry_no")


def receipts(source: Source) -> ir.Table:
    """Pieces of receipts of each principal, as a statement may show them (PRV-01)."""
    pieces = source.book("receipt_allocations")
    pieces = pieces.filter(pieces.principal_id.notnull())
    lines = source.book("bank_transactions").select("txn_id", "counterparty_name", "remark")
    own = pieces.group_by("txn_id", PRINCIPAL).agg(_own=pieces.amount.sum().cast(MONEY))
    joined = pieces.left_join(own, ["txn_id", PRINCIPAL]).drop("txn_id_right", f"{PRINCIPAL}_right")
    joined = joined.left_join(lines, "txn_id").drop("txn_id_right")
    whole = joined._own == joined.receipt_amount

    def own_only(column: str) -> ir.Value:
        return ibis.cases((whole, joined[column]), else_=ibis.null())

    shown = joined.mutate(
        receipt_amount=own_only("receipt_amount"),
        counterparty_name=own_only("counterparty_name"),
        remark=own_only("remark"),
    )
    return shown.order_by(PRINCIPAL, "booked_on", "txn_id", "order_no", "purpose", "amount", "rule").drop(
        "_own", "candidates", "evidence"
    )


PAYMENT_COLUMNS = {
    "request_no": "string", "payee_type": "string", "payee_name": "string", "payee_account": "string",
    "document_no": "string", "bank_fee": "decimal(18,2)",
}  # fmt: skip


def payments(source: Source) -> ir.Table:
    """Pieces of debits of each principal with the payee of their application.

    What a carrier was paid is our cost, even where its application names an order of the principal.
    """
    pieces = source.book("payment_allocations")
    pieces = pieces.filter(pieces.principal_id.notnull(), pieces.kind != "物流成本").drop("payment_amount", "evidence")
    asked = source.given("facts", "payments", PAYMENT_COLUMNS)
    joined = pieces.left_join(asked, "request_no").drop("request_no_right")
    return joined.order_by(PRINCIPAL, "booked_on", "txn_id", "request_no", "kind")


def export_lines(source: Source) -> ir.Table:
    """Goods lines of 自营 export orders with their customs codes."""
    goods = source.given(
        "facts", "goods", {"order_no": "string", "line_no": "int64", "hs_code": "string", "item_no": "string"}
    )
    orders = source.given("facts", "orders", {"order_no": "string", "contract_no": "string"})
    lines = source.book("export_invoices")
    joined = lines.left_join(goods, ["order_no", "line_no"]).drop("order_no_right", "line_no_right")
    joined = joined.left_join(orders, "order_no").drop("order_no_right")
    return joined.order_by(PRINCIPAL, "order_no", "line_no")


def import_orders(source: Source) -> ir.Table:
    """Import orders with the balance of their import account."""
    balances = source.book("order_balances")
    balances = balances.filter(balances.kind == "import").select("order_no", "received_cny", "displayed_balance")
    joined = source.book("import_invoices").left_join(balances, "order_no").drop("order_no_right")
    return joined.order_by(PRINCIPAL, "order_no")


def freight(source: Source) -> ir.Table:
    """Freight billed to a principal in the month: never cost, vendor or margin."""
    charges = source.book("freight_charges")
    # A further carrier line of a quoted charge is cost only: it bills nothing and is not the principal's to see.
    billed = charges.filter(charges.principal_id.notnull(), charges.receivable_cny != 0)
    billed = billed.select(
        "line_key", PRINCIPAL, "order_no", "bl_no", "charge_code", "charge_name", "unit_basis", "quantity", "client_currency",
        "client_quote", "receivable", "ar_rate", "receivable_cny", "settled_cny", "voucher_no", "fee_month", "due_on",
    )  # fmt: skip
    now = source.book("freight_receivables").select("line_key", _settled="settled_cny")
    joined = billed.left_join(now, "line_key").drop("line_key_right")
    settled = ibis.coalesce(joined._settled, joined.settled_cny).cast(MONEY)
    return joined.mutate(
        settled_cny=settled,
        open_cny=(joined.receivable_cny - settled).cast(MONEY),
        basis=ibis.cases((joined.client_quote.notnull(), "报价"), else_="实报实销"),
    ).drop("_settled").order_by(PRINCIPAL, "order_no", "charge_code", "line_key")  # fmt: skip


def by_principal(name: str, *order: str) -> Callable[[Source], ir.Table]:
    """A published table as it is, sorted by principal and then ``order``."""
    return lambda source: source.book(name).order_by(PRINCIPAL, *order)


STATEMENT_TABLES: dict[str, Callable[[Source], ir.Table]] = {
    "balances": by_principal("principal_balances"),
    "accounts": by_principal("principal_account_balances", "account"),
    "ledger": ledger,
    "orders": by_principal("order_balances", "order_no", "kind"),
    "export": export_lines,
    "notices": notices,
    "refunds": by_principal("tax_refunds", "order_no", "declaration_no"),
    "import": import_orders,
    "freight": freight,
    "open_freight": by_principal("freight_receivables", "due_on", "order_no", "charge_code", "line_key"),
    "receipts": receipts,
    "payments": payments,
}


class Rows:
    """A table's rows as dicts, made a batch at a time each time they are asked for: a long list stays small in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return self._table.num_rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, self._table.num_rows, BATCH):
            yield from self._table.slice(start, BATCH).to_pylist()


class PrincipalTables:
    """Arrow tables sorted by principal; rows come out a batch at a time, so a long statement stays small in memory."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables
        self._spans = {name: _spans(table) for name, table in tables.items()}
        self._kept_for: str | None = None
        self._kept: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    def read(cls, source: Source) -> PrincipalTables:
        """All statement tables of the month, each queried once."""
        return cls({name: relation(source).to_pyarrow() for name, relation in STATEMENT_TABLES.items()})

    @classmethod
    def load(cls, folder: Path) -> PrincipalTables:
        """What ``save`` wrote, mapped into memory (worker processes share it)."""
        return cls({name: feather.read_table(folder / f"{name}.arrow", memory_map=True) for name in STATEMENT_TABLES})

    def save(self, folder: Path) -> None:
        """The tables as uncompressed Arrow files."""
        for name, table in self.tables.items():
            feather.write_feather(table, folder / f"{name}.arrow", compression="uncompressed")

    def count(self, name: str, principal: str) -> int:
        return self._spans[name].get(principal, (0, 0))[1]

    def rows(self, name: str, principal: str) -> Iterator[dict[str, Any]]:
        """One principal's rows of a table, in its order. A short table is kept while the principal is being written."""
        start, length = self._spans[name].get(principal, (0, 0))
        if length <= KEPT:
            if self._kept_for != principal:
                self._kept_for, self._kept = principal, {}
            if name not in self._kept:
                self._kept[name] = self.tables[name].slice(start, length).to_pylist() if length else []
            yield from self._kept[name]
            return
        for offset in range(0, length, BATCH):
            yield from self.tables[name].slice(start + offset, min(BATCH, length - offset)).to_pylist()

    def total(self, principal: str) -> int:
        """How many rows the principal has over all tables."""
        return sum(self.count(name, principal) for name in self.tables)

    def principals(self) -> list[str]:
        """Principals with activity or a balance, in order of id."""
        active = {
            row[PRINCIPAL]
            for row in self.tables["balances"].to_pylist()
            if row["opening"] or row["movement"] or row["closing"]
        }
        for name in ("ledger", "receipts", "payments", "freight", "open_freight", "notices"):
            active.update(self._spans[name])
        return sorted(active)


def _spans(table: pa.Table) -> dict[str, tuple[int, int]]:
    """Where each principal's rows begin, and how many: the table is sorted by principal."""
    spans: dict[str, tuple[int, int]] = {}
    column = table.column(PRINCIPAL)
    position = 0
    for chunk in column.chunks:
        runs = pa.compute.run_end_encode(chunk)
        begin = 0
        for end, value in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            start, length = spans.get(value, (position + begin, 0))
            spans[value] = (start, length + end - begin)
            begin = end
        position += len(chunk)
    return spans
