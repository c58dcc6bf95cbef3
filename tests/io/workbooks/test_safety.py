"""Text from outside stays text, names stay legal, nothing is lost at Excel's limits."""

from __future__ import annotations

import zipfile
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.masking import Persons, known_persons, last_four
from settlement.io.workbooks.sheet import Book, Frame, sheet_name
from settlement.io.workbooks.statements import statement_names
from settlement.io.workbooks.table import Column, table

from . import september
from .reading import texts

ATTACKS = [
    '=HYPERLINK("http://example.test","点我")', "+SUM(1,1)", "-2+3", "@SUM(1)", "\t=1+1", "\r=1+1", "＝1+1",
    "<r><t>x</t></r>", "<r></x></r>", "]]>&\"'<", "{=1+1}",
]  # fmt: skip


def _book(path, **choices) -> Book:
    return Book(path, Labels("zh"), Frame("标题 & 名", "副题", "页脚 & 公司", date(2023, 9, 30)), **choices)


@pytest.mark.parametrize("big", [False, True], ids=["shared strings", "row by row"])
def test_outside_text_cannot_become_a_formula(tmp_path, big):
    book = _book(tmp_path / "a.xlsx", big=big)
    table(
        book,
        "明细账",
        "明细账",
        [Column("note", "说明", "text"), Column("order_no", "订单号", "code")],
        [{"note": text, "order_no": text} for text in ATTACKS],
    )
    book.close()
    cells = [cell for row in load_workbook(tmp_path / "a.xlsx")["明细账"].iter_rows(min_row=4) for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    # Rich-text markup gets a blank behind it, or the library would take it for its own.
    assert [unescape(cell.value).removesuffix(" ") for cell in cells[::2]] == ATTACKS
    for cell in cells:
        if unescape(cell.value)[0] in "=+-@\t\r＝":
            # Excel keeps such a cell as text even after somebody has edited it.
            assert cell.quotePrefix, cell.value
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("big", [False, True], ids=["shared strings", "row by row"])
def test_text_that_looks_like_an_escape_is_itself_escaped(tmp_path, big):
    book = _book(tmp_path / "a.xlsx", big=big)
    table(book, "明细账", "明细账", [Column("note", "说明", "text")], [{"note": "_x0041_"}])
    book.close()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"_x005F_x0041_" in archive.read("xl/worksheets/sheet1.xml" if big else "xl/sharedStrings.xml")


def test_sums_by_id_take_ids_letter_by_letter(tmp_path):
    """SUMIFS would read 0012 as 12, * as anything, and know only 15 digits of a long number."""
    ids = ["0012", "12", "*", "<>", "20230905000000001", "20230905000000002", "p1", "P1"]
    book = _book(tmp_path / "ids.xlsx")
    columns = [Column("order_no", "订单号", "code"), Column("amount", "金额", "money")]
    span = table(book, "明细账", "明细账", columns, [{"order_no": name, "amount": Decimal(1)} for name in ids])
    assert (
        span.sum_of("amount", order_no="$A4")
        == "=ROUND(SUMPRODUCT(EXACT('明细账'!$A$4:$A$11,$A4)*'明细账'!$B$4:$B$11),2)"
    )
    book.close()


def test_outside_text_stays_text_in_every_workbook(write, month):
    tables, masters = month
    evil = '=cmd|" /C calc"!A0'
    tables["bank_transactions"][4]["remark"] = evil
    tables["export_invoices"][0]["goods_name"] = evil
    tables["freight_charges"][0]["charge_name"] = evil
    tables["exceptions"][0]["message"] = evil
    tables["unmatched_receipts"][0]["counterparty_name"] = evil
    tables["order_balances"][0]["next_step"] = evil
    masters["reference", "principals"][1]["name"] = evil
    folder, _ = write()
    seen = 0
    for path in folder.glob("*.xlsx"):
        for sheet in load_workbook(path):
            for row in sheet.iter_rows():
                for cell in row:
                    if isinstance(cell.value, str) and cell.value.startswith("=cmd"):
                        seen += 1
                        assert cell.data_type == "s" and cell.quotePrefix, (path.name, sheet.title, cell.coordinate)
    assert seen >= 8


def test_sheet_names_are_legal_and_numbered():
    assert sheet_name("收款/付款:*?[]", 2) == "收款_付款_____ (2)"
    assert len(sheet_name("长" * 40)) == 31
    assert sheet_name("长" * 40, 12).endswith(" (12)") and len(sheet_name("长" * 40, 12)) == 31


def test_file_names_come_from_ids_and_never_collide():
    names = statement_names(["P/1", "P_1", "p_1", "..", "P1"], "2023-09")
    assert len({name.casefold() for name in names.values()}) == 5
    assert all("/" not in name and not name.startswith(".") for name in names.values())
    assert names["P1"] == "对账单-P1-2023-09.xlsx"
    long = statement_names(["长" * 120, "长" * 121, "../../ETC/PASSWD", "=CMD", ""], "2023-09")
    assert len(set(long.values())) == 5 and all(len(name.encode()) < 200 and "/" not in name for name in long.values())


@pytest.mark.parametrize("big", [False, True])
def test_a_table_longer_than_a_sheet_goes_on_and_is_added_up_whole(tmp_path, big):
    book = _book(tmp_path / "long.xlsx", big=big)
    columns = [Column("order_no", "订单号", "code"), Column("amount", "金额", "money", total=True)]
    rows = [{"order_no": f"SO{number}", "amount": Decimal(number) + Decimal("0.01")} for number in range(25)]
    span = table(book, "明细账", "明细账", columns, rows, total=True, most_rows=13)
    book.close()
    made = load_workbook(tmp_path / "long.xlsx")
    assert made.sheetnames == ["明细账", "明细账 (2)", "明细账 (3)", "明细账 (4)"]
    assert max(sheet.max_row for sheet in made) <= 13
    assert all(sheet["A3"].value == "订单号" and sheet.print_title_rows == "$3:$3" for sheet in made)
    values = [cell.value for sheet in made for (cell, *_) in sheet.iter_rows(min_row=4) if cell.value]
    assert values == [row["order_no"] for row in rows] + ["合计"]
    total = load_workbook(tmp_path / "long.xlsx", data_only=True)["明细账 (4)"]
    assert total.cell(total.max_row, 2).value == 300.25
    assert span.sum("amount").count("SUM(") == 4


def test_text_longer_than_a_cell_is_cut_and_says_so(tmp_path):
    book = _book(tmp_path / "a.xlsx")
    table(book, "明细账", "明细账", [Column("note", "说明", "text")], [{"note": "长" * 40_000}])
    book.close()
    value = load_workbook(tmp_path / "a.xlsx")["明细账"]["A4"].value
    assert len(value) == 32_767 and value.endswith("…")


def test_account_numbers_are_text(folder):
    sheet = load_workbook(folder / "对账单-P001-2023-09.xlsx")["付款"]
    cells = [cell for row in sheet.iter_rows(min_row=4) for cell in row if cell.value == "350600001234567890"]
    assert cells and all(cell.data_type == "s" and cell.number_format == "@" for cell in cells)


def test_whole_account_of_a_person_stands_in_付款清单_and_nowhere_else(folder):
    whole = {"6225880199887766", september.PERSON_ACCOUNT}
    for path in folder.glob("*.xlsx"):
        for sheet in load_workbook(path).sheetnames:
            shown = [text for text in texts(path, sheet) if any(account in text for account in whole)]
            assert bool(shown) == (sheet == "付款清单"), (path.name, sheet, shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("还款 账号6222020200112233445", "还款 账号****3445"),
        ("to 6222 0202 0011 2233 445.", "to ****3445."),
        ("6222020200112233445转6222020200112233445", "****3445转****3445"),
        ("GB29NWBK60161331926819", "****6819"),
        ("发票 12345678901234567890", "发票 12345678901234567890"),
        ("订单 SO20230905001", "订单 SO20230905001"),
        (None, None),
    ],
)
def test_a_person_s_account_is_masked_inside_text(text, shown):
    persons = Persons(frozenset({"6222020200112233445", "GB29NWBK60161331926819"}), frozenset())
    assert persons.text(text) == shown


def test_persons_are_those_of_the_masters_and_of_offshore_applications():
    persons = known_persons(
        [{"payer_account": "11112222", "payer_name": "甲", "is_person": True}, {"payer_account": "33334444", "payer_name": "乙公司", "is_person": False}],
        [{"payee_account": None, "payee_name": "丙", "is_person": True}],
        [{"payee_account": "5555 6666", "payee_name": "丁", "payee_type": "个人离岸账户"}, {"payee_account": "7", "payee_name": "戊", "payee_type": "委托方"}],
    )  # fmt: skip
    assert (persons.accounts, persons.names) == ({"11112222", "55556666"}, {"甲", "丙", "丁"})
    assert persons.account("99998888", "丙") == last_four("99998888") == "****8888"
    assert persons.account("99998888", "乙公司") == "99998888"
