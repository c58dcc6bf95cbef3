"""催缴单: a letter a principal with something overdue, one page each, all unsettled items of the shipment (S2-DUN-01)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from settlement.io.workbooks.context import Context
from settlement.io.workbooks.formulas import Row, signed_sum
from settlement.io.workbooks.sheet import Book, Sheet
from settlement.io.workbooks.table import Column, RowWriter, headings

LETTERS_A_SHEET = 1000  # Excel knows 1,026 page breaks
NIL = Decimal("0.00")
ITEMS = (
    Column("order_no", "订单号", "code", least=14),
    Column("charge_code", "费用代码", "code", least=8),
    Column("fee_month", "费用月份", "code"),
    Column("due_on", "到期日", "date"),
    Column("days_overdue", "逾期天数", "whole"),
    Column("receivable_cny", "应收人民币", "money", least=14),
    Column("settled_cny", "已收", "money", least=14),
    Column("open_cny", "未收", "money", live=signed_sum(["receivable_cny"], ["settled_cny"]), least=14),
)
_WIDE = len(ITEMS)


def dunning_sheets(book: Book, items: Sequence[Row], context: Context) -> int:
    """Write the letters; gives how many. ``items`` in order of principal."""
    letters = [(principal, list(rows)) for principal, rows in groupby(items, key=itemgetter("principal_id"))]
    for start in range(0, len(letters), LETTERS_A_SHEET):
        sheet = book.sheet("催缴单", part=start // LETTERS_A_SHEET + 1, landscape=False)
        breaks = []
        for principal, rows in letters[start : start + LETTERS_A_SHEET]:
            if sheet.row:
                breaks.append(sheet.row)
            _letter(book, sheet, principal, rows, context)
        if breaks:
            sheet.work.set_h_pagebreaks(breaks)
    return len(letters)


def _letter(book: Book, sheet: Sheet, principal: str, rows: Sequence[Row], context: Context) -> None:
    labels, company = book.labels, context.company
    number = f"CJ-{principal}-{context.month.replace('-', '')}"
    overdue = sum((row["open_cny"] for row in rows if (row["days_overdue"] or 0) > 0), NIL)
    total = sum((row["open_cny"] for row in rows), NIL)
    sheet.line(labels.word("物流费催缴单"), "title", height=26)
    sheet.line(labels.text("subtitle", number=number, month=context.month, as_of=context.as_of.isoformat()), "subtitle")
    if book.frame.warning:
        sheet.line(book.frame.warning, "warning")
    text = labels.text(
        "dunning", name=context.principal_name(principal), as_of=context.as_of.isoformat(), company=context.company_name(),
        total=f"{total:,.2f}", overdue=f"{overdue:,.2f}", words=labels.amount(max(total, NIL)),
    )  # fmt: skip
    sheet.line(text, "plain", span=_WIDE, height=64)
    headings(book, sheet, ITEMS)
    first = sheet.row
    writer = RowWriter(book, ITEMS)
    for row in rows:
        writer.write(sheet, row)
        sheet.row += 1
    for place, column in enumerate(ITEMS):
        if column.kind == "money":
            letter = "ABCDEFGH"[place]
            amount = sum((row[column.field] for row in rows), NIL)
            formula = f"=ROUND(SUM({letter}{first + 1}:{letter}{sheet.row}),2)"
            sheet.live(sheet.row, place, formula, amount, "money", "money_total")
        else:
            sheet.put(sheet.row, place, labels.word("合计") if place == 0 else None, "text", "text_total")
    sheet.row += 1
    account = labels.text(
        "dunning_account", name=company.get("name") or "", bank=company.get("bank") or "", account=company.get("account") or "",
        phone=company.get("phone") or "",
    )  # fmt: skip
    sheet.line(account, "plain", span=_WIDE, height=48)
