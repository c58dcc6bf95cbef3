"""Which of several equal lines a line is (BNK-07): its number among the lines of the same identity in one file.

What belongs here: identity as one text, numbering. What does not: comparing files (``combine``).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# The contract: account, bank_ref, booked_on, value_on, signed amount, counterparty, occurrence; never file or row.
IDENTITY = (
    "account_no",
    "currency",
    "bank_ref",
    "booked_on",
    "value_on",
    "amount",
    "counterparty_name",
    "counterparty_account",
)
_SEPARATOR = "\x1f"


def identity_texts(lines: pa.Table) -> pa.Array:
    """The identity of each line as one text, absent parts empty."""
    parts = [pc.fill_null(pc.cast(lines.column(name), pa.string()), "") for name in IDENTITY]
    joined = pc.binary_join_element_wise(*parts, _SEPARATOR)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def numbered(codes: np.ndarray) -> np.ndarray:
    """1, 2, 3 … within each code, in the order of the array."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(codes) else np.array([], int)
    positions = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    result = np.empty(len(codes), np.int32)
    result[order] = positions + 1
    return result


def codes_of(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A number for each distinct text."""
    encoded = texts.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False)


def with_occurrence(lines: pa.Table) -> pa.Table:
    """``lines`` with the column ``occurrence``."""
    if not lines.num_rows:
        return lines
    found = numbered(codes_of(identity_texts(lines)))
    return lines.set_column(lines.schema.get_field_index("occurrence"), "occurrence", pa.array(found, pa.int32()))
