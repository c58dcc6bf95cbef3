"""The exceptions list (异常清单): what a person must look at, what finance may decide, what was read.

What belongs here: the sheets that show. What does not: the sheets that finance fills
(decision_sheets.py). The sheets' names and the headings finance answers under are the contract's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from settlement.io.workbooks.context import Context
from settlement.io.workbooks.decision_sheets import adjustments_sheet, approvals_sheet, choices_sheet, claims_sheet
from settlement.io.workbooks.formulas import Row, signed_sum
from settlement.io.workbooks.month_data import Rows
from settlement.io.workbooks.sheet import Book
from settlement.io.workbooks.source import Source
from settlement.io.workbooks.spelling import spelled
from settlement.io.workbooks.table import Column, Span, table

BIG = 20_000
TO_DO = ("new", "open")
NIL = Decimal("0.00")

PROBLEMS = (
    Column("owner", "责任部门", "word"),
    Column("severity", "级别", "word"),
    Column("code", "代码", "code"),
    Column("amount_at_risk_cny", "涉及金额", "money", total=True),
    Column("due_on", "处理期限", "date"),
    Column("order_no", "订单号", "code"),
    Column("principal", "委托方", "text", most=28),
    Column("message", "异常说明", "text", least=30, most=48),
    Column("what_to_do", "处理办法", "text", least=26, most=38),
    Column("origin", "来源", "text", most=26),
    Column("state", "状态", "word", off_page=True),
    Column("opened_month", "首见月份", "code"),
    Column("rule_id", "规则", "code"),
    Column("txn_id", "流水标识", "id", most=16),
    Column("exception_id", "异常编号", "id", most=16),
)
SETTLED = tuple(column for column in PROBLEMS if column.field not in ("what_to_do", "origin"))
OWNERS = (
    Column("owner", "责任部门", "word"),
    Column("count", "异常数", "whole", total=True),
    Column("block", "阻断", "whole", total=True),
    Column("review", "复核", "whole", total=True),
    Column("warn", "提醒", "whole", total=True),
    Column("amount", "涉及金额", "money", total=True),
    Column("due_on", "最早期限", "date"),
)
TOTALS = (
    Column("source_file", "来源文件", "text", most=60),
    Column("input_table", "输入表", "word"),
    Column("currency", "币种", "word"),
    Column("rows_read", "读入行数", "whole", total=True),
    Column("rows_accepted", "接受行数", "whole", total=True),
    Column("rows_rejected", "拒绝行数", "whole", total=True),
    Column("rows_off", "行数差", "whole", total=True),
    Column("amount_read", "读入金额", "money", money_in="currency"),
    Column("amount_accepted", "接受金额", "money", money_in="currency"),
    Column("amount_rejected", "拒绝金额", "money", money_in="currency"),
    Column("amount_off", "金额差", "money", live=signed_sum(["amount_read"], ["amount_accepted", "amount_rejected"])),
)
REJECTED = (
    Column("source_file", "来源文件", "text", most=60),
    Column("input_table", "输入表", "word"),
    Column("source_row", "来源行", "whole"),
    Column("field", "字段", "word"),
    Column("found", "读到的内容", "text"),
    Column("reason", "原因", "text", most=72),
    Column("code", "代码", "code"),
)
OUTCOMES = (
    Column("sheet", "表", "word"),
    Column("subject", "对象", "code"),
    Column("amount", "金额", "money"),
    Column("outcome", "结果", "word"),
    Column("detail", "执行说明", "text"),
    Column("decided_by", "决定人", "word"),
    Column("decided_at", "决定时间", "time"),
    Column("reason", "理由", "text"),
    Column("source_file", "来源文件", "text", most=40),
    Column("source_row", "来源行", "whole"),
)
EXCEPTIONS_TABLES = {
    "exceptions": ("exception_id",),
    "control_totals": ("source_file", "input_table", "currency"),
    "rejected_rows": ("source_file", "input_table", "source_row", "field"),
    "decision_outcomes": ("decided_at", "decision_key"),
}


def exceptions_name(month: str) -> str:
    """File name of the exceptions list."""
    return f"异常清单-{month}.xlsx"


def read_rows(source: Source, tables: dict[str, tuple[str, ...]]) -> dict[str, Rows]:
    """Published tables of the month as rows, each in the order of its columns named."""
    return {name: Rows(source.book(name).order_by(*order).to_pyarrow()) for name, order in tables.items()}


def write_exceptions(path: Path, source: Source, context: Context) -> None:
    """异常清单 of the month as a file."""
    labels = context.labels
    data = read_rows(source, EXCEPTIONS_TABLES)
    problems = in_order(row for row in data["exceptions"] if row["state"] in TO_DO)
    frame = context.frame(f"{labels.word('异常清单')}  {context.month}", f"YC-{context.month.replace('-', '')}")
    book = Book(path, labels, frame, big=len(problems) + len(data["rejected_rows"]) > BIG)
    shown = (_shown(row, context) for row in problems)
    span = table(book, "异常", "异常", PROBLEMS, shown, total=True, notes=[labels.text("exceptions_help")])
    claims_sheet(book, source, context)
    adjustments_sheet(book)
    approvals_sheet(book, problems, context)
    table(
        book,
        "输入核对",
        "输入核对",
        TOTALS,
        (_checked(row) for row in data["control_totals"]),
        total=True,
        after_row=_row_check,
    )
    _owners_sheet(book, problems, span)
    if len(data["rejected_rows"]):
        masked = ({**row, "found": context.persons.text(row["found"])} for row in data["rejected_rows"])
        table(book, "拒绝行", "拒绝行", REJECTED, masked)
    if len(data["decision_outcomes"]):
        table(book, "决定结果", "决定结果", OUTCOMES, data["decision_outcomes"])
    done = in_order(row for row in data["exceptions"] if row["state"] not in TO_DO)
    if done:
        table(book, "已处理", "已处理", SETTLED, (_shown(row, context) for row in done))
    choices_sheet(book, context)
    book.close()


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Exceptions grouped by owner (the one with most at risk first), then by money at risk, due date, id."""
    rows = list(rows)
    at_risk: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        at_risk[row["owner"]] += row["amount_at_risk_cny"] or NIL
    return sorted(
        rows,
        key=lambda row: (
            -at_risk[row["owner"]], row["owner"], -(row["amount_at_risk_cny"] or NIL), row["due_on"], row["exception_id"]
        ),
    )  # fmt: skip


