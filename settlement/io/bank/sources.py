"""Which statements say the same and which follow each other: what lines may be counted beside each other.

A statement that lies in two files, or was issued again, is one statement (a *version* of it); statements whose
balances join are parts of one *source*, and equal lines in them are different lines.

What belongs here: statements against statements. What does not: lines (``duplicates``), gaps (``continuity``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from settlement.io.bank.limits import bank_limits

FINAL = ("053", "940", "cn")  # a statement of what was booked; the others announce it
FAMILY_RANK = {"cn": 0, "053": 1, "940": 2, "054": 3, "052": 4, "942": 5}


@dataclass
class Placed:
    """A statement of one of the files: ``key`` is (file number, statement number); file -1 is what is known already."""

    key: tuple[int, int]
    row: dict[str, object]
    source: int = 0
    is_loser: bool = False  # another version of the same statement is taken
    is_repeat: bool = False  # the same statement stands earlier, with the same figures

    def get(self, name: str):
        return self.row[name]

    @property
    def account(self) -> tuple[str | None, str | None]:
        return self.row["account_no"], self.row["currency"]

    @property
    def figures(self) -> tuple:
        return tuple(self.row[name] for name in ("opening", "closing", "credits", "debits", "line_count"))


def place(statements: list[Placed]) -> None:
    """Give each statement its source, and mark repeats and superseded versions. In place."""
    for versions in _versions(statements).values():
        _choose(versions)
    parents = list(range(len(statements)))
    _join_files(statements, parents)
    _join_chains(statements, parents)
    for number, statement in enumerate(statements):
        statement.source = _root(parents, number)


def _versions(statements: list[Placed]) -> dict[tuple, list[Placed]]:
    groups: dict[tuple, list[Placed]] = defaultdict(list)
    for statement in statements:
        names = ("kind", "sequence", "page", "from_on", "to_on", "opening")
        # Without balances only the bank's own name of a statement tells a repeat from another of the same day.
        own = statement.get("statement_id") if statement.get("opening") is None else None
        groups[(*statement.account, own, *(statement.get(name) for name in names))].append(statement)
    return {key: group for key, group in groups.items() if len(group) > 1}


def _choose(versions: list[Placed]) -> None:
    """The first of equal versions; of differing ones that are numbered, the proved, the newest, the fullest."""
    seen: dict[tuple, Placed] = {}
    for statement in versions:
        if statement.figures in seen:
            statement.is_repeat = True
        else:
            seen[statement.figures] = statement
    different = list(seen.values())
    if len(different) < 2 or different[0].get("kind") not in ("053", "940") or different[0].get("sequence") is None:
        return  # downloads of the same days at different hours complete each other
    if any(statement.key[0] < 0 for statement in different):
        winner = next(statement for statement in different if statement.key[0] < 0)
    else:
        winner = max(
            different,
            key=lambda item: (
                bool(item.get("is_proved")),
                str(item.get("created_at") or ""),
                item.get("line_count"),
                item.key,
            ),
        )
    for statement in versions:
        statement.is_loser = statement.figures != winner.figures and statement.key[0] >= 0


def _join_files(statements: list[Placed], parents: list[int]) -> None:
    """Statements of one file and account are one source, but for repeats: two equal lines in one file are two."""
    first: dict[tuple, int] = {}
    for number, statement in enumerate(statements):
        if statement.is_repeat or statement.is_loser:
            continue
        key = (statement.key[0], _family(statement), *statement.account)
        _join(parents, number, first.setdefault(key, number))


def _join_chains(statements: list[Placed], parents: list[int]) -> None:
    """A proved statement that begins with the balance at which another proved one of its kind ended follows it."""
    ends: dict[tuple, list[int]] = defaultdict(list)
    usable = [
        (number, statement)
        for number, statement in enumerate(statements)
        if statement.get("is_proved")
        and not statement.is_repeat
        and not statement.is_loser
        and statement.get("kind") in ("053", "940")
        and statement.get("opening") is not None
        and statement.get("closing") is not None
        and statement.get("line_count")
    ]
    for number, statement in usable:
        ends[(_family(statement), *statement.account, statement.get("closing"))].append(number)
    for number, statement in usable:
        for before in ends.get((_family(statement), *statement.account, statement.get("opening")), ()):
            if before != number and _follows(statements[before], statement):
                _join(parents, number, before)


def _follows(before: Placed, after: Placed) -> bool:
    """The later one began on or after the day the earlier ended; starting alike they would be one statement."""
    if before.get("opening") == after.get("opening"):
        return False
    ended, began = before.get("to_on"), after.get("from_on")
    return ended is not None and began is not None and 0 <= (began - ended).days <= bank_limits().pause_days


def _family(statement: Placed) -> str:
    return str(statement.get("kind"))


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _join(parents: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low
