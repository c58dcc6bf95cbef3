"""Bank statements of a month into the work file: ``stage.bank``, each transaction once, and what is wrong with them.

Schemas made here: ``stage.bank`` (`TRANSACTIONS` and ``month``), ``stage.bank_statements`` (what later months need to
see gaps), ``stage.bank_conversions`` (结汇 pairs). What belongs here: the month's folder, what earlier months hold,
exceptions. What does not: formats and lines (`bank/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank import STATEMENT_ROWS, TRANSACTIONS, Combined, Finding, StatementRead, combine, read_statement
from settlement.io.engine import Engine
from settlement.io.home import Home
from settlement.io.inbox import copies, read_references
from settlement.io.layouts import layouts
from settlement.io.parameters import parameter_files
from settlement.io.readers import Readers
from settlement.io.tables import files_in
from settlement.month import first_day, last_day
from settlement.rules import privacy
from settlement.rules.input_exceptions import booked_in_other_months, found_in_statements, unknown_accounts
from settlement.rules.rows import table_of

Past = Callable[[str, ibis.Schema], ir.Table]

# Earlier lines that can matter to new ones: a sale of currency looks 92 days back for its receipt, plus its own days.
_KNOWN_DAYS = 100
# A line of a file that names no account belongs to none of ours; its money posts to nobody.
NO_ACCOUNT = "未注明"
FINDINGS = ibis.schema(
    {
        "source_file": "string",
        "code": "string",
        "message": "string",
        "source_row": "int64",
        "field": "string",
        "found": "string",
        "amount_at_risk": "decimal(18, 2)",
        "currency": "string",
    }
)


@dataclass(frozen=True)
class BankRows:
    """Relations for the month's totals and exceptions; ``is_missing``: the folder holds no file."""

    accepted: ir.Table
    rejected: ir.Table
    seen: ir.Table
    found: ir.Table
    is_missing: bool


def accounts_of(home: Home) -> dict[str, str]:
    """Our own accounts (本方账户) and their currencies, as the masters of a home have them; none where it has no masters.

    As ``ingest_reference`` has it: of an account whose rows contradict each other nothing is known.
    """
    layout = layouts()["own_accounts"]
    rows = read_references(home, list(parameter_files()), only=layout.name).rows_of(layout)
    said: dict[str, dict[tuple, str]] = {}
    for row in rows.select(list(layout.schema)).to_pylist():
        said.setdefault(row["account_no"], {})[tuple(row.values())] = row["currency"]
    return {account: currency for account, ways in said.items() if len(ways) == 1 for currency in ways.values()}


def bank_schema() -> ibis.Schema:
    """Columns of ``stage.bank``."""
    return _stored(TRANSACTIONS)


def statement_schema() -> ibis.Schema:
    """Columns of ``stage.bank_statements``."""
    return _stored(STATEMENT_ROWS)


@dataclass(frozen=True)
class Statements:
    """The month's bank files being read, in order; one with the bytes of another is not read again."""

    files: Sequence[Path]
    originals: Mapping[Path, Path]
    reads: Mapping[Path, Future[StatementRead]]
    read: Callable[[Path], StatementRead]

    def results(self) -> list[StatementRead]:
        """What each file gave."""
        return [self._result(path) for path in self.files]

    def _result(self, path: Path) -> StatementRead:
        read = self.reads[self.originals.get(path, path)].result()
        # What is said of a refused file names it.
        return self.read(path) if read.path != path and read.format_name is None else replace(read, path=path)


def accounts_ingested(con: Engine) -> dict[str, str]:
    """Our own accounts, as ``ingest_reference`` left them."""
    own = con.table("own_accounts", database="reference").select("account_no", "currency").to_pyarrow().to_pylist()
    return {row["account_no"]: row["currency"] for row in own}


def begin_bank(readers: Readers, home: Home, month: str, accounts: Mapping[str, str]) -> Statements:
    """Begin to read every file of ``raw/<month>/bank``. ``accounts``: our own, with their currencies."""
    folder = home.inbox(month) / "bank"
    files = list(files_in(folder))
    originals = copies(files, [])
    read = partial(read_statement, own_accounts=dict(accounts), root=folder)
    return Statements(
        files, originals, {path: readers.read(read, path) for path in files if path not in originals}, read
    )


