"""The lists of the month's summary (月结汇总): which columns each shows, and their live formulas.

What belongs here: columns and sheets of lists. What does not: the overview and charts (summary.py),
letters (dunning.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from settlement.checks.mart_schemas import mart_tables
from settlement.io.workbooks.context import Context
from settlement.io.workbooks.formulas import Live, Row, signed_sum
from settlement.io.workbooks.sheet import Book, Sheet
from settlement.io.workbooks.spelling import spelled
from settlement.io.workbooks.table import FORMULA_CELLS, Column, Span, table
from settlement.rules.amount_in_words import amount_in_words
from settlement.rules.money import divide_half_up

NIL = Decimal("0.00")
BUCKETS = ("未到期", "0-30天", "31-60天", "61-90天", "90天以上")
SHARE_OF_BILLED = Live(
    needs=("margin_cny", "receivable_cny"),
    text=lambda at: f"=ROUND({at('margin_cny')}/{at('receivable_cny')},4)",
    exact=lambda row: divide_half_up(row["margin_cny"], row["receivable_cny"], 4),
)

PRINCIPALS = (
    Column("principal_id", "委托方编号", "code"),
    Column("name", "委托方", "text", most=30),
    Column("opening", "期初", "money", total=True),
    Column("movement", "本期发生", "money", total=True),
    Column("closing", "期末", "money", live=signed_sum(["opening", "movement"]), total=True),
)
ORDERS = (
    Column("kind", "业务", "word"),
    Column("principal_id", "委托方编号", "code"),
    Column("order_no", "订单号", "code"),
    Column("received_cny", "已收", "money", total=True),
    Column("charged_cny", "已计费", "money", total=True),
    Column("paid_cny", "已付", "money", total=True),
    Column("balance_cny", "余额", "money", live=signed_sum(["received_cny"], ["charged_cny", "paid_cny"]), total=True),
    Column("displayed_balance", "对账余额", "money"),
    Column("next_step", "下一步", "text", most=56),
)
RECEIVABLES = (
    Column("principal_id", "委托方编号", "code"),
    Column("name", "委托方", "text", most=24),
    Column("order_no", "订单号", "code"),
    Column("charge_code", "费用代码", "code"),
    Column("fee_month", "费用月份", "code"),
    Column("due_on", "到期日", "date"),
    Column("days_overdue", "逾期天数", "whole"),
    Column("age_bucket", "账龄", "word"),
    Column("receivable_cny", "应收人民币", "money", total=True),
    Column("settled_cny", "已销账", "money", total=True),
    Column("open_cny", "未收", "money", live=signed_sum(["receivable_cny"], ["settled_cny"]), total=True),
)
AGEING = (
    Column("principal_id", "委托方编号", "code"),
    Column("name", "委托方", "text", most=30),
    *(Column(f"bucket_{place}", bucket, "money", total=True) for place, bucket in enumerate(BUCKETS)),
    Column(
        "open_cny",
        "未收合计",
        "money",
        live=signed_sum([f"bucket_{place}" for place in range(len(BUCKETS))]),
        total=True,
    ),
)
REFUNDS = (
    Column("principal_id", "委托方编号", "code"),
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
CREDIT = (
    Column("principal_id", "委托方编号", "code"),
    Column("name", "委托方", "text", most=30),
    Column("credit_limit", "信用额度", "money", total=True),
    Column("exposure", "占用", "money", total=True),
    Column("available", "可用", "money", live=signed_sum(["credit_limit"], ["exposure"])),
    Column("used", "使用率", "share"),
    Column("overdue_cny", "逾期", "money", total=True),
    Column("blocked", "停放", "flag"),
    Column("reason", "原因", "text"),
)
MARGINS = (
    Column("principal_id", "委托方编号", "code"),
    Column("order_no", "订单号", "code"),
    Column("lines", "费用项数", "whole", total=True),
    Column("receivable_cny", "应收人民币", "money", total=True),
    Column("cost_cny", "成本人民币", "money", total=True),
    Column("margin_cny", "毛利", "money", live=signed_sum(["receivable_cny"], ["cost_cny"]), total=True),
    Column("share", "毛利率", "share", live=SHARE_OF_BILLED),
)
INVOICES = (
    Column("invoice_kind", "开票类型", "word"),
    Column("order_no", "订单号", "code"),
    Column("name", "单位名称", "text", most=24),
    Column("uscc", "纳税人识别号", "code"),
    Column("bank_name", "开户行", "text", most=20),
    Column("bank_account", "银行账号", "code"),
    Column("contact", "联系电话和联系地址", "text", most=32),
    Column("goods_name", "货物品名", "text", most=20),
    Column("unit", "计量单位", "word"),
    Column("quantity", "开票数量", "quantity"),
    Column("amount", "开票金额", "money", total=True),
    Column("missing", "缺项", "text", most=16),
)
REQUESTS = (
    Column("request_no", "申请单号", "code"),
    Column("order_no", "订单号", "code"),
    Column("principal_id", "委托方编号", "code"),
    Column("kind", "款项类型", "word"),
    Column("payee_type", "收款方类型", "word"),
    Column("payee_name", "收款方名称", "text", most=24),
    Column("payee_account", "收款账号", "code"),
    Column("currency", "币种", "word"),
    Column("amount", "申请金额", "money", money_in="currency"),
    Column("paid", "已付金额", "money", money_in="currency"),
    Column("left", "未付金额", "money", money_in="currency", live=signed_sum(["amount"], ["paid"])),
    Column("state", "状态", "word"),
    Column("submitted_at", "提交时间", "time"),
    Column("document_no", "授权文件号", "code"),
)
TO_PAY = (
    Column("decision", "可付", "word"),
    Column("request_no", "申请单号", "code"),
    Column("order_no", "订单号", "code"),
    Column("kind", "款项类型", "word"),
    Column("payee_name", "收款方名称", "text", most=26),
    Column("payee_account", "收款账号", "code"),
    Column("currency", "币种", "word"),
    Column("left", "应付金额", "money", money_in="currency"),
    Column("words", "人民币大写", "text", most=30),
    Column("pay_on", "客户指定付款日", "date"),
    Column("document_no", "授权文件号", "code"),
    Column("blocked_by", "停付原因", "text", most=24),
)
RELEASES = (
    Column("decision", "可放", "word"),
    Column("order_no", "订单号", "code"),
    Column("bl_no", "提单号", "code"),
    Column("name", "委托方", "text", most=24),
    Column("settlement_mode", "结算方式", "word"),
    Column("due_cny", "应收物流费", "money", total=True),
    Column("received_cny", "已收", "money", total=True),
    Column("exposure_before", "放单前占用", "money"),
    Column("exposure_after", "放单后占用", "money"),
    Column("credit_limit", "信用额度", "money"),
    Column("released_on", "放单日期", "date"),
    Column("reason", "原因", "text", most=64),
)
FILING = (
    Column("filing_no", "申报单号21位", "code"),
    Column("order_no", "订单号", "code"),
    Column("hs_code", "商品编码", "code"),
    Column("goods_name", "货物名称", "text", most=24),
    Column("quantity", "数量", "quantity"),
    Column("legal_unit", "法定第一计量单位", "word"),
    Column("exported_on", "出口日期", "date"),
    Column("invoice_no", "发票号码", "code"),
    Column("ex_vat_amount", "不含税金额", "money", total=True),
    Column("tax_amount", "税额", "money", total=True),
    Column("refund_rate", "退税率", "percent"),
    Column("refund_amount", "应退税额", "money", total=True),
    Column("file_by", "最后申报日", "date"),
)
VOUCHERS = (
    Column("dated_on", "凭证日期", "date"),
    Column("voucher_no", "凭证编号", "code"),
    Column("kind", "摘要", "word"),
    Column("subject_code", "科目编码", "code"),
    Column("subject_name", "科目名称", "text", most=32),
    Column("party", "往来单位", "code"),
    Column("order_no", "订单号", "code"),
    Column("currency", "币种", "word"),
    Column("amount_fx", "原币金额", "money", money_in="currency"),
    Column("rate", "汇率", "rate"),
    Column("debit_cny", "借方", "money", total=True),
    Column("credit_cny", "贷方", "money", total=True),
    Column("origin", "来源分录", "code"),
)
SCORES = (
    Column("measure", "指标", "word"),
    Column("rule", "规则", "code"),
    Column("receipts", "笔数", "whole"),
    Column("amount_cny", "人民币金额", "money"),
    Column("share", "占比", "share"),
)
COVERAGE = (
    Column("rule_id", "规则", "code"),
    Column("checked", "已检查", "whole", total=True),
    Column("failed", "不符", "whole", total=True),
    Column("not_checkable", "无证据", "whole", total=True),
)
# What a reader of differences asks first: has what anybody owes changed, and by which postings?
TOLD_FIRST = ("principal_balances", "principal_account_balances", "order_balances", "principal_ledger")
CHANGES = (
    Column("table_name", "表", "code"),
    Column("row_key", "行", "code"),
    Column("change", "变化", "word"),
    Column("column_name", "列", "code"),
    Column("before", "原值", "text"),
    Column("after", "新值", "text"),
    Column("why", "变化原因", "text"),
)


def named(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """Rows with the principal's name beside its id."""
    for row in rows:
        yield {**row, "name": context.principal_name(row["principal_id"])}


