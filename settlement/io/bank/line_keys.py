"""The lines of all files as the numbers that matching compares, in order of preference.

What belongs here: columns to codes. What does not: matching (``duplicates``).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.duplicates import NONE, Keys, codes
from settlement.io.bank.export_proofs import in_fen
from settlement.io.bank.sources import FAMILY_RANK, Placed

FILE, KIND = "_file", "_kind"  # columns beside the lines: number of the file (-1 known), kind of its statement


def comparable(lines: pa.Table, statements: dict[tuple[int, int], Placed]) -> np.ndarray:
    """Indices of the lines that can be another's: on a day of an account that two sources or formats show."""
    file_number = lines.column(FILE).to_numpy().astype(np.int64)
    statement = pc.fill_null(lines.column("statement_no"), 0).to_numpy().astype(np.int64)
    source, is_loser = _sources(file_number, statement, statements)
    account = codes(_coded(lines.column("account_no")), _coded(lines.column("currency")))
    kind = _coded(lines.column(KIND))
    teller = codes(source, kind, _coded(lines.column("layout")))
    crowded = _several(codes(account, _days(lines.column("booked_on"))), teller) | _several(account, kind)
    return np.flatnonzero(crowded | is_loser)


def _several(groups: np.ndarray, tellers: np.ndarray) -> np.ndarray:
    """Whether the group of each row has rows of several tellers."""
    pairs = np.unique(groups * (int(tellers.max(initial=0)) + 1) + tellers)
    tellers_of_group = np.bincount(pairs // (int(tellers.max(initial=0)) + 1))
    return tellers_of_group[groups] > 1


def keys_of(lines: pa.Table, statements: dict[tuple[int, int], Placed]) -> tuple[Keys, np.ndarray]:
    """The keys of ``lines`` in order of preference (known, taken versions, files in order, rows), and that order."""
    file_number = lines.column(FILE).to_numpy().astype(np.int64)
    statement = pc.fill_null(lines.column("statement_no"), 0).to_numpy().astype(np.int64)
    source, is_loser = _sources(file_number, statement, statements)
    is_known = file_number < 0
    order = np.lexsort((lines.column("source_row").to_numpy(), file_number, is_loser, ~is_known))
    entry = codes(_coded(lines.column("source_file")), statement, pc.fill_null(lines.column("entry_no"), 0).to_numpy())
    is_single = np.bincount(entry)[entry] == 1
    kinds = lines.column(KIND).unique().to_pylist()
    family = np.array([FAMILY_RANK.get(kind, 0) for kind in kinds])[_coded(lines.column(KIND))]
    is_export = family == FAMILY_RANK["cn"]
    keys = Keys(
        account=codes(_coded(lines.column("account_no")), _coded(lines.column("currency"))),
        day=_days(lines.column("booked_on")),
        value_day=_days(pc.coalesce(lines.column("value_on"), lines.column("booked_on"))),
        amount=in_fen(lines.column("amount")),
        reference=_coded(pc.utf8_upper(lines.column("bank_ref"))),
        # A batch that is split has no payer of its own.
        name=np.where(is_single, _coded(_plain(lines.column("counterparty_name"))), NONE),
        counterparty=np.where(is_single, _coded(_plain(lines.column("counterparty_account"))), NONE),
        balance=np.where(is_export, _coded(lines.column("balance")), NONE),
        # To the minute: of two exports of one bank one may leave out the seconds.
        clock=np.where(is_export, _coded(pc.floor_temporal(lines.column("booked_at"), unit="minute")), NONE),
        family=family,
        layout=np.where(is_export, _coded(lines.column("layout")), 0),
        source=source,
        entry=entry,
        entry_amount=in_fen(lines.column("entry_amount")),
        entry_reference=_coded(pc.utf8_upper(lines.column("entry_ref"))),
        is_known=is_known,
        is_loser=is_loser,
    )
    return Keys(**{name: values[order] for name, values in vars(keys).items()}), order


def _sources(
    file_number: np.ndarray, statement: np.ndarray, statements: dict[tuple[int, int], Placed]
) -> tuple[np.ndarray, np.ndarray]:
    """The source of each line (-1 for all that is known), and whether its statement was superseded."""
    width = int(statement.max(initial=0)) + 1
    pairs, inverse = np.unique((file_number + 1) * width + statement, return_inverse=True)
    placed = [statements.get((int(pair) // width - 1, int(pair) % width)) if pair >= width else None for pair in pairs]
    source = np.array([-1 if item is None else item.source for item in placed], np.int64)
    is_loser = np.array([item is not None and item.is_loser for item in placed], bool)
    return source[inverse], is_loser[inverse]


def _coded(column: pa.ChunkedArray) -> np.ndarray:
    """A number for each distinct value, in order of appearance; NONE for NULL."""
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    return pc.fill_null(encoded.indices, NONE).to_numpy(zero_copy_only=False).astype(np.int64)


def _days(column: pa.ChunkedArray) -> np.ndarray:
    return pc.cast(column, pa.int32()).to_numpy().astype(np.int64)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Names as they compare: capitals, no punctuation and blanks; NULL where nothing is left."""
    bare = pc.replace_substring_regex(pc.utf8_upper(column), r"[^\p{L}\p{N}*]+", "")
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)
