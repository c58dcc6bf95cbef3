"""Any table file as sheets: what it is follows from its bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from settlement.io.sheets import BNK_ENCODING, FILE_UNREADABLE, UnreadableFile, read_sheets

TABLE = "订单号,金额,备注\nE1,100.00,早上好，世界\nE2,-5.00,第二行\n"


def cells(path: Path) -> list[list]:
    [sheet] = read_sheets(path)
    return [list(row.values()) for row in sheet.table.to_pylist()]


EXPECTED = [["订单号", "金额", "备注", 1], ["E1", "100.00", "早上好，世界", 2], ["E2", "-5.00", "第二行", 3]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "utf-32"])
def test_every_encoding_gives_the_same_cells(tmp_path, encoding):
    path = tmp_path / "x.csv"
    path.write_bytes(TABLE.encode(encoding))
    assert cells(path) == EXPECTED


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    path = tmp_path / "x.txt"
    path.write_text(TABLE.replace(",", delimiter), encoding="utf-8")
    assert cells(path) == EXPECTED


def test_a_delimiter_inside_cells_does_not_win(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("柜\t箱型\t金额\nA\t1x40HQ,2x20GP,1x45\t1,234.00\nB\t1x20GP\t2,000.00\n", encoding="utf-8")
    assert cells(path)[1][:3] == ["A", "1x40HQ,2x20GP,1x45", "1,234.00"]


def test_a_utf8_file_whose_chinese_comes_late_is_utf8(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 400_000 + "尾,行\n", encoding="utf-8")
    assert cells(path)[-1] == ["尾", "行", 400_002]


def test_a_damaged_utf8_file_is_refused_and_not_read_as_gb18030(tmp_path):
    path = tmp_path / "x.csv"
    content = ("订单号,金额\n" + "甲乙丙丁戊己庚辛,1.00\n" * 50).encode()
    path.write_bytes(content[:200] + b"\xff" + content[201:])
    with pytest.raises(UnreadableFile) as refused:
        read_sheets(path)
    assert refused.value.code == BNK_ENCODING
    assert "UTF-8" in refused.value.reason_zh


def test_bytes_of_no_encoding_are_refused_with_the_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,2\n\xff\xff,3\n")
    with pytest.raises(UnreadableFile, match="第 3 行") as refused:
        read_sheets(path)
    assert refused.value.code == BNK_ENCODING


def test_ragged_rows_are_padded_and_keep_their_numbers(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("九月订单\n\na,b,c\n1,2,3\n4,5\n6,7,8,9\n合计,,\n", encoding="utf-8")
    assert cells(path) == [
        ["九月订单", "", "", "", 1], ["", "", "", "", 2], ["a", "b", "c", "", 3], ["1", "2", "3", "", 4],
        ["4", "5", "", "", 5], ["6", "7", "8", "9", 6], ["合计", "", "", "", 7],
    ]  # fmt: skip


def test_a_line_end_inside_quotes_is_one_cell(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('a,b\n"一\n二",3\n4,5\n', encoding="utf-8")
    assert cells(path) == [["a", "b", 1], ["一\n二", "3", 2], ["4", "5", 3]]


@pytest.mark.parametrize(
    "text", ['a,b\n"x,1\n2,3\n4,5\n', 'a,b\n"x,1\n2,"3\n4,5\n', 'a,b,c\n"x,1,2\n3,"4,5,6\n7,8,9\n']
)
def test_a_quotation_mark_that_swallows_a_row_is_refused(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="引号"):
        read_sheets(path)


def test_an_inch_mark_inside_a_cell_is_a_character(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('a,b\n管 5" 长,1\n', encoding="utf-8")
    assert cells(path)[1][:2] == ['管 5" 长', "1"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "空的"),
        (b"\xef\xbb\xbf \r\n\t\r\n", "空白"),
        (b"a,b\n1,\x002\n", "NUL"),
        ("a,b\n1,\x002\n".encode("utf-16"), "NUL"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<?xml version='1.0'?><x/>", "XML"),
        (b"PK\x03\x04 cut", "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "xls"),
        (b"<html><body>no table</body></html>", "网页"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(tmp_path, content, said):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said) as refused:
        read_sheets(path)
    assert refused.value.code == FILE_UNREADABLE


def test_links_and_paths_out_of_the_folder_are_refused(tmp_path):
    inbox, outside = tmp_path / "in", tmp_path / "secret.csv"
    inbox.mkdir()
    outside.write_text("a,b\n1,2\n")
    (inbox / "link.csv").symlink_to(outside)
    with pytest.raises(UnreadableFile, match="符号链接"):
        read_sheets(inbox / "link.csv", inbox)
    with pytest.raises(UnreadableFile, match="不在该文件夹"):
        read_sheets(inbox / ".." / "secret.csv", inbox)
    (inbox / "door").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UnreadableFile, match="不在该文件夹"):
        read_sheets(inbox / "door" / "secret.csv", inbox)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(UnreadableFile, match="不是普通文件"):
        read_sheets(tmp_path / "x.csv")


def test_a_web_page_called_xls_is_its_table(tmp_path):
    path = tmp_path / "x.xls"
    page = "<html><body><table><tr><th>订单号</th><th colspan=2>金额</th></tr><tr><td>E1</td><td> 1.00 </td><td></td></tr></table></body></html>"
    path.write_bytes(page.encode("gb18030"))
    assert cells(path) == [["订单号", "金额", "", 1], ["E1", "1.00", "", 2]]
    path.write_text(page.replace("<td>E1", "<td rowspan=2>E1"), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="跨行"):
        read_sheets(path)


def test_header_cells_of_a_web_page_may_span_rows(tmp_path):
    path = tmp_path / "x.xls"
    head = "<tr><td rowspan=2>日期</td><td colspan=2>发生额</td><td rowspan='2'>余额</td></tr><tr><td>借方</td><td>贷方</td></tr>"
    path.write_text(
        f"<table>{head}<tr><td>2023-09-05</td><td>1.00</td><td></td><td>9.00</td></tr></table>", encoding="utf-8"
    )
    assert cells(path) == [
        ["日期", "发生额", "", "余额", 1],
        ["", "借方", "贷方", "", 2],
        ["2023-09-05", "1.00", "", "9.00", 3],
    ]
    path.write_text(
        f"<table>{head.replace('贷方', '贷方</td><td rowspan=2>1.00')}<tr><td>甲</td></tr></table>", encoding="utf-8"
    )
    with pytest.raises(UnreadableFile, match="跨行"):
        read_sheets(path)


def test_a_cell_without_end_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1," + "x" * 200_000 + "\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="超过"):
        read_sheets(path)