def worded(rows: Iterable[Row], *fields: str) -> Iterator[dict[str, Any]]:
    """Rows whose sentences spell figures as the columns do."""
    for row in rows:
        yield {**row, **{field: spelled(row[field]) for field in fields}}


def ageing_sheet(book: Book, rows: list[Row], context: Context, receivables: Span, *, first: Sheet) -> Span:
    """账龄: open freight a principal a row, a bucket a column, as formulas over sheet 应收明细."""
    open_by: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["principal_id"], row["age_bucket"])
        open_by[key] = open_by.get(key, NIL) + row["open_cny"]

    def totals() -> Iterator[dict[str, Any]]:
        for principal in sorted({principal for principal, _ in open_by}):
            buckets = {f"bucket_{place}": open_by.get((principal, bucket), NIL) for place, bucket in enumerate(BUCKETS)}
            yield {"principal_id": principal, **buckets, "open_cny": sum(buckets.values(), NIL)}

    affordable = receivables.rows * len(open_by) <= FORMULA_CELLS

    def formulas(sheet: Sheet, number: int, row: Row) -> None:
        for place, bucket in enumerate(BUCKETS if affordable else ()):
            test = f'"{book.labels.value(bucket)}"'
            formula = receivables.sum_of("open_cny", principal_id=f"$A{number + 1}", age_bucket=test)
            sheet.live(number, 2 + place, formula, row[f"bucket_{place}"], "money")

    return table(
        book, "账龄", "应收账龄", AGEING, named(totals(), context), total=True, first=first, after_row=formulas
    )


