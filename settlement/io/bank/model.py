"""What reading a bank statement (银行对账单) gives: lines, rejected rows, findings, proofs.

The same shape whatever the file was: MT940, camt.05x, a bank's Chinese export, the plain layout.

What belongs here: column names and types, small value classes, rows of Python into columns.
What does not: any format, any check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

MONEY = pa.decimal128(18, 2)
RATE = pa.decimal128(18, 8)

# Text the bank or the payer wrote: kept as written beside the normalised text wherever the two differ.
TEXTS = ("counterparty_name", "counterparty_account", "counterparty_bank", "summary", "purpose", "remark")

LINES = pa.schema(
    [
        ("account_no", pa.string()),
        ("currency", pa.string()),
        ("booked_on", pa.date32()),
        ("value_on", pa.date32()),
        ("booked_at", pa.timestamp("s")),  # as the bank wrote it: its own clock, no zone
        ("debit_out", MONEY),  # 借方: money out of our account
        ("credit_in", MONEY),  # 贷方: money into our account
        ("balance", MONEY),
        ("amount", MONEY),  # + in, - out
        *[(name, pa.string()) for name in TEXTS],
        *[(f"{name}_original", pa.string()) for name in TEXTS],
        ("bank_ref", pa.string()),
        ("fx_rate", RATE),  # CNY per 1 unit
        ("cny_amount", MONEY),
        ("bank_fee", MONEY),
        ("is_reversal", pa.bool_()),  # 冲正, 红字
        ("is_name_cut", pa.bool_()),  # the payer's name fills its field of 35 characters: it may go on
        ("occurrence", pa.int32()),  # BNK-07, within this file
        ("source_row", pa.int64()),
        ("is_marked", pa.bool_()),  # a proof of this statement failed at or before this row
        ("statement_no", pa.int32()),  # index into StatementRead.statements
        ("entry_no", pa.int64()),  # the entry a detail of a batch belongs to; its own number otherwise
        ("entry_ref", pa.string()),
        ("entry_amount", MONEY),
    ]
)

REJECTED = pa.schema(
    [
        ("source_row", pa.int64()),
        ("code", pa.string()),
        ("field", pa.string()),
        ("found", pa.string()),
        ("reason", pa.string()),
        ("account_no", pa.string()),
        ("currency", pa.string()),
        ("amount", MONEY),  # signed where it could be read, else 0.00
    ]
)

STATEMENTS = pa.schema(
    [
        ("statement_no", pa.int32()),
        ("account_no", pa.string()),
        ("currency", pa.string()),
        ("kind", pa.string()),  # 052 053 054 940 942 cn
        ("statement_id", pa.string()),
        ("created_at", pa.timestamp("s")),
        ("sequence", pa.int64()),
        ("page", pa.int64()),
        ("from_on", pa.date32()),
        ("to_on", pa.date32()),
        ("opening", MONEY),
        ("closing", MONEY),
        ("credits", MONEY),
        ("debits", MONEY),
        ("line_count", pa.int64()),
        ("is_proved", pa.bool_()),  # nothing can be missing: opening + entries = closing, or control totals agree
        ("is_complete_days", pa.bool_()),  # from_on and to_on are stated by the bank, not taken from the lines
    ]
)


@dataclass(frozen=True)
class Finding:
    """Something about a file that a person must see: a code of the rulebook's Part D and where it shows."""

    code: str
    message: str
    source_row: int | None = None
    field: str | None = None
    found: str | None = None
    amount_at_risk: Decimal | None = None
    source_file: str | None = None  # set where files are combined


@dataclass(frozen=True)
class Proof:
    """One proof that was tried: ``holds`` is None where the file does not say enough to try it."""

    kind: str  # opening_closing, balance_chain, control_total, details
    subject: str
    holds: bool | None
    checked: int = 0
    expected: Decimal | None = None
    found: Decimal | None = None
    source_row: int | None = None


@dataclass
class StatementRead:
    """All that one file gave. Every row read is in ``lines`` or in ``rejected``, never in both.

    ``findings`` is about the file and its accepted lines; a rejected row is an exception by itself
    (its ``code`` and ``reason``) and is not repeated there.
    """

    path: Path
    lines: pa.Table
    rejected: pa.Table
    statements: pa.Table
    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    format_name: str | None = None
    why: str = ""
    digest: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether the file was taken for a statement at all."""
        return self.format_name is not None

    @property
    def rows_read(self) -> int:
        return self.lines.num_rows + self.rejected.num_rows


@dataclass
class Statement:
    """One statement of one account inside a file, while it is being read."""

    account_no: str | None
    currency: str | None
    kind: str
    number: int = 0
    statement_id: str | None = None
    created_at: datetime | None = None
    sequence: int | None = None
    page: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    is_complete_days: bool = False
    is_proved: bool = False
    details_checked: int = 0
    details_failed: int = 0


@dataclass
class Reading:
    """What a format's reader collects, row by row, before it becomes columns."""

    statements: list[Statement] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def open_statement(self, statement: Statement) -> Statement:
        """Number a statement and keep it."""
        statement.number = len(self.statements)
        self.statements.append(statement)
        return statement

    def reject(
        self,
        source_row: int,
        *,
        reason: str,
        code: str = "ROW_REJECTED",
        field: str,
        found: object = None,
        account_no: str | None = None,
        currency: str | None = None,
        amount: Decimal | None = None,
    ) -> None:
        """Put a row among the rejected: open, not lost. Its reason is for the clerk; it becomes one exception."""
        self.rejected.append(
            {
                "source_row": source_row,
                "code": code,
                "field": field,
                "found": None if found is None else str(found)[:200],
                "reason": reason,
                "account_no": account_no,
                "currency": currency,
                "amount": amount if amount is not None else Decimal("0.00"),
            }
        )


def table_of(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Rows of Python as a table of ``schema``; a key a row lacks is NULL."""
    rows = list(rows)
    return pa.table(
        {column.name: pa.array([row.get(column.name) for row in rows], column.type) for column in schema}, schema=schema
    )


def empty(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return schema.empty_table()
