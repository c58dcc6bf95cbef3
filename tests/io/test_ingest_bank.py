"""Statements of a month: each transaction once, unknown accounts named, nothing lost."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from settlement.io import ingest_bank
from tests.io.conftest import BANK
from tests.io.test_ingest import _as_past

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "bank" / "cn"


def test_lines_carry_their_month_place_and_identity(read):
    books = read()
    [line] = books.rows("stage", "bank")
    assert (line["account_no"], line["amount"], line["month"], line["source_file"], line["source_row"]) == (
        "33010001", Decimal("500.00"), "2023-09", "raw/2023-09/bank/b.csv", 2
    )  # fmt: skip
    assert line["txn_id"]
    total = books.totals("bank")["b.csv", "CNY"]
    assert (total["rows_read"], total["amount_accepted"]) == (1, Decimal("500.00"))


def test_the_same_lines_in_two_files_are_one(desk, read):
    desk.put("raw/2023-09/bank/again.csv", BANK, "33010001,CNY,2023-09-06,,500.00,500.00,甲公司,62220001,货款,R1",
             "33010001,CNY,2023-09-07,,20.00,520.00,甲公司,62220001,货款,R2")  # fmt: skip
    books = read()
    assert sorted(line["amount"] for line in books.rows("stage", "bank")) == [Decimal("20.00"), Decimal("500.00")]
    assert [row["code"] for row in books.rejected("bank")] == ["ROW_DUPLICATE"]
    assert len(books.found("BNK_DUPLICATE")) == 1 and not books.found("ROW_DUPLICATE")
    assert sum(row["rows_rejected"] for row in books.totals("bank").values()) == 1


def test_a_line_of_an_earlier_month_is_not_taken_again(desk, read):
    earlier = read()
    for folder in ("orders", "freight"):
        shutil.copytree(desk.home.inbox("2023-09") / folder, desk.home.inbox("2023-10") / folder)
    desk.put("raw/2023-10/bank/c.csv", BANK, "33010001,CNY,2023-09-06,,500.00,500.00,甲公司,62220001,货款,R1",
             "33010001,CNY,2023-10-07,,20.00,520.00,甲公司,62220001,货款,R2")  # fmt: skip
    books = read("2023-10", _as_past(earlier))
    assert [line["amount"] for line in books.rows("stage", "bank")] == [Decimal("20.00")]
    assert [row["source_row"] for row in books.rejected("bank")] == [2]


def test_an_unknown_account_is_read_and_named_once_with_its_money(desk, read):
    desk.put("raw/reference/fx_mid_rates.csv", "发布日期,币种,中间价", "2023-09-28,USD,700.00")
    desk.put("raw/2023-09/bank/usd.csv", BANK, "99990001,USD,2023-09-06,,100.00,100.00,甲公司,62220001,货款,U1",
             "99990001,USD,2023-09-07,40.00,,60.00,甲公司,62220001,货款,U2")  # fmt: skip
    books = read()
    assert len(books.rows("stage", "bank")) == 3
    [problem] = books.found("BNK_ACCOUNT_UNKNOWN")
    assert problem["found"] == "99990001" and problem["amount_at_risk_cny"] == Decimal("980.00")
    assert "共 2 笔，收 100.00，付 40.00" in problem["message"]


def test_a_line_of_another_month_is_taken_with_a_warning(desk, read):
    desk.put("raw/2023-09/bank/late.csv", BANK, "33010001,CNY,2023-08-31,,7.00,7.00,甲公司,62220001,货款,A1")
    books = read()
    assert len(books.rows("stage", "bank")) == 2
    [warning] = books.found("BNK_OTHER_MONTH")
    assert (warning["source_file"], warning["source_row"]) == (
        "raw/2023-09/bank/late.csv",
        2,
    ) and "2023-08-31" in warning["message"]


def unreadable_files(desk) -> dict[str, str]:
    """Files that are no statements, or want harm, in the month's folder: name to the code that must name them."""
    folder = desk.home.inbox("2023-09") / "bank"
    statement = (folder / "b.csv").read_bytes()
    inflated = io.BytesIO()
    with zipfile.ZipFile(inflated, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            bomb.writestr(name, b"0" * 40_000_000)
    contents = {
        "empty.csv": b"",
        "other.csv": "天,地\n玄,黄\n".encode(),
        "broken.csv": b"a,b\n\xff\xff,1\n",
        "zip.csv": b"PK\x03\x04",
        "nul.csv": statement + b"33010001,CNY,2023-09-07,,1.00,,\0,,,\n",
        "bomb.xlsx": inflated.getvalue(),
        "laughs.xml": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Document>&b;</Document>',
        "scan.pdf": b"%PDF-1.4",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "link.csv").symlink_to(folder / "b.csv")
    (folder / "away.csv").symlink_to(desk.home.root.parent)
    os.mkfifo(folder / "pipe.csv")
    special = {"other.csv": "BNK_HEADER_NOT_FOUND", "broken.csv": "BNK_ENCODING"}
    return {name: special.get(name, "FILE_UNREADABLE") for name in (*contents, "link.csv", "away.csv", "pipe.csv")}


def test_unreadable_and_hostile_files_are_named_count_zero_and_stop_nothing(desk, read):
    wanted = unreadable_files(desk)
    books = read()
    named = {row["source_file"].rpartition("/")[2]: row for row in books.rows("found", "ingest")}
    assert {name: row["code"] for name, row in named.items()} == wanted
    for name, row in named.items():
        assert row["message"].count(name) == 1 and row["source_row"] is None
        total = books.totals("bank")[name, "CNY"]
        assert (total["rows_read"], total["amount_read"]) == (0, Decimal("0.00"))
    assert [line["source_file"] for line in books.rows("stage", "bank")] == ["raw/2023-09/bank/b.csv"]


def test_a_copy_is_not_read_again_but_each_that_cannot_be_read_is_named(desk, read, monkeypatch):
    """Three names of one statement, two of one file that is none."""
    bank = desk.home.inbox("2023-09") / "bank"
    for copy in ("c.csv", "d.csv"):
        shutil.copyfile(bank / "b.csv", bank / copy)
    for name in ("other.csv", "other2.csv"):
        (bank / name).write_bytes("天,地\n玄,黄\n".encode())
    asked, read_one = [], ingest_bank.read_statement
    monkeypatch.setattr(
        ingest_bank, "read_statement", lambda path, **more: asked.append(path.name) or read_one(path, **more)
    )
    books = read()
    assert sorted(asked) == ["b.csv", "other.csv", "other2.csv"]
    assert [line["source_file"] for line in books.rows("stage", "bank")] == ["raw/2023-09/bank/b.csv"]
    assert sorted(row["source_file"].rpartition("/")[2] for row in books.rejected("bank")) == ["c.csv", "d.csv"]
    named = {row["source_file"].rpartition("/")[2]: row["message"] for row in books.found("BNK_HEADER_NOT_FOUND")}
    assert named.keys() == {"other.csv", "other2.csv"}
    assert all(message.count(name) == 1 for name, message in named.items())


def test_names_are_only_names(desk, read):
    """Dots, commands and sub-folders in a name change nothing; a hidden file of a desktop is none of ours."""
    for number, name in enumerate(
        ["..\\..\\evil.csv", "=cmd|'x'!A1.csv", "sub/年 度.data", ".DS_Store", "~$open.xlsx"]
    ):
        desk.put(
            f"raw/2023-09/bank/{name}", BANK, f"33010001,CNY,2023-09-1{number},,{number + 1}.00,,乙公司,,货款,N{number}"
        )
    lines = read().rows("stage", "bank")
    assert sorted(line["amount"] for line in lines) == [Decimal(n) for n in ("1.00", "2.00", "3.00", "500.00")]


def test_rows_of_two_sheets_with_one_number_are_two_exceptions(desk, read):
    book = openpyxl.Workbook()
    for title, account, amounts in (("一", "33010001", (10, 20)), ("二", "33010002", (30, 40))):
        sheet = book.active if title == "一" else book.create_sheet()
        sheet.title = title
        for row in (["账号", account], ["币种", "人民币"], ["交易日期", "借方发生额", "贷方发生额", "余额"],
                    ["2023-09-05", amounts[0], amounts[1], None], ["2023-09-05", None, amounts[0], 100], ["2023-09-06", None, amounts[1], 900]):  # fmt: skip
            sheet.append(row)
    book.save(desk.put_bytes("raw/2023-09/bank/two.xlsx", b"x"))
    books = read()
    for code in ("BNK_BOTH_SIDES", "BNK_BALANCE_CHAIN"):
        rows = [row for row in books.found(code) if row["source_file"].endswith("two.xlsx")]
        assert len(rows) == len({row["subject"] for row in rows}) == 2, code


def test_each_row_is_accepted_or_rejected_with_its_reason_and_figures(desk, read):
    """One month of the mess that desks really have: copies, both sides, totals, sorts of currencies, bad cells."""
    desk.put(
        "raw/reference/own_accounts.csv",
        "账号,币种,开户行,户名",
        "33010001,CNY,工行,本公司",
        "44010001,USD,中行,本公司",
        "55010001,JPY,中行,本公司",
    )
    desk.put("raw/reference/fx_mid_rates.csv", "发布日期,币种,中间价", "2023-09-28,JPY,4.90")
    bank = desk.home.inbox("2023-09") / "bank"
    (bank / "sub").mkdir()
    for copy in ("B2.TXT", "sub/again.csv"):
        shutil.copyfile(bank / "b.csv", bank / copy)
    put = lambda name, *lines: desk.put(f"raw/2023-09/bank/{name}", *lines)  # noqa: E731
    put("mess.csv", BANK,
        "33010001,CNY,2023-09-07,10.00,70.00,,乙公司,,货款,M1", "33010001,CNY,2023-09-07,,5.00,,乙公司,,合计三笔,M2",
        "33010001,CNY,2023-09-31,,6.00,,乙公司,,货款,M3", "33010001,CNY,2023-09-08,,6.001,,乙公司,,货款,M4",
        "3.30E+07,CNY,2023-09-08,,7.00,,乙公司,,货款,M5", "合计,,,10.00,75.00,,,,,")  # fmt: skip
    put("many.csv", BANK, "44010001,USD,2023-09-08,,8.00,,A LTD,,TT,U1", "55010001,JPY,2023-09-08,9000,,,B KK,,TT,J1",
        "55010001,JPY,2023-09-08,,9.50,,B KK,,TT,J2", "33010001,CNY,2023-09-11,-4.00,,,丙公司,,红字,C1")  # fmt: skip
    books = read()
    assert sorted((line["currency"], line["amount"]) for line in books.rows("stage", "bank")) == [
        ("CNY", Decimal("4.00")), ("CNY", Decimal("5.00")), ("CNY", Decimal("500.00")), ("JPY", Decimal("-9000.00")), ("USD", Decimal("8.00")),
    ]  # fmt: skip
    figures = {
        key: (row["rows_read"], row["rows_rejected"], row["amount_read"], row["amount_rejected"])
        for key, row in books.totals("bank").items()
    }
    # B2.TXT is the first of the three copies in the order of names.
    assert figures == {
        ("B2.TXT", "CNY"): (1, 0, Decimal("500.00"), Decimal("0.00")),
        ("b.csv", "CNY"): (1, 1, Decimal("500.00"), Decimal("500.00")),
        ("again.csv", "CNY"): (1, 1, Decimal("500.00"), Decimal("500.00")),
        ("mess.csv", "CNY"): (5, 4, Decimal("78.00"), Decimal("73.00")),
        ("many.csv", "USD"): (1, 0, Decimal("8.00"), Decimal("0.00")),
        ("many.csv", "JPY"): (2, 1, Decimal("-8990.50"), Decimal("9.50")),
        ("many.csv", "CNY"): (1, 0, Decimal("4.00"), Decimal("0.00")),
    }
    found = {
        (row["code"], row["source_file"].rpartition("/")[2], row["source_row"]): row
        for row in books.rows("found", "ingest")
    }
    assert set(found) == {
        ("BNK_DUPLICATE", "b.csv", None), ("BNK_DUPLICATE", "again.csv", None), ("BNK_BOTH_SIDES", "mess.csv", 2), ("ROW_REJECTED", "mess.csv", 4),
        ("ROW_REJECTED", "mess.csv", 5), ("BNK_ACCOUNT_SCI_NOTATION", "mess.csv", 6), ("BNK_CONTROL_TOTAL", "mess.csv", 7),
        ("ROW_REJECTED", "many.csv", 4), ("BNK_REVERSAL", "many.csv", 5),
    }  # fmt: skip
    both = found["BNK_BOTH_SIDES", "mess.csv", 2]
    assert (both["field"], both["found"], both["amount_at_risk_cny"]) == ("debit_out", "10.00 70.00", Decimal("60.00"))
    assert found["ROW_REJECTED", "many.csv", 4]["amount_at_risk_cny"] == Decimal("0.47")


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is not there")
def test_the_icbc_export_is_read_whole_and_its_masked_account_is_unknown(desk, read):
    source = next((REAL / "icbc" / "debit-v2").glob("*.csv"))
    shutil.copyfile(source, desk.put_bytes("raw/2023-09/bank/icbc.csv", b"x"))
    books = read()
    lines = [line for line in books.rows("stage", "bank") if line["source_file"].endswith("icbc.csv")]
    assert len(lines) == 11
    assert [problem["found"] for problem in books.found("BNK_ACCOUNT_UNKNOWN")] == ["1234****9876"]
    assert books.totals("bank")["icbc.csv", "CNY"]["rows_accepted"] == 11


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is not there")
def test_every_real_chinese_export_is_read_without_losing_a_row(desk, read):
    for number, source in enumerate(sorted([*REAL.rglob("*.csv"), *REAL.rglob("*.xls")])):
        shutil.copyfile(source, desk.put_bytes(f"raw/2023-09/bank/{number}{source.suffix}", b"x"))
    books = read()
    assert not books.found("FILE_UNREADABLE")
    for line in books.rows("stage", "bank"):
        assert line["account_no"] and line["currency"] and line["booked_on"]
