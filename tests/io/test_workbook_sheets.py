"""Excel: what was typed, and what its reader would not tell."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.io.sheets import UnreadableFile, read_sheets
from settlement.io.workbook_numbers import number_text
from settlement.io.workbook_scan import SheetScan, _scan_chunk


def book(path: Path, cells: dict[str, object], title: str = "订单") -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    for place, value in cells.items():
        sheet[place] = value
    workbook.save(path)
    return path


def row(path: Path, number: int) -> list:
    [sheet] = read_sheets(path)
    return list(sheet.table.to_pylist()[number - 1].values())


def test_cells_are_what_was_typed(tmp_path):
    path = book(
        tmp_path / "x.xlsx",
        {"B3": "00123", "C3": 1234.5, "D3": date(2023, 9, 5), "E3": datetime.fromisoformat("2023-09-05 16:30"), "F3": 45174,
         "G3": 3 * 1234.56, "H3": True, "I3": "  留空格 "},
    )  # fmt: skip
    assert row(path, 3) == [
        "",
        "00123",
        "1234.5",
        "2023-09-05",
        "2023-09-05 16:30:00",
        "45174",
        "3703.68",
        "TRUE",
        "  留空格 ",
        3,
    ]
    [sheet] = read_sheets(path)
    assert sheet.name == "订单" and sheet.from_workbook and sheet.table.num_rows == 3


def test_equal_values_of_two_types_keep_their_own_texts(tmp_path):
    """TRUE, 1 and 1.5 in one column, a day and its first moment: what is worked out once is worked out by type."""
    column = {
        "B1": True,
        "B2": 1,
        "B3": "1",
        "B4": 1.5,
        "B5": False,
        "B6": 0,
        "B7": True,
        "B8": 1,
        "B9": date(2023, 9, 5),
    }
    path = book(
        tmp_path / "x.xlsx", column | {"B10": datetime.fromisoformat("2023-09-05 00:00:01"), "B11": date(2023, 9, 5)}
    )
    [sheet] = read_sheets(path)
    assert sheet.table.column(1).to_pylist() == [
        "TRUE", "1", "1", "1.5", "FALSE", "0", "TRUE", "1", "2023-09-05", "2023-09-05 00:00:01", "2023-09-05",
    ]  # fmt: skip


def test_a_number_too_long_for_excel_shows_that_it_lost_digits(tmp_path):
    path = book(tmp_path / "x.xlsx", {"A1": 6222021234567890123, "B1": 622202123456789})
    assert row(path, 1)[:2] == ["6.22202123456789E+18", "622202123456789"]


def test_errors_and_uncalculated_formulas_are_not_empty(tmp_path):
    path = book(tmp_path / "x.xlsx", {"A1": "x", "B1": "=A1+1", "A2": 5, "C2": "=SUM(B1:B9)"})
    workbook = openpyxl.load_workbook(path)
    workbook.active["B2"] = "#N/A"
    workbook.active["B2"].data_type = "e"
    workbook.save(path)
    assert row(path, 1)[:3] == ["x", "=A1+1", ""]
    assert row(path, 2)[:3] == ["5", "#N/A", "=SUM(B1:B9)"]


def test_the_extension_says_nothing(tmp_path):
    path = book(tmp_path / "x.xlsx", {"A1": "a", "B1": "b"})
    renamed = tmp_path / "x.csv"
    path.rename(renamed)
    assert row(renamed, 1)[:2] == ["a", "b"]


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(tmp_path, kept):
    path = book(tmp_path / "x.xlsx", {"A1": "a", "B1": "b"})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableFile, match="损坏"):
        read_sheets(path)


def test_bytes_damaged_inside_are_refused_or_read_the_same(tmp_path):
    path = book(tmp_path / "x.xlsx", {f"A{number}": f"值{number}" for number in range(1, 40)})
    content = path.read_bytes()
    good = row(path, 7)
    for at in range(40, len(content), 97):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            assert row(path, 7) == good
        except UnreadableFile:
            continue


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.csv", "a,b")
    with pytest.raises(UnreadableFile, match="不是 .xlsx"):
        read_sheets(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_zip_bomb_is_refused_before_it_is_inflated(tmp_path):
    path = book(tmp_path / "x.xlsx", {"A1": "a"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.bin", b"\0" * 60_000_000)
    with pytest.raises(UnreadableFile, match="炸弹"):
        read_sheets(path)


def test_two_cells_in_opposite_corners_are_refused(tmp_path):
    path = book(tmp_path / "x.xlsx", {"A1": 1, "CZ1000000": 2})
    with pytest.raises(UnreadableFile, match="过大"):
        read_sheets(path)
    path = book(tmp_path / "y.xlsx", {"A1": 1, "XFD2": 2})
    with pytest.raises(UnreadableFile, match="过大"):
        read_sheets(path)


def test_the_scan_sees_cells_across_its_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("settlement.io.workbook_scan._CHUNK", 97)
    path = book(
        tmp_path / "x.xlsx", {f"{column}{number}": f"={column}{number}+1" for column in "BC" for number in range(1, 30)}
    )
    [sheet] = read_sheets(path)
    assert [list(row.values())[1:3] for row in sheet.table.to_pylist()] == [
        [f"=B{n}+1", f"=C{n}+1"] for n in range(1, 30)
    ]


@pytest.mark.parametrize("written", ["<c r='B2'", "<x:c\n r='B2'", "<c"])
def test_references_in_other_spellings_are_seen(written):
    """What a writer of another kind puts there is measured too, or the box would be thought empty."""
    scan = SheetScan()
    _scan_chunk(scan, f'<row r="2">{written} t="n"><v>1</v></c></row>'.encode(), last=True)
    assert (scan.last_row, scan.last_column, scan.bare_cells) == ((2, 2, 0) if "B2" in written else (0, 0, 1))
    with pytest.raises(UnreadableFile, match="没有标明位置"):
        _scan_chunk(scan, b"<c t='n'><v>1</v></c>" * 5000, last=True)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_an_amount_typed_into_excel_comes_back(amount):
    assert Decimal(number_text(float(amount))) == amount


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_a_whole_number_comes_back_as_its_digits(number):
    assert number_text(float(number)) == str(number)
