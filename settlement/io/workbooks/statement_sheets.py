"""The sheets of a statement (对账单) behind its cover: one table a sheet, each row the principal's own.

What belongs here: which columns a principal sees. What does not: the cover (statement.py).
Never here: cost, vendor, margin, candidates, evidence, or a note that finance typed for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from settlement.io.workbooks import formulas
from settlement.io.workbooks.context import Context
from settlement.io.workbooks.formulas import Row, product, quotient, signed_sum
from settlement.io.workbooks.month_data import PrincipalTables
from settlement.io.workbooks.sheet import Book, Sheet, quoted
from settlement.io.workbooks.spelling import spelled
from settlement.io.workbooks.table import FORMULA_CELLS, Column, RowWriter, Span, table

# Postings that concern one order and whose note a rule wrote; other notes may speak of other principals.
_SHOWN_NOTES = frozenset(["期初", "汇率差", "手续费", "物流费", "代理费", "其他费用", "税金", "退税到账", "退税付出"])

LEDGER = (
    Column("posted_on", "记账日期", "date"),
    Column("entry_no", "分录号", "code"),
    Column("account", "账户", "word"),
    Column("kind", "类型", "word"),
    Column("order_no", "订单号", "code"),
    Column("currency", "币种", "word"),
    Column("amount_fx", "原币金额", "money", money_in="currency"),
    Column("rate", "汇率", "rate"),
    Column("amount_cny", "人民币金额", "money", total=True),
    Column("running", "结余", "money"),
    Column("document_no", "凭证号", "code"),
    Column("adjusts_month", "更正月份", "code"),
    Column("note", "说明", "text"),
    Column("rule_id", "规则", "code"),
)
ORDERS = (
    Column("order_no", "订单号", "code"),
    Column("kind", "业务", "word"),
    Column("received_cny", "已收", "money", total=True),
    Column("charged_cny", "已计费", "money", total=True),
    Column("paid_cny", "已付", "money", total=True),
    Column("balance_cny", "余额", "money", live=signed_sum(["received_cny"], ["charged_cny", "paid_cny"]), total=True),
    Column("displayed_balance", "对账余额", "money"),
    Column("next_step", "下一步", "text", most=56),
)
EXPORT = (
    Column("order_no", "订单号", "code"),
    Column("contract_no", "合同号", "code"),
    Column("currency", "币种", "word"),
    Column("declared_fx", "报关金额", "money", money_in="currency"),
    Column("received_fx", "实收外币", "money", money_in="currency"),
    Column("settlement_rate", "综合汇率", "rate", live=quotient("gross_cny", "received_fx")),
    Column("gross_cny", "收汇折人民币", "money", total=True),
    Column("fees_cny", "扣除费用", "money", total=True),
    Column("net_cny", "净额", "money", live=signed_sum(["gross_cny"], ["fees_cny"]), total=True),
    Column("invoice_amount", "开票金额", "money", total=True),
    Column("refund_amount", "应退税额", "money", total=True),
    Column("status", "状态", "word"),
)
EXPORT_LINES = (
    Column("order_no", "订单号", "code"),
    Column("line_no", "行号", "number"),
    Column("declaration_no", "报关单号", "code"),
    Column("goods_name", "货物名称", "text"),
    Column("quantity", "数量", "quantity"),
    Column("legal_unit", "法定第一计量单位", "word"),
    Column("net_cny", "净额", "money", total=True),
    Column("levy_rate", "征税率", "percent"),
    Column("refund_rate", "退税率", "percent"),
    Column("invoice_amount", "开票金额", "money", live=formulas.INVOICE_AMOUNT, total=True),
    Column("ex_vat_amount", "不含税金额", "money", live=formulas.EX_VAT_AMOUNT, total=True),
    Column("tax_amount", "税额", "money", live=formulas.TAX_AMOUNT, total=True),
    Column("refund_amount", "应退税额", "money", live=formulas.REFUND_AMOUNT, total=True),
    Column("status", "状态", "word"),
    Column("status_reason", "状态原因", "text"),
)
NOTICE = (
    Column("issuer", "开票方向", "word"),
    Column("order_no", "订单号", "code"),
    Column("contract_no", "合同号", "code"),
    Column("declaration_no", "报关单号", "code"),
    Column("goods_name", "货物名称", "text"),
    Column("quantity", "开票数量", "quantity"),
    Column("legal_unit", "法定第一计量单位", "word"),
    Column("levy_rate", "征税率", "percent"),
    Column("invoice_amount", "开票金额", "money", total=True),
    Column("ex_vat_amount", "不含税金额", "money", live=formulas.EX_VAT_AMOUNT, total=True),
    Column("tax_amount", "税额", "money", live=formulas.TAX_AMOUNT, total=True),
    Column("status", "状态", "word"),
)
OPENING = (
    Column("account", "账户", "word"),
    Column("order_no", "订单号", "code"),
    Column("currency", "币种", "word"),
    Column("amount_fx", "原币金额", "money", money_in="currency"),
    Column("amount_cny", "人民币金额", "money", total=True),
    Column("document_no", "凭证号", "code"),
    Column("note", "说明", "text"),
)
REFUNDS = (
    Column("order_no", "订单号", "code"),
    Column("declaration_no", "报关单号", "code"),
    Column("exported_on", "出口日期", "date"),
    Column("expected", "应退", "money", total=True),
    Column("notified", "已核准", "money", total=True),
    Column("received", "已到账", "money", total=True),
    Column("advanced", "已垫付", "money", total=True),
    Column("paid_out", "已付客户", "money", total=True),
    Column("kept", "留存", "money", total=True),
    Column("balance", "余额", "money", live=signed_sum(["received"], ["paid_out", "kept"]), total=True),
    Column("file_by", "最后申报日", "date"),
    Column("status", "状态", "word"),
)
IMPORT = (
    Column("order_no", "订单号", "code"),
    Column("currency", "币种", "word"),
    Column("amount_fx", "外币金额", "money", money_in="currency"),
    Column("estimate_cny", "预估货款", "money"),
    Column("goods_cny", "货款折人民币", "money", total=True),
    Column("bank_fee", "银行手续费", "money", total=True),
    Column("duty", "关税", "money", total=True),
    Column("consumption_tax", "消费税", "money", total=True),
    Column("vat", "增值税", "money", total=True),
    Column(
        "invoice_amount", "开票金额", "money", total=True,
        live=signed_sum(["goods_cny", "bank_fee", "duty", "consumption_tax", "vat"]),
    ),
    Column("late_fee", "滞纳金", "money"),
    Column("received_cny", "已收", "money", total=True),
    Column("displayed_balance", "对账余额", "money", total=True),
    Column("eligible", "可开票", "flag"),
    Column("status", "状态", "word"),
    Column("status_reason", "状态原因", "text"),
)  # fmt: skip
FREIGHT = (
    Column("order_no", "订单号", "code"),
    Column("bl_no", "提单号", "code"),
    Column("charge_code", "费用代码", "code"),
    Column("charge_name", "费用名称", "text"),
    Column("basis", "计费依据", "word"),
    Column("unit_basis", "计费单位", "word"),
    Column("quantity", "数量", "quantity"),
    Column("client_currency", "应收币种", "word"),
    Column("receivable", "应收", "money", money_in="client_currency"),
    Column("ar_rate", "应收汇率", "rate"),
    Column("receivable_cny", "应收人民币", "money", live=product("receivable", "ar_rate"), total=True),
    Column("settled_cny", "已销账", "money", total=True),
    Column("open_cny", "未收", "money", live=signed_sum(["receivable_cny"], ["settled_cny"]), total=True),
    Column("voucher_no", "代收代付凭证号", "code"),
    Column("fee_month", "费用月份", "code"),
    Column("due_on", "到期日", "date"),
)
RECEIPTS = (
    Column("booked_on", "记账日期", "date"),
    Column("bank_ref", "流水号", "code"),
    Column("counterparty_name", "付款人", "text"),
    Column("currency", "币种", "word"),
    Column("receipt_amount", "收款金额", "money", money_in="currency"),
    Column("order_no", "订单号", "code"),
    Column("purpose", "款项用途", "word"),
    Column("amount", "认领金额", "money", money_in="currency"),
    Column("settlement_rate", "结算汇率", "rate"),
    Column("rate_source", "汇率来源", "word"),
    Column("amount_cny", "折人民币", "money", live=product("amount", "settlement_rate"), total=True),
    Column("remark", "附言", "text"),
)
PAYMENTS = (
    Column("booked_on", "记账日期", "date"),
    Column("bank_ref", "流水号", "code"),
    Column("request_no", "申请单号", "code"),
    Column("order_no", "订单号", "code"),
    Column("kind", "款项类型", "word"),
    Column("payee_name", "收款方名称", "text"),
    Column("payee_account", "收款账号", "code"),
    Column("currency", "币种", "word"),
    Column("amount", "核对金额", "money", money_in="currency"),
    Column("settlement_rate", "结算汇率", "rate"),
    Column("amount_cny", "折人民币", "money", live=product("amount", "settlement_rate"), total=True),
    Column("document_no", "授权文件号", "code"),
)
OPEN_ITEMS = (
    Column("order_no", "订单号", "code"),
    Column("item", "未结项目", "word"),
    Column("charge_code", "费用代码", "code"),
    Column("fee_month", "费用月份", "code"),
    Column("due_on", "到期日", "date"),
    Column("days_overdue", "逾期天数", "whole"),
    Column("age_bucket", "账龄", "word"),
    Column("receivable_cny", "应收人民币", "money"),
    Column("settled_cny", "已销账", "money"),
    Column("open_cny", "未结金额", "money", live=signed_sum(["receivable_cny"], ["settled_cny"]), total=True),
    Column("next_step", "下一步", "text", most=56),
)


@dataclass(frozen=True)
class Pages:
    """One principal's statement while it is written."""

    book: Book
    tables: PrincipalTables
    principal: str
    context: Context

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        return self.tables.rows(name, self.principal)

    def has(self, name: str) -> bool:
        return self.tables.count(name, self.principal) > 0


