"""A home as people leave it: every file kind, encoding and way of writing a cell that the contract allows, and the bad ones.

Written with nothing of the program's own: plain CSV and openpyxl, headers and field names from the contract.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path

import openpyxl

CNY, USD = "0012345678901", "0098765432109"
P1 = ("宁波海川贸易有限公司", "3901000000000000011")
_ORDER = ["订单号＊", "服务类型", "委托方编号", "合同号", "境外客商", "下单日期", "币种", "外币金额", "成交方式", "代理费", "代理费率",
          "其他费用", "报关单号", "报关结束日期", "出口日期", "提单号", "箱型箱量", "业务员"]  # fmt: skip
_LINE = ["订单号", "行号", "商品编码", "货物名称", "数量", "法定第一计量单位", "外币金额", "美元离岸价", "报关单号", "报关结束日期",
         "出口日期", "征税率", "退税率"]  # fmt: skip
_BANK = ["账号", "币种", "交易日期", "起息日", "借方发生额", "贷方发生额", "对方户名", "对方账号", "摘要", "附言", "流水号", "汇率",
         "折人民币金额"]  # fmt: skip
_FREIGHT = [
    "供应商",
    "供应商账单号",
    "订单号",
    "提单号",
    "柜号",
    "费用代码",
    "币种",
    "金额",
    "计费单位",
    "数量",
    "账单日期",
    "成本确认日期",
]


class Files:
    """Puts files into a home, text in any encoding and workbooks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, name: str) -> Path:
        path = self.root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, name: str, rows: Sequence[Sequence], encoding: str = "utf-8", delimiter: str = ",") -> None:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=delimiter).writerows(rows)
        self._path(name).write_bytes(stream.getvalue().encode(encoding))

    def book(self, name: str, **sheets: Sequence[Sequence]) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        path = self._path(name)
        book.save(path)
        return path

    def raw(self, name: str, content: bytes) -> None:
        self._path(name).write_bytes(content)


def _order(number: str, services: str, principal: str, **more) -> list:
    plain = {
        _ORDER[0]: number,
        "服务类型": services,
        "委托方编号": principal,
        "下单日期": "2023-08-01",
        "币种": "USD",
        "成交方式": "FOB",
    }
    return [(plain | more).get(name) for name in _ORDER]


def _line(number: str, line: int, amount, fob, levy, refund, **more) -> list:
    plain = {"订单号": number, "行号": line, "商品编码": "8501109990", "货物名称": "微型电机", "数量": 10, "法定第一计量单位": "台",
             "外币金额": amount, "美元离岸价": fob, "征税率": levy, "退税率": refund}  # fmt: skip
    return [(plain | more).get(name) for name in _LINE]


def _bank(account: str, currency: str, booked, **more) -> list:
    plain = {"账号": account, "币种": currency, "交易日期": booked}
    return [(plain | more).get(name) for name in _BANK]


def _cny(booked, credit, payer=P1, **more) -> list:
    return _bank(CNY, "CNY", booked, 贷方发生额=credit, 对方户名=payer[0], 对方账号=payer[1], **more)


def _freight(invoice: str, code: str, currency: str, amount, **more) -> list:
    plain = {
        "供应商": "中远海运",
        "供应商账单号": invoice,
        "费用代码": code,
        "币种": currency,
        "金额": amount,
        "账单日期": "2023-09-10",
    }
    return [(plain | more).get(name) for name in _FREIGHT]


def write_reference(files: Files) -> None:
    files.text("reference/own_company.csv", [["name", "uscc"], ["浙江汇通外贸综合服务有限公司", "91330000MA0TE5T087"]])
    accounts = [
        ["account_no", "currency", "bank", "name"],
        [CNY, "CNY", "工行", "浙江汇通"],
        [USD, "USD", "中行", "浙江汇通"],
    ]
    files.text("reference/own_accounts.csv", accounts, "gb18030")
    files.book("reference/principals.xlsx", Sheet1=[
        ["委托方主数据"], ["委托方编号", "委托方名称", "银行账号", "结算方式", "月结协议", "信用额度", "别的列"],
        ["P001", *P1, "票结", "否", None, "x"], ["P002", "温州（远达）电子有限公司", "3902000000000000022", "月结", "是", 200000, None],
        ["P003", "台州大山机械有限公司", "3903000000000000033", "票结", None, None, None],
    ])  # fmt: skip
    payers = [
        ["principal_id", "payer_name", "relation"],
        ["P001", "ACME TRADING INC", "境外客商"],
        ["P002", "BRAVO GMBH", "境外客商"],
    ]
    files.text("reference/payers.csv", payers, "utf-16")
    rates = [
        [f"2023-{month:02d}-01", currency, rate]
        for month in (8, 9, 10)
        for currency, rate in (("USD", "718.00"), ("EUR", "770"))
    ]
    files.text("reference/fx_mid_rates.csv", [["published_on", "currency", "rate_per_100"], *rates], "utf-8-sig")
    files.text("reference/client_quotes.csv", [
        ["principal_id", "charge_code", "currency", "amount", "unit_basis", "valid_from"],
        ["P001", "THC", "CNY", "1,350.00", "柜", "2023/1/1"], ["P001", "DOC", "CNY", "￥450", "票", "20230101"],
    ])  # fmt: skip
    files.text("reference/vendor_quotes.csv", [
        ["供应商", "费用代码", "币种", "单价", "计费单位", "生效日期"],
        ["中远海运", "THC", "CNY", "1225", "柜", "2023年1月1日"], ["中远海运", "DOC", "CNY", "450", "票", "2023-01-01"],
    ], "gb18030")  # fmt: skip
    files.text(
        "reference/opening_balances.csv",
        [["principal_id", "month", "balance_cny"], ["P001", "2023-09", "1000"], ["P002", "2023-09", "(500.00)"]],
    )
    files.text("reference/opening_items.csv", [
        ["principal_id", "month", "account", "currency", "amount_cny"],
        ["P001", "2023-09", "预收", "CNY", "1,000.00"], ["P002", "2023-09", "物流费", "CNY", "500.00-"],
    ])  # fmt: skip


