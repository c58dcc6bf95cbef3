"""The statement (对账单) of one principal: its cover, and the order in which its sheets are made.

What belongs here: parties, balances, words, confirmation, notes. What does not: the sheets behind
the cover (statement_sheets.py). The cover's figures are formulas over those sheets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from settlement.io.workbooks.context import Context
from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.month_data import PrincipalTables
from settlement.io.workbooks.sheet import PADDING, ROW_HEIGHT, Book, Sheet, lines_of, quoted
from settlement.io.workbooks.statement_sheets import SERVICES, Pages, ledger_sheet, open_items_sheet, opening_sheet
from settlement.io.workbooks.table import Span

BIG = 20_000  # rows: above, the file is written row by row and strings are not shared
NIL = Decimal("0.00")
_WIDTHS = (18, 32, 24, 18, 18)
_COVER = len(_WIDTHS)
_POINTS = sum(width + PADDING for width in _WIDTHS) * 5.25  # of paper that the cover is wide
# The order in which an accountant reads the movements: what came in, what was charged, what went out, what was moved.
KINDS = (
    "收款", "退税到账", "代理费", "其他费用", "手续费", "物流费", "税金", "付款", "购汇付款", "退税付出",
    "抵账", "转单", "核销", "汇率差", "更正",
)  # fmt: skip


class StatementMismatch(ValueError):
    """Two published tables disagree on a principal's figures: no statement may go out on them."""


@dataclass
class Movement:
    """One line of the summary: how many postings, what they added to and took from what we owe (CNY)."""

    count: int = 0
    added: Decimal = NIL
    taken: Decimal = NIL

    def take(self, amount: Decimal) -> None:
        self.count += 1
        if amount > 0:
            self.added += amount
        else:
            self.taken += amount

    @property
    def net(self) -> Decimal:
        return self.added + self.taken


@dataclass
class Summary:
    """The month of one principal, added up from the ledger while it is written."""

    opening: Decimal
    closing: Decimal
    by_kind: dict[str, Movement] = field(default_factory=dict)
    by_account: dict[str, Movement] = field(default_factory=dict)
    by_currency: dict[str, Movement] = field(default_factory=dict)
    fx: dict[str, Movement] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)

    @property
    def movement(self) -> Decimal:
        return sum((line.net for line in self.by_kind.values()), NIL)


def statement_number(principal: str, month: str) -> str:
    """对账单编号: from ids only."""
    return f"DZ-{principal}-{month.replace('-', '')}"


def write_statement(path: Path, tables: PrincipalTables, principal: str, context: Context) -> None:
    """One principal's statement as a file.

    Raises ``StatementMismatch`` where opening + postings is not the published closing, or an
    account's postings are not its published movement.
    """
    labels = context.labels
    summary = _summary(tables, principal)
    frame = context.frame(
        f"{labels.word('对账单')}  {context.principal_name(principal)}", statement_number(principal, context.month)
    )
    book = Book(path, labels, frame, big=tables.total(principal) > BIG)
    pages = Pages(book, tables, principal, context)
    cover = book.sheet("对账单", landscape=False)
    ledger = ledger_sheet(pages, summary.opening)
    opening_sheet(pages)
    for source, _, make in SERVICES:
        if pages.has(source):
            make(pages)
    open_items_sheet(pages)
    _cover(cover, pages, summary, ledger)
    book.close()


def _summary(tables: PrincipalTables, principal: str) -> Summary:
    balance = next(iter(tables.rows("balances", principal)), {"opening": NIL, "movement": NIL, "closing": NIL})
    summary = Summary(balance["opening"], balance["closing"])
    for row in tables.rows("ledger", principal):
        summary.rules[row["rule_id"]] += 1
        if row["kind"] == "期初":
            continue
        amount = row["amount_cny"]
        summary.by_kind.setdefault(row["kind"], Movement()).take(amount)
        summary.by_account.setdefault(row["account"], Movement()).take(amount)
        summary.by_currency.setdefault(row["currency"], Movement()).take(amount)
        foreign = amount if row["currency"] == "CNY" and row["amount_fx"] is None else row["amount_fx"]
        if foreign is not None:
            summary.fx.setdefault(row["currency"], Movement()).take(foreign)
    _tied(tables, principal, summary)
    return summary


def _tied(tables: PrincipalTables, principal: str, summary: Summary) -> None:
    if summary.opening + summary.movement != summary.closing:
        raise StatementMismatch(
            f"{principal}: opening {summary.opening} + postings {summary.movement} is not the closing {summary.closing}"
        )
    for row in tables.rows("accounts", principal):
        posted = summary.by_account.get(row["account"], Movement()).net
        if row["opening"] + posted != row["closing"]:
            raise StatementMismatch(
                f"{principal} {row['account']}: opening {row['opening']} + postings {posted} is not the closing {row['closing']}"
            )


