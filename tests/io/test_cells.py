"""Cells as values: exact, or bad; never rounded, never guessed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.io import cell_dates, cell_words, cells

BAD = object()


def one(kernel, text, **options):
    """The value of one cell, or BAD."""
    values, bad = kernel(pa.array([text], pa.string()), **options)
    assert len(values) == len(bad) == 1
    if bad[0].as_py():
        assert values[0].as_py() is None
        return BAD
    return values[0].as_py()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"), ("(1,234.50)", "-1234.50"), ("1,234.50-", "-1234.50"), ("¥ 1,234.5", "1234.50"),
        ("￥１，２３４．５０", "1234.50"), ("CNY100", "100.00"), ("100元", "100.00"), ("-¥5.00", "-5.00"), ("¥-5.00", "-5.00"),
        ("US$5", "5.00"), ("−5", "-5.00"), ("+5", "5.00"), ("12.340", "12.34"), (" 7\u00a0", "7.00"), ("\ufeff12", "12.00"),
        ('="12.5"', "12.50"), ("'12.5", "12.50"), (".5", "0.50"), ("5.", "5.00"), ("1 234 567.89", "1234567.89"), ("5-", "-5.00"),
        ("1234567890123456.78", "1234567890123456.78"), ("0", "0.00"), ("-0", "0.00"), ("1,234", "1234.00"),
    ],
)  # fmt: skip
def test_money_as_people_write_it(text, value):
    assert one(cells.money, text) == Decimal(value)


@pytest.mark.parametrize("text", ["", " ", "-", "--", "—", "-----", "\u3000", None])
def test_no_amount_is_null_and_not_zero(text):
    assert one(cells.money, text) is None


@pytest.mark.parametrize(
    "text",
    ["12,3x", "12,34", "1.234,56", "12.345", "1e5", "--5", "(-5)", "USD 5", "#N/A", "=A1+1", "5,000,00", ".", "abc", "1.2.3",
     "12345678901234567", "无", "1/2", "5%", "TRUE"],
)  # fmt: skip
def test_what_is_no_amount_is_bad(text):
    assert one(cells.money, text) is BAD


@pytest.mark.parametrize(("text", "value"), [("0.0999999999767169", "0.10"), ("33.3300004", "33.33"), ("-1.9999999999", "-2.00"),
                                             ("33.33001", BAD), ("0.005", BAD), ("12.34", "12.34")])  # fmt: skip
def test_the_noise_of_a_spreadsheets_arithmetic_is_no_decimal(text, value):
    assert one(cells.money, text, from_workbook=True) == (value if value is BAD else Decimal(value))
    assert one(cells.money, text) is BAD or value == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("13%", "0.13"), ("13", "0.13"), ("0.13", "0.13"), ("1", "0.01"), ("1%", "0.01"), ("100%", "1"), ("0.5%", "0.005"),
     ("13％", "0.13"), ("0", "0"), ("99.99", "0.9999"), ("1.0", "0.01"), ("0.99", "0.99")],
)  # fmt: skip
def test_a_bare_rate_of_one_or_more_is_percent(text, value):
    assert one(cells.rate, text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.8", "0.008"), ("0.008", "0.008"), ("1", "0.01"), ("0.8%", "0.008"), ("0.05", "0.05"), ("0.1", "0.001")],
)
def test_a_fee_rate_is_in_percent_unless_it_would_be_none(text, value):
    assert one(cells.rate, text, percent_from=Decimal("0.1")) == Decimal(value)


@pytest.mark.parametrize(
    ("kernel", "text", "value"),
    [(cells.rate, "0.006999999999999999", "0.007"), (cells.quantity, "0.30000000000000004", "0.3"), (cells.quote, "710.3599999999999", "710.36"),
     (cells.rate, "0.123456789", BAD), (cells.quantity, "1.2345678", BAD)],
)  # fmt: skip
def test_calculated_figures_of_a_spreadsheet_have_no_noise(kernel, text, value):
    assert one(kernel, text, from_workbook=True) == (value if value is BAD else Decimal(value))
    assert one(kernel, text) is BAD


@pytest.mark.parametrize(
    ("kernel", "text", "value"),
    [(cells.quote, "8.849557522123894", "8.84955752"), (cells.quote, "-1.000000005", "-1.00000001"), (cells.quantity, "0.0000005", "0.000001"),
     (cells.quantity, "3", "3"), (cells.quantity, "1.2.3", BAD)],
)  # fmt: skip
def test_what_the_tax_bureau_divided_is_rounded_where_it_may_be(kernel, text, value):
    assert one(kernel, text, is_rounded=True) == (value if value is BAD else Decimal(value))


@pytest.mark.parametrize("text", ["-1", "200%", "0.123456789", "免税", "13 17", "1.1234567%"])
def test_what_is_no_rate_is_bad(text):
    assert one(cells.rate, text) is BAD


@pytest.mark.parametrize(("text", "value"), [("ab c１２", "AB C12"), ("'00123", "00123"), ('="00123"', "00123"), ("\u200bＡb\u3000", "AB"), ("", None),
                                             ("--", None), ("／", None), ("A-1", "A-1")])  # fmt: skip
def test_codes_are_text(text, value):
    assert one(cells.code, text) == value


@pytest.mark.parametrize("text", ["6.22E+18", "6.22202123456789E+18", "#REF!", "=A1"])
def test_a_code_that_lost_its_digits_is_bad(text):
    assert one(cells.code, text) is BAD


def test_an_account_number_has_no_blanks():
    assert one(cells.account, "6222 0212\u30003456") == "622202123456"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 上海（某某）有限公司\u3000", "上海(某某)有限公司"),
        ("a\tb\r\nc", "a b c"),
        ("A  B", "A B"),
        ("\u200e编号", "编号"),
        ("ﬁ", "fi"),
        ("   ", None),
    ],
)
def test_text_is_normalised_once(text, value):
    assert one(cells.text, text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("是", True), ("否", False), ("TRUE", True), ("n", False), ("", None), ("也许", BAD)]
)
def test_flags(text, value):
    assert one(cells.flag, text) is value


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("1.0", 1), ("1,000", 1000), ("-3", -3), ("1.5", BAD), ("x", BAD), ("", None)]
)
def test_whole_numbers(text, value):
    assert one(cells.whole, text) == value


def test_quantity_and_quote_keep_their_decimals():
    assert one(cells.quantity, "1,000.123456") == Decimal("1000.123456")
    assert one(cells.quantity, "1.1234567") is BAD
    assert one(cells.quote, "720.12345678") == Decimal("720.12345678")


@pytest.mark.parametrize(
    "text",
    ["2023-09-05", "2023/9/5", "20230905", "2023年9月5日", "2023.9.5", "２０２３－０９－０５", "2023-09-05 10:20:30", "2023-9-5 8:05",
     "20230905102030", "20230905 10:20:30", "2023年9月5日 10:20", "2023-09-05T10:20:30", "2023-09-05 00:00:00.000"],
)  # fmt: skip
def test_every_form_of_a_date(text):
    assert one(cell_dates.date, text) == date(2023, 9, 5)


@pytest.mark.parametrize("text", ["2023-02-29", "2100-02-29", "2023-13-01", "2023-00-10", "2023-09-00", "2023-04-31", "23-9-5", "05/09/2023",
                                  "9月5日", "abc", "45174", "2023-09-05 25:00", "2023-09-05T10:20:30Z", "202309", "2023-09"])  # fmt: skip
def test_what_is_no_date_is_bad(text):
    assert one(cell_dates.date, text) is BAD


def test_a_serial_is_a_date_only_where_excel_wrote_it():
    assert one(cell_dates.date, "45174", serials=True) == date(2023, 9, 5)
    assert one(cell_dates.timestamp, "45174.6875", serials=True) == datetime.fromisoformat("2023-09-05 16:30")
    assert one(cell_dates.timestamp, "45174.430902777778", serials=True) == datetime.fromisoformat(
        "2023-09-05 10:20:30"
    )
    assert one(cell_dates.date, "1234", serials=True) is BAD


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_every_day_comes_back(day):
    assert one(cell_dates.date, day.isoformat()) == day
    assert one(cell_dates.date, f"{day.year}年{day.month}月{day.day}日") == day


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=2, allow_nan=False))
def test_every_amount_comes_back_with_thousands_and_brackets(amount):
    assert one(cells.money, f"{amount:,}") == amount
    assert one(cells.money, f"({abs(amount):,})") == -abs(amount)
    assert one(cells.money, f"{abs(amount):,}-") == -abs(amount)


@given(st.lists(st.sampled_from(["1,234.50", "", "12,3x", "-", "7", None, "￥5"]), max_size=200))
def test_a_column_reads_as_its_cells(texts):
    values, bad = cells.money(pa.array(texts, pa.string()))
    assert [BAD if b else v for v, b in zip(values.to_pylist(), bad.to_pylist(), strict=True)] == [
        one(cells.money, text) for text in texts
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("美元", "USD"), ("usd", "USD"), ("人民币", "CNY"), ("RMB", "CNY"), ("XYZ", BAD), ("", None)]
)
def test_currencies(text, value):
    assert one(cell_words.currency, text) == value


@pytest.mark.parametrize(("text", "value"), [("2023-09", "2023-09"), ("2023年9月", "2023-09"), ("202309", "2023-09"), ("2023-09-01", "2023-09"),
                                             ("2023/9", "2023-09"), ("2023-13", BAD), ("2023-09-02", BAD)])  # fmt: skip
def test_months(text, value):
    assert one(cell_words.month, text) == value


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        ("进口清关", True),
        ("进口清关、出口报关", True),
        ("进口清关；出口报关", True),
        ("进口清关、", True),
        ("出口", False),
        ("进口清关出口报关", False),
    ],
)
def test_lists_of_words(text, is_good):
    assert (one(cell_words.list_of, text, allowed=("进口清关", "出口报关")) is not BAD) == is_good


@pytest.mark.parametrize(
    ("text", "currency", "disagrees"),
    [("$5", "CNY", True), ("$5", "USD", False), ("¥5", "USD", True), ("¥5", "JPY", False), ("5元", "USD", True), ("5", "USD", False),
     ("100.50", "JPY", True), ("100.00", "JPY", False), ("€5", "EUR", False), ("HK$5", "USD", True), ("(1,234.50)", "USD", False)],
)  # fmt: skip
def test_an_amount_must_be_of_its_rows_currency(text, currency, disagrees):
    raw = pa.array([text])
    amounts, _ = cells.money(raw)
    assert cell_words.disagrees_with_currency(raw, amounts, pa.array([currency]))[0].as_py() is disagrees


@pytest.mark.parametrize(("text", "value"), [("rt", "RT"), ("ＲＴ", "RT"), ("票", "票"), ("箱", BAD), ("", None)])
def test_words_of_a_column_in_any_case(text, value):
    assert one(cell_words.one_of, text, allowed=("票", "柜", "RT")) == value
