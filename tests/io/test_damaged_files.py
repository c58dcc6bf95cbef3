"""A file with damaged bytes is read, or refused with a reason; nothing else comes out of a reader."""

from __future__ import annotations

import random
from pathlib import Path

import openpyxl
import pytest

from settlement.io.sheets import UnreadableFile, read_sheets

XLS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "bank" / "cn" / "ccb" / "ccb_xxxx.xls"


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, a piece cut out, or the end missing."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 3, 20])):
        place, how = chance.randrange(max(len(data), 1)), chance.random()
        if not data:
            break
        if how < 0.6:
            data[place] = chance.randrange(256)
        elif how < 0.8:
            del data[place : place + chance.randrange(1, 50)]
        else:
            del data[max(place, 1) :]
    return bytes(data)


def survives(path: Path, content: bytes, seed: int, times: int) -> int:
    """How many of so many damaged copies were refused."""
    chance, refused = random.Random(seed), 0
    for _ in range(times):
        path.write_bytes(damaged(content, chance))
        try:
            for sheet in read_sheets(path):
                assert sheet.table.num_rows and sheet.width
                assert all(column.null_count == 0 for column in sheet.table.columns)
        except UnreadableFile as unreadable:
            assert unreadable.reason_zh
            refused += 1
    return refused


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_damaged_text(tmp_path, encoding):
    text = '订单号,金额,备注\nE1,"1,234.50",早上好\n"多\n行",5,x\n合计,9,\n' * 5
    survives(tmp_path / "x.csv", text.encode(encoding), 11, 150)


def test_a_damaged_workbook(tmp_path):
    workbook = openpyxl.Workbook()
    for number in range(30):
        workbook.active.append([f"E{number}", number * 1.37, "备注", f"=A{number + 1}"])
    workbook.save(tmp_path / "x.xlsx")
    content = (tmp_path / "x.xlsx").read_bytes()
    assert survives(tmp_path / "y.xlsx", content, 12, 80) > 40


@pytest.mark.realdata
@pytest.mark.skipif(not XLS.is_file(), reason="../shared/data is not there")
def test_a_damaged_xls(tmp_path):
    assert survives(tmp_path / "x.xls", XLS.read_bytes(), 13, 100) > 0