def ingest_bank(con: Engine, home: Home, month: str, past: Past, statements: Statements) -> BankRows:
    """What the bank files gave (``begin_bank``). ``past`` gives ``bank`` and ``bank_statements`` of earlier months.

    Nothing raises for what stands in a file.
    """
    files, reads = statements.files, statements.results()
    own = con.table("own_accounts", database="reference")
    names = [home.shown(path) for path in files]
    combined = combine(reads, names=names, **_known(con, reads, past))
    lines = con.keep("stage", "bank", _with_month(_named(combined.lines), bank_schema(), month))
    con.keep("stage", "bank_statements", _with_month(combined.statements, statement_schema(), month))
    exchanged = combined.conversions  # worked out while the lines are being taken in
    con.keep("stage", "bank_conversions", _with_month(exchanged, _stored(exchanged.schema), month))
    rejected = con.keep("inbox", "rejected_bank", ibis.memtable(_rejected(combined.rejected)))
    rates = con.table("fx_mid_rates", database="reference")
    found = (
        found_in_statements(_findings(combined, reads, names))
        .union(unknown_accounts(lines, own, rates, last_day(month)))
        .union(booked_in_other_months(lines, first_day(month), last_day(month)))
    )
    return BankRows(
        accepted=lines.select("source_file", "currency", "amount", input_table=ibis.literal("bank")),
        rejected=rejected,
        seen=table_of(
            [{"source_file": name, "input_table": "bank"} for name in names],
            ibis.schema({"source_file": "string", "input_table": "string"}),
        ),
        found=found,
        is_missing=not files,
    )


def _stored(schema: pa.Schema) -> ibis.Schema:
    # DuckDB keeps moments in microseconds; Arrow's readers gave seconds.
    kinds = {field.name: pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type for field in schema}
    return ibis.schema({**ibis.Schema.from_pyarrow(pa.schema(list(kinds.items()))), "month": "string"})


def _with_month(rows: pa.Table, schema: ibis.Schema, month: str) -> ir.Table:
    return ibis.memtable(rows).mutate(month=ibis.literal(month)).cast(dict(schema.items())).select(*schema)


def _named(lines: pa.Table) -> pa.Table:
    at = lines.schema.get_field_index("account_no")
    return lines.set_column(at, "account_no", pc.fill_null(lines.column("account_no"), NO_ACCOUNT))


def _known(con: Engine, reads: Sequence[StatementRead], past: Past) -> dict[str, pa.Table]:
    """Lines of earlier months near the days of the new ones, and all earlier statements, as `combine` takes them."""
    days = [pc.min(read.lines.column("booked_on")).as_py() for read in reads if read.lines.num_rows]
    if not days:
        return {}
    begin: date = min(days) - timedelta(days=_KNOWN_DAYS)
    earlier = past("bank", bank_schema())
    near = earlier.filter(earlier.booked_on >= ibis.literal(begin))
    people = privacy.persons(
        con.table("payers", database="reference"),
        con.table("payout_documents", database="reference"),
        con.table("payments", database="stage"),
    )
    # Published lines show a person's account masked (PRV-01); to be recognised a line needs it whole.
    whole = privacy.restored(near, "counterparty_account", "counterparty_name", people)
    lines = con.to_pyarrow(whole.select(*TRANSACTIONS.names).order_by("source_file", "source_row", "txn_id")).cast(
        TRANSACTIONS
    )
    at = lines.schema.get_field_index("account_no")
    without = pc.equal(lines.column("account_no"), NO_ACCOUNT)
    lines = lines.set_column(
        at, "account_no", pc.if_else(without, pa.scalar(None, pa.string()), lines.column("account_no"))
    )
    statements = past("bank_statements", statement_schema())
    order = [name for name in ("source_file", "statement_no") if name in STATEMENT_ROWS.names]
    kept = con.to_pyarrow(statements.select(*STATEMENT_ROWS.names).order_by(*order)).cast(STATEMENT_ROWS)
    return {"known_lines": lines, "known_statements": kept}


def _rejected(rows: pa.Table) -> pa.Table:
    count = rows.num_rows
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "source_file": rows.column("source_file"),
            "input_table": pa.repeat(pa.scalar("bank"), count),
            "source_row": rows.column("source_row"),
            "field": rows.column("field"),
            "found": rows.column("found"),
            "reason": rows.column("reason"),
            "code": rows.column("code"),
            "currency": pc.fill_null(rows.column("currency"), "CNY"),
            "amount": rows.column("amount"),
            "order_no": nothing,
            "principal_id": nothing,
        }
    )


def _findings(combined: Combined, reads: Sequence[StatementRead], names: Sequence[str]) -> ir.Table:
    """Findings as a relation, with the currency of their file where all its lines have the same."""
    currencies = {}
    for name, read in zip(names, reads, strict=True):
        found = pc.unique(read.lines.column("currency")).to_pylist()
        currencies[name] = found[0] if len(found) == 1 else None
    return table_of([_finding(finding, currencies) for finding in combined.findings], FINDINGS)


def _finding(finding: Finding, currencies: dict[str, str | None]) -> dict[str, object]:
    row = {name: getattr(finding, name, None) for name in FINDINGS}
    # A file that was refused names itself; its place in the home is said before it anyway.
    own_name = (finding.source_file or "").rpartition("/")[2] + "："
    row["message"] = finding.message.removeprefix(own_name)
    return row | {"currency": currencies.get(finding.source_file or "")}
