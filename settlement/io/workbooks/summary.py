"""The month's summary (月结汇总): an overview of formulas over its lists, the lists, and charts that print.

What belongs here: the overview, the charts, the order of the sheets. What does not: the columns of
the lists (summary_sheets.py) and where their rows come from (month_lists.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from settlement.io.parameters import load_parameters
from settlement.io.workbooks import month_lists as lists
from settlement.io.workbooks import summary_sheets as sheets
from settlement.io.workbooks.context import Context
from settlement.io.workbooks.dunning import dunning_sheets
from settlement.io.workbooks.exceptions_list import read_rows
from settlement.io.workbooks.formulas import Row
from settlement.io.workbooks.invoices_due import invoice_applications
from settlement.io.workbooks.month_data import Rows
from settlement.io.workbooks.sheet import Book, Sheet
from settlement.io.workbooks.source import Source
from settlement.io.workbooks.table import Span, table
from settlement.rules.money import divide_half_up

BIG = 20_000
NIL = Decimal("0.00")
SERVICES = ("export", "import", "logistics")
_STATE_TABLES: dict[str, tuple[str, ...]] = {
    "principal_balances": ("principal_id",),
    "order_balances": ("kind", "principal_id", "order_no"),
    "freight_receivables": ("principal_id", "order_no", "due_on", "charge_code", "line_key"),
    "tax_refunds": ("status", "principal_id", "order_no", "declaration_no"),
    "credit_positions": ("principal_id",),
    "bl_releases": ("allowed", "principal_id", "order_no"),
    "scoreboard": ("measure", "rule"),
    "rule_coverage": ("rule_id",),
    "changes": ("table_name", "row_key", "column_name"),
}


def summary_name(month: str) -> str:
    """File name of the month's summary."""
    return f"月结汇总-{month}.xlsx"


def write_summary(path: Path, source: Source, context: Context) -> None:
    """月结汇总 of the month as a file."""
    data = _read(source, context)
    labels = context.labels
    frame = context.frame(f"{labels.word('月结汇总')}  {context.month}", f"HZ-{context.month.replace('-', '')}")
    book = Book(path, labels, frame, big=sum(map(len, data.values())) > BIG)
    overview = book.sheet("汇总", landscape=False)
    charts = book.sheet("图表")
    spans = _lists(book, data, context)
    blocks = _overview(overview, data, spans, context)
    _charts(charts, blocks)
    book.close()


def _read(source: Source, context: Context) -> dict[str, Rows]:
    parameters = load_parameters()
    data = read_rows(source, _STATE_TABLES)
    made = {
        "bank": lists.bank_totals(source),
        "margins": lists.freight_margins(source),
        "invoices": invoice_applications(source),
        "requests": lists.payment_requests(source),
        "filing": lists.refund_filing(source),
        "dunning": lists.dunning_items(source),
        "vouchers": lists.vouchers(source, parameters, context.as_of),
    }
    # Tables whose rows have no key among these columns have no order of their own, so each relation sorts.
    return data | {name: Rows(source.con.to_pyarrow(relation)) for name, relation in made.items()}


def _lists(book: Book, data: dict[str, Rows], context: Context) -> dict[str, Span]:
    """Every list on its sheet; gives where the rows of those lie that the overview adds up."""
    receivables = [row for row in data["freight_receivables"] if row["open_cny"]]
    spans: dict[str, Span] = {}

    def listed(name: str, heading: str, columns: Sequence[Any], rows: Iterable[Row], **more: Any) -> Span:
        return table(book, name, heading, columns, rows, total=True, **more)

    ageing = book.sheet("账龄")
    spans["principals"] = listed(
        "委托方余额", "委托方余额", sheets.PRINCIPALS, sheets.named(data["principal_balances"], context)
    )
    spans["orders"] = listed("订单余额", "订单余额", sheets.ORDERS, sheets.worded(data["order_balances"], "next_step"))
    spans["receivables"] = listed("应收明细", "应收物流费明细", sheets.RECEIVABLES, sheets.named(receivables, context))
    spans["ageing"] = sheets.ageing_sheet(book, receivables, context, spans["receivables"], first=ageing)
    spans["refunds"] = listed("退税", "退税进度", sheets.REFUNDS, data["tax_refunds"])
    spans["credit"] = listed(
        "信用",
        "信用占用",
        sheets.CREDIT,
        sheets.credit_rows(data["credit_positions"], context),
        after_row=sheets.used_formula,
    )
    spans["margins"] = listed("物流毛利", "物流毛利", sheets.MARGINS, map(_with_share, data["margins"]))
    listed("开票申请", "开票申请", sheets.INVOICES, sheets.invoice_rows(data["invoices"], context))
    listed("付款申请", "付款申请", sheets.REQUESTS, sheets.request_rows(data["requests"], context))
    listed("付款清单", "付款清单", sheets.TO_PAY, sheets.payable_rows(data["requests"]))
    listed("放单清单", "放单清单", sheets.RELEASES, sheets.release_rows(data["bl_releases"], context))
    if not dunning_sheets(book, data["dunning"], context):
        empty = book.sheet("催缴单")
        empty.opening_lines(book.labels.word("物流费催缴单"))
        empty.line(book.labels.text("nothing_overdue"), "subtitle")
    listed("退税申报", "退税申报", sheets.FILING, data["filing"])
    spans["vouchers"] = listed(
        "凭证", "记账凭证", sheets.VOUCHERS, data["vouchers"], notes=[book.labels.text("voucher_help")]
    )
    listed("匹配成绩", "匹配成绩", sheets.SCORES, data["scoreboard"])
    listed("规则检查", "规则检查", sheets.COVERAGE, data["rule_coverage"])
    listed("重跑差异", "重跑差异", sheets.CHANGES, sheets.change_rows(data["changes"], context))
    return spans


