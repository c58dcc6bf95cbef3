"""The same transaction in several files is one: matching of lines, whole arrays at a time (BNK-07).

Within one format a line is the same as one of another file if identity and number agree; where the bank gives
no reference, its printed balance and time tell equal lines apart. Between formats (camt.053 and camt.054, MT940
and a CSV) entries of an account and day are paired one to one: by reference, payer's name, payer's account, and
at last by amount alone, where a name is missing or both formats show exactly the same amounts for that day.

What belongs here: which line is which. What does not: files, statements, text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from settlement.io.bank.occurrences import numbered

NONE = -1  # code of an absent text


@dataclass
class Keys:
    """Everything about the lines that matching looks at, as numbers. Order of rows = order of preference."""

    account: np.ndarray  # account and currency
    day: np.ndarray
    value_day: np.ndarray
    amount: np.ndarray  # fen
    reference: np.ndarray  # NONE where the bank gives none
    name: np.ndarray  # payer's name, letters and digits only
    counterparty: np.ndarray  # payer's account
    mark: np.ndarray  # printed balance and time of day; NONE where neither is given
    family: np.ndarray  # rank of the format
    layout: np.ndarray  # which layout of it
    source: np.ndarray
    entry: np.ndarray  # the entry of its file a line belongs to
    entry_amount: np.ndarray
    entry_reference: np.ndarray
    is_known: np.ndarray
    is_loser: np.ndarray

    def __len__(self) -> int:
        return len(self.account)


def codes(*columns: np.ndarray) -> np.ndarray:
    """One number for each distinct row of whole-number columns."""
    combined = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, inverse = np.unique(column, return_inverse=True)
        combined = combined * (int(inverse.max(initial=0)) + 1) + inverse
        _, combined = np.unique(combined, return_inverse=True)
    return combined.astype(np.int64)


def same_within_format(keys: Keys) -> np.ndarray:
    """For each line the first line that is the same transaction in its format (itself if none is earlier).

    First by the whole identity. Then, where the bank gives a reference, a corrected name or value date does not make
    another transaction: of the lines that share reference, day and amount, as many are kept as one source shows.
    """
    has_reference = keys.reference != NONE
    where = (keys.account, keys.family, keys.layout, keys.day, keys.amount, keys.reference)
    whole = codes(*where, keys.value_day, keys.name, keys.counterparty, np.where(has_reference, NONE, keys.mark))
    same = _first_of(codes(whole, numbered(codes(whole, keys.source))))
    is_found = same != np.arange(len(keys))
    shared = codes(*where, np.where(has_reference, NONE, whole))
    # A source's lines that were found are counted before its others: only what exceeds them can be new.
    order = np.argsort(~is_found, kind="stable")
    number = np.empty(len(keys), np.int32)
    number[order] = numbered(codes(shared[order], keys.source[order]))
    return np.where(is_found, same, same[_first_of(codes(shared, number))])


def _first_of(groups: np.ndarray) -> np.ndarray:
    """The index of the first row of each group, for each row."""
    if not len(groups):
        return np.zeros(0, np.int64)
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def same_between_formats(keys: Keys, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entries of later formats that an earlier format already has: (entry, the entry it is the same as).

    ``kept``: the lines that are still transactions. Entries are given by the index of their first line.
    """
    entry_codes = codes(keys.source, keys.family, keys.entry)
    indices = np.flatnonzero(kept)
    _, first = np.unique(entry_codes[indices], return_index=True)
    entries = indices[np.sort(first)]
    layouts = np.unique(codes(keys.family, keys.layout)[entries])
    if len(layouts) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    groups = codes(keys.family, keys.layout)
    of_entry = groups[entries]
    # What earlier months have taken comes first: its transactions stand.
    order = sorted(
        layouts,
        key=lambda code: (
            not keys.is_known[entries[of_entry == code]].any(),
            int(keys.family[entries[of_entry == code][0]]),
            int(code),
        ),
    )
    base, matched, partners = entries[of_entry == order[0]], [], []
    for code in order[1:]:
        own = entries[of_entry == code]
        same, other = _pair(keys, base, own)
        matched.append(same)
        partners.append(other)
        base = np.sort(np.concatenate([base, own[~np.isin(own, same)]]))
    return np.concatenate(matched), np.concatenate(partners)


