"""Reading the numbers of a remittance text that an exact look-up cannot: ranges, shortened lists, glued words.

One text at a time, in Python, on the few texts whose digits are not all explained. What comes out are candidates:
whether a number exists is looked up afterwards, all at once, and a range of which one number is missing is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LIST_SEPARATOR = r"\s*(?:、|，|,|/|;|；|&|\+|和|及|与|跟|\s)\s*|\s+AND\s+"
_RANGE_SEPARATOR = r"\s*(?:-|~|—|–|－|至|到)\s*|\s+TO\s+"
# Digits that are no date, amount, share or part of a word.
_DIGITS = r"(?P<digits>(?!20[0-9]{2}[-/.年][0-9]{1,2}[-/.月])[0-9]{1,9})(?![A-Z0-9年月日%元万]|[.,][0-9])"
_MORE = re.compile(rf"(?P<list>{_LIST_SEPARATOR}){_DIGITS}")
_SPAN = re.compile(rf"(?P<range>{_RANGE_SEPARATOR}){_DIGITS}")
_SPAN_WHOLE = re.compile(rf"(?:{_RANGE_SEPARATOR})(?P<key>[A-Z0-9]+)(?![A-Z0-9])")
_TAIL = re.compile(r"[0-9]+$")
_ATOM = re.compile(r"[A-Z0-9]+")
_PIECES = re.compile(r"[A-Z]+|[0-9]+")
# What may stand glued in front of a number or behind it without being part of it.
_LABELS = (
    "ORDERNO",
    "ORDER",
    "INVOICE",
    "INVNO",
    "INV",
    "CONTRACT",
    "PINO",
    "PI",
    "PONO",
    "PO",
    "BLNO",
    "REF",
    "NO",
    "FOR",
)
_CURRENCIES = ("USD", "EUR", "CNY", "RMB", "JPY", "HKD", "GBP", "US")
_AMOUNT_BEFORE = re.compile(rf"(?:{'|'.join(_CURRENCIES)})[0-9]+")
_WORD_BEHIND = re.compile(r"[A-Z]{1,2}|USD|EUR|CNY|RMB|JPY|HKD|GBP|PAYMENT|DEPOSIT|BALANCE|FREIGHT|GOODS|INV|ORDER")
_JOINED_MOST = 4


@dataclass(frozen=True)
class Candidate:
    """A number that a text may mean. ``unit`` tells the readings of one place apart, ``members`` how many numbers
    the whole reading has: it counts only if all of them exist. ``how``: list, range, glued, joined, or unclear, which
    names no number: digits follow a known one and are no part of it that we understand."""

    key: str
    how: str
    unit: int
    members: int
    raw: str


@dataclass(frozen=True)
class Anchor:
    """A known number in the text, as written there and as its key (without separators, look-alikes put right)."""

    raw: str
    key: str


def _places(text: str, raw: str) -> Iterator[tuple[int, int]]:
    """Start and end of each place where ``raw`` stands whole. Every receipt has another: a pattern each costs more."""
    start = text.find(raw)
    while start >= 0:
        end = start + len(raw)
        is_whole = not _ATOM.match(text[max(start - 1, 0) : start]) and not _ATOM.match(text, end)
        if is_whole:
            yield start, end
        start = text.find(raw, end if is_whole else start + 1)


def _numbered(key: str) -> tuple[str, str] | None:
    """A key as prefix and its digits at the end; None where it ends otherwise."""
    tail = _TAIL.search(key)
    return (key[: tail.start()], tail.group()) if tail else None


def _range(key: str, last: str, most: int) -> list[str] | None:
    """All numbers after ``key`` up to the one whose digits end in ``last``; None where that is no range."""
    prefix, digits = _numbered(key) or ("", "")
    if not digits or len(last) > len(digits):
        return None
    start, end = int(digits), int(digits[: len(digits) - len(last)] + last)
    if not start < end <= start + most - 1:
        return None
    return [f"{prefix}{number:0{len(digits)}d}" for number in range(start + 1, end + 1)]


def _shortened(key: str, more: re.Match[str], most: int) -> str | None:
    """The number of a list that repeats only the last digits of ``key``; None where it lies too far to be one."""
    prefix, tail = _numbered(key) or ("", "")
    digits = more["digits"]
    if not tail or len(digits) > len(tail):
        return None
    whole = tail[: len(tail) - len(digits)] + digits
    if len(digits) == 1 and whole < tail:
        return None
    # Chinese lists are explicit; after a stroke, comma or blank a far number is an amount, not an order.
    near = 10 * most if more["list"].strip() in ("、", "和", "及", "与", "跟") else most
    return prefix + whole if 0 < abs(int(whole) - int(tail)) <= near else None


def _continued(
    text: str, anchor: Anchor, place: tuple[int, int], unit: int, most: int, amount: str
) -> Iterator[Candidate]:
    """What follows a number: ``-0158``, ``至58``, ``/157/158``, ``、0157``; the receipt's own amount is no number."""
    key, position, is_part = anchor.key, place[1], False
    while True:
        span, more = _SPAN.match(text, position), _MORE.match(text, position)
        if span and len(span["digits"]) >= 2 and (members := _range(key, span["digits"], most)):
            raw = text[place[0] : span.end()]
            yield from (Candidate(member, "range", unit, len(members), raw) for member in members)
            key, position = members[-1], span.end()
        elif span and len(span["digits"]) <= 2 and "-" in span["range"]:
            position, is_part = span.end(), True  # SO0156-1: a part of the order
        elif more and more["digits"] == amount:
            position = more.end()
        elif more and not is_part and _is_shortened(more) and (member := _shortened(key, more, most)):
            yield Candidate(member, "list", unit, 1, text[place[0] : more.end()])
            key, position = member, more.end()
        else:
            if more and more["list"].strip() or span and "-" not in span["range"]:
                yield Candidate("", "unclear", unit, 0, text[place[0] : (more or span).end()])
            return
        unit += 1