def credit_rows(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """信用 with the share of the limit that is used."""
    for row in worded(named(rows, context), "reason"):
        known = row["credit_limit"] and row["exposure"] is not None
        yield {**row, "used": divide_half_up(row["exposure"], row["credit_limit"], 4) if known else None}


def invoice_rows(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """开票申请 with its nine fields (IMP-INV-04) and which of them are missing (INV_FIELD_MISSING)."""
    labels = context.labels
    for row in rows:
        master = context.principals.get(row["principal_id"], {})
        full = {
            **row,
            "name": master.get("name"),
            "uscc": master.get("uscc"),
            "bank_name": master.get("bank_name"),
            "bank_account": context.persons.account(master.get("bank_account"), master.get("name")),
            "contact": " ".join(part for part in (master.get("phone"), master.get("address")) if part) or None,
        }
        nine = [column for column in INVOICES if column.field not in ("invoice_kind", "order_no", "missing")]
        full["missing"] = (
            labels.listed(labels.word(column.heading) for column in nine if full[column.field] is None) or None
        )
        yield full


def request_rows(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """付款申请: a person's account shows four digits."""
    for row in rows:
        person = row["payee_type"] == "个人离岸账户"
        yield {
            **row,
            "payee_account": context.persons.account(row["payee_account"], row["payee_name"], is_person=person),
        }


def payable_rows(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """付款清单: what is left to pay, whole account numbers (the one place: PRV-01), the blocked ones last."""
    due = [row for row in rows if row["left"] > 0]
    for row in sorted(due, key=lambda row: (row["blocked_by"] is not None, row["request_no"])):
        words = amount_in_words(row["left"]) if row["currency"] == "CNY" else None
        yield {**row, "decision": "停付" if row["blocked_by"] else "可付", "words": words}


def change_rows(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """重跑差异: balances first; tables and columns by their Chinese names (mart.yaml), in English by the warehouse's."""
    persons, chinese = context.persons, context.language == "zh"
    tables = mart_tables() if chinese else {}
    ranks = {name: rank for rank, name in enumerate(TOLD_FIRST)}
    for row in sorted(rows, key=lambda row: ranks.get(row["table_name"], len(ranks))):
        table_named = tables.get(row["table_name"])
        columns = {column.name: column.zh for column in table_named.columns} if table_named else {}
        yield {
            **row,
            "table_name": table_named.zh if table_named else row["table_name"],
            "column_name": columns.get(row["column_name"], row["column_name"]),
            "before": spelled(persons.text(row["before"])),
            "after": spelled(persons.text(row["after"])),
        }


def release_rows(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """放单清单: may the bill of lading go (LOG-BLR-01, LOG-BLR-02)."""
    for row in worded(named(rows, context), "reason"):
        yield {**row, "decision": "已放" if row["released_on"] else "可放" if row["allowed"] else "不可放"}


def used_formula(sheet: Sheet, number: int, row: Row) -> None:
    """使用率: exposure over limit."""
    if row.get("used") is not None:
        sheet.live(number, 5, f"=ROUND(D{number + 1}/C{number + 1},4)", row["used"], "share")
