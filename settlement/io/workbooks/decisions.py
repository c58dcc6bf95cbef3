"""Read what finance filled into 认领, 调整 and 审批, cell by cell, and say what is wrong before a run does.

What belongs here: one workbook, with openpyxl. What does not: what a decision does (matching, books).
A run reads the same sheets through the inbox by the headings of layouts.yaml; this is for whoever
wants to know beforehand, and for the proof that both see the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from settlement.io.workbooks.decision_sheets import CHECK_HEADER, layout
from settlement.rules.export_check import export_digest
from settlement.rules.money import FEN, round_half_up

SHEETS = {"claims": "认领", "adjustments": "调整", "approvals": "审批"}
HEADER_WITHIN = 20
_DECIDES = {"claims": "amount", "adjustments": "kind", "approvals": "action"}
_NOT_FIGURES = re.compile(r"[,，\s￥¥]")


@dataclass(frozen=True)
class Decision:
    """One filled row: ``table`` of layouts.yaml, 1-based ``row`` of its sheet, its fields, and the digest it carries."""

    table: str
    row: int
    fields: Mapping[str, Any]
    export_digest: str | None = None


@dataclass(frozen=True)
class Problem:
    """A cell that cannot be taken, in a clerk's words; ``row`` 0 is the sheet."""

    table: str
    row: int
    column: str
    message: str


@dataclass
class Decisions:
    """What one workbook decides, and what is wrong with it. A row with a problem is not among the decisions."""

    rows: list[Decision] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def of(self, table: str) -> list[Decision]:
        return [row for row in self.rows if row.table == table]


def read_decisions(path: Path) -> Decisions:
    """The decisions of an exceptions workbook. Template rows that nobody filled are no rows.

    Money becomes ``Decimal`` with two decimals, times ``datetime``, dates ``date``. Raises
    ``openpyxl``'s ``InvalidFileException`` or ``zipfile.BadZipFile`` for what is no workbook.
    """
    book = load_workbook(path, data_only=True)
    found = Decisions()
    for table, name in SHEETS.items():
        if name in book.sheetnames:
            _read_sheet(book[name], table, found)
    _contradictions(found)
    return found


def changed_since_export(decisions: Iterable[Decision], now: Mapping[str, Decimal]) -> list[Decision]:
    """Decisions on something that is no longer what the workbook showed.

    ``now``: open amount of each transaction, or amount at risk of each exception, as published; what is
    not in it stands at 0.00. The set-based twin is ``settlement.rules.export_check.changed_since_export``.
    """
    stale = []
    for decision in decisions:
        subject = decision.fields.get("txn_id") or decision.fields.get("exception_id")
        if (
            subject
            and decision.export_digest
            and decision.export_digest != export_digest(subject, now.get(subject, FEN * 0))
        ):
            stale.append(decision)
    return stale


def _read_sheet(sheet: Worksheet, table: str, found: Decisions) -> None:
    header = _header(sheet, table)
    if header is None:
        found.problems.append(Problem(table, 0, "", f"工作表「{sheet.title}」中找不到表头"))
        return
    number, columns = header
    for row in sheet.iter_rows(min_row=number + 1):
        raw = {name: row[place].value for name, place in columns.items() if place < len(row)}
        filled = [name for name in (_DECIDES[table], "decided_by") if not _is_empty(raw.get(name))]
        if filled:
            _read_row(table, row[0].row, raw, {name: row[place] for name, place in columns.items()}, found)


def _header(sheet: Worksheet, table: str) -> tuple[int, dict[str, int]] | None:
    fields = layout(table)
    names = {name: (declared["header"], name) for name, declared in fields.items()}
    names["export_digest"] = (CHECK_HEADER, "export_digest")
    for number, cells in enumerate(sheet.iter_rows(max_row=HEADER_WITHIN, values_only=True), start=1):
        written = [str(cell).strip() if cell is not None else "" for cell in cells]
        columns = {name: written.index(label) for name, labels in names.items() for label in labels if label in written}
        if all(name in columns for name, declared in fields.items() if declared.get("required")):
            return number, columns
    return None


def _read_row(table: str, number: int, raw: Mapping[str, Any], cells: Mapping[str, Cell], found: Decisions) -> None:
    values: dict[str, Any] = {}
    problems = []
    for name, declared in layout(table).items():
        value, wrong = _value(raw.get(name), declared)
        if wrong is None and value is None and declared.get("required"):
            wrong = "不能为空"
        if wrong:
            problems.append(
                Problem(table, number, declared["header"], f"第 {number} 行「{declared['header']}」{wrong}")
            )
        values[name] = value
    if problems:
        found.problems.extend(problems)
        return
    digest = raw.get("export_digest")
    found.rows.append(Decision(table, number, values, str(digest).strip() if digest else None))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _value(value: Any, declared: Mapping[str, Any]) -> tuple[Any, str | None]:
    """A cell as its kind, and what is wrong with it."""
    if _is_empty(value):
        return None, None
    kind = declared["kind"]
    if kind == "money":
        return _money(value)
    if kind in ("date", "time"):
        return _moment(value, kind)
    text = str(value).strip()
    if kind == "code":
        text = text.upper()
    allowed = declared.get("values")
    if allowed and text not in allowed:
        return None, f"读到「{text}」：只能是 {'、'.join(allowed)}"
    return text, None


def _money(value: Any) -> tuple[Decimal | None, str | None]:
    try:
        # A figure in a workbook is a double: its shortest text is what was typed (BNK-09).
        amount = Decimal(_NOT_FIGURES.sub("", value) if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None, f"读到「{value}」：不是金额"
    rounded = round_half_up(amount)
    if abs(rounded - amount) >= Decimal("0.000001"):
        return None, f"读到「{value}」：超过两位小数"
    return rounded, None


def _moment(value: Any, kind: str) -> tuple[date | datetime | None, str | None]:
    try:
        moment = (
            value
            if isinstance(value, (date, datetime))
            else datetime.fromisoformat(str(value).strip().replace("/", "-"))
        )
    except ValueError:
        return None, f"读到「{value}」：不是日期时间"
    if kind == "date":
        return (moment.date() if isinstance(moment, datetime) else moment), None
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment.isoformat()), None


def _contradictions(found: Decisions) -> None:
    """Two people on one transaction at one moment contradict each other; which is right only they know."""
    for txn, rows in _by_txn(found.of("claims")):
        latest = max(row.fields["decided_at"] for row in rows)
        people = {row.fields["decided_by"] for row in rows if row.fields["decided_at"] == latest}
        if len(people) > 1:
            message = f"流水 {txn}：{'、'.join(sorted(people))} 在同一时刻都作了认领"
            found.problems.append(Problem("claims", rows[0].row, "认领人", message))
            found.rows = [row for row in found.rows if row not in rows]


def _by_txn(rows: Iterable[Decision]) -> Iterator[tuple[str, list[Decision]]]:
    grouped: dict[str, list[Decision]] = {}
    for row in rows:
        grouped.setdefault(row.fields["txn_id"], []).append(row)
    yield from grouped.items()