def ledger_sheet(pages: Pages, opening: Decimal) -> Span:
    """明细账: the opening, each posting with the running balance as a formula over the row above."""
    at = {column.field: place for place, column in enumerate(LEDGER)}
    running, amount = xl_col_to_name(at["running"]), xl_col_to_name(at["amount_cny"])
    state: dict[str, Any] = {"balance": opening, "cell": "", "sheet": ""}

    def postings() -> Iterator[dict[str, Any]]:
        for row in pages.rows("ledger"):
            if row["kind"] != "期初":
                yield _posting(row, pages.context)

    def running_balance(sheet: Sheet, number: int, row: Row) -> None:
        state["balance"] += row["amount_cny"]
        before = state["cell"] if state["sheet"] == sheet.name else f"{quoted(state['sheet'])}!{state['cell']}"
        sheet.live(number, at["running"], f"=ROUND({before}+{amount}{number + 1},2)", state["balance"], "money")
        state.update(cell=f"{running}{number + 1}", sheet=sheet.name)

    def opening_row(sheet: Sheet) -> None:
        RowWriter(pages.book, LEDGER).write(sheet, {"kind": "期初", "running": opening})
        state.update(cell=f"{running}{sheet.row + 1}", sheet=sheet.name)
        sheet.row += 1

    return table(
        pages.book,
        "明细账",
        "明细账",
        LEDGER,
        postings(),
        total=True,
        after_row=running_balance,
        before_rows=opening_row,
    )


