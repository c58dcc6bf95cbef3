"""The month's summary: its lists tie to the books, its letters and vouchers can be used as they are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from openpyxl import load_workbook

from settlement.io.workbooks.context import read_context
from settlement.io.workbooks.month_data import Source

from . import september
from .reading import table, texts

NAME = "月结汇总-2023-09.xlsx"


def context_of(con):
    """The month as its workbooks see it."""
    return read_context(Source(con, september.MONTH), as_of=september.AS_OF, language="zh", incomplete=False)


def test_sheets(folder):
    book = load_workbook(folder / NAME)
    assert book.sheetnames == [
        "汇总", "图表", "账龄", "委托方余额", "订单余额", "应收明细", "退税", "信用", "物流毛利", "开票申请", "付款申请", "付款清单",
        "放单清单", "催缴单", "退税申报", "凭证", "匹配成绩", "规则检查", "重跑差异",
    ]  # fmt: skip
    assert len(book["图表"]._charts) == 4


def test_principals_tie(folder):
    rows = table(folder / NAME, "委托方余额", "委托方编号")
    assert [(row["委托方编号"], row["期初"], row["本期发生"], row["期末"]) for row in rows] == [
        ("P001", 1200, 375661.57, 376861.57), ("P002", 0, 52707.71, 52707.71), ("P003", -178450, 19813.66, -158636.34),
        ("合计", -177250, 448182.94, 270932.94),
    ]  # fmt: skip
    head = {row["项目"]: row["金额"] for row in table(folder / NAME, "汇总", "项目")}
    assert head["我方应付委托方"] + head["委托方应付我方"] == pytest.approx(head["期末"]) and head["期末"] == 270932.94


def test_ageing_is_a_live_pivot(folder):
    rows = table(folder / NAME, "账龄", "委托方编号")
    assert [rows[0][bucket] for bucket in ("未到期", "0-30天", "31-60天", "61-90天", "90天以上", "未收合计")] == [
        25186.34,
        0,
        138450,
        0,
        0,
        163636.34,
    ]
    assert "SUMPRODUCT(EXACT(" in table(folder / NAME, "账龄", "委托方编号", cached=False)[0]["未到期"]


def test_margin_of_worked_example_w12(folder):
    row = table(folder / NAME, "物流毛利", "委托方编号")[0]
    assert (row["应收人民币"], row["成本人民币"], row["毛利"], row["毛利率"]) == (25186.34, 23270.44, 1915.90, 0.0761)


def test_a_cost_without_a_rate_leaves_the_margin_open(write, month):
    charge = month[0]["freight_charges"][1]
    charge |= {"currency": "EUR", "cost": "100.00"}
    folder, _ = write()
    row = table(folder / NAME, "物流毛利", "委托方编号")[0]
    assert (row["应收人民币"], row["成本人民币"], row["毛利"]) == (25186.34, None, None)


def test_invoice_applications_have_their_nine_fields_or_say_what_is_missing(folder):
    rows = {(row["开票类型"], row["订单号"]): row for row in table(folder / NAME, "开票申请", "开票类型")}
    freight = rows["物流费", "LG2309-001"]
    assert [freight[name] for name in ("单位名称", "纳税人识别号", "开户行", "银行账号", "联系电话和联系地址", "货物品名", "计量单位", "开票数量", "开票金额", "缺项")] == [
        "温州三江服饰有限公司", "91330300MA2CCCCC3Z", "中国建设银行温州分行", "33001627035000000001", "0577-44440003 温州市鹿城区车站大道5号",
        "国际货物运输代理服务费", "次", 1, 25186.34, None,
    ]  # fmt: skip
    assert rows["代理费", "IM2309-001"]["开票金额"] == 8554.20
    assert rows["进口货款", "IM2309-001"]["缺项"] == "货物品名、计量单位、开票数量"
    # Export fees are in the export formula: no second invoice (C-13).
    assert not [order for kind, order in rows if order and order.startswith("EX")]


def test_import_goods_share_the_invoice_by_amount(write, month):
    month[1]["facts", "goods"] += [
        {
            "order_no": "IM2309-001",
            "line_no": number,
            "hs_code": "8479899990",
            "goods_name": f"机床{number}",
            "quantity": Decimal(number),
            "legal_unit": "台",
            "amount_fx": Decimal(amount),
        }
        for number, amount in ((1, "80000.00"), (2, "40000.00"))
    ]
    folder, _ = write()
    rows = [row for row in table(folder / NAME, "开票申请", "开票类型") if row["开票类型"] == "进口货款"]
    assert [(row["货物品名"], row["开票数量"], row["开票金额"]) for row in rows] == [
        ("机床1", 1, 695825.39),
        ("机床2", 2, 347912.70),
    ]


def test_netted_freight_is_not_invoiced_a_second_time(write, month):
    next(row for row in month[1]["facts", "orders"] if row["order_no"] == "LG2309-001")["freight_treatment"] = "抵扣"
    folder, _ = write()
    assert not [row for row in table(folder / NAME, "开票申请", "开票类型") if row["开票类型"] == "物流费"]


def test_payments_to_make_show_whole_accounts_and_what_stops_them(folder):
    rows = table(folder / NAME, "付款清单", "可付")
    assert [
        (row["可付"], row["申请单号"], row["收款账号"], row["应付金额"], row["人民币大写"], row["停付原因"])
        for row in rows
    ] == [
        ("可付", "QK-005", "6225880199887766", 20000, "人民币贰万元整", None),
        ("停付", "QK-006", "9558850012345678", 2665, "人民币贰仟陆佰陆拾伍元整", "AP_NO_VOUCHER"),
    ]
    states = {row["申请单号"]: (row["状态"], row["收款账号"]) for row in table(folder / NAME, "付款申请", "申请单号")}
    assert states["QK-003"] == ("已付", "****7766") and states["QK-005"] == ("待付", "****7766")
    assert states["QK-006"] == ("待付", "9558850012345678")


def test_a_partly_paid_application_stays_with_what_is_left(write, month):
    paid = next(row for row in month[0]["payment_allocations"] if row["request_no"] == "QK-004")
    paid["amount"] = paid["amount_cny"] = "500000.00"
    folder, _ = write()
    row = next(row for row in table(folder / NAME, "付款清单", "可付") if row["申请单号"] == "QK-004")
    assert row["应付金额"] == 90000


def test_releases_and_letters(folder):
    (release, _) = table(folder / NAME, "放单清单", "可放")
    assert (release["可放"], release["订单号"], release["放单后占用"], release["原因"]) == (
        "不可放",
        "LG2309-001",
        163636.34,
        "逾期未清，交风控",
    )
    letters = list(texts(folder / NAME, "催缴单"))
    assert any(
        "合计人民币 138,450.00 元（大写：人民币壹拾叁万捌仟肆佰伍拾元整），其中已逾期人民币 138,450.00 元" in text
        for text in letters
    )
    assert any("00120034005600780" in text for text in letters)


def test_each_letter_begins_a_page(write, month):
    late = dict(month[0]["freight_receivables"][-1])
    month[0]["freight_receivables"].append(
        {**late, "line_key": "IM/THC", "order_no": "IM2309-001", "principal_id": "P002"}
    )
    folder, _ = write()
    sheet = load_workbook(folder / NAME)["催缴单"]
    titles = [cell.row for (cell,) in sheet.iter_rows(max_col=1) if cell.value == "物流费催缴单"]
    assert len(titles) == 2
    assert [item.id for item in sheet.row_breaks.brk] == [titles[1] - 1]


def test_refund_filing_carries_the_21_digit_number(folder):
    rows = table(folder / NAME, "退税申报", "申报单号21位")
    assert [(row["申报单号21位"], row["应退税额"]) for row in rows[:-1]] == [
        ("310120230510020001001", 19499.51), ("310120230510020001002", 9735.33), ("310120230510020001003", 0),
    ]  # fmt: skip
    assert all(len(row["申报单号21位"]) == 21 for row in rows[:-1])


def test_every_voucher_balances_and_the_bank_is_all_there(folder):
    rows = table(folder / NAME, "凭证", "凭证日期")[:-1]
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums.setdefault(row["凭证编号"], Decimal(0))
        sums[row["凭证编号"]] += Decimal(str(row["借方"] or 0)) - Decimal(str(row["贷方"] or 0))
    assert sums and not any(sums.values())
    bank = [row for row in rows if row["科目编码"] == "1002" and row["币种"] == "CNY"]
    moved = sum(Decimal(str(row["借方"] or 0)) - Decimal(str(row["贷方"] or 0)) for row in bank)
    assert moved == sum(Decimal(row["amount"]) for row in september.BANK if row["currency"] == "CNY")
    open_line = next(row for row in rows if row["来源分录"] == "t08")
    assert (open_line["借方"], open_line["贷方"], open_line["原币金额"]) == (None, None, 12000)


def test_differences_name_tables_and_columns_and_tell_balances_first(write, month):
    change = {"change": "changed", "why": "订单有变"}
    month[0]["changes"] = [
        change | {"table_name": "exceptions", "row_key": "E1", "column_name": "message", "before": "短 1234.50", "after": None},
        change | {"table_name": "principal_balances", "row_key": "P001", "column_name": "closing", "before": "704000.00", "after": "703900.00"},
        {"table_name": "tax_refunds", "row_key": "SO1", "change": "added", "why": "订单有变"},
    ]  # fmt: skip
    folder, _ = write()
    rows = table(folder / NAME, "重跑差异", "表")
    assert [(row["表"], row["变化"], row["列"], row["原值"], row["新值"]) for row in rows] == [
        ("委托方余额", "变更", "期末", "704,000.00", "703,900.00"),
        ("异常", "变更", "说明", "短 1,234.50", None),
        ("退税", "新增", None, None, None),
    ]


def test_differences_and_scores_are_listed(folder):
    (change,) = table(folder / NAME, "重跑差异", "表")
    assert (change["行"], change["新值"], change["变化原因"]) == ("t05", "IM2309-001", "认领决定")
    assert [(row["规则"], row["占比"]) for row in table(folder / NAME, "匹配成绩", "指标")] == [
        ("合计", 0.2),
        ("R-ORDER", 0.7),
        ("合计", 0.8),
    ]
