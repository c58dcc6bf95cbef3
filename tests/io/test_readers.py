"""Where files are read: what comes back is the same, wherever that was."""

from __future__ import annotations

import sys

import openpyxl
import pytest

from settlement.io import readers
from settlement.io.bank.reading import read_statement
from settlement.io.layouts import layouts
from settlement.io.readers import ReaderDied, Readers, is_big_workbook
from settlement.io.tables import read_file


def payers(path, rows: int):
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("付款人")
    sheet.append(["委托方编号", "付款人名称", "付款人账号", "关系"])
    for number in range(rows):
        sheet.append([f"P{number % 7}", f"买家{number}", f"62{number:014}", "境外客商" if number else None])
    workbook.save(path)
    return path


@pytest.fixture
def apart(monkeypatch):
    """Every workbook counts as a big one."""
    monkeypatch.setattr(readers, "_APART_FROM_BYTES", 1)


def test_a_process_reads_what_a_thread_reads(tmp_path, apart):
    path, layout = payers(tmp_path / "payers.xlsx", 500), layouts()["payers"]
    here = read_file(path, [layout], tmp_path)
    with Readers() as reading:
        there = reading.read(read_file, path, [layout], tmp_path).result()
    assert is_big_workbook(path)
    assert there == here
    assert there.tables[0].accepted.num_rows + there.tables[0].rejected.num_rows == 500


def test_a_statement_too(tmp_path, apart):
    path = payers(tmp_path / "no_statement.xlsx", 3)
    with Readers() as reading:
        read = reading.read(read_statement, path, own_accounts={}, root=tmp_path).result()
    assert [finding.code for finding in read.findings] == [
        finding.code for finding in read_statement(path, own_accounts={}, root=tmp_path).findings
    ]


def test_only_big_workbooks_are_read_apart(tmp_path):
    assert not is_big_workbook(payers(tmp_path / "payers.xlsx", 3))
    text = tmp_path / "long.csv"
    text.write_bytes(b"a,b\n" * 1_500_000)
    assert not is_big_workbook(text)
    big = tmp_path / "big.xlsx"
    big.write_bytes(b"PK\x03\x04" + bytes(5_000_000))
    assert is_big_workbook(big)
    link = tmp_path / "link.xlsx"
    link.symlink_to(big)
    assert not is_big_workbook(link)


def test_a_damaged_big_workbook_is_an_exception_record_like_any_other(tmp_path):
    big = tmp_path / "big.xlsx"
    big.write_bytes(b"PK\x03\x04" + bytes(5_000_000))
    with Readers() as reading:
        [(sheet, reason)] = reading.read(read_file, big, [layouts()["payers"]], tmp_path).result().unread
    assert sheet == ""
    assert "损坏" in reason


def test_a_reader_that_dies_is_said(tmp_path, apart):
    with Readers() as reading, pytest.raises(ReaderDied, match=r"payers.xlsx.*status 1"):
        reading.read(sys.exit, payers(tmp_path / "payers.xlsx", 1)).result()
