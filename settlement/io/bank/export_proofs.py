"""Proofs of a bank export: the running balance in whichever order the bank wrote it, and the totals it states.

What belongs here: BNK-05 and BNK-06 over the lines of one account. What does not: reading, other files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.model import Finding, Proof, Statement
from settlement.io.bank.titles import Stated

_FEN = Decimal(100)
_SAFE = 2**62


@dataclass
class Proved:
    """What the proofs of one account's lines gave; ``is_marked`` is a mask over them in file order."""

    is_marked: np.ndarray
    opening: int | None = None  # in fen
    closing: int | None = None
    is_chained: bool = False
    is_anchored: bool = False
    has_failed: bool = False
    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)


def in_fen(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """DECIMAL(18,2) without NULL as whole fen, exactly; Python's integers where their sum would leave 64 bits."""
    wide = pc.multiply(values, pa.scalar(Decimal("100"), pa.decimal128(3, 0)))
    fen = pc.cast(pc.cast(wide, pa.decimal128(38, 0)), pa.int64()).to_numpy(zero_copy_only=False)
    largest = int(np.abs(fen).max(initial=0))
    return fen if largest * max(len(fen), 1) < _SAFE else fen.astype(object)


def yuan(fen: int) -> Decimal:
    """Whole fen as an amount."""
    return Decimal(int(fen)).scaleb(-2)


def prove(lines: pa.Table, stated: Stated, statement: Statement, refused: int) -> Proved:
    """All proofs of the lines of one account and currency. ``refused``: rows of it that were rejected."""
    proved = Proved(np.zeros(lines.num_rows, bool))
    subject = f"{statement.account_no or '（无账号）'} {statement.currency}"
    amounts = in_fen(lines.column("amount"))
    rows = lines.column("source_row").to_numpy()
    _chain(proved, lines, amounts, rows, subject, statement.currency)
    _ends(proved, amounts, stated, subject, rows)
    _totals(proved, lines, amounts, stated, subject, refused)
    if proved.has_failed and not proved.is_marked.any():
        proved.is_marked[:] = True
    return proved


def _orders(lines: pa.Table) -> list[np.ndarray]:
    """The orders banks write in: as it stands, reversed, days forward or backward with the lines of a day either way."""
    count = lines.num_rows
    straight = np.arange(count)
    days = pc.cast(lines.column("booked_on"), pa.int32()).to_numpy()
    forward = np.argsort(days, kind="stable")
    backward = straight[::-1][np.argsort(days[::-1], kind="stable")]
    return [straight, straight[::-1], forward, backward]


def _chain(
    proved: Proved, lines: pa.Table, amounts: np.ndarray, rows: np.ndarray, subject: str, currency: str | None
) -> None:
    """bal[i] = bal[i-1] + in - out: the balance less the sum so far is one number as long as nothing is missing."""
    balance = lines.column("balance")
    known = ~pc.is_null(balance).to_numpy()
    unreadable = int(pc.sum(pc.cast(lines.column("_bad_balance"), pa.int64())).as_py() or 0) if lines.num_rows else 0
    if unreadable:
        first = int(rows[pc.index(lines.column("_bad_balance"), True).as_py()])
        proved.findings.append(
            Finding("BNK_BALANCE_CHAIN", f"{subject}：{unreadable} 行余额读不出，余额链无法核对", first, "balance")
        )
    if known.sum() == 0:
        if lines.num_rows and not unreadable:
            proved.proofs.append(Proof("balance_chain", subject, None))
        return
    fen = in_fen(pc.fill_null(balance, pa.scalar(Decimal("0.00"), balance.type)))
    best = min((_breaks(order, fen, amounts, known) for order in _orders(lines)), key=lambda found: len(found[1]))
    order, breaks = best
    places = order[known[order]]
    first, last = places[0], places[-1]
    total_before = amounts[order[: int(np.flatnonzero(order == first)[0]) + 1]].sum()
    after = order[int(np.flatnonzero(order == last)[0]) + 1 :]
    proved.opening, proved.closing = int(fen[first] - total_before), int(fen[last] + amounts[after].sum())
    proved.is_chained = len(breaks) == 0
    proved.proofs.append(
        Proof(
            "balance_chain",
            subject,
            proved.is_chained,
            int(known.sum()),
            source_row=int(rows[breaks[0][0]]) if breaks else None,
        )
    )
    if breaks:
        where, gap = breaks[0]
        proved.has_failed = True
        position = int(np.flatnonzero(order == where)[0])
        proved.is_marked[order[position:]] = True
        proved.findings.append(
            Finding(
                "BNK_BALANCE_CHAIN",
                f"{subject}：第 {int(rows[where])} 行余额 {yuan(fen[where])} 与上一笔余额加本笔不符，"
                f"差 {yuan(gap)} {currency or ''}；共 {len(breaks)} 处断开",
                int(rows[where]),
                "balance",
                str(yuan(fen[where])),
                abs(yuan(gap)),
            )
        )


def _breaks(
    order: np.ndarray, fen: np.ndarray, amounts: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Where, in this order, the balance less the sum so far changes: (index of the line, by how much)."""
    difference = (fen[order] - np.cumsum(amounts[order]))[known[order]]
    places = order[known[order]]
    jumps = np.flatnonzero(np.diff(difference))
    return order, [(int(places[jump + 1]), int(difference[jump + 1] - difference[jump])) for jump in jumps[:1000]]


def _ends(proved: Proved, amounts: np.ndarray, stated: Stated, subject: str, rows: np.ndarray) -> None:
    """Opening and closing that the file states, against the chain, or against the sum where there is no balance column."""
    opening, closing = (_fen(stated.amounts.get(name)) for name in ("opening", "closing"))
    total = int(amounts.sum())
    if opening is not None and closing is not None:
        holds = opening + total == closing
        proved.proofs.append(
            Proof(
                "opening_closing",
                subject,
                holds,
                len(amounts),
                yuan(opening + total),
                yuan(closing),
                stated.rows["closing"],
            )
        )
        proved.is_anchored |= holds
        if not holds:
            _fail(
                proved,
                "BNK_CONTROL_TOTAL",
                f"{subject}：期初 {yuan(opening)} + 明细合计 {yuan(total)} = {yuan(opening + total)}，"
                f"与期末 {yuan(closing)} 相差 {yuan(closing - opening - total)}",
                stated.rows["closing"],
                "closing",
                closing - opening - total,
            )
    for name, own in (("opening", proved.opening), ("closing", proved.closing)):
        value = opening if name == "opening" else closing
        if value is None or own is None or not proved.is_chained:
            continue
        title = "期初余额" if name == "opening" else "期末余额"
        holds = value == own
        proved.proofs.append(Proof(name, subject, holds, 1, yuan(value), yuan(own), stated.rows[name]))
        if not holds:
            _fail(
                proved,
                "BNK_BALANCE_CHAIN",
                f"{subject}：写明的{title} {yuan(value)}，由明细余额推得 {yuan(own)}，相差 {yuan(value - own)}",
                stated.rows[name],
                name,
                value - own,
            )
    proved.opening = opening if proved.opening is None else proved.opening
    proved.closing = closing if proved.closing is None else proved.closing
    if proved.opening is not None and proved.closing is None:
        proved.closing = proved.opening + total
    if proved.closing is not None and proved.opening is None:
        proved.opening = proved.closing - total


def _fen(value: Decimal | None) -> int | None:
    return None if value is None else int(value * _FEN)


def _fail(proved: Proved, code: str, message: str, row: int | None, name: str, gap: int) -> None:
    proved.has_failed = True
    proved.findings.append(Finding(code, message, row, name, None, abs(yuan(gap))))


def _totals(proved: Proved, lines: pa.Table, amounts: np.ndarray, stated: Stated, subject: str, refused: int) -> None:
    """Counts and sums that title or footer state, as columns of the bank: a reversal is a minus in its column.

    Some banks count it on the side its money went instead: either agrees. Counts include refused rows.
    """
    columns = {"debit": in_fen(lines.column("debit_out")), "credit": in_fen(lines.column("credit_in"))}
    moved = {"debit": -amounts[amounts < 0], "credit": amounts[amounts > 0]}
    agreed: dict[str, bool] = {}
    for side, title in (("credit", "贷方（收入）"), ("debit", "借方（支出）")):
        value = _fen(stated.amounts.get(f"{side}_total"))
        if value is not None:
            own = int(columns[side].sum()) if value != int(moved[side].sum()) else value
            agreed[side] = value == own
            row = stated.rows[f"{side}_total"]
            _compare(proved, subject, f"{title}合计", yuan(value), yuan(own), row, value - own)
    counts = {side: {int((columns[side] != 0).sum()), len(moved[side])} for side in columns} | {"": {len(amounts)}}
    for side, title in (("credit", "贷方（收入）笔数"), ("debit", "借方（支出）笔数"), ("", "总笔数")):
        name = f"{side}_count" if side else "count"
        value = stated.counts.get(name)
        if value is not None:
            fits = any(own <= value <= own + refused for own in counts[side])
            own = value if fits else min(counts[side])
            _compare(proved, subject, title, Decimal(value), Decimal(own), stated.rows[name], None)
    proved.is_anchored |= agreed.get("credit", False) and agreed.get("debit", False)


def _compare(
    proved: Proved, subject: str, title: str, expected: Decimal, found: Decimal, row: int, gap: int | None
) -> None:
    holds = expected == found
    proved.proofs.append(Proof("control_total", f"{subject} {title}", holds, 1, expected, found, row))
    if not holds:
        proved.has_failed = True
        proved.findings.append(
            Finding(
                "BNK_CONTROL_TOTAL",
                f"{subject}：文件写明{title} {expected}，读到 {found}",
                row,
                title,
                str(expected),
                None if gap is None else abs(yuan(gap)),
            )
        )
