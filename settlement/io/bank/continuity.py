"""Statements of an account one after the other: where one is missing, where two overlap (BNK_CONTINUITY).

What belongs here: the ends of statements. What does not: lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from settlement.io.bank.sources import FINAL, Placed

_SERIES = 10  # so many statements show in which rhythm a bank issues them


@dataclass(frozen=True)
class Break:
    """Two statements that do not join: ``kind`` is gap, or overlap where their days overlap and their balances contradict."""

    kind: str
    account_no: str | None
    currency: str | None
    before: Placed
    after: Placed
    difference: Decimal | None
    message: str


# The balances printed for the account of a statement in a range of days, both included: by the statement itself (True),
# or by others.
Points = Callable[[Placed, date, date, bool], set[Decimal]]


def breaks_of(statements: list[Placed], names: dict[int, str], points: Points) -> list[Break]:
    """Every gap, in order of account and date. ``names``: file number to the name people know.

    ``points``: the printed balances of an account; where downloads overlap the later begins at one of them.
    """
    found: list[Break] = []
    by_account: dict[tuple, list[Placed]] = {}
    for statement in statements:
        usable = statement.get("kind") in FINAL and statement.get("from_on") and statement.get("to_on")
        if usable and not statement.is_repeat and not statement.is_loser:
            by_account.setdefault(statement.account, []).append(statement)
    for account in sorted(by_account, key=str):
        found += _breaks_of_account(by_account[account], names, points)
    return found


def _breaks_of_account(statements: list[Placed], names: dict[int, str], points: Points) -> list[Break]:
    ordered = _in_order(statements)
    found: list[Break] = []
    ends = [ordered[0]]  # the statements that reach furthest so far: downloads of one day end at different hours
    for after in ordered[1:]:
        reached = ends[0].get("to_on")
        after = _carried(after, ends[-1])
        before = next((item for item in ends if item.get("closing") == after.get("opening")), ends[-1])
        overlaps = after.get("from_on") <= reached
        joins = before.get("closing") == after.get("opening") or (
            overlaps and _begins_within(before, after, ends, points)
        )
        problem = _break_between(before, after, names, joins)
        if problem and max(before.key[0], after.key[0]) >= 0:
            found.append(problem)
        if after.get("to_on") > reached:
            ends = [after]
        elif after.get("to_on") == reached:
            ends.append(after)
    return found + _missing_days(ordered, names, found)


def _carried(after: Placed, before: Placed) -> Placed:
    """A statement without balances carries those of the one before on: what it misses shows where the next begins."""
    if (after.get("opening"), after.get("closing")) != (None, None) or before.get("closing") is None:
        return after
    if after.get("from_on") <= before.get("to_on"):
        return after
    moved = (after.get("credits") or Decimal(0)) - (after.get("debits") or Decimal(0))
    return replace(after, row=after.row | {"opening": before.get("closing"), "closing": before.get("closing") + moved})


def _begins_within(before: Placed, after: Placed, ends: list[Placed], points: Points) -> bool:
    """Whether one of two overlapping statements begins, or ends, with a balance that the other has in its days."""
    opening = after.get("opening")
    if opening is None or any(opening == item.get("opening") for item in ends):
        return True
    first = min(item.get("from_on") for item in (*ends, after))
    last = max(before.get("to_on"), after.get("to_on"))
    return opening in points(after, first, last, False) or before.get("closing") in points(after, first, last, True)


def _in_order(statements: list[Placed]) -> list[Placed]:
    """By date and number; statements of the same days in the order in which their balances join."""
    ordered = sorted(
        statements,
        key=lambda item: (
            item.get("from_on"),
            item.get("to_on"),
            item.get("sequence") or 0,
            item.get("page") or 0,
            item.key,
        ),
    )
    for at in range(1, len(ordered)):
        wanted = ordered[at - 1].get("closing")
        if wanted is None or ordered[at].get("opening") == wanted:
            continue
        for later in range(at + 1, len(ordered)):
            if ordered[later].get("from_on") > ordered[at].get("to_on"):
                break
            same_days = ordered[later].get("from_on") == ordered[at].get("from_on")
            if same_days and ordered[later].get("opening") == wanted:
                ordered.insert(at, ordered.pop(later))
                break
    return ordered


def _break_between(before: Placed, after: Placed, names: dict[int, str], joins: bool) -> Break | None:
    closing, opening = before.get("closing"), after.get("opening")
    where = (
        f"账户 {before.account[0]} {before.account[1] or ''}：{_shown(before, names)} 与 {_shown(after, names)} 之间"
    )
    skipped = _skipped_numbers(before, after)
    missing = f"；缺第 {skipped} 号" if skipped else ""
    if closing is None or opening is None or joins:
        if not skipped:
            return None
        joined = "（余额相接）" if joins else ""
        return Break(
            "gap",
            *before.account,
            before,
            after,
            Decimal("0.00") if joins else None,
            f"{where}缺第 {skipped} 号对账单{joined}",
        )
    ended, began = f"{closing}（{before.get('to_on')}）", f"{opening}（{after.get('from_on')}）"
    if after.get("from_on") < before.get("to_on"):
        if (before.get("kind"), before.get("layout")) != (after.get("kind"), after.get("layout")):
            return None  # formats order the lines of a day differently: no balance need meet another
        message = f"{where}日期重叠，余额却对不上：前者期末 {ended}，后者期初 {began} 不是前者的任何一笔余额"
        return Break("overlap", *before.account, before, after, opening - closing, message)
    message = f"{where}有缺口：前者期末 {ended}，后者期初 {began}，相差 {opening - closing}{missing}"
    return Break("gap", *before.account, before, after, opening - closing, message)


def _skipped_numbers(before: Placed, after: Placed) -> str | None:
    """The statement numbers between two of the same kind, where the bank numbers them."""
    low, high = before.get("sequence"), after.get("sequence")
    if before.get("kind") != after.get("kind") or low is None or high is None or high <= low + 1 or low == 0:
        return None
    if before.get("from_on").year != after.get("from_on").year and high < low:
        return None
    return f"{low + 1}" if high == low + 2 else f"{low + 1}–{high - 1}"


def _missing_days(ordered: list[Placed], names: dict[int, str], found: list[Break]) -> list[Break]:
    """A day missing from a series that has every other calendar day, though balances join: its entries cancel out."""
    daily = [item for item in ordered if item.get("from_on") == item.get("to_on") and item.get("is_complete_days")]
    if len(daily) < _SERIES:
        return []
    days = sorted({item.get("from_on") for item in daily})
    holes = [(one, other) for one, other in zip(days, days[1:], strict=False) if other - one > timedelta(days=1)]
    if len(holes) != 1 or (holes[0][1] - holes[0][0]).days > 2 or not _covers_weekends(days):
        return []
    before = next(item for item in reversed(daily) if item.get("from_on") == holes[0][0])
    after = next(item for item in daily if item.get("from_on") == holes[0][1])
    if any(one.before is before or one.after is after for one in found) or max(before.key[0], after.key[0]) < 0:
        return []
    missing = holes[0][0] + timedelta(days=1)
    message = f"账户 {before.account[0]}：每天都有对账单，唯独缺 {missing}（余额相接）"
    return [Break("gap", *before.account, before, after, Decimal("0.00"), message)]


def _covers_weekends(days: list[date]) -> bool:
    return sum(day.weekday() >= 5 for day in days) * 7 >= len(days)


def _shown(statement: Placed, names: dict[int, str]) -> str:
    number = f" 第 {statement.get('sequence')} 号" if statement.get("sequence") else ""
    return f"{names.get(statement.key[0]) or statement.row.get('source_file') or '以前月份的对账单'}{number}"
