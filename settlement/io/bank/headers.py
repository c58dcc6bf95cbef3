"""Where the header row of a sheet is, by score, and which column is what (BNK-01).

What belongs here: rows of text cells to a header. What does not: the rows under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settlement.io.bank.profiles import Profile, column_index, documented_headers, header_name, profiles

_MONEY = ({"debit_out", "credit_in"}, {"debit_out"}, {"credit_in"}, {"amount"})
_DATES = ("booked_on", "booked_at", "value_on")
# Fields that may stand in several columns; all are kept, best name first. Of the others the best name wins.
SEVERAL = ("summary", "purpose", "remark", "bank_ref", "currency", "booked_on")
_AT_LEAST = 3  # BNK-01
_LIKE = 0.6  # so much of a documented header makes a file look like that bank's


@dataclass(frozen=True)
class Header:
    """A header row: its place (0-based rows, one or two), our field to its columns, how sure it is."""

    profile: Profile
    first_row: int
    last_row: int
    columns: dict[str, tuple[int, ...]]
    names: tuple[str, ...]
    known: int
    likeness: float  # share of the documented header's names that are here, 0 where none is documented


def find_header(rows: Sequence[Sequence[str]], title: str) -> Header | None:
    """The first row that is a header for the layout that fits best; None where no row is.

    A row is one if it names at least three of our fields, among them a date and an amount. Two rows are
    read as one where a second row of names stands under it (发生额 / 借方, 贷方). ``title``: the text above, for marks.
    """
    for at in range(min(len(rows), profiles()[-1].header_within)):
        candidates = [
            header
            for profile in profiles()
            for last in (at, at + 1)
            if last < len(rows) and (header := _header(profile, rows, at, last)) is not None
        ]
        if candidates:
            return max(candidates, key=lambda header: _rank(header, title))
    return None


def _rank(header: Header, title: str) -> tuple:
    """How well a layout fits: its documented names, its words in the title; where neither speaks for a bank, no bank's.

    A second row that adds nothing is a row of data or of English names, not part of the header.
    """
    is_marked = any(mark in title for mark in header.profile.marks)
    is_like = header.likeness >= _LIKE
    is_plain = not header.profile.marks and header.profile.name == profiles()[-1].name
    speaks = is_marked or is_like or is_plain
    rows = header.first_row - header.last_row
    return (
        is_like and is_marked,
        speaks,
        is_like,
        is_marked,
        header.likeness if speaks else 0.0,
        is_plain,
        header.known,
        rows,
    )


def _header(profile: Profile, rows: Sequence[Sequence[str]], first: int, last: int) -> Header | None:
    names = [header_name(cell) for cell in rows[first]]
    if sum(name in column_index(profile.name) for name in names) < 2:
        return None
    if last > first:
        names = _merged(names, [header_name(cell) for cell in rows[last]], profile)
        if names is None:
            return None
    columns = _columns(names, profile)
    fields = set(columns)
    if len(fields) < _AT_LEAST or not any(money <= fields for money in _MONEY) or not fields.intersection(_DATES):
        return None
    if (
        {"amount"} <= fields
        and len(fields) == _AT_LEAST
        and "balance" not in fields
        and "direction" not in fields
        and not _is_documented(profile, names)
    ):
        return None
    documented = [len(header & set(names)) / len(header) for header in documented_headers(profile.name)]
    return Header(profile, first, last, columns, tuple(names), len(fields), max(documented, default=0.0))


def _is_documented(profile: Profile, names: Sequence[str]) -> bool:
    return any(header <= set(names) for header in documented_headers(profile.name))


def _merged(upper: list[str], lower: list[str], profile: Profile) -> list[str] | None:
    """Two rows of names as one: a name below one that spans columns, or alone; None where the second row is data."""
    index = column_index(profile.name)
    if not any(name in index and index[name][0] in ("debit_out", "credit_in", "amount", "balance") for name in lower):
        return None
    if any(any(character.isdigit() for character in name) for name in (*upper, *lower)):
        return None  # a title with its value above the header, or data below it
    if any(index[name][0] in _DATES for name in lower if name in index):
        return None  # the lower row is a header by itself
    width = max(len(upper), len(lower))
    upper, lower = upper + [""] * (width - len(upper)), lower + [""] * (width - len(lower))
    merged, spanning = [], ""
    for above, below in zip(upper, lower, strict=True):
        spanning = above or (spanning if below else "")
        if below and below in index:
            merged.append(below)
        elif below and f"{below}{spanning}" in index:
            merged.append(f"{below}{spanning}")
        else:
            merged.append(above or below)
    return merged


def _columns(names: Sequence[str], profile: Profile) -> dict[str, tuple[int, ...]]:
    index = column_index(profile.name)
    found: dict[str, list[tuple[int, int]]] = {}
    for position, name in enumerate(names):
        if name in index:
            field, rank = index[name]
            found.setdefault(field, []).append((rank, position))
    columns = {}
    for field, ranked in found.items():
        ordered = [position for _, position in sorted(ranked)]
        columns[field] = tuple(ordered if field in SEVERAL else ordered[:1])
    return columns