def write_orders(files: Files) -> None:
    export, declared = "出口贸易代理", {"报关结束日期": "2023年8月20日", "出口日期": "20230821"}
    files.book("2023-09/orders/随便什么名字.xlsx", 订单=[
        ["订单导出（2023年9月）"], [], _ORDER,
        _order("EX1", "出口贸易代理、出口国际物流", "P001", 外币金额=10000, 代理费率=1, 提单号="COSU6200000001", 箱型箱量="2x40HQ", 境外客商="ACME TRADING INC"),
        _order("EX2", "出口贸易代理；出口报关", "P002", 币种="EUR", 外币金额="5,000.00", 代理费="￥100.00", 其他费用="20", 报关单号="310120230000000025", **declared),
        _order("EX3", export, "P001", 外币金额="$1,000.00", 代理费="0", 报关单号="310120230000000033", 报关结束日期=date(2023, 8, 22), 出口日期=datetime.combine(date(2023, 8, 22), time(10))),
        _order("NOLINES", export, "P001", 外币金额=10000, 代理费="0", 报关单号="310120230000000041"),
        _order("NOBODYS", export, "P999", 外币金额=10000, 代理费="0"),
        _order("BADSUM", export, "P001", 外币金额="12,3x", 代理费="0"),
        _order("TWICE", "出口国际物流", "P001", 币种="人民币", 外币金额=0),
        _order("TWICE", "出口国际物流", "P002", 币种="CNY", 外币金额=0),
        _order("EX5", export, "P001", 外币金额=60, 代理费="0", 报关单号="310120230000000058", **declared),
        ["合计", None, None, None, None, None, None, 36060],
    ], 货物=[
        _LINE, _line("EX1", 1, 6000, 6000, "13%", 13, 报关单号="310120230000000017", 报关结束日期="2023-08-21", 出口日期="2023-08-21"),
        _line("EX1", 2, 4000, 4000, 0.13, "9%", 报关单号="310120230000000018", 报关结束日期="2023-08-21", 出口日期="2023-08-21"),
        _line("EX2", 1, "5,000.00", "5,300.00", 13, "13%"), _line("EX3", 1, "1,000.00", 1000, "13", "13"), _line("EX5", 1, 60, 60, "13%", "13%"),
        ["合计", None, None, None, None, None, 16060],
    ])  # fmt: skip
    # The other way: two text files, by field name, in any order of columns, as Excel saves "Unicode text".
    files.text("2023-09/orders/im1.csv", [
        ["amount_fx", "currency", "principal_id", "services", "order_no", "ordered_on", "agency_fee", "tax_entrusted", "tax_bill_original", "invoice_wanted", "extra"],
        ["20,000.00", "USD", "P003", "进口贸易代理", "IM1", "2023-09-01", "500", "是", "是", "是", "z"],
    ], "utf-16", "\t")  # fmt: skip
    files.text("2023-09/orders/im2.csv", [
        ["line_no", "order_no", "hs_code", "goods_name", "quantity", "legal_unit", "amount_fx"],
        ["1", "IM1", "8471300000", "计算机", "100", "台", "20000.00"],
    ], "utf-16")  # fmt: skip


