"""How a sheet is laid: spelled figures, wrapped lines, whole and fine figures, empty tables, what prints."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from settlement.assets.statements import told
from settlement.checks.mart_schemas import mart_tables
from settlement.io.workbooks.formulas import product
from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.sheet import Book, Frame, lines_of
from settlement.io.workbooks.spelling import spelled
from settlement.io.workbooks.statement import KINDS
from settlement.io.workbooks.table import Column, table


def _written(path, columns, rows, **more):
    book = Book(path, Labels("zh"), Frame("标题", "副题", "页脚", date(2023, 9, 30)))
    table(book, "明细账", "明细账", columns, rows, **more)
    book.close()
    return load_workbook(path)["明细账"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("暂估人民币 312446.97 元", "暂估人民币 312,446.97 元"),
        ("差 -60897.05", "差 -60,897.05"),
        ("人民币1234567.00元", "人民币1,234,567.00元"),
        ("按中间价 7.17290000，比率 4.99999990", "按中间价 7.1729，比率 4.9999999"),
        ("订单 SO23000101，2023-09-30，1,002.00，999.00", "订单 SO23000101，2023-09-30，1,002.00，999.00"),
        ("版本 v1234.50 与 10.2023.50", "版本 v1234.50 与 10.2023.50"),
        (None, None),
    ],
)
def test_figures_in_sentences_are_spelled_as_in_columns(text, shown):
    assert spelled(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("十个汉字十个汉字十个", 20, 1),
        ("十个汉字十个汉字十个字", 20, 2),
        ("PAYMENT FOR SO23000022 INVOICE", 12, 3),
        ("一行\n又一行", 20, 2),
        ("x" * 45, 20, 3),
        ("文件 raw/2023-09/bank/BOC_0026_2023-09.csv 行 24", 26, 3),
    ],
)
def test_a_wrapped_text_gets_the_lines_it_needs(text, width, lines):
    assert lines_of(text, width) == lines


def test_whole_figures_end_without_a_point_and_finer_ones_keep_their_decimals(tmp_path):
    columns = [Column("quantity", "数量", "quantity"), Column("levy_rate", "征税率", "percent")]
    rows = [
        {"quantity": Decimal("864.000000"), "levy_rate": Decimal("0.13")},
        {"quantity": Decimal("800.5"), "levy_rate": Decimal("0.015")},
    ]
    sheet = _written(tmp_path / "a.xlsx", columns, rows)
    assert [[cell.number_format for cell in row] for row in sheet.iter_rows(min_row=4)] == [
        ["#,##0_ ;-#,##0_ ", "0%_ "], ["#,##0.0#####_ ", "0.0##%_ "],
    ]  # fmt: skip


def test_a_product_on_the_edge_between_two_fen_is_written_as_a_figure(tmp_path):
    """W09: 79,962.50 x 8.1236 = 649,583.365 exactly, which no double holds: programs may round it either way."""
    columns = [
        Column("amount", "认领金额", "money"),
        Column("rate", "汇率", "rate"),
        Column("cny", "折人民币", "money", live=product("amount", "rate")),
    ]
    rows = [
        {"amount": Decimal("79962.50"), "rate": Decimal("8.1236"), "cny": Decimal("649583.37")},
        {"amount": Decimal("79962.51"), "rate": Decimal("8.1236"), "cny": Decimal("649583.45")},
        {"amount": Decimal("79962.51"), "rate": Decimal("8.1236"), "cny": Decimal("649583.44")},
    ]
    sheet = _written(tmp_path / "a.xlsx", columns, rows)
    assert [cell.value for (cell,) in sheet.iter_rows(min_row=4, min_col=3)] == [
        649583.37,
        "=ROUND(A5*B5,2)",
        649583.44,
    ]


def test_an_empty_table_says_so_and_adds_up_nothing(tmp_path):
    sheet = _written(tmp_path / "a.xlsx", [Column("amount", "金额", "money", total=True)], [], total=True)
    assert [cell.value for (cell,) in sheet.iter_rows(min_row=4, max_col=1)] == ["（无）"]


def test_columns_for_the_screen_are_not_printed(tmp_path):
    columns = [
        Column("order_no", "订单号", "code", least=40),
        Column("note", "说明", "text", off_page=True),
        Column("code", "代码", "code"),
    ]
    sheet = _written(tmp_path / "a.xlsx", columns, [{"order_no": "SO1", "note": "x", "code": "y"}])
    assert sheet.print_area == "'明细账'!$A$1:$A$4"


@pytest.mark.parametrize(("columns", "orientation"), [(2, "portrait"), (12, "landscape")])
def test_a_narrow_table_is_printed_upright(tmp_path, columns, orientation):
    wide = [Column(f"c{number}", "说明", "text", least=14) for number in range(columns)]
    assert _written(tmp_path / "a.xlsx", wide, [{"c0": "x"}]).page_setup.orientation == orientation


def test_every_kind_of_posting_has_its_place_on_the_cover():
    (kind,) = [column for column in mart_tables()["principal_ledger"].columns if column.name == "kind"]
    assert sorted(KINDS) == sorted(set(kind.values) - {"期初"})


def test_progress_is_told_twenty_times_at_most_and_at_the_end():
    said: list[str] = []
    listen = told(said.append)
    for done in range(1, 5003):
        listen(done, 5002)
    assert said[-1] == "工作簿 5002/5002" and 19 <= len(said) <= 21