def _with_share(row: Row) -> dict[str, Any]:
    known = row["margin_cny"] is not None and row["receivable_cny"]
    return {**row, "share": divide_half_up(row["margin_cny"], row["receivable_cny"], 4) if known else None}


def _heads(sheet: Sheet, words: Sequence[str]) -> None:
    for column, word in enumerate(words):
        sheet.put(sheet.row, column, sheet.book.labels.word(word), "text", "heading")
    sheet.row += 1


def _section(sheet: Sheet, word: str) -> None:
    sheet.row += 1
    sheet.line(sheet.book.labels.word(word), "section", height=18)


def _overview(
    sheet: Sheet, data: dict[str, Rows], spans: dict[str, Span], context: Context
) -> dict[str, tuple[int, int]]:
    """汇总: balances, services, currencies, freight; gives first and last row of the blocks that charts show."""
    sheet.opening_lines("")
    _balance_block(sheet, data["principal_balances"], spans["principals"])
    blocks = {"services": _service_block(sheet, data["order_balances"], spans["orders"])}
    _currency_block(sheet, data["bank"])
    blocks["ages"] = _age_block(sheet, data["freight_receivables"], spans["receivables"])
    blocks["refunds"] = _refund_block(sheet, data["tax_refunds"], spans["refunds"])
    _credit_block(sheet, data["credit_positions"], spans["credit"])
    _margin_block(sheet, data["margins"], spans["margins"])
    blocks["scores"] = _score_block(sheet, data["scoreboard"])
    _voucher_block(sheet, data["vouchers"], spans["vouchers"])
    sheet.redden(0, sheet.row, [1, 2, 3, 4, 5, 6])
    for column, width in enumerate((22, 16, 18, 18, 18, 18, 18)):
        sheet.widths[column] = max(width, sheet.widths.get(column, 0))
    return blocks


def _balance_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> None:
    _section(sheet, "委托方余额")
    _heads(sheet, ("项目", "户数", "金额"))
    tests: tuple[tuple[str, str, str, Callable[[Row], bool]], ...] = (
        ("我方应付委托方", "closing", '">0"', lambda row: row["closing"] > 0),
        ("委托方应付我方", "closing", '"<0"', lambda row: row["closing"] < 0),
    )
    for word, name, test, holds in tests:
        sheet.put(sheet.row, 0, sheet.book.labels.word(word), "text")
        mine = [row for row in rows if holds(row)]
        sheet.live(sheet.row, 1, span.count_where(closing=test), len(mine), "whole")
        sheet.live(sheet.row, 2, span.sum_where(name, closing=test), sum((row[name] for row in mine), NIL), "money")
        sheet.row += 1
    for word, name in (("期初", "opening"), ("本期发生", "movement"), ("期末", "closing")):
        sheet.put(sheet.row, 0, sheet.book.labels.word(word), "text", "text_total")
        sheet.put(sheet.row, 1, None, "text", "text_total")
        sheet.live(sheet.row, 2, span.sum(name), sum((row[name] for row in rows), NIL), "money", "money_total")
        sheet.row += 1


