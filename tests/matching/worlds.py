"""Small worlds for matching: rows in, the bundle that matching is given, rows out."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge
import yaml
from ibis.backends.duckdb import Backend

from settlement.io.engine import connect
from settlement.matching import Limits, MatchInputs, limits_on, match_receipts
from settlement.rules.money import MONEY, RATE
from settlement.rules.parameters import parameters_of

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "text": "string",
    "code": "string",
    "list": "string",
    "date": "date",
    "time": "timestamp",
    "money": MONEY,
    "quantity": "decimal(18,6)",
    "quote": RATE,
    "rate": RATE,
    "flag": "boolean",
    "whole": "int64",
}
ORIGIN = {"month": "string", "source_file": "string", "source_row": "int64"}
TABLES = (
    "orders", "goods", "principals", "payers", "own_accounts", "own_company", "payout_documents", "payments", "tax_bills",
    "refund_notices", "vat_invoices", "claims", "adjustments", "opening_items", "fx_mid_rates",
)  # fmt: skip
OTHER_SCHEMAS = {
    "transactions": {
        "txn_id": "string", "account_no": "string", "currency": "string", "booked_on": "date", "value_on": "date",
        "amount": MONEY, "balance": MONEY, "counterparty_name": "string", "counterparty_account": "string",
        "counterparty_bank": "string", "summary": "string", "purpose": "string", "remark": "string", "bank_ref": "string",
        "fx_rate": RATE, "cny_amount": MONEY, "bank_fee": MONEY, "is_reversal": "boolean", **ORIGIN,
    },
    "freight_charges": {
        "order_no": "string", "principal_id": "string", "vendor": "string", "vendor_invoice_no": "string",
        "charge_code": "string", "receivable_cny": MONEY, "payable": MONEY, "currency": "string",
        "confirmed_on": "date", "invoiced_on": "date",
    },
    "placed": {
        "txn_id": "string", "account_no": "string", "bank_ref": "string", "booked_on": "date", "currency": "string",
        "receipt_amount": MONEY, "principal_id": "string", "order_no": "string", "purpose": "string", "amount": MONEY,
        "amount_cny": MONEY, "rule": "string", "confidence": "string", "evidence": "string", "candidates": "string",
        "month": "string",
    },
    "placed_payments": {
        "txn_id": "string", "account_no": "string", "bank_ref": "string", "booked_on": "date", "currency": "string",
        "payment_amount": MONEY, "request_no": "string", "order_no": "string", "principal_id": "string", "vendor": "string",
        "kind": "string", "amount": MONEY, "amount_cny": MONEY, "rule": "string", "evidence": "string", "month": "string",
    },
}  # fmt: skip
# Central parity, CNY per 100, as published: enough for the worlds here.
RATES = {"USD": "717.86", "EUR": "766.50", "JPY": "4.8730", "HKD": "91.68", "GBP": "878.00"}
OWN = {
    "CNY": "6222000000000000001",
    "USD": "6222000000000000002",
    "EUR": "6222000000000000003",
    "JPY": "6222000000000000004",
}


@cache
def layouts() -> dict[str, dict]:
    """The input tables as ``layouts.yaml`` declares them."""
    return yaml.safe_load((ROOT / "settlement/io/layouts.yaml").read_text(encoding="utf-8"))


@cache
def schemas() -> dict[str, ibis.Schema]:
    """Schema of each table that matching is given."""
    declared = {
        name: {field: KINDS[spec["kind"]] for field, spec in layouts()[name]["fields"].items()} | ORIGIN
        for name in TABLES
    }
    return {name: ibis.schema(fields) for name, fields in (declared | OTHER_SCHEMAS).items()}


@cache
def shipped_limits() -> Limits:
    """The limits in force in autumn 2023, from the files that ship."""
    files = {
        name: yaml.load(
            (ROOT / f"settlement/parameters/{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader
        )
        for name in ("matching", "tolerances")
    }
    return limits_on(parameters_of(files), date(2023, 9, 1))


def typed(rows: Iterable[Mapping[str, object]], schema: ibis.Schema, *, ingest: bool = True) -> pa.Table:
    """Rows (money as text or Decimal, dates as ISO text or date) as an Arrow table of the schema.

    ``ingest``: text is normalised as ingest does it, once.
    """
    arrow = schema.to_pyarrow()
    columns = {}
    held = list(rows)
    strange = {name for row in held for name in row} - set(schema.names)
    assert not strange, f"no such column: {sorted(strange)}"
    for field in arrow:
        values = [_value(row.get(field.name), field.type, ingest) for row in held]
        columns[field.name] = pa.array(values, field.type)
    return pa.table(columns, schema=arrow)


def _value(value: object, kind: pa.DataType, ingest: bool) -> object:
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
    if pa.types.is_date(kind) and isinstance(value, str):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(kind) and isinstance(value, str):
        return datetime.fromisoformat(value)
    if pa.types.is_string(kind) and ingest:
        return unicodedata.normalize("NFKC", str(value)).strip() or None
    return value


class World:
    """Rows by table, filled by tests; the masters every world needs are there from the start."""

    def __init__(self, month: str = "2023-09", as_of: date = date(2023, 9, 30)) -> None:
        self.month, self.as_of = month, as_of
        self.rows: dict[str, list[dict]] = {name: [] for name in schemas()}
        self._numbers = itertools.count(1)
        self.add(
            "own_company",
            name="宁波启航供应链管理有限公司",
            name_en="NINGBO QIHANG SUPPLY CHAIN CO LTD",
            uscc="91330000MA0TE5T087",
        )
        for currency, account in OWN.items():
            self.add(
                "own_accounts",
                account_no=account,
                currency=currency,
                bank="中国银行",
                name="宁波启航供应链管理有限公司",
            )
        for currency, rate in RATES.items():
            self.add("fx_mid_rates", published_on="2023-01-03", currency=currency, rate_per_100=rate)

    def next_month(self, month: str, as_of: date, placed: Answers) -> World:
        """A later month's world: all that was known so far, and what this one's answers published."""
        later = World(month, as_of)
        later.rows, later._numbers = {name: list(rows) for name, rows in self.rows.items()}, self._numbers
        for rows in placed.placed.values():
            for row in rows:
                later.add("placed", **row | {"month": self.month})
        return later

    def add(self, table: str, **fields: object) -> dict:
        """One row; defaults of the layout are filled in as ingest would."""
        spec = layouts().get(table, {}).get("fields", {})
        defaults = {name: field["default"] for name, field in spec.items() if "default" in field}
        row = {"month": self.month, "source_file": f"{table}.csv", "source_row": next(self._numbers)}
        row = {name: value for name, value in row.items() if name in schemas()[table].names} | defaults | fields
        self.rows[table].append(row)
        return row

    def principal(self, principal_id: str, name: str, **fields: object) -> None:
        """A principal."""
        self.add("principals", principal_id=principal_id, name=name, settlement_mode="票结", **fields)

    def export(self, order_no: str, principal_id: str, amount: object, currency: str = "USD", **fields: object) -> None:
        """An export order of goods."""
        given = {"services": "出口贸易代理", "ordered_on": "2023-08-15", "amount_fx": amount} | fields
        self.add("orders", order_no=order_no, principal_id=principal_id, currency=currency, **given)

    def credit(self, amount: object, currency: str = "USD", **fields: object) -> str:
        """Money in; gives the txn_id."""
        return self.line(amount, currency, **fields)

    def line(self, amount: object, currency: str = "CNY", **fields: object) -> str:
        """A statement line, signed; gives the txn_id."""
        given = {"account_no": OWN.get(currency), "currency": currency, "booked_on": "2023-09-12", "amount": amount}
        number = next(self._numbers)
        given |= {"bank_ref": f"REF{number:09d}"} | fields
        given.setdefault("txn_id", hashlib.sha256(f"line {number}".encode()).hexdigest()[:16])
        given.setdefault("value_on", given["booked_on"])
        return self.add("transactions", **given)["txn_id"]

    def inputs(self, limits: Limits | None = None) -> MatchInputs:
        """The bundle, its tables in the one connection of the tests: the next world's overwrite them."""
        con = connection()
        tables = {
            name: con.create_table(f"in_{name}", typed(self.rows[name], schema), overwrite=True)
            for name, schema in schemas().items()
        }
        return MatchInputs(
            month=self.month,
            as_of=self.as_of,
            limits=limits or shipped_limits(),
            run=lambda table: table.to_pyarrow().to_pylist(),
            load=_loader(con),
            keep=kept,
            # Charges of the worlds are made, not priced: they stand for the lines too.
            freight_lines=tables["freight_charges"],
            **tables,
        )

    def matched(self, limits: Limits | None = None, *, conserved: bool = True) -> Answers:
        """Receipts placed, as rows; every credit is ``conserved`` where no earlier month placed any of it."""
        matched = match_receipts(self.inputs(limits))
        answers = Answers(
            placed=_by_line(rows_of(matched.allocations)),
            unmatched={row["txn_id"]: row for row in rows_of(matched.unmatched)},
            found=rows_of(matched.found),
        )
        for line in self.rows["transactions"]:
            if conserved and Decimal(line["amount"]) > 0:
                pieces = sum((row["amount"] for row in answers.placed.get(line["txn_id"], [])), Decimal(0))
                left = answers.unmatched.get(line["txn_id"], {"amount": Decimal(0)})["amount"]
                assert pieces + left == Decimal(line["amount"]), line
        return answers