def _shown(row: Row, context: Context) -> dict[str, Any]:
    place = [
        row["source_file"],
        f"{context.labels.word('行')} {row['source_row']}" if row["source_row"] else None,
        row["field"],
    ]
    found = f"“{row['found']}”" if row["found"] else None
    persons = context.persons
    return {
        **row,
        "principal": f"{row['principal_id']} {context.principal_name(row['principal_id'])}"
        if row["principal_id"]
        else None,
        "origin": persons.text(" ".join(part for part in (*place, found) if part)),
        "message": spelled(persons.text(row["message"])),
        "what_to_do": persons.text(row["what_to_do"]),
    }


def _checked(row: Row) -> dict[str, Any]:
    return {
        **row,
        "rows_off": row["rows_read"] - row["rows_accepted"] - row["rows_rejected"],
        "amount_off": row["amount_read"] - row["amount_accepted"] - row["amount_rejected"],
    }


def _row_check(sheet: Any, number: int, row: Row) -> None:
    places = [column.field for column in TOTALS]
    letters = {name: "ABCDEFGHIJK"[places.index(name)] for name in ("rows_read", "rows_accepted", "rows_rejected")}
    read, accepted, rejected = (f"{letter}{number + 1}" for letter in letters.values())
    sheet.live(number, places.index("rows_off"), f"={read}-{accepted}-{rejected}", row["rows_off"], "whole")


def _owners_sheet(book: Book, problems: list[Row], span: Span) -> None:
    """按部门: how much lies with whom, as formulas over sheet 异常."""
    labels = book.labels

    def owners() -> Iterator[dict[str, Any]]:
        for owner in dict.fromkeys(row["owner"] for row in problems):
            mine = [row for row in problems if row["owner"] == owner]
            counts = {level: sum(row["severity"] == level for row in mine) for level in ("block", "review", "warn")}
            amount = sum((row["amount_at_risk_cny"] or NIL for row in mine), NIL)
            yield {
                "owner": owner,
                "count": len(mine),
                **counts,
                "amount": amount,
                "due_on": min(row["due_on"] for row in mine),
            }

    def formulas(sheet: Any, number: int, row: Row) -> None:
        owner = f"$A{number + 1}"
        sheet.live(number, 1, span.count_where(owner=owner), row["count"], "whole")
        for place, level in enumerate(("block", "review", "warn"), start=2):
            test = f'"{labels.value(level)}"'
            sheet.live(number, place, span.count_where(owner=owner, severity=test), row[level], "whole")
        sheet.live(number, 5, span.sum_where("amount_at_risk_cny", owner=owner), row["amount"], "money")

    table(book, "按部门", "按部门", OWNERS, owners(), total=True, after_row=formulas)