def _is_shortened(more: re.Match[str]) -> bool:
    # After a blank alone three digits are more likely an amount; one digit is a number only behind a slash.
    digits, separator = more["digits"], more["list"].strip()
    return len(digits) >= 3 if not separator else len(digits) >= 2 or separator == "/"


def _spans_between(text: str, anchors: Sequence[Anchor], most: int, unit: int) -> Iterator[Candidate]:
    """``SO0156-SO0158``: both ends whole."""
    keys = {anchor.raw: anchor.key for anchor in anchors}
    for anchor in anchors:
        for place in _places(text, anchor.raw):
            span = _SPAN_WHOLE.match(text, place[1])
            last = keys.get(span["key"]) if span else None
            mine, other = _numbered(anchor.key), _numbered(last or "")
            if mine and other and mine[0] == other[0] and len(mine[1]) == len(other[1]):
                members = _range(anchor.key, other[1], most)
                if members:
                    raw = text[place[0] : span.end()]
                    yield from (Candidate(member, "range", unit, len(members), raw) for member in members)
                    unit += 1


def _glued(atom: str) -> Iterator[str]:
    """Numbers inside an atom that may have words or an amount stuck to them."""
    pieces = list(_PIECES.finditer(atom))
    for first, piece in enumerate(pieces):
        if piece.group().isdigit():
            continue
        before = atom[: piece.start()]
        if before and not _AMOUNT_BEFORE.fullmatch(before):
            continue
        for last in range(first + 1, len(pieces)):
            behind = atom[pieces[last].end() :]
            if not pieces[last].group().isdigit() or (behind and not _WORD_BEHIND.fullmatch(behind)):
                continue
            whole = atom[piece.start() : pieces[last].end()]
            if whole != atom:
                yield whole
            for label in _LABELS:
                if whole.startswith(label) and whole[len(label) : len(label) + 1].isalpha():
                    yield whole[len(label) :]


def _goes_on(text: str, position: int) -> bool:
    """Whether further digits follow that belong to no date or amount: the number before them is not whole."""
    return bool(_MORE.match(text, position) or _SPAN.match(text, position))


def _joined(text: str) -> Iterator[tuple[str, str]]:
    """Neighbouring atoms with one blank, dot or stroke between them, put together: ``SO 2023 0156``."""
    atoms = list(_ATOM.finditer(text))
    for first, start in enumerate(atoms):
        if start.group().isdigit():
            continue
        for last in range(first + 1, min(first + _JOINED_MOST, len(atoms))):
            gap = text[atoms[last - 1].end() : atoms[last].start()]
            if not re.fullmatch(r"\s?[-_./#:]?\s?", gap):
                break
            raw = text[start.start() : atoms[last].end()]
            key = re.sub(r"[^A-Z0-9]", "", raw)
            if atoms[last].group()[-1].isdigit() and not _goes_on(text, atoms[last].end()):
                yield raw, key


def candidates(text: str, anchors: Sequence[Anchor], most: int, amount: str = "") -> list[Candidate]:
    """Every further number that ``text`` may mean beside its known ``anchors``; ``most`` numbers in one range.

    ``amount``: the receipt's amount in whole units, which the text may quote.

    >>> [c.key for c in candidates("订单SO0156-0158货款", [Anchor("SO0156", "SO0156")], 50)]
    ['SO0157', 'SO0158']
    >>> [c.key for c in candidates("SO0156/57、60", [Anchor("SO0156", "SO0156")], 50)]
    ['SO0157', 'SO0160']
    """
    found: list[Candidate] = []
    for anchor in anchors:
        for place in _places(text, anchor.raw):
            found.extend(_continued(text, anchor, place, 100 * len(found), most, amount))
    found.extend(_spans_between(text, anchors, most, 100 * len(found) + 50))
    known = {anchor.raw for anchor in anchors}
    for atom in _ATOM.findall(text):
        if atom not in known and any(character.isdigit() for character in atom):
            found.extend(Candidate(key, "glued", 0, 1, atom) for key in _glued(atom))
    if not anchors:
        found.extend(Candidate(key, "joined", 0, 1, raw) for raw, key in _joined(text))
    return list(dict.fromkeys(found))