def _posting(row: Row, context: Context) -> dict[str, Any]:
    """A posting as the principal sees it: CNY is its own currency; no vendor's bill, no note of finance."""
    in_cny = row["currency"] == "CNY" and row["amount_fx"] is None
    return {
        **row,
        "amount_fx": row["amount_cny"] if in_cny else row["amount_fx"],
        # The rate of a fee billed in currency stands on its own sheet, beside that currency.
        "rate": None if row["currency"] == "CNY" else row["rate"],
        "document_no": None if row["kind"] == "物流费" else row["document_no"],
        "note": context.persons.text(row["note"]) if row["kind"] in _SHOWN_NOTES else None,
    }


def opening_sheet(pages: Pages) -> None:
    """期初明细: what the opening consists of, in the month the books begin."""
    rows = [row for row in pages.rows("ledger") if row["kind"] == "期初"]
    if rows:
        table(pages.book, "期初明细", "期初明细", OPENING, rows, total=True)


def receipts_sheet(pages: Pages) -> Span:
    """收款: each receipt, and how it was applied."""
    persons = pages.context.persons
    rows = ({**row, "remark": persons.text(row["remark"])} for row in pages.rows("receipts"))
    return table(pages.book, "收款", "收款及核销", RECEIPTS, rows, total=True)


def payments_sheet(pages: Pages) -> Span:
    """付款: payments made for the principal; a person's account shows four digits (PRV-01)."""
    persons = pages.context.persons

    def shown() -> Iterator[dict[str, Any]]:
        for row in pages.rows("payments"):
            person = row["payee_type"] == "个人离岸账户"
            yield {**row, "payee_account": persons.account(row["payee_account"], row["payee_name"], is_person=person)}

    return table(pages.book, "付款", "付款", PAYMENTS, shown(), total=True)