def write_bank(files: Files) -> None:
    files.text("2023-09/bank/工行.csv", [
        ["户名：浙江汇通  账号：" + CNY], [], _BANK,
        _cny("2023-09-05 10:11:12", "20,000.00", ("台州大山机械有限公司", "3903000000000000033"), 附言="付 IM1 货款", 流水号="C001"),
        _cny("20230906", "100.00", 流水号="C002"), _cny("20230906", "100.00", 流水号="C002"),
        _cny("2023/9/7", "777.00", ("不知名公司", "1"), 摘要="往来", 流水号="C003"),
        _cny("2023年9月8日", "￥3,150.00", 附言="EX1 物流费", 流水号="C004"),
        _bank(CNY, "CNY", "2023-09-09", 借方发生额="12,3x", 流水号="C005"), _cny("2023-08-31", "1.00", 流水号="C006"),
        _bank(CNY, "CNY", "2023-09-10", 借方发生额="330.00", 对方户名="某供应商", 摘要="付款", 流水号="D001"),
        ["合计", None, None, None, "330.00", "24128.00"],
    ], "gb18030")  # fmt: skip
    files.book("2023-09/bank/again.xlsx", S=[_BANK, _cny(date(2023, 9, 6), 100, 流水号="C002")])
    usd = files.book("2023-09/bank/usd.xlsx", Sheet1=[
        _BANK,
        _bank(USD, "USD", datetime.combine(date(2023, 9, 5), time(9, 30)), 起息日=date(2023, 9, 5), 贷方发生额=10000, 对方户名="ACME TRADING INC", 附言="PAYMENT FOR ＥＸ１", 流水号="F001", 汇率=720),
        _bank(USD, "USD", "2023-09-06", 贷方发生额="1,000.00", 对方户名="ACME TRADING INC", 附言="EX3", 流水号="F002"),
        _bank(USD, "USD", "2023-09-07", 贷方发生额="50.00", 对方户名="BRAVO GMBH", 附言="EX1", 流水号="F003"),
        _bank(USD, "USD", "2023-09-08", 贷方发生额="60.00", 对方户名="NOBODY KNOWN LTD", 附言="EX5", 流水号="F004", 汇率="720", 折人民币金额="432.00"),
        _bank(USD, "USD", "2023-09-12", 借方发生额="20,000.00", 对方户名="SELLER AG", 对方账号="DE99", 附言="R2", 流水号="F005"),
    ])  # fmt: skip
    files.text(
        "2023-09/bank/other.csv",
        [_BANK, _bank("7777", "CNY", "2023-09-10", 贷方发生额="5,000.00", 对方户名=P1[0], 附言="EX1", 流水号="X1")],
    )
    files.text("2023-09/bank/noheader.csv", [["a", "b", "c"], ["1", "2", "3"]])
    files.raw("2023-09/bank/empty.csv", b"")
    files.raw("2023-09/bank/cut.xlsx", usd.read_bytes()[:2000])


def write_rest(files: Files) -> None:
    files.book("2023-09/freight/货代.xlsx", 账单=[
        ["货代账单"], _FREIGHT, _freight("F-1", "THC", "CNY", 2450, 订单号="EX1", 计费单位="柜", 数量=2, 成本确认日期=date(2023, 9, 12)),
        _freight("F-1", "DOC", "CNY", "450.00", 提单号="COSU6200000001", 计费单位="票", 成本确认日期="2023-09-12"),
        _freight("F-1", "O/F", "USD", 1000, 订单号="EX1", 计费单位="柜", 数量=2, 成本确认日期="2023-09-12"),
        _freight("F-2", "THC", "CNY", 10, 订单号="NOPE", 计费单位="票"), _freight("F-2", "THC", "CNY", 11, 计费单位="票"),
        ["合计", None, None, None, None, None, None, 3921],
    ])  # fmt: skip
    files.text("2023-09/payments/请款.csv", [
        ["申请单号", "订单号", "款项类型", "收款方类型", "收款方名称", "收款账号", "币种", "金额", "付汇汇率", "银行手续费", "付款日期"],
        ["R2", "IM1", "购汇付款", "境外客商", "SELLER AG", "DE99", "USD", "20,000.00", "721.00", "150", "2023/9/12"],
    ])  # fmt: skip
    files.text("2023-09/customs/税单.csv", [
        ["订单号", "税单号", "税单类型", "收货单位", "关税", "增值税", "缴款日期"],
        ["IM1", "T0", "模拟", "台州大山机械有限公司", "999", "999", ""], ["IM1", "T1", "正本", "台州大山机械有限公司", "1,000.00", "", "2023-09-15"],
        ["IM1", "T2", "正本", "台州大山机械有限公司", "", "18,850.00", "2023-09-15"],
    ], "gb18030")  # fmt: skip


def write_october(files: Files) -> None:
    """EX1 again with another fee, one line that September had, and no freight folder."""
    files.book("2023-10/orders/x.xlsx", 订单=[_ORDER, _order("EX1", "出口贸易代理、出口国际物流", "P001", 外币金额=10000, 代理费="500.00", 提单号="COSU6200000001", 箱型箱量="2x40HQ", 境外客商="ACME TRADING INC")])  # fmt: skip
    files.text(
        "2023-10/bank/oct.csv",
        [_BANK, _cny("2023-10-12", "100.00", 流水号="C102"), _cny("20230906", "100.00", 流水号="C002")],
    )


def write(root: Path) -> None:
    """The whole home."""
    files = Files(root)
    for part in (write_reference, write_orders, write_bank, write_rest, write_october):
        part(files)
