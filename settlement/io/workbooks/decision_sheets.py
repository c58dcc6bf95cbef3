"""The sheets that finance fills: 认领, 调整, 审批. Laid under ``decisions/`` they are input as they stand.

What belongs here: template rows, drop-downs, validations. What does not: reading them (decisions.py).
The headings of cells to fill are those of layouts.yaml (its field names in English); the fixed
values stay Chinese in every language, because the readers know no others. A row without a decider
and without a decision is a template that nobody filled: it is no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import ibis
import yaml
from xlsxwriter.utility import xl_range, xl_range_abs

from settlement.io.workbooks.context import Context
from settlement.io.workbooks.formulas import Row
from settlement.io.workbooks.sheet import SHEET_ROWS, Book, Sheet, quoted
from settlement.io.workbooks.source import Source
from settlement.io.workbooks.spelling import spelled
from settlement.io.workbooks.table import FORMULA_CELLS, Column, RowWriter, headings
from settlement.rules.export_check import export_digest, open_receipts

SPARE_ROWS, PRINTED_SPARE_ROWS = 60, 8
MOST_ROWS = SHEET_ROWS - SPARE_ROWS - 20  # what one form can offer
CHECK_HEADER = "导出校验"
PURPOSES = (
    "货款",
    "税金",
    "物流费",
    "代理费",
    "退税款",
    "余款",
    "预收",
    "结汇",
    "内部划转",
    "利息",
    "冲正",
    "付款退回",
    "供应商退款",
    "其他",
)
ACCOUNTS = ("货款", "预收", "税款", "物流费", "退税", "垫付退税")
_LIST_TEXT = 255  # Excel's longest list written into a validation


@cache
def layout(name: str) -> dict[str, Any]:
    """The fields of an input table as layouts.yaml has them."""
    return yaml.safe_load(files("settlement.io").joinpath("layouts.yaml").read_text(encoding="utf-8"))[name]["fields"]


def answer(
    book: Book, table: str, field: str, kind: str, least: int = 12, *, filled: bool = False, most: int | None = None
) -> Column:
    """A column of a decisions table under the heading its reader looks for; ``filled``: the template gives it."""
    header = layout(table)[field]["header"] if book.labels.language == "zh" else field
    return Column(field, header, kind, to_fill=not filled, least=least, most=most, header=header)


@dataclass(frozen=True)
class Filled:
    """A decisions sheet as written: the rows that can be filled (0-based), and each field's column."""

    sheet: Sheet
    first: int
    last: int
    columns: dict[str, int]

    def cells(self, field: str) -> tuple[int, int, int, int]:
        place = self.columns[field]
        return self.first, place, self.last, place

    def cell(self, field: str) -> str:
        """A field's cell in the first row, its column fixed: how a rule over all rows refers to its own row."""
        return f"${xl_range(self.first, self.columns[field], self.first, self.columns[field])}"


def claims_sheet(book: Book, source: Source, context: Context) -> Filled:
    """认领: every receipt with open money, its candidates, and room to say whose it is."""
    columns = [
        answer(book, "claims", "txn_id", "id", filled=True, most=17),
        Column("booked_on", "流水日期", "date"),
        Column("currency", "流水币种", "word"),
        Column("open_amount", "未认领金额", "money", money_in="currency"),
        Column("left", "填后余额", "money", money_in="currency"),
        Column("payer", "付款人", "text", most=22),
        Column("remark", "附言", "text", most=24),
        Column("why", "未认领原因", "text", least=22, most=34),
        Column("candidates_text", "候选订单", "text", least=24, most=46),
        answer(book, "claims", "order_no", "code", 14),
        answer(book, "claims", "principal_id", "code"),
        answer(book, "claims", "purpose", "code"),
        answer(book, "claims", "amount", "money", 14),
        answer(book, "claims", "decided_by", "code", 10),
        answer(book, "claims", "decided_at", "time", 16),
        answer(book, "claims", "reason", "text", 18),
        _check_column(book),
    ]
    rows = _offered(open_rows(source, context))
    filled = _template(book, "认领", "收款认领", columns, rows, "claims_help")
    _claim_formulas(filled, rows)
    _claim_choices(filled, rows)
    _who_and_when(filled, context.as_of, needed_when="amount")
    return filled