def _cover(sheet: Sheet, pages: Pages, summary: Summary, ledger: Span) -> None:
    sheet.opening_lines("")
    _parties(sheet, pages)
    closing = _balances(sheet, pages, summary, ledger)
    _owing(sheet, pages, summary.closing)
    _accounts(sheet, pages, ledger, closing)
    _currencies(sheet, pages, summary, ledger)
    sheet.redden(0, sheet.row, [1, 2, 3, 4])
    _confirmation(sheet, pages)
    _notes(sheet, pages, summary)
    for column, width in enumerate(_WIDTHS):
        sheet.widths[column] = max(width, min(sheet.widths.get(column, 0), width + 14))


def _heads(sheet: Sheet, labels: Labels, words: Iterable[str | None]) -> None:
    for column, word in enumerate(words):
        sheet.put(sheet.row, column, labels.word(word) if word else None, "text", "heading")
    sheet.work.set_row(sheet.row, 20)
    sheet.row += 1


def _section(sheet: Sheet, labels: Labels, word: str) -> None:
    sheet.row += 1
    for column in range(1, _COVER):
        sheet.work.blank(sheet.row, column, sheet.book.file.style("section"))
    sheet.line(labels.word(word), "section", height=18)


def _parties(sheet: Sheet, pages: Pages) -> None:
    context, labels = pages.context, pages.context.labels
    company, master = context.company, context.principals.get(pages.principal, {})
    account = context.persons.account(master.get("bank_account"), master.get("name"))
    _section(sheet, labels, "双方")
    _heads(sheet, labels, ("项目", "我方", "委托方", None, None))
    sheet.work.merge_range(
        sheet.row - 1, 2, sheet.row - 1, _COVER - 1, labels.word("委托方"), sheet.book.file.style("heading")
    )
    lines: list[tuple[str, Any, Any]] = [
        ("名称", context.company_name(), context.principal_name(pages.principal)),
        ("编号", None, pages.principal),
        ("纳税人识别号", company.get("uscc"), master.get("uscc")),
        ("开户行", company.get("bank"), master.get("bank_name")),
        ("银行账号", company.get("account"), account),
        ("地址", company.get("address"), master.get("address")),
        ("电话", company.get("phone"), master.get("phone")),
        ("出具部门", labels.value(context.issuer(pages.principal)), None),
        ("结算方式", None, labels.value(master.get("settlement_mode"))),
    ]
    for word, ours, theirs in lines:
        sheet.put(sheet.row, 0, labels.word(word), "text", "label")
        sheet.put(sheet.row, 1, ours, "text", "field")
        sheet.work.merge_range(sheet.row, 2, sheet.row, _COVER - 1, "", sheet.book.file.style("field"))
        if theirs:
            sheet.text(sheet.row, 2, theirs, "field", _WIDTHS[2])
        sheet.work.set_row(
            sheet.row, ROW_HEIGHT * max(lines_of(ours or "", _WIDTHS[1]), lines_of(theirs or "", sum(_WIDTHS[2:])))
        )
        sheet.row += 1


def _balances(sheet: Sheet, pages: Pages, summary: Summary, ledger: Span) -> str:
    """期初, each kind of movement, 期末; gives the address of the closing."""
    labels = pages.context.labels
    _section(sheet, labels, "余额汇总")
    _heads(sheet, labels, ("项目", "笔数", "增加我方应付", "减少我方应付", "净额"))
    sheet.put(sheet.row, 0, labels.word("期初余额"), "text", "text_total")
    for column in (1, 2, 3):
        sheet.put(sheet.row, column, None, "text", "text_total")
    sheet.put(sheet.row, 4, summary.opening, "money", "money_total")
    opening, first = sheet.row + 1, sheet.row + 1
    sheet.row += 1
    for kind, line in sorted(summary.by_kind.items(), key=lambda item: KINDS.index(item[0])):
        name = f"$A{sheet.row + 1}"
        sheet.put(sheet.row, 0, labels.value(kind), "text")
        sheet.live(sheet.row, 1, ledger.count_where(kind=name), line.count, "whole")
        sheet.live(sheet.row, 2, ledger.sum_where("amount_cny", kind=name, amount_cny='">0"'), line.added, "money")
        sheet.live(sheet.row, 3, ledger.sum_where("amount_cny", kind=name, amount_cny='"<0"'), line.taken, "money")
        sheet.live(sheet.row, 4, f"=ROUND(C{sheet.row + 1}+D{sheet.row + 1},2)", line.net, "money")
        sheet.row += 1
    last = sheet.row
    sheet.put(sheet.row, 0, labels.word("期末余额"), "text", "text_total")
    for column in (1, 2, 3):
        sheet.put(sheet.row, column, None, "text", "text_total")
    between = f"+SUM(E{first + 1}:E{last})" if last > first else ""
    sheet.live(sheet.row, 4, f"=ROUND(E{opening}{between},2)", summary.closing, "money", "money_total")
    sheet.row += 1
    for name, row in (("opening_balance", opening), ("closing_balance", sheet.row)):
        sheet.book.file.define_name(name, f"={quoted(sheet.name)}!$E${row}")
    return f"$E${sheet.row}"


