"""What is said of files that were combined: their own findings, what they share, what is missing between them.

What belongs here: findings in words. What does not: finding them (``combining``, ``continuity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.continuity import Break
from settlement.io.bank.line_keys import FILE
from settlement.io.bank.model import MONEY, Finding, StatementRead

_REVERSAL = "BNK_REVERSAL"


def file_findings(reads: Sequence[StatementRead], shown: list[str], rejected: pa.Table) -> list[Finding]:
    """What the files say of themselves; a reversal that another file shows already is said there."""
    repeated = rejected.filter(pc.equal(rejected.column("code"), "ROW_DUPLICATE")).select(["source_file", "source_row"])
    places = {(row["source_file"], row["source_row"]) for row in repeated.to_pylist()} if _is_reversed(reads) else set()
    return [
        replace(finding, source_file=name)
        for read, name in zip(reads, shown, strict=True)
        for finding in read.findings
        if finding.code != _REVERSAL or (name, finding.source_row) not in places
    ]


def _is_reversed(reads: Sequence[StatementRead]) -> bool:
    return any(finding.code == _REVERSAL for read in reads for finding in read.findings)


def repeat_findings(lines: pa.Table, repeats: np.ndarray) -> list[Finding]:
    """One warning for each pair of files that share transactions. ``repeats``: for each line the line it repeats, else -1."""
    is_new = lines.column(FILE).to_numpy() >= 0 if lines.num_rows else np.zeros(0, bool)
    at = np.flatnonzero((repeats >= 0) & is_new)
    if not len(at):
        return []
    own = lines.select(["source_file", "currency", "amount", "booked_on"]).take(pa.array(at))
    pairs = own.append_column("same_file", lines.column("source_file").take(pa.array(repeats[at])))
    pairs = pairs.set_column(2, "amount", pc.cast(pc.abs(pairs.column("amount")), MONEY))
    grouped = pairs.group_by(["source_file", "same_file", "currency"], use_threads=False).aggregate(
        [("amount", "count"), ("amount", "sum"), ("booked_on", "min"), ("booked_on", "max")]
    )
    return [
        Finding(
            "BNK_DUPLICATE",
            f"{row['source_file']} 有 {row['amount_count']} 笔（{row['booked_on_min']} 至 {row['booked_on_max']}，合计 {row['amount_sum']} "
            f"{row['currency']}）与 {row['same_file']} 重复，只计一次",
            amount_at_risk=row["amount_sum"],
            source_file=row["source_file"],
        )
        for row in grouped.to_pylist()
    ]


def break_findings(breaks: list[Break], names: dict[int, str], reads: Sequence[StatementRead]) -> list[Finding]:
    """A finding for each gap and overlap, at the line beside it of the later of its files that lies in the folder."""
    findings = []
    for item in breaks:
        is_after = item.after.key[0] >= 0
        file_number, statement_no = item.after.key if is_after else item.before.key
        findings.append(
            Finding(
                "BNK_CONTINUITY",
                item.message,
                _edge(reads[file_number], statement_no, at_end=not is_after),
                "opening" if is_after else "closing",
                amount_at_risk=None if item.difference is None else abs(item.difference),
                source_file=names.get(file_number),
            )
        )
    return findings


def _edge(read: StatementRead, statement_no: int, *, at_end: bool) -> int | None:
    """The row of a statement's earliest line, or of its latest; banks list days either way. None where it has no line."""
    own = read.lines.filter(pc.equal(read.lines.column("statement_no"), statement_no))
    if not own.num_rows:
        return None
    days = own.column("booked_on")
    is_backward = days[0].as_py() > days[-1].as_py()
    return own.column("source_row")[-1 if at_end != is_backward else 0].as_py()