def _check_column(book: Book) -> Column:
    return Column(
        "export_digest", CHECK_HEADER, "code", header=CHECK_HEADER if book.labels.language == "zh" else "export_digest"
    )


def open_rows(source: Source, context: Context) -> Iterator[dict[str, Any]]:
    """Open receipts as sheet 认领 shows them, largest CNY first, with the digest they are exported with."""
    for row in _open_receipts(source).to_pyarrow().to_pylist():
        candidates = json.loads(row["candidates"] or "[]")
        yield {
            **row,
            "left": row["open_amount"],
            "payer": context.persons.text(row["payer"]),
            "remark": context.persons.text(row["remark"]),
            "why": spelled(context.persons.text(row["why"])),
            "candidates_text": spelled(
                "\n".join(_candidate(number, each) for number, each in enumerate(candidates, start=1))
            ),
            "candidate_orders": list(dict.fromkeys(each["order_no"] for each in candidates if each.get("order_no"))),
            "export_digest": export_digest(row["txn_id"], row["open_amount"]),
        }


def _candidate(number: int, each: dict[str, Any]) -> str:
    score = f" {each['score']:g}" if isinstance(each.get("score"), (int, float)) else ""
    return f"{number}) {each.get('order_no') or '—'}（{each.get('principal_id') or '—'}）{score} {each.get('why') or ''}".rstrip()


def _open_receipts(source: Source) -> Any:
    unmatched, allocations = source.book("unmatched_receipts"), source.so_far("receipt_allocations")
    still_open = open_receipts(unmatched, allocations)
    placed = allocations.filter(allocations.order_no.isnull(), allocations.principal_id.notnull())
    told = unmatched.select(
        "txn_id", "booked_on", "currency", payer="counterparty_name", why="reason", candidates="candidates"
    ).union(
        placed.select(
            "txn_id", "booked_on", "currency", payer=ibis.null("string"), why=placed.evidence, candidates="candidates"
        )
    )
    told = told.group_by("txn_id").agg(
        booked_on=told.booked_on.min(),
        currency=told.currency.min(),
        payer=told.payer.min(),
        why=told.why.min(),
        candidates=told.candidates.max(),
    )
    lines = source.so_far("bank_transactions").select("txn_id", "remark", "counterparty_name")
    joined = still_open.left_join(told, "txn_id").drop("txn_id_right").left_join(lines, "txn_id").drop("txn_id_right")
    shown = joined.mutate(payer=ibis.coalesce(joined.payer, joined.counterparty_name)).drop("counterparty_name")
    return shown.order_by(shown.currency != "CNY", shown.open_amount.desc(), "txn_id")


def _claim_formulas(filled: Filled, rows: Sequence[Row]) -> None:
    """填后余额: what stays open once the amounts typed for the transaction are taken off."""
    ids, typed = (xl_range_abs(*filled.cells(field)) for field in ("txn_id", "amount"))
    if len(rows) ** 2 > FORMULA_CELLS:
        return
    for number, row in enumerate(rows, start=filled.first):
        txn, shown = (
            xl_range(number, filled.columns[field], number, filled.columns[field])
            for field in ("txn_id", "open_amount")
        )
        kind = "money0" if row["currency"] == "JPY" else "money"
        filled.sheet.live(
            number, filled.columns["left"], f"=ROUND({shown}-{_sum_of(ids, txn, typed)},2)", row["open_amount"], kind
        )