def _service_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> tuple[int, int]:
    _section(sheet, "按业务")
    _heads(sheet, ("业务", "订单数", "已收", "已计费", "已付", "余额"))
    first = sheet.row
    for kind in SERVICES:
        mine, cell = [row for row in rows if row["kind"] == kind], f"$A{sheet.row + 1}"
        sheet.put(sheet.row, 0, sheet.book.labels.value(kind), "text")
        sheet.live(sheet.row, 1, span.count_where(kind=cell), len(mine), "whole")
        for column, name in enumerate(("received_cny", "charged_cny", "paid_cny"), start=2):
            sheet.live(
                sheet.row, column, span.sum_where(name, kind=cell), sum((row[name] for row in mine), NIL), "money"
            )
        balance = sum((row["balance_cny"] for row in mine), NIL)
        number = sheet.row + 1
        sheet.live(sheet.row, 5, f"=ROUND(C{number}-D{number}-E{number},2)", balance, "money")
        sheet.row += 1
    return first, sheet.row - 1


def _currency_block(sheet: Sheet, rows: Iterable[Row]) -> None:
    _section(sheet, "按币种")
    _heads(sheet, ("币种", "收款笔数", "收款", "付款", "净额", "未认领收款", "未核对付款"))
    for row in rows:
        kind = "money0" if row["currency"] == "JPY" else "money"
        number = sheet.row + 1
        sheet.put(sheet.row, 0, row["currency"], "text")
        sheet.put(sheet.row, 1, row["lines_in"], "whole")
        sheet.put(sheet.row, 2, row["amount_in"], kind)
        sheet.put(sheet.row, 3, row["amount_out"], kind)
        sheet.live(sheet.row, 4, f"=ROUND(C{number}+D{number},2)", row["net"], kind)
        sheet.put(sheet.row, 5, row["unmatched_in"], kind)
        sheet.put(sheet.row, 6, row["unmatched_out"], kind)
        sheet.row += 1


def _age_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> tuple[int, int]:
    _section(sheet, "应收账龄")
    _heads(sheet, ("账龄", "笔数", "未收"))
    first = sheet.row
    for bucket in sheets.BUCKETS:
        mine, cell = [row for row in rows if row["age_bucket"] == bucket and row["open_cny"]], f"$A{sheet.row + 1}"
        sheet.put(sheet.row, 0, sheet.book.labels.value(bucket), "text")
        sheet.live(sheet.row, 1, span.count_where(age_bucket=cell), len(mine), "whole")
        sheet.live(
            sheet.row,
            2,
            span.sum_where("open_cny", age_bucket=cell),
            sum((row["open_cny"] for row in mine), NIL),
            "money",
        )
        sheet.row += 1
    return first, sheet.row - 1


def _refund_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> tuple[int, int]:
    _section(sheet, "退税进度")
    _heads(sheet, ("状态", "笔数", "应退", "已到账", "已付客户"))
    by_status: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_status[row["status"]].append(row)
    first = sheet.row
    for status, mine in sorted(by_status.items()):
        cell = f"$A{sheet.row + 1}"
        sheet.put(sheet.row, 0, sheet.book.labels.value(status), "text")
        sheet.live(sheet.row, 1, span.count_where(status=cell), len(mine), "whole")
        for column, name in enumerate(("expected", "received", "paid_out"), start=2):
            sheet.live(
                sheet.row,
                column,
                span.sum_where(name, status=cell),
                sum((row[name] or NIL for row in mine), NIL),
                "money",
            )
        sheet.row += 1
    return first, sheet.row - 1


def _credit_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> None:
    """信用占用: one line over all principals that have credit or use it."""
    _section(sheet, "信用占用")
    _heads(sheet, ("项目", "户数", "信用额度", "占用", "逾期"))
    known = list(rows)
    sheet.put(sheet.row, 0, sheet.book.labels.word("合计"), "text")
    sheet.put(sheet.row, 1, len(known), "whole")
    for column, name in enumerate(("credit_limit", "exposure", "overdue_cny"), start=2):
        sheet.live(sheet.row, column, span.sum(name), sum((row[name] or NIL for row in known), NIL), "money")
    sheet.row += 1


