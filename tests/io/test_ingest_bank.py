"""Statements of a month: each transaction once, unknown accounts named, nothing lost."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

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
    assert (warning["source_file"], warning["source_row"]) == ("raw/2023-09/bank/late.csv", 2) and "2023-08-31" in warning["message"]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "FILE_UNREADABLE"), ("天,地\n玄,黄\n".encode(), "BNK_HEADER_NOT_FOUND"), (b"a,b\n\xff\xff,1\n", "BNK_ENCODING"), (b"PK\x03\x04", "FILE_UNREADABLE")],
)
def test_an_unreadable_statement_is_named_and_counts_zero(desk, read, content, code):
    desk.put_bytes("raw/2023-09/bank/x.csv", content)
    books = read()
    [problem] = books.found(code)
    assert problem["source_file"] == "raw/2023-09/bank/x.csv"
    assert books.totals("bank")["x.csv", "CNY"]["rows_read"] == 0
    assert len(books.rows("stage", "bank")) == 1


def test_a_bad_amount_rejects_its_line(desk, read):
    desk.put("raw/2023-09/bank/x.csv", BANK, '33010001,CNY,2023-09-08,,"12,3x",512.00,甲公司,62220001,货款,R8')
    books = read()
    [row] = books.rejected("bank")
    assert row["source_row"] == 2 and "12,3x" in (row["found"] or "") + row["reason"]
    assert [problem["source_row"] for problem in books.rows("found", "ingest") if problem["source_file"] == "raw/2023-09/bank/x.csv" and problem["source_row"]] != []


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