def _sum_of(ids: str, own: str, amounts: str) -> str:
    # Not SUMIF: a txn_id of digits and one E would be read as a number. SUMPRODUCT counts what is no figure as 0.
    return f"SUMPRODUCT(EXACT({ids},{own})*1,{amounts})"


def _claim_choices(filled: Filled, rows: Sequence[Row]) -> None:
    work, labels = filled.sheet.work, filled.sheet.book.labels
    for number, row in enumerate(rows, start=filled.first):
        choices = row["candidate_orders"]
        if (
            choices
            and len(",".join(choices)) <= _LIST_TEXT
            and not any("," in choice or '"' in choice for choice in choices)
        ):
            work.data_validation(number, filled.columns["order_no"], number, filled.columns["order_no"], {
                "validate": "list", "source": choices, "error_type": "information",
                "error_title": labels.word("订单号"), "error_message": labels.text("not_a_candidate"),
            })  # fmt: skip
    work.data_validation(*filled.cells("principal_id"), {"validate": "list", "source": "=choice_principals"})
    work.data_validation(*filled.cells("purpose"), {"validate": "list", "source": list(PURPOSES)})
    ids, typed, shown = (xl_range_abs(*filled.cells(field)) for field in ("txn_id", "amount", "open_amount"))
    own, amount = filled.cell("txn_id"), filled.cell("amount")
    fits = f"=AND(ISNUMBER({amount}),{amount}>0,ROUND({_sum_of(ids, own, typed)}-{_sum_of(ids, own, shown)},2)<=0)"
    work.data_validation(*filled.cells("amount"), {
        "validate": "custom", "value": fits, "error_type": "warning",
        "error_title": labels.word("认领金额"), "error_message": labels.text("amount_too_high"),
        "input_title": labels.word("认领金额"), "input_message": labels.text("amount_hint"),
    })  # fmt: skip
    over = f"=AND(ISNUMBER({amount}),ROUND({_sum_of(ids, own, typed)}-{_sum_of(ids, own, shown)},2)>0)"
    work.conditional_format(
        *filled.cells("amount"), {"type": "formula", "criteria": over, "format": filled.sheet.book.file.missing()}
    )


def adjustments_sheet(book: Book) -> Filled:
    """调整: empty rows with drop-downs for 抵账 转单 核销 更正 保留 分摊."""
    kinds = {"currency": "code", "amount": "money", "decided_at": "time", "reason": "text"}
    columns = [answer(book, "adjustments", field, kinds.get(field, "code"), 12) for field in layout("adjustments")]
    filled = _template(book, "调整", "账务调整", columns, [], "adjustments_help")
    work = filled.sheet.work
    work.data_validation(
        *filled.cells("kind"), {"validate": "list", "source": list(layout("adjustments")["kind"]["values"])}
    )
    work.data_validation(*filled.cells("principal_id"), {"validate": "list", "source": "=choice_principals"})
    for field in ("from_account", "to_account"):
        work.data_validation(*filled.cells(field), {"validate": "list", "source": list(ACCOUNTS)})
    work.data_validation(*filled.cells("currency"), {"validate": "list", "source": "=choice_currencies"})
    work.data_validation(*filled.cells("amount"), {"validate": "decimal", "criteria": "!=", "value": 0})
    _who_and_when(filled, book.frame.as_of, needed_when="kind")
    return filled


