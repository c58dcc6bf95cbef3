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
    balance: np.ndarray  # as an export prints it; NONE where it does not
    clock: np.ndarray  # the minute of booking as an export prints it
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
    At last exports that leave out the balance, the time or the reference against those that print it.
    """
    has_reference = keys.reference != NONE
    where = (keys.account, keys.family, keys.layout, keys.day, keys.amount, keys.reference)
    marks = (np.where(has_reference, NONE, mark) for mark in (keys.balance, keys.clock))
    whole = codes(*where, keys.value_day, keys.name, keys.counterparty, *marks)
    same = _first_of(codes(whole, numbered(codes(whole, keys.source))))
    is_found = same != np.arange(len(keys))
    shared = codes(*where, np.where(has_reference, NONE, whole))
    # A source's lines that were found are counted before its others: only what exceeds them can be new.
    order = np.argsort(~is_found, kind="stable")
    number = np.empty(len(keys), np.int32)
    number[order] = numbered(codes(shared[order], keys.source[order]))
    return _same_but_for_what_is_left_out(keys, np.where(is_found, same, same[_first_of(codes(shared, number))]))


def _same_but_for_what_is_left_out(keys: Keys, same: np.ndarray) -> np.ndarray:
    """Lines of one export that another of the same days prints with more columns: balance, time of day, reference.

    Equal lines with different balances stay different; a line that prints none is one of them, if there are as many.
    """
    has_reference, has_balance, has_clock = keys.reference != NONE, keys.balance != NONE, keys.clock != NONE
    plain = codes(
        keys.account, keys.family, keys.layout, keys.day, keys.amount, keys.value_day, keys.name, keys.counterparty
    )
    with_balance, with_clock = codes(plain, keys.balance), codes(plain, keys.clock)
    is_timed = has_clock & ~_anywhere(plain, has_balance & ~has_clock)
    unreferenced = ~_anywhere(codes(keys.source, keys.layout), has_reference)
    prints_nothing = ~has_reference & ~has_balance & ~is_timed
    marked = has_balance | is_timed
    steps = (
        (with_balance, ~has_reference & has_balance & has_clock, ~has_reference & has_balance & ~has_clock),
        (with_clock, ~has_reference & has_balance & has_clock, ~has_reference & ~has_balance & has_clock),
        (with_balance, has_reference & has_balance, ~has_reference & has_balance),
        (with_clock, has_reference & has_clock, ~has_reference & ~has_balance & has_clock),
        (plain, ~has_reference & marked, prints_nothing & ~unreferenced),
        (plain, has_reference | marked, prints_nothing & unreferenced),
    )
    for group, tells_more, tells_less in steps:
        same = _filled(keys, same, group, tells_more, tells_less)
    return same


def _anywhere(groups: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Whether any row of each row's group is in ``mask``."""
    return np.isin(groups, groups[mask])


def _filled(
    keys: Keys, same: np.ndarray, group: np.ndarray, tells_more: np.ndarray, tells_less: np.ndarray
) -> np.ndarray:
    """``same`` with each line of ``tells_less`` put to a line of ``tells_more`` that its source does not show itself."""
    # A transaction has a place in a group where any of its lines tells more.
    tellers = np.flatnonzero(tells_more)
    _, first = np.unique(codes(group[tellers], same[tellers]), return_index=True)
    places = tellers[np.sort(first)]
    open_ones = np.flatnonzero((same == np.arange(len(same))) & tells_less)
    open_ones = open_ones[np.isin(group[open_ones], group[places])]
    if not len(open_ones):
        return same
    # What a source shows in full takes its places first; its other lines come after them.
    order = np.concatenate([tellers, np.flatnonzero(tells_less)])
    number = np.zeros(len(same), np.int64)
    number[order] = numbered(codes(group[order], keys.source[order]))
    both = np.concatenate([places, open_ones])
    place_of = both[_first_of(codes(group[both], np.concatenate([numbered(group[places]), number[open_ones]])))]
    wanted = same[place_of[len(places) :]]
    # What earlier months have taken stands, whichever tells more.
    stands = keys.is_known[open_ones]
    same = same.copy()
    same[open_ones[~stands]] = wanted[~stands]
    gives_way = stands & ~keys.is_known[wanted]
    same[wanted[gives_way]] = open_ones[gives_way]
    return same[same[same]]


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
