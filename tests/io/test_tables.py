"""A file as typed rows: header by its names, every row accepted or rejected."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from settlement.io.layouts import layouts, monthly_layouts
from settlement.io.tables import FileRead, read_file

HEADER = "订单号,服务类型,委托方编号,下单日期,币种,外币金额"


def orders_of(path: Path, *lines: str, encoding: str = "utf-8") -> FileRead:
    path.write_text("\n".join([*lines, ""]), encoding=encoding)
    return read_file(path, monthly_layouts("orders"), path.parent)


def only(read: FileRead):
    assert read.unread == () or list(read.unread) == []
    [table] = read.tables
    return table


def test_the_header_is_found_by_its_names(tmp_path):
    """Title rows above, any order, extra columns, English or Chinese, full or half width, stars and units."""
    read = orders_of(
        tmp_path / "随便.csv",
        "九月订单导出,,,,,,", "导出人：张三,,,,,,", "",
        "外币金额（USD）,Order_No,无关列,ｃｕｒｒｅｎｃｙ*,服务类型：, 下单日期 ,委托方编号",
        "100.00,E1,x,USD,出口贸易代理,2023-09-05,P001",
    )  # fmt: skip
    [row] = only(read).accepted.to_pylist()
    assert (row["order_no"], row["amount_fx"], row["ordered_on"], row["source_row"]) == (
        "E1",
        Decimal("100.00"),
        date(2023, 9, 5),
        5,
    )


def test_which_table_follows_from_the_header_and_not_from_the_name(tmp_path):
    path = tmp_path / "订单.csv"
    path.write_text(
        "订单号,行号,商品编码,货物名称,数量,法定第一计量单位,外币金额\nE1,1,8501,电机,10,台,5\n", encoding="utf-8"
    )
    assert only(read_file(path, monthly_layouts("orders"))).layout.name == "goods"
    path.write_text("报关单号,退税金额,通知日期\n310,5,2023-09-05\n", encoding="utf-8")
    assert only(read_file(path, monthly_layouts("customs"))).layout.name == "refund_notices"
    path.write_text("发票号码,订单号,行号,数量,金额\n1,E1,1,10,5\n", encoding="utf-8")
    assert only(read_file(path, monthly_layouts("vat"))).layout.name == "vat_shares"
    path.write_text(
        "发票号码,订单号,行号,数量,金额,销方识别号,销方名称,开票日期\n1,E1,1,10,5,9133,甲,2023-09-05\n",
        encoding="utf-8",
    )
    assert only(read_file(path, monthly_layouts("vat"))).layout.name == "vat_invoices"


def test_total_rows_blank_rows_footers_and_repeated_headers_are_no_rows(tmp_path):
    read = orders_of(
        tmp_path / "x.csv",
        HEADER, "E1,出口贸易代理,P001,2023-09-05,USD,100.00", "", "本页小计,,,,,100.00", HEADER,
        "E2,出口贸易代理,P001,2023-09-06,USD,50.00", ",,,,,", " 合　计 ,,,,,150.00", "制表人：张三,,,,,", "Grand Total：,,,,,150.00",
    )  # fmt: skip
    table = only(read)
    assert [row["order_no"] for row in table.accepted.to_pylist()] == ["E1", "E2"]
    assert table.rejected.num_rows == 0


def test_a_row_that_only_looks_like_a_total_is_a_row(tmp_path):
    """A goods name may begin with 合计, and a dated line that lacks its number must not vanish."""
    read = orders_of(
        tmp_path / "x.csv",
        "境外客商," + HEADER,
        "合计商贸,E1,出口贸易代理,P001,2023-09-05,USD,1",
        "合计,,出口贸易代理,P001,2023-09-06,USD,9",
    )
    table = only(read)
    assert [row["counterparty"] for row in table.accepted.to_pylist()] == ["合计商贸"]
    [rejected] = table.rejected.to_pylist()
    assert (rejected["source_row"], rejected["field"], rejected["amount"]) == (3, "order_no", Decimal("9.00"))


def test_a_bad_cell_rejects_its_row_and_says_what_was_read(tmp_path):
    read = orders_of(
        tmp_path / "x.csv", HEADER,
        'E1,出口贸易代理,P001,2023-09-05,USD,"12,3x"', "E2,出口贸易代理,P001,2023-02-30,USD,5", "E3,卖货,,2023-09-05,USD,7",
        "E4,出口贸易代理,P001,2023-09-05,USD,8",
    )  # fmt: skip
    table = only(read)
    assert [row["order_no"] for row in table.accepted.to_pylist()] == ["E4"]
    bad_amount, bad_date, two_faults = table.rejected.to_pylist()
    assert (bad_amount["source_row"], bad_amount["field"], bad_amount["found"], bad_amount["amount"]) == (
        2,
        "amount_fx",
        "12,3x",
        Decimal("0.00"),
    )
    assert "「外币金额」读到「12,3x」" in bad_amount["reason"]
    assert (bad_date["field"], bad_date["amount"], bad_date["order_no"]) == ("ordered_on", Decimal("5.00"), "E2")
    assert (
        two_faults["field"] == "services"
        and "「委托方编号」必填" in two_faults["reason"]
        and "卖货" in two_faults["reason"]
    )


def test_defaults_fill_empty_cells_only(tmp_path):
    read = orders_of(tmp_path / "x.csv", HEADER + ",出口方式,物流费处理", "E1,出口贸易代理,P001,2023-09-05,USD,1,,抵扣")
    [row] = only(read).accepted.to_pylist()
    assert (row["order_status"], row["export_mode"], row["freight_treatment"], row["agency_fee"]) == (
        "正常",
        "自营",
        "抵扣",
        None,
    )


def test_the_original_text_stays_beside_what_was_normalised(tmp_path):
    read = orders_of(
        tmp_path / "x.csv",
        HEADER + ",境外客商,合同号",
        'Ｅ１,出口贸易代理,P001,2023-09-05,USD,"1,000.00","　ACME ""X"" ＬＴＤ",ht-1',
    )
    [row] = only(read).accepted.to_pylist()
    assert (row["order_no"], row["counterparty"], row["contract_no"]) == ("E1", 'ACME "X" LTD', "HT-1")
    assert json.loads(row["original"]) == {
        "order_no": "Ｅ１",
        "counterparty": '　ACME "X" ＬＴＤ',
        "contract_no": "ht-1",
    }
    plain = only(orders_of(tmp_path / "y.csv", HEADER, "E1,出口贸易代理,P001,2023-09-05,USD,1")).accepted.to_pylist()
    assert plain[0]["original"] is None


def test_a_missing_column_and_a_column_twice_are_named(tmp_path):
    [(_, reason)] = orders_of(
        tmp_path / "x.csv", "订单号,服务类型,下单日期,币种,外币金额", "E1,出口贸易代理,2023-09-05,USD,1"
    ).unread
    assert "缺少必需的列：委托方编号" in reason
    [(_, reason)] = orders_of(
        tmp_path / "x.csv", HEADER + ",外币金额", "E1,出口贸易代理,P001,2023-09-05,USD,1,2"
    ).unread
    assert "出现两次" in reason and "外币金额" in reason
    [(_, reason)] = orders_of(tmp_path / "x.csv", "天气,晴", "明天,雨").unread
    assert "找不到表头" in reason


def test_a_header_below_row_twenty_is_not_looked_for(tmp_path):
    titles = [f"标题 {number}" for number in range(20)]
    assert orders_of(tmp_path / "x.csv", *titles, HEADER, "E1,出口贸易代理,P001,2023-09-05,USD,1").unread
    assert (
        only(
            orders_of(tmp_path / "x.csv", *titles[:19], HEADER, "E1,出口贸易代理,P001,2023-09-05,USD,1")
        ).accepted.num_rows
        == 1
    )


def test_a_workbook_with_both_sheets_and_excel_cells(tmp_path):
    workbook = openpyxl.Workbook()
    orders = workbook.active
    orders.title = "订单"
    orders.append(["订单明细"])
    orders.append([*HEADER.split(","), "代理费", "代理费率"])
    orders.append(["E1", "出口贸易代理", "P001", date(2023, 9, 5), "USD", 3 * 1234.56, 88.0, 0.01])
    orders.append(["E2", "出口贸易代理", "P001", 45174, "USD", 5, "=F4*2", None])
    goods = workbook.create_sheet("货物")
    goods.append(["订单号", "行号", "商品编码", "货物名称", "数量", "法定第一计量单位", "外币金额"])
    goods.append(["E1", 1, "0101210010", "电机", 10, "台", 3703.68])
    workbook.create_sheet("空表")
    note = workbook.create_sheet("说明")
    note["A1"] = "请勿修改"
    workbook.save(tmp_path / "x.xlsx")
    read = read_file(tmp_path / "x.xlsx", monthly_layouts("orders"))
    by_name = {table.layout.name: table for table in read.tables}
    assert not read.unread and set(by_name) == {"orders", "goods"}
    [row] = by_name["orders"].accepted.to_pylist()
    assert (row["amount_fx"], row["agency_fee"], row["agency_fee_rate"], row["ordered_on"]) == (
        Decimal("3703.68"), Decimal("88.00"), Decimal("0.01000000"), date(2023, 9, 5)
    )  # fmt: skip
    [rejected] = by_name["orders"].rejected.to_pylist()
    assert (rejected["source_row"], rejected["field"], rejected["found"]) == (4, "agency_fee", "=F4*2")
    [line] = by_name["goods"].accepted.to_pylist()
    assert (line["hs_code"], line["line_no"], line["source_row"]) == ("0101210010", 1, 2)


def test_a_sheet_of_a_workbook_that_is_no_table_is_named(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append(HEADER.split(","))
    workbook.active.append(["E1", "出口贸易代理", "P001", "2023-09-05", "USD", 1])
    other = workbook.create_sheet("货物")
    other.append(["单号", "品名", "金额"])
    other.append(["E1", "电机", 1])
    workbook.save(tmp_path / "x.xlsx")
    read = read_file(tmp_path / "x.xlsx", monthly_layouts("orders"))
    assert [table.accepted.num_rows for table in read.tables] == [1]
    [(sheet, reason)] = read.unread
    assert sheet == "货物" and "工作表「货物」" in reason


def test_the_exceptions_workbook_handed_back_gives_its_decisions_only(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.title = "异常"
    workbook.active.append(["异常编号", "代码", "说明"])
    workbook.active.append(["abc", "RCV_UNIDENTIFIED", "x"])
    claims = workbook.create_sheet("认领")
    claims.append(["流水标识", "订单号", "委托方编号", "款项用途", "认领金额", "认领人", "认领时间", "理由"])
    claims.append(["t1", "E1", "P001", "货款", 100, "张三", "2023-09-30 10:00", "水单"])
    claims.append(["t2", None, None, None, None, None, None, None])
    claims.append(["t3", "E1", "P001", "货款", 100, None, None, None])
    workbook.create_sheet("输入核对").append(["来源文件", "表", "币种", "读入行数"])
    workbook.save(tmp_path / "x.xlsx")
    read = read_file(tmp_path / "x.xlsx", monthly_layouts("decisions"))
    table = only(read)
    assert table.layout.name == "claims"
    assert [row["txn_id"] for row in table.accepted.to_pylist()] == ["t1"]
    [half_filled] = table.rejected.to_pylist()
    assert half_filled["source_row"] == 4 and "「认领人」必填" in half_filled["reason"]


def test_a_tax_bureau_export_counts_each_invoice_once(tmp_path):
    header = ["数电发票号码", "销方识别号", "销方名称", "开票日期", "金额", "税额", "价税合计"]
    workbook = openpyxl.Workbook()
    for title, amounts in (("发票基础信息", [30]), ("信息汇总表", [10, 20])):
        sheet = workbook.create_sheet(title)
        sheet.append(header)
        for amount in amounts:
            sheet.append(["23332000000000000001", "9133", "甲", "2023-09-05", amount, 0, amount])
    shares = workbook.create_sheet("发票分摊")
    shares.append(["发票号码", "订单号", "行号", "数量", "金额"])
    shares.append(["23332000000000000001", "E1", 1, 5, 10])
    del workbook["Sheet"]
    workbook.save(tmp_path / "x.xlsx")
    read = read_file(tmp_path / "x.xlsx", monthly_layouts("vat"))
    assert [(table.layout.name, table.accepted.num_rows) for table in read.tables] == [
        ("vat_invoices", 2),
        ("vat_shares", 1),
    ]


def test_a_decision_that_was_begun_is_no_template(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.title = "调整"
    workbook.active.append([item.header for item in layouts()["adjustments"].fields])
    workbook.active.append(["转单"])
    workbook.active.append([None, None, None, None, None, None, None, "CNY"])
    workbook.save(tmp_path / "x.xlsx")
    table = only(read_file(tmp_path / "x.xlsx", monthly_layouts("decisions")))
    assert [row["source_row"] for row in table.rejected.to_pylist()] == [2]


def test_one_of_several_columns_must_be_filled(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text(
        "供应商,供应商账单号,订单号,提单号,费用代码,币种,金额\n甲,F1,,B1,THC,CNY,5\n甲,F1,,,THC,CNY,-7\n",
        encoding="utf-8",
    )
    table = only(read_file(path, monthly_layouts("freight")))
    assert [row["bl_no"] for row in table.accepted.to_pylist()] == ["B1"]
    [rejected] = table.rejected.to_pylist()
    assert "至少填一项" in rejected["reason"] and rejected["amount"] == Decimal("-7.00")


@pytest.mark.parametrize(("amount", "currency", "is_good"), [("$5", "CNY", False), ("5.50", "JPY", False), ("1000000000000", "CNY", False),
                                                              ("999999999999.99", "CNY", True), ("5", "日元", True)])  # fmt: skip
def test_an_amount_must_fit_its_currency_and_reason(tmp_path, amount, currency, is_good):
    table = only(orders_of(tmp_path / "x.csv", HEADER, f"E1,出口贸易代理,P001,2023-09-05,{currency},{amount}"))
    assert (table.accepted.num_rows, table.rejected.num_rows) == ((1, 0) if is_good else (0, 1))


def test_every_layout_reads_the_file_it_describes(tmp_path):
    """A row with every field filled is accepted by each layout, by its Chinese and by its English names."""
    samples = {"date": "2023-09-05", "time": "2023-09-05 10:00", "money": "5.00", "quantity": "5", "quote": "7.1", "rate": "13%",
               "flag": "是", "whole": "1", "currency": "CNY", "month": "2023-09"}  # fmt: skip
    for layout in layouts().values():
        row = [
            item.values[0] if item.values else item.words[0] if item.words else samples.get(item.kind, "X1")
            for item in layout.fields
        ]
        for names in ([item.header for item in layout.fields], [item.name for item in layout.fields]):
            path = tmp_path / f"{layout.name}.csv"
            path.write_text(",".join(names) + "\n" + ",".join(row) + "\n", encoding="utf-8")
            candidates = [layout] if layout.is_reference else monthly_layouts(layout.folder)
            table = only(read_file(path, candidates))
            assert (table.layout.name, table.accepted.num_rows) == (layout.name, 1), names
            assert not table.rejected.num_rows