def _owing(sheet: Sheet, pages: Pages, closing: Decimal) -> None:
    """Who owes whom, in words and figures (CAP-01)."""
    labels, context = pages.context.labels, pages.context
    amount = abs(closing)
    text = labels.text(
        "we_owe" if closing > 0 else "they_owe" if closing < 0 else "nothing_owed",
        as_of=context.as_of.isoformat(), company=context.company_name(), name=context.principal_name(pages.principal),
        amount=f"{amount:,.2f}", words=labels.amount(amount),
    )  # fmt: skip
    sheet.line(text, "words", span=_COVER, height=16 * _lines(text, 11) + 8)


def _accounts(sheet: Sheet, pages: Pages, ledger: Span, closing: str) -> None:
    labels = pages.context.labels
    rows = list(pages.rows("accounts"))
    if not rows:
        return
    _section(sheet, labels, "分账户余额")
    _heads(sheet, labels, ("账户", "期初", "本期发生", "期末", "期末方向"))
    first = sheet.row + 1
    for row in rows:
        number = sheet.row + 1
        sheet.put(sheet.row, 0, labels.value(row["account"]), "text")
        sheet.put(sheet.row, 1, row["opening"], "money")
        sheet.live(sheet.row, 2, ledger.sum_where("amount_cny", account=f"$A{number}"), row["movement"], "money")
        sheet.live(sheet.row, 3, f"=ROUND(B{number}+C{number},2)", row["closing"], "money")
        sheet.put(sheet.row, 4, labels.word(_direction(row["closing"])), "text", "word")
        sheet.row += 1
    sheet.put(sheet.row, 0, labels.word("合计"), "text", "text_total")
    for column, name in ((1, "opening"), (2, "movement"), (3, "closing")):
        letter = "ABCD"[column]
        total = sum((row[name] for row in rows), NIL)
        sheet.live(
            sheet.row, column, f"=ROUND(SUM({letter}{first}:{letter}{sheet.row}),2)", total, "money", "money_total"
        )
    check = labels.word("与期末余额一致")
    sheet.live_text(
        sheet.row, 4, f'=IF(D{sheet.row + 1}={closing},"{check}","{labels.word("不一致")}")', check, "word_total"
    )
    sheet.row += 1


def _direction(closing: Decimal) -> str:
    return "我方应付" if closing > 0 else "我方应收" if closing < 0 else "结清"


def _currencies(sheet: Sheet, pages: Pages, summary: Summary, ledger: Span) -> None:
    labels = pages.context.labels
    if not summary.by_currency:
        return
    _section(sheet, labels, "分币种发生额")
    _heads(sheet, labels, ("币种", "原币增加", "原币减少", "折人民币净额", "笔数"))
    for currency, line in sorted(summary.by_currency.items()):
        name, fx = f"$A{sheet.row + 1}", summary.fx.get(currency, Movement())
        sheet.put(sheet.row, 0, currency, "text", "word")
        sheet.live(sheet.row, 1, ledger.sum_where("amount_fx", currency=name, amount_fx='">0"'), fx.added, "money")
        sheet.live(sheet.row, 2, ledger.sum_where("amount_fx", currency=name, amount_fx='"<0"'), fx.taken, "money")
        sheet.live(sheet.row, 3, ledger.sum_where("amount_cny", currency=name), line.net, "money")
        sheet.live(sheet.row, 4, ledger.count_where(currency=name), line.count, "whole")
        sheet.row += 1


def _confirmation(sheet: Sheet, pages: Pages) -> None:
    labels = pages.context.labels
    _section(sheet, labels, "核对确认")
    seal = sheet.book.file.style("seal")
    sheet.work.set_row(sheet.row, 96)
    sheet.work.merge_range(sheet.row, 0, sheet.row, 1, "", seal)
    sheet.work.merge_range(sheet.row, 2, sheet.row, _COVER - 1, "", seal)
    sheet.work.text(sheet.row, 0, labels.text("seal_ours", name=pages.context.company_name()), seal)
    sheet.work.text(sheet.row, 2, labels.text("seal_theirs", name=pages.context.principal_name(pages.principal)), seal)
    sheet.row += 1


def _notes(sheet: Sheet, pages: Pages, summary: Summary) -> None:
    """The rules that this statement used, each in a line."""
    labels = pages.context.labels
    _section(sheet, labels, "说明")
    texts = [labels.text("note_sign"), labels.text("note_formulas"), labels.text("note_reply")]
    for source, note in (
        ("export", "note_export"),
        ("refunds", "note_refund"),
        ("import", "note_import"),
        ("freight", "note_freight"),
    ):
        if pages.has(source):
            texts.append(labels.text(note))
    if any(row["rate_source"] == "暂估" for row in pages.rows("receipts")):
        texts.append(labels.text("note_provisional"))
    for rule in sorted(rule for rule in summary.rules if rule):
        texts.append(labels.rule(rule))
    for number, text in enumerate(texts, start=1):
        sheet.line(f"{number}. {text}", "note", span=_COVER, height=13 * _lines(text, 9) + 3)


def _lines(text: str, size: int) -> int:
    """How many lines a text of this size in points takes over the width of the cover; a digit is just over half as wide as high."""
    return lines_of(text, int(_POINTS / (size * 0.54)))