def _pair(keys: Keys, base: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair entries of one format with entries of the formats before it, one to one, the surest evidence first."""
    matched, partners = [], []
    for evidence in (_by_reference, _by_name, _by_counterparty, _by_value_day, _by_amount):
        if evidence is _by_amount:
            # Nameless entries first on one side, last on the other: a name meets a missing name, not another name.
            own = own[np.argsort(keys.name[own] != NONE, kind="stable")]
            base = base[np.argsort(keys.name[base] == NONE, kind="stable")]
        own_keys, base_keys = evidence(keys, own, base)
        left, right = _join(own_keys, base_keys)
        if evidence is _by_amount and len(left):
            against = _speaks_against(keys, own, base, left, right)
            left, right = left[~against], right[~against]
        matched.append(own[left])
        partners.append(base[right])
        own, base = np.delete(own, left), np.delete(base, right)
    return np.concatenate(matched), np.concatenate(partners)


def _join(own: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions with equal keys, the first with the first, the second with the second; a negative key matches nothing."""
    both = np.concatenate([own, base])
    usable = both >= 0
    number = numbered(codes(both, np.arange(len(both)) < len(own)))
    pair = codes(both, number)
    pair_own, pair_base = pair[: len(own)], pair[len(own) :]
    _, left, right = np.intersect1d(pair_own[usable[: len(own)]], pair_base[usable[len(own) :]], return_indices=True)
    return np.flatnonzero(usable[: len(own)])[left], np.flatnonzero(usable[len(own) :])[right]


def _keyed(
    keys: Keys, own: np.ndarray, base: np.ndarray, *columns: np.ndarray, needs: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    both = np.concatenate([own, base])
    found = codes(*(column[both] for column in columns))
    if needs is not None:
        found = np.where(needs[both] == NONE, -1, found)
    return found[: len(own)], found[len(own) :]


def _by_reference(keys: Keys, own: np.ndarray, base: np.ndarray):
    return _keyed(
        keys, own, base, keys.account, keys.day, keys.entry_amount, keys.entry_reference, needs=keys.entry_reference
    )


def _by_name(keys: Keys, own: np.ndarray, base: np.ndarray):
    return _keyed(keys, own, base, keys.account, keys.day, keys.entry_amount, keys.name, needs=keys.name)


def _by_counterparty(keys: Keys, own: np.ndarray, base: np.ndarray):
    return _keyed(
        keys, own, base, keys.account, keys.day, keys.entry_amount, keys.counterparty, needs=keys.counterparty
    )


def _by_value_day(keys: Keys, own: np.ndarray, base: np.ndarray):
    """Formats may book a late transaction on different days; value date, amount and payer then still agree."""
    return _keyed(keys, own, base, keys.account, keys.value_day, keys.entry_amount, keys.name, needs=keys.name)


def _by_amount(keys: Keys, own: np.ndarray, base: np.ndarray):
    """The entries of one account, day and amount; ``_pair`` keeps a pair only where nothing speaks against it."""
    return _keyed(keys, own, base, keys.account, keys.day, keys.entry_amount)


def _speaks_against(keys: Keys, own: np.ndarray, base: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pairs with two payers' names, on a day for which the formats do not show exactly the same amounts."""
    both = np.concatenate([own, base])
    days = codes(keys.account[both], keys.day[both])
    cells, inverse = np.unique(codes(days, keys.entry_amount[both]), return_inverse=True)
    surplus = np.bincount(inverse, weights=np.where(np.arange(len(both)) < len(own), 1, -1), minlength=len(cells))
    is_uneven = np.zeros(int(days.max(initial=-1)) + 1, bool)
    is_uneven[days[surplus[inverse] != 0]] = True
    named = (keys.name[own[left]] != NONE) & (keys.name[base[right]] != NONE)
    return named & is_uneven[days[left]]