def export_sheets(pages: Pages) -> Span:
    """出口 (an order a row: receipts, fees, net) and 出口明细 (a goods line a row: EXP-INV-01 as live formulas)."""
    orders = pages.book.sheet("出口")
    lines = table(pages.book, "出口明细", "出口开票明细", EXPORT_LINES, pages.rows("export"), total=True)
    at = {column.field: place for place, column in enumerate(EXPORT)}

    def sums(sheet: Sheet, number: int, row: Row) -> None:
        for name in ("invoice_amount", "refund_amount"):
            if row[name] is not None and lines.rows**2 <= FORMULA_CELLS:
                sheet.live(number, at[name], lines.sum_of(name, order_no=f"$A{number + 1}"), row[name], "money")

    return table(
        pages.book, "出口", "出口代理", EXPORT, _export_orders(pages), total=True, first=orders, after_row=sums
    )


def _export_orders(pages: Pages) -> Iterator[dict[str, Any]]:
    """The lines of each order as one row: figures of the order once, those of its lines added up (unknown if one is)."""
    labels = pages.context.labels
    for _, group in groupby(pages.rows("export"), key=lambda row: row["order_no"]):
        lines = list(group)
        gross, fees = lines[0]["gross_cny"], lines[0]["fees_cny"]
        known = gross is not None and fees is not None
        states = dict.fromkeys(row["status"] for row in lines)
        added = {
            name: None if any(row[name] is None for row in lines) else sum(row[name] for row in lines)
            for name in ("invoice_amount", "refund_amount")
        }
        yield {
            **lines[0],
            **added,
            "net_cny": gross - fees if known else None,
            "status": labels.listed(map(labels.value, states)),
        }


def notice_sheet(pages: Pages) -> Span:
    """开票通知: what is to be invoiced, by whom (EXP-INV-03: name, quantity, first legal unit, amount; IMP-INV-03)."""
    labels, company = pages.context.labels, pages.context.company
    notes = [
        labels.text("notice"),
        labels.text(
            "notice_buyer", name=company.get("name") or "", uscc=company.get("uscc") or "", bank=company.get("bank") or "",
            account=company.get("account") or "", address=company.get("address") or "", phone=company.get("phone") or "",
        ),
    ]  # fmt: skip
    return table(
        pages.book, "开票通知", "开票通知", NOTICE, pages.rows("notices"), total=True, notes=notes, filtered=False
    )


def open_items_sheet(pages: Pages) -> Span:
    """未结项: what is open, with its age; here + is what the principal owes us."""
    as_of: date = pages.context.as_of

    def items() -> Iterator[dict[str, Any]]:
        for row in pages.rows("open_freight"):
            if row["open_cny"]:
                late = row["days_overdue"] if (row["days_overdue"] or 0) > 0 else None
                yield {**row, "item": "应收物流费", "days_overdue": late, "next_step": None}
        for row in pages.rows("orders"):
            if row["balance_cny"] and row["kind"] != "logistics":
                item = "应付委托方" if row["balance_cny"] > 0 else "应收委托方"
                yield {
                    "order_no": row["order_no"],
                    "item": item,
                    "open_cny": -row["balance_cny"],
                    "next_step": spelled(row["next_step"]),
                }
        for row in pages.rows("accounts"):
            if row["account"] == "预收" and row["closing"]:
                yield {"item": "预收未核销", "open_cny": -row["closing"]}

    notes = [pages.context.labels.text("open_items", as_of=as_of.isoformat())]
    return table(pages.book, "未结项", "未结项", OPEN_ITEMS, items(), total=True, notes=notes)


def simple_sheet(pages: Pages, name: str, heading: str, source: str, columns: tuple[Column, ...]) -> Span:
    """A sheet that shows a table as it is, the figures in its sentences spelled as those in its columns."""
    rows = (
        {**row, **{each: spelled(row[each]) for each in ("next_step", "status_reason") if each in row}}
        for row in pages.rows(source)
    )
    return table(pages.book, name, heading, columns, rows, total=True)


SERVICES: tuple[tuple[str, str, Callable[[Pages], Span]], ...] = (
    ("orders", "订单余额", lambda pages: simple_sheet(pages, "订单余额", "订单余额", "orders", ORDERS)),
    ("export", "出口", export_sheets),
    ("notices", "开票通知", notice_sheet),
    ("refunds", "退税", lambda pages: simple_sheet(pages, "退税", "出口退税", "refunds", REFUNDS)),
    ("import", "进口", lambda pages: simple_sheet(pages, "进口", "进口代理", "import", IMPORT)),
    ("freight", "物流", lambda pages: simple_sheet(pages, "物流", "物流费用", "freight", FREIGHT)),
    ("receipts", "收款", receipts_sheet),
    ("payments", "付款", payments_sheet),
)