def _margin_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> None:
    """物流毛利: billed less cost of the month; orders whose cost has no CNY yet stand apart, for their margin is unknown."""
    _section(sheet, "物流毛利")
    _heads(sheet, ("项目", "订单数", "应收人民币", "成本人民币", "毛利", "毛利率"))
    known = [row for row in rows if row["margin_cny"] is not None]
    billed, cost, margin = (
        sum((row[name] for row in known), NIL) for name in ("receivable_cny", "cost_cny", "margin_cny")
    )
    number = sheet.row + 1
    sheet.put(sheet.row, 0, sheet.book.labels.word("毛利已知"), "text")
    sheet.put(sheet.row, 1, len(known), "whole")
    sheet.live(sheet.row, 2, span.sum_where("receivable_cny", margin_cny='"<>"'), billed, "money")
    sheet.live(sheet.row, 3, span.sum("cost_cny"), cost, "money")
    sheet.live(sheet.row, 4, f"=ROUND(C{number}-D{number},2)", margin, "money")
    if billed:
        sheet.live(sheet.row, 5, f"=ROUND(E{number}/C{number},4)", divide_half_up(margin, billed, 4), "share")
    sheet.row += 1
    unknown = [row for row in rows if row["margin_cny"] is None]
    if unknown:
        sheet.put(sheet.row, 0, sheet.book.labels.word("成本待定"), "text")
        sheet.put(sheet.row, 1, len(unknown), "whole")
        sheet.put(sheet.row, 2, sum((row["receivable_cny"] for row in unknown), NIL), "money")
        sheet.row += 1


def _score_block(sheet: Sheet, rows: Iterable[Row]) -> tuple[int, int]:
    """匹配成绩 as a whole: the rows that are totals; by rule they stand on their own sheet."""
    _section(sheet, "匹配成绩")
    _heads(sheet, ("指标", "笔数", "人民币金额", "占比"))
    first = sheet.row
    for row in (row for row in rows if row["rule"] == "合计"):
        sheet.put(sheet.row, 0, sheet.book.labels.value(row["measure"]), "text")
        sheet.put(sheet.row, 1, row["receipts"], "whole")
        sheet.put(sheet.row, 2, row["amount_cny"], "money")
        sheet.put(sheet.row, 3, row["share"], "share")
        sheet.row += 1
    return first, sheet.row - 1


def _voucher_block(sheet: Sheet, rows: Iterable[Row], span: Span) -> None:
    _section(sheet, "凭证平衡")
    _heads(sheet, ("项目", "凭证行数", "金额"))
    sides = {"debit_cny": [0, NIL], "credit_cny": [0, NIL]}
    for row in rows:
        for name, side in sides.items():
            if row[name] is not None:
                side[0] += 1
                side[1] += row[name]
    first = sheet.row + 1
    for word, (name, (count, amount)) in zip(("借方合计", "贷方合计"), sides.items(), strict=True):
        sheet.put(sheet.row, 0, sheet.book.labels.word(word), "text")
        sheet.put(sheet.row, 1, count, "whole")
        sheet.live(sheet.row, 2, span.sum(name), amount, "money")
        sheet.row += 1
    sheet.put(sheet.row, 0, sheet.book.labels.word("差额"), "text", "text_total")
    sheet.put(sheet.row, 1, None, "text", "text_total")
    sheet.live(
        sheet.row,
        2,
        f"=ROUND(C{first}-C{first + 1},2)",
        sides["debit_cny"][1] - sides["credit_cny"][1],
        "money",
        "money_total",
    )
    sheet.row += 1


def _charts(sheet: Sheet, blocks: dict[str, tuple[int, int]]) -> None:
    """图表: four charts of one colour with their figures on them, so that they print in black and white."""
    sheet.opening_lines("")
    top = sheet.row + 1
    spots = iter([(top, 0), (top, 10), (top + 19, 0), (top + 19, 10)])
    wanted = (
        ("按业务余额", "services", 5),
        ("应收账龄", "ages", 2),
        ("退税进度应退", "refunds", 2),
        ("匹配成绩", "scores", 3),
    )
    for word, block, column in wanted:
        first, last = blocks[block]
        if last >= first:
            _chart(sheet, word, first, last, column, next(spots))
    sheet.last_column, sheet.row = 19, top + 38
    sheet.work.fit_to_pages(1, 1)


def _chart(sheet: Sheet, word: str, first: int, last: int, column: int, spot: tuple[int, int]) -> None:
    """A column chart of one block of the overview."""
    labels, share = sheet.book.labels, word == "匹配成绩"
    overview = labels.word("汇总")
    chart = sheet.book.file.add_chart({"type": "column"})
    chart.add_series({
        "name": labels.word(word),
        "categories": [overview, first, 0, last, 0],
        "values": [overview, first, column, last, column],
        "fill": {"color": "#1F3864"}, "border": {"color": "#1F3864"}, "gap": 60,
        "data_labels": {"value": True, "num_format": "0.0%" if share else "#,##0", "font": {"size": 9}},
    })  # fmt: skip
    chart.set_title({"name": labels.word(word), "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_y_axis(
        {"num_format": "0%" if share else "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}}
    )
    chart.set_x_axis({"label_position": "low"})
    chart.set_size({"width": 640, "height": 340})
    sheet.work.insert_chart(*spot, chart)