@dataclass(frozen=True)
class Answers:
    """Rows by txn_id: ``placed`` (ALLOCATIONS), ``unmatched`` (UNMATCHED); ``found`` (FOUND)."""

    placed: dict[str, list[dict]]
    unmatched: dict[str, dict]
    found: list[dict]

    def codes(self, txn_id: str) -> set[str]:
        """The exceptions raised of a line."""
        return {row["code"] for row in self.found if row["txn_id"] == txn_id}

    def pieces(self, txn_id: str) -> dict[tuple[str | None, str | None], Decimal]:
        """(order, principal) -> amount."""
        return {(row["order_no"], row["principal_id"]): row["amount"] for row in self.placed.get(txn_id, [])}


def _by_line(rows: Iterable[dict]) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["txn_id"], []).append(row)
    return found


@cache
def connection() -> Backend:
    """One in-memory database a process: the tables of a world have the names of the last one's, so that a relation is
    compiled once for all worlds."""
    return connect()


@cache
def _compiled(operation: ops.Relation) -> str:
    """The relation as SQL, each column in the type Ibis says it has: the engine widens sums."""
    compiler = connection().compiler
    columns = [
        sge.alias_(
            sge.Cast(this=sg.column(name, quoted=True), to=compiler.type_mapper.from_ibis(kind)), name, quoted=True
        )
        for name, kind in operation.schema.items()
    ]
    return sg.select(*columns).from_(compiler.to_sqlglot(operation.to_expr()).subquery("kept")).sql("duckdb")


def kept(name: str, table: ir.Table) -> ir.Table:
    """``table`` computed once under ``name``, as a run keeps it."""
    con = connection()
    con.raw_sql(f"CREATE OR REPLACE TABLE {sg.table(name, quoted=True).sql('duckdb')} AS {_compiled(table.op())}")
    return con.table(name)


def _loader(con: Backend):
    numbers = itertools.count(1)
    return lambda rows, schema: con.create_table(
        f"loaded_{next(numbers)}", typed(rows, schema, ingest=False), overwrite=True
    )


def rows_of(table) -> list[dict]:
    """All rows of an Ibis table, exactly."""
    return table.to_pyarrow().to_pylist()
