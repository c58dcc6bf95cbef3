"""Parameter files of a home: they replace what ships, and a wrong one is refused by name."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import Decimal

import pytest
from openpyxl import Workbook

from settlement.io import parameters as files
from settlement.rules.parameters import ParameterError, ParameterGap


def test_what_ships_is_whole():
    assert {"vat_levy", "swap_ratio", "deadline", "cutoff", "refund_filing"} <= set(files.load_parameters().series)
    assert files.load_calendar().first == date(2007, 1, 1)
    assert len(files.load_catalogue().codes) > 120


def test_a_file_of_the_home_replaces_the_one_that_ships(tmp_path):
    content = (files.SHIPPED / "swap_ratio.yaml").read_text("utf-8").replace("low: 5, high: 8", "low: 4, high: 7")
    (tmp_path / "swap_ratio.yaml").write_text(content, "utf-8")
    loaded = files.load_parameters(tmp_path)
    assert loaded.value_on("swap_ratio", date(2023, 9, 1), "high") == 7
    assert loaded.value_on("vat_levy", date(2023, 9, 1), category="standard") == Decimal("0.13")


def test_a_csv_of_the_home_replaces_one_series(tmp_path):
    text = "category,from,to,rate,source\nstandard,2012-01-01,,15%,test\n"
    (tmp_path / "vat_levy.csv").write_text(text, "utf-8-sig")
    loaded = files.load_parameters(tmp_path)
    assert loaded.value_on("vat_levy", date(2023, 9, 1), category="standard") == Decimal("0.15")
    assert loaded["refund_transition"].entries


def test_a_gap_in_a_file_of_the_home_is_named(tmp_path):
    content = (
        (files.SHIPPED / "vat_rates.yaml")
        .read_text("utf-8")
        .replace("from: 2018-05-01, to: 2019-03-31", "from: 2018-05-02, to: 2019-03-31")
    )
    (tmp_path / "vat_rates.yaml").write_text(content, "utf-8")
    with pytest.raises(ParameterGap, match="vat_rates.yaml: .*vat_levy, category=.*gap from 2018-05-01 to 2018-05-01"):
        files.load_parameters(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "cannot be read"),
        ("- list", "not a mapping"),
        ("swap_ratio: {fields: {low: decimal}}\nswap_ratio: {}", "stands twice"),
        ("swap_ratio: 5", "no series"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, problem):
    (tmp_path / "swap_ratio.yaml").write_text(text, "utf-8")
    with pytest.raises(ParameterError, match=f"swap_ratio.*{problem}"):
        files.load_parameters(tmp_path)


def test_a_file_that_is_no_parameter_is_left_alone(tmp_path):
    (tmp_path / "principals.csv").write_text("principal_id\nP1\n", "utf-8")
    (tmp_path / "notes.yaml").write_text("a: b", "utf-8")
    assert files.load_parameters(tmp_path).series.keys() == files.load_parameters().series.keys()


def test_a_calendar_of_the_home_covers_its_own_years(tmp_path):
    shutil.copy(files.SHIPPED / "calendar.yaml", tmp_path / "calendar.yaml")
    with (tmp_path / "calendar.yaml").open("a", encoding="utf-8") as written:
        written.write("  2027:\n    rest: [01-01..01-03]\n    worked: [01-09]\n")
    calendar = files.load_calendar(tmp_path)
    assert calendar.last == date(2027, 12, 31) and calendar.is_working(date(2027, 1, 9))


def test_a_calendar_may_be_a_csv(tmp_path):
    (tmp_path / "calendar.csv").write_text("日期,是否工作日\n2027-01-01,否\n2027-01-09,是\n", "utf-8-sig")
    calendar = files.load_calendar(tmp_path)
    assert (calendar.first, calendar.last) == (date(2027, 1, 1), date(2027, 12, 31))
    assert not calendar.is_working(date(2027, 1, 1)) and calendar.is_working(date(2027, 1, 9))
    (tmp_path / "calendar.csv").write_text("日期,是否工作日\n2027-01-01,maybe\n", "utf-8")
    with pytest.raises(ParameterError, match="calendar.csv"):
        files.load_calendar(tmp_path)


def test_a_table_of_the_home_may_be_excel_or_gb18030_with_chinese_headers(tmp_path):
    book = Workbook()
    book.active.append(["category", "生效日期", "失效日期", "rate", "来源"])
    book.active.append(["standard", datetime(2012, 1, 1), datetime(2020, 12, 31), "17%", "x"])  # noqa: DTZ001
    book.active.append(["standard", "2021年1月1日", None, 0.15, "x"])
    book.save(tmp_path / "vat_levy.xlsx")
    (tmp_path / "release_short.csv").write_bytes(
        "生效日期,失效日期,amount,来源\n2012/1/1,,5.00,风控部\n".encode("gb18030")
    )
    loaded = files.load_parameters(tmp_path)
    assert loaded.value_on("vat_levy", date(2020, 12, 31), category="standard") == Decimal("0.17")
    assert loaded.value_on("vat_levy", date(2021, 1, 1), category="standard") == Decimal("0.15")
    assert loaded.value_on("release_short", date(2023, 9, 1)) == 5
    (tmp_path / "vat_levy.csv").write_text("category,from,to,rate,source\n", "utf-8")
    with pytest.raises(ParameterError, match="vat_levy.*both"):
        files.load_parameters(tmp_path)
