"""One statement file, whatever its format: what it is by its content, then the reader for that.

What belongs here: `read_statement`, detection. What does not: formats.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.camt import camt_root, read_camt
from settlement.io.bank.exports import Export, read_export, reversals_of
from settlement.io.bank.limits import bank_limits
from settlement.io.bank.model import (
    LINES,
    REJECTED,
    STATEMENTS,
    Finding,
    Reading,
    StatementRead,
    table_of,
)
from settlement.io.bank.occurrences import with_occurrence
from settlement.io.bank.swift import read_swift
from settlement.io.bank.swift_fields import looks_like_swift
from settlement.io.limits import limits
from settlement.io.sheet_model import Sheet, UnreadableFile
from settlement.io.sheets import check_file, read_sheets
from settlement.io.text_encoding import find_encoding

_SAMPLE = 1 << 18


@dataclass(frozen=True)
class Detected:
    """What a file was taken for, and why."""

    kind: str  # swift, camt, table
    why: str


def detect(path: Path, root: Path | None = None) -> Detected:
    """What a file is, by its bytes alone. Raises ``UnreadableFile``."""
    start = check_file(path, root, largest=limits().text_file_bytes)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return Detected("table", "文件头是 OLE（旧式 Excel .xls）")
    if start.startswith(b"PK"):
        return Detected("table", "文件头是 ZIP（Excel .xlsx）")
    if _looks_like_xml(start):
        found = camt_root(path)
        if found is None:
            raise UnreadableFile("是 XML 文件，但不是 camt.052/053/054 对账单")
        return Detected("camt", f"XML 根元素属于 camt.{found[0]}（命名空间 {found[1] or '无'}）")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Detected("table", "内容是网页表格")
    encoding = find_encoding(path).encoding
    with path.open(encoding=encoding, newline="") as stream:
        why = looks_like_swift(stream.read(_SAMPLE).replace("\r\n", "\n").replace("\r", "\n"))
    return Detected("swift", why) if why else Detected("table", f"{encoding} 文本表格")


def _looks_like_xml(start: bytes) -> bool:
    for codec in ("utf-8", "utf-16", "utf-16-le", "utf-16-be"):
        text = start[: len(start) // 2 * 2].decode(codec, "ignore").lstrip("\ufeff \t\r\n")
        if (
            text.startswith("<?xml")
            or (text.startswith("<") and "urn:iso:std:iso:20022" in text)
            or text.startswith("<Document")
        ):
            return True
    return False


def read_statement(
    path: Path,
    *,
    own_accounts: dict[str, str] | None = None,
    default_account: str | None = None,
    default_currency: str | None = None,
    root: Path | None = None,
) -> StatementRead:
    """Read one bank statement, or say why not; it never raises for what stands in a file.

    ``own_accounts``: account number to currency, as the masters have it: it gives the currency where the
    file has none, and the form of the number in :25:. ``default_account``, ``default_currency``: for files
    that state neither. ``root``: the folder the file must lie in. The result's ``format_name`` is None
    where the file was refused, and its ``findings`` say why (FILE_UNREADABLE, BNK_ENCODING, BNK_HEADER_NOT_FOUND).
    """
    path, accounts = Path(path), {_squeezed(name): currency for name, currency in (own_accounts or {}).items()}
    try:
        detected = detect(path, root)
        if detected.kind == "table":
            export = read_export(_tables(path, root), accounts, default_account, default_currency)
            return _from_export(path, export, detected)
        if detected.kind == "camt":
            reading = read_camt(path, accounts, bank_limits().message_lines)
        else:
            reading = read_swift(_swift_text(path, root), accounts)
        return _from_reading(path, reading, detected)
    except UnreadableFile as problem:
        return refused(path, problem)


def _tables(path: Path, root: Path | None) -> list[Sheet]:
    check_file(path, root, largest=bank_limits().table_file_bytes)
    sheets, most = read_sheets(path, root), bank_limits().table_lines
    count = sum(sheet.table.num_rows for sheet in sheets)
    if count > most:
        raise UnreadableFile(f"对账单过大：{count:,} 行，上限 {most:,} 行；请按月或按账户分开导出")
    return sheets


def _swift_text(path: Path, root: Path | None) -> str:
    check_file(path, root, largest=bank_limits().swift_file_bytes)
    text, most = path.read_text(encoding=find_encoding(path).encoding), bank_limits().message_lines
    if text.count(":61:") > most:
        raise UnreadableFile(f"明细超过 {most:,} 行的上限，拒绝读取")
    return text


def _squeezed(account: str) -> str:
    return "".join(account.split()).upper()


def refused(path: Path, problem: UnreadableFile) -> StatementRead:
    """A file that gives nothing but the reason."""
    finding = Finding(problem.code, f"{path.name}：{problem.reason_zh}")
    return StatementRead(
        path, LINES.empty_table(), REJECTED.empty_table(), STATEMENTS.empty_table(), [finding], why=problem.reason_zh
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _statements(statements, lines: pa.Table) -> pa.Table:
    """Statements with the sums of their lines."""
    sums = (
        lines.group_by("statement_no", use_threads=False)
        .aggregate([("credit_in", "sum"), ("debit_out", "sum"), ("amount", "count")])
        .to_pylist()
    )
    by_number = {item["statement_no"]: item for item in sums}
    rows = []
    for statement in statements:
        own = by_number.get(statement.number, {})
        rows.append(
            {
                **vars(statement),
                "statement_no": statement.number,
                "credits": own.get("credit_in_sum"),
                "debits": own.get("debit_out_sum"),
                "line_count": own.get("amount_count", 0),
            }
        )
    return table_of(rows, STATEMENTS)


def _from_reading(path: Path, reading: Reading, detected: Detected) -> StatementRead:
    for line in reading.lines:
        line.setdefault("entry_no", line["source_row"])
        line.setdefault("entry_amount", line["amount"])
        line["is_marked"] = bool(line.get("is_marked"))
        line.setdefault("is_name_cut", False)
    lines = with_occurrence(table_of(reading.lines, LINES))
    kinds = list(dict.fromkeys(statement.kind for statement in reading.statements))
    name = "+".join({"940": "mt940", "942": "mt942"}.get(kind, f"camt.{kind}") for kind in kinds)
    return StatementRead(
        path,
        lines,
        table_of(reading.rejected, REJECTED),
        _statements(reading.statements, lines),
        reading.findings,
        reading.proofs,
        reading.notes,
        name,
        detected.why,
        _digest(path),
    )


def _from_export(path: Path, export: Export, detected: Detected) -> StatementRead:
    lines = pa.concat_tables(export.lines) if export.lines else LINES.empty_table()
    lines = with_occurrence(
        lines.take(pc.sort_indices(lines, sort_keys=[("statement_no", "ascending")])) if _is_mixed(lines) else lines
    )
    rejected = pa.concat_tables(export.rejected) if export.rejected else REJECTED.empty_table()
    rejected = rejected.take(pc.sort_indices(rejected, sort_keys=[("source_row", "ascending")]))
    findings = [*export.findings, *reversals_of(lines)]
    pa.default_memory_pool().release_unused()  # what a big file needed while it was read
    return StatementRead(
        path,
        lines,
        rejected,
        _statements(export.statements, lines),
        findings,
        export.proofs,
        export.notes,
        "+".join(dict.fromkeys(export.formats)),
        "；".join([detected.why, *export.reasons]),
        _digest(path),
    )


def _is_mixed(lines: pa.Table) -> bool:
    numbers = lines.column("statement_no").to_numpy()
    return bool((np.diff(numbers) < 0).any())
