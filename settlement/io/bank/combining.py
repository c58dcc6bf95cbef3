"""Many statement files, and what earlier months have taken, to each transaction once.

What belongs here: the order of the steps and their result. What does not: matching (``duplicates``), statements
against each other (``sources``, ``continuity``), foreign exchange (``conversions``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.combined_findings import break_findings, file_findings, repeat_findings
from settlement.io.bank.continuity import Break, Points, breaks_of
from settlement.io.bank.conversions import CONVERSIONS, conversions_of
from settlement.io.bank.duplicates import Keys, same_between_formats, same_within_format
from settlement.io.bank.export_proofs import yuan
from settlement.io.bank.line_keys import FILE, KIND, comparable, keys_of
from settlement.io.bank.model import LINES, REJECTED, STATEMENTS, Finding, StatementRead
from settlement.io.bank.occurrences import codes_of, identity_texts, numbered
from settlement.io.bank.sources import FAMILY_RANK, Placed, place
from settlement.io.engine import connect

TRANSACTIONS = pa.schema(
    [("txn_id", pa.string()), ("source_file", pa.string()), ("layout", pa.string()), ("kind", pa.string()), *LINES]
)
REJECTED_ROWS = pa.schema(
    [("source_file", pa.string()), *REJECTED, ("same_file", pa.string()), ("same_row", pa.int64())]
)
STATEMENT_ROWS = pa.schema([("source_file", pa.string()), ("layout", pa.string()), *STATEMENTS])
_FEW = 20_000  # hashed here before a database is opened
_ADVICE = [FAMILY_RANK[kind] for kind in ("054", "052", "942")]


@dataclass
class Combined:
    """Each transaction once. ``lines``: the new ones; keep them, with ``statements``, for later months.

    ``rejected``: the rows each file rejected, and the rows that repeat a transaction (ROW_DUPLICATE, with its
    place in same_file, same_row). ``findings``: of the files and of their combination, each with its source_file.
    ``conversions``: 结汇 pairs joined to their receipt. Rows of all files = lines + rejected.
    """

    lines: pa.Table
    rejected: pa.Table
    statements: pa.Table
    findings: list[Finding]
    breaks: list[Break]
    known: pa.Table  # all transactions, those of earlier combinations too

    @cached_property
    def conversions(self) -> pa.Table:
        """Worked out when asked for: nothing else here waits for it."""
        return conversions_of(self.known, self.lines)


def combine(
    reads: Sequence[StatementRead],
    *,
    names: Sequence[str] | None = None,
    known_lines: pa.Table | None = None,
    known_statements: pa.Table | None = None,
) -> Combined:
    """Combine what files gave. ``names``: how each file is called (default: its name), in the order of ``reads``.

    ``known_lines`` (`TRANSACTIONS`), ``known_statements`` (`STATEMENT_ROWS`): ``lines`` and ``statements`` of
    earlier combinations; their transactions stand, and what repeats them is rejected.
    """
    shown = list(names) if names is not None else [read.path.name for read in reads]
    known = known_lines.select(TRANSACTIONS.names) if known_lines is not None else TRANSACTIONS.empty_table()
    statements = _placed(reads, known_statements)
    place(statements)
    lines = _all_lines(reads, shown, known)
    taken = _taken(lines, statements) if lines.num_rows else _Taken.nothing()
    lines = _with_ids(lines, taken)
    new = taken.is_kept & (np.arange(lines.num_rows) >= known.num_rows)
    fresh = lines.select(TRANSACTIONS.names)
    fresh = fresh if new.all() else fresh.filter(pa.array(new))
    file_names = dict(enumerate(shown))
    breaks = breaks_of(statements, file_names, _points(lines))
    rejected = _rejected(reads, shown, lines, taken)
    return Combined(
        lines=fresh,
        rejected=rejected,
        statements=_statement_rows(reads, shown),
        findings=[
            *file_findings(reads, shown, rejected),
            *repeat_findings(lines, taken.repeats),
            *break_findings(breaks, file_names, reads),
        ],
        breaks=breaks,
        known=fresh if new.all() else lines.select(TRANSACTIONS.names).filter(pa.array(taken.is_kept)),
    )


@dataclass
class _Taken:
    """For each line: whether it is a transaction; if not, the line it repeats, or why else it is not taken."""

    is_kept: np.ndarray
    repeats: np.ndarray  # index of the kept line, -1 where it repeats none
    is_superseded: np.ndarray
    is_unconfirmed: np.ndarray

    @classmethod
    def nothing(cls) -> _Taken:
        return cls(np.zeros(0, bool), np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0, bool))


def _placed(reads: Sequence[StatementRead], known: pa.Table | None) -> list[Placed]:
    found = [Placed((-1, number), row) for number, row in enumerate(known.to_pylist() if known is not None else [])]
    for file_number, read in enumerate(reads):
        rows = read.statements.to_pylist()
        found += [Placed((file_number, row["statement_no"]), row | {"layout": read.format_name}) for row in rows]
    return found


def _all_lines(reads: Sequence[StatementRead], shown: list[str], known: pa.Table) -> pa.Table:
    """Known lines first, then those of each file."""
    parts = [
        known.append_column(FILE, pa.repeat(pa.scalar(-1, pa.int32()), known.num_rows)).append_column(
            KIND, known.column("kind")
        )
    ]
    for number, read in enumerate(reads):
        count = read.lines.num_rows
        kinds = (
            read.statements.column("kind").take(read.lines.column("statement_no"))
            if count
            else pa.chunked_array([], pa.string())
        )
        head = {
            "txn_id": pa.nulls(count, pa.string()),
            "source_file": pa.repeat(pa.scalar(shown[number]), count),
            "layout": pa.repeat(pa.scalar(read.format_name or "", pa.string()), count),
            "kind": kinds,
        }
        whole = pa.table({**head, **{name: read.lines.column(name) for name in LINES.names}}, schema=TRANSACTIONS)
        parts.append(
            whole.append_column(FILE, pa.repeat(pa.scalar(number, pa.int32()), count)).append_column(KIND, kinds)
        )
    return pa.concat_tables(parts)


def _taken(lines: pa.Table, statements: list[Placed]) -> _Taken:
    by_key = {statement.key: statement for statement in statements}
    count, at = lines.num_rows, comparable(lines, by_key)
    whole = _Taken(np.ones(count, bool), np.full(count, -1, np.int64), np.zeros(count, bool), np.zeros(count, bool))
    if len(at):
        part = _compared(lines.take(pa.array(at)), statements)
        whole.is_kept[at], whole.is_superseded[at], whole.is_unconfirmed[at] = (
            part.is_kept,
            part.is_superseded,
            part.is_unconfirmed,
        )
        whole.repeats[at] = np.where(part.repeats >= 0, at[part.repeats], -1)
    return whole


def _compared(lines: pa.Table, statements: list[Placed]) -> _Taken:
    keys, order = keys_of(lines, {statement.key: statement for statement in statements})
    first = same_within_format(keys)
    own = np.arange(len(keys))
    is_kept, repeats = first == own, np.where(first == own, -1, first)
    is_superseded = is_kept & keys.is_loser & ~keys.is_known
    is_kept &= ~is_superseded
    is_paired = _pair_formats(keys, is_kept, repeats)
    is_unconfirmed = is_kept & ~is_paired & _unconfirmed(keys, lines, order, statements)
    is_kept &= ~is_unconfirmed
    _follow(repeats, is_kept)
    back = np.empty(len(order), np.int64)
    back[order] = own
    repeats = np.where(repeats[back] >= 0, order[repeats[back]], -1)
    return _Taken(is_kept[back], repeats, is_superseded[back], is_unconfirmed[back])


def _pair_formats(keys: Keys, is_kept: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """Entries that two formats show: one gives way, with all its lines. Details win over the sum, unless that is known.

    Returns which lines are of such entries.
    """
    matched, partners = same_between_formats(keys, is_kept)
    if not len(matched):
        return np.zeros(len(keys), bool)
    size = np.bincount(keys.entry, weights=is_kept, minlength=int(keys.entry.max()) + 1)
    is_finer = (size[keys.entry[matched]] > size[keys.entry[partners]]) & ~keys.is_known[partners]
    losing, winning = np.where(is_finer, partners, matched), np.where(is_finer, matched, partners)
    gives_way = np.full(len(size), -1, np.int64)
    gives_way[keys.entry[losing]] = winning
    hit = is_kept & (gives_way[keys.entry] >= 0) & ~keys.is_known
    repeats[hit] = gives_way[keys.entry[hit]]
    is_kept[hit] = False
    return np.isin(keys.entry, keys.entry[winning])


def _follow(repeats: np.ndarray, is_kept: np.ndarray) -> None:
    """A line that repeats a line which itself gave way repeats what that one repeats."""
    for _ in range(len(FAMILY_RANK) + 1):
        onward = (repeats >= 0) & ~is_kept[np.maximum(repeats, 0)] & (repeats[np.maximum(repeats, 0)] >= 0)
        if not onward.any():
            return
        repeats[onward] = repeats[repeats[onward]]


def _unconfirmed(keys: Keys, lines: pa.Table, order: np.ndarray, statements: list[Placed]) -> np.ndarray:
    """Entries that were announced for a day whose proved statement does not have them."""
    found = np.zeros(len(keys), bool)
    advice = np.flatnonzero(np.isin(keys.family, _ADVICE))
    if not len(advice):
        return found
    rows = lines.select(["account_no", "currency"]).take(pa.array(order[advice])).to_pylist()
    accounts = np.array([hash((row["account_no"], row["currency"])) for row in rows])
    epoch = np.datetime64("1970-01-01")
    for statement in statements:
        begins, ends = statement.get("from_on"), statement.get("to_on")
        if (
            statement.get("kind") not in ("053", "940")
            or not statement.get("is_proved")
            or statement.is_loser
            or begins is None
        ):
            continue
        low, high = int((np.datetime64(begins) - epoch).astype(int)), int((np.datetime64(ends) - epoch).astype(int))
        # The opening balance of MT940 is dated with the day before.
        low += statement.get("kind") == "940" and low < high
        inside = (keys.day[advice] >= low) & (keys.day[advice] <= high)
        found[advice[inside & (accounts == hash(statement.account))]] = True
    return found


def _with_ids(lines: pa.Table, taken: _Taken) -> pa.Table:
    """Occurrence and txn_id of the transactions; what is known keeps its own (the contract, section 4)."""
    kept = np.flatnonzero(taken.is_kept)
    if not len(kept):
        return lines
    texts = identity_texts(lines.take(pa.array(kept)))
    number = numbered(codes_of(texts))
    marked = pc.binary_join_element_wise(texts, pc.cast(pa.array(number), pa.string()), "\x1f")
    occurrence = lines.column("occurrence").to_numpy().astype(np.int32).copy()
    occurrence[kept] = number
    identifiers = np.full(lines.num_rows, None, object)
    identifiers[kept] = hashes(marked).to_numpy(zero_copy_only=False)
    fresh = pc.coalesce(lines.column("txn_id"), pa.array(identifiers, pa.string()))
    lines = lines.set_column(lines.schema.get_field_index("txn_id"), "txn_id", fresh)
    kept_occurrence = pc.if_else(pc.is_valid(lines.column("txn_id")), pa.array(occurrence), lines.column("occurrence"))
    return lines.set_column(lines.schema.get_field_index("occurrence"), "occurrence", kept_occurrence)


def hashes(texts: pa.Array) -> pa.Array:
    """The first 32 hex digits of the SHA-256 of each text, in the same order."""
    if len(texts) < _FEW:
        return pa.array([hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts.to_pylist()], pa.string())
    table = ibis.memtable(pa.table({"at": pa.array(np.arange(len(texts))), "text": texts}))
    hashed = table.mutate(digest=table.text.hexdigest("sha256").substr(0, 32)).order_by("at").select("digest")
    return connect().to_pyarrow(hashed).column("digest").combine_chunks()


def _rejected(reads: Sequence[StatementRead], shown: list[str], lines: pa.Table, taken: _Taken) -> pa.Table:
    parts = [_own_rejected(read, name) for read, name in zip(reads, shown, strict=True)]
    is_new = lines.column(FILE).to_numpy() >= 0 if lines.num_rows else np.zeros(0, bool)
    for mask, code, reason in (
        (taken.repeats >= 0, "ROW_DUPLICATE", None),
        (taken.is_superseded, "BNK_DUPLICATE", "同一期对账单另有更正的版本，其中没有这一行"),
        (taken.is_unconfirmed, "BNK_CONTINUITY", "该日的正式对账单已核对相符，其中没有这一笔，不重复计入"),
    ):
        at = np.flatnonzero(mask & is_new)
        if len(at):
            parts.append(_rejected_lines(lines, at, taken.repeats[at], code, reason))
    return pa.concat_tables(parts) if parts else REJECTED_ROWS.empty_table()


def _own_rejected(read: StatementRead, name: str) -> pa.Table:
    count = read.rejected.num_rows
    columns = {
        "source_file": pa.repeat(pa.scalar(name), count),
        **{column: read.rejected.column(column) for column in REJECTED.names},
    }
    return pa.table(
        {**columns, "same_file": pa.nulls(count, pa.string()), "same_row": pa.nulls(count, pa.int64())},
        schema=REJECTED_ROWS,
    )


def _rejected_lines(lines: pa.Table, at: np.ndarray, repeats: np.ndarray, code: str, reason: str | None) -> pa.Table:
    own, count = lines.take(pa.array(at)), len(at)
    if reason is None:
        same = lines.select(["source_file", "source_row"]).take(pa.array(repeats))
        files, rows = same.column("source_file"), same.column("source_row")
        reasons = pc.binary_join_element_wise(
            "与", files, "第", pc.cast(rows, pa.string()), "行是同一笔，只计一次", " "
        )
    else:
        files, rows, reasons = (
            pa.nulls(count, pa.string()),
            pa.nulls(count, pa.int64()),
            pa.repeat(pa.scalar(reason), count),
        )
    return pa.table(
        {
            "source_file": own.column("source_file"),
            "source_row": own.column("source_row"),
            "code": pa.repeat(pa.scalar(code), count),
            "field": pa.nulls(count, pa.string()),
            "found": own.column("bank_ref"),
            "reason": reasons,
            "account_no": own.column("account_no"),
            "currency": own.column("currency"),
            "amount": own.column("amount"),
            "same_file": files,
            "same_row": rows,
        },
        schema=REJECTED_ROWS,
    )


def _statement_rows(reads: Sequence[StatementRead], shown: list[str]) -> pa.Table:
    parts = []
    for read, name in zip(reads, shown, strict=True):
        count = read.statements.num_rows
        head = {
            "source_file": pa.repeat(pa.scalar(name), count),
            "layout": pa.repeat(pa.scalar(read.format_name or "", pa.string()), count),
        }
        parts.append(
            pa.table(
                {**head, **{column: read.statements.column(column) for column in STATEMENTS.names}},
                schema=STATEMENT_ROWS,
            )
        )
    return pa.concat_tables(parts) if parts else STATEMENT_ROWS.empty_table()


def _points(lines: pa.Table) -> Points:
    """The balances that other statements print for the account of a statement, by range of days."""

    def points(statement: Placed, first: date, last: date, by_itself: bool) -> set[Decimal]:
        account, currency = (pa.scalar(part, pa.string()) for part in statement.account)
        of_account = pc.and_(
            pc.equal(lines.column("account_no"), account), pc.equal(lines.column("currency"), currency)
        )
        days = lines.column("booked_on")
        in_days = pc.and_(pc.greater_equal(days, pa.scalar(first)), pc.less_equal(days, pa.scalar(last)))
        numbers = (
            pc.equal(lines.column(FILE), statement.key[0]),
            pc.equal(lines.column("statement_no"), statement.key[1]),
        )
        own = pc.fill_null(pc.and_(*numbers), False)
        told = pc.and_(own if by_itself else pc.invert(own), pc.is_valid(lines.column("balance")))
        printed = lines.filter(pc.and_(pc.and_(of_account, in_days), told))
        before = pc.subtract(printed.column("balance"), printed.column("amount"))
        return set(printed.column("balance").to_pylist()) | set(before.to_pylist())

    return points


__all__ = ["CONVERSIONS", "REJECTED_ROWS", "STATEMENT_ROWS", "TRANSACTIONS", "Combined", "combine", "yuan"]