def approvals_sheet(book: Book, problems: Sequence[Row], context: Context) -> Filled:
    """审批: every open exception, to be approved (until when) or sent back."""
    columns = [
        answer(book, "approvals", "exception_id", "code", filled=True),
        Column("code", "代码", "code"),
        Column("severity", "级别", "word"),
        Column("amount_at_risk_cny", "涉及金额", "money"),
        Column("message", "异常说明", "text", least=30, most=54),
        Column("order_no", "相关订单", "code"),
        answer(book, "approvals", "action", "code"),
        answer(book, "approvals", "valid_to", "date"),
        answer(book, "approvals", "decided_by", "code"),
        answer(book, "approvals", "decided_at", "time", 16),
        answer(book, "approvals", "reason", "text", 20),
        _check_column(book),
    ]
    rows = _offered(
        {
            **row,
            "message": spelled(context.persons.text(row["message"])),
            "export_digest": export_digest(row["exception_id"], row["amount_at_risk_cny"]),
        }
        for row in problems
    )
    filled = _template(book, "审批", "异常审批", columns, rows, "approvals_help")
    work = filled.sheet.work
    work.data_validation(
        *filled.cells("action"), {"validate": "list", "source": list(layout("approvals")["action"]["values"])}
    )
    work.data_validation(
        *filled.cells("valid_to"),
        {"validate": "date", "criteria": ">=", "value": date(context.as_of.year, context.as_of.month, 1)},
    )
    _who_and_when(filled, context.as_of, needed_when="action")
    return filled


def _offered(rows: Iterable[Row]) -> list[Row]:
    """The rows a form has room for, in their order. Readers look for one sheet of each name: no form goes on on another."""
    return list(islice(rows, MOST_ROWS))


def _template(
    book: Book, name: str, heading: str, columns: Sequence[Column], rows: Sequence[Row], advice: str
) -> Filled:
    sheet = book.sheet(name)
    sheet.opening_lines(book.labels.word(heading))
    sheet.line(book.labels.text(advice), "subtitle")
    if len(rows) == MOST_ROWS:
        sheet.line(book.labels.text("most_rows", rows=len(rows)), "warning")
    headings(book, sheet, columns)
    sheet.work.freeze_panes(sheet.row, 1)
    sheet.work.repeat_rows(sheet.row - 1)
    first = sheet.row
    writer = RowWriter(book, columns)
    for row in [*rows, *[{}] * SPARE_ROWS]:
        writer.write(sheet, row)
        sheet.row += 1
    sheet.work.autofilter(first - 1, 0, sheet.row - 1, len(columns) - 1)
    sheet.print_rows = first + len(rows) + PRINTED_SPARE_ROWS
    return Filled(sheet, first, sheet.row - 1, {column.field: place for place, column in enumerate(columns)})


def _who_and_when(filled: Filled, as_of: date, *, needed_when: str) -> None:
    """A decision without who, when or why shows what is missing; a time is a time."""
    sheet = filled.sheet
    given = filled.cell(needed_when)
    for field in ("decided_by", "decided_at", "reason"):
        rule = {
            "type": "formula",
            "criteria": f'=AND({given}<>"",{filled.cell(field)}="")',
            "format": sheet.book.file.missing(),
        }
        sheet.work.conditional_format(*filled.cells(field), rule)
    sheet.work.data_validation(*filled.cells("decided_at"), {
        "validate": "date", "criteria": ">=", "value": date(as_of.year, as_of.month, 1), "error_type": "warning",
        "error_message": sheet.book.labels.text("time_hint"),
    })  # fmt: skip


def choices_sheet(book: Book, context: Context) -> None:
    """选项 (hidden): what the drop-downs offer. Names are defined on it, so rows may be inserted anywhere."""
    sheet = book.sheet("选项")
    currencies = ("CNY", "USD", "EUR", "JPY", "HKD", "GBP", "AUD", "CAD", "SGD", "CHF", "NZD", "KRW", "THB")
    lists = {"choice_principals": list(context.principals), "choice_currencies": list(currencies)}
    for row in range(max(map(len, lists.values()))):
        for column, values in enumerate(lists.values()):
            if row < len(values):
                sheet.put(row, column, values[row], "code")
    for column, (name, values) in enumerate(lists.items()):
        area = xl_range_abs(0, column, max(len(values) - 1, 0), column)
        book.file.define_name(name, f"={quoted(sheet.name)}!{area}")
    sheet.row = max(map(len, lists.values()))
    sheet.hide()
