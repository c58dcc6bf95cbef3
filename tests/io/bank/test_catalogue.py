"""What `settlement banks` says of a file."""

from __future__ import annotations

import pytest

from settlement.cli import main
from settlement.io.bank import describe
from tests.io.bank.corpus_layouts import CORPUS


def test_every_bank_of_the_rules_is_listed():
    names = {item.name for item in describe()}
    wanted = {
        "mt940",
        "mt942",
        "camt.052",
        "camt.053",
        "camt.054",
        "icbc",
        "boc",
        "ccb",
        "cmb",
        "abc",
        "bocom",
        "spdb",
        "citic",
    }
    assert wanted | {"alipay", "wechat", "plain"} <= names


@pytest.fixture
def banks(capsys, tmp_path):
    """``settlement banks FILE…`` beside a home with one account: its status and its words."""
    masters = tmp_path / "home/raw/reference"
    masters.mkdir(parents=True)
    (masters / "own_accounts.csv").write_text("账号,币种,开户行,户名\n6222,EUR,工行,本公司\n", "utf-8")

    def run(*files) -> tuple[int, str]:
        status = main(["banks", "--home", str(tmp_path / "home"), *map(str, files)])
        return status, capsys.readouterr().out

    return run


def test_without_a_file_the_formats_are_listed(banks):
    status, said = banks()
    assert status == 0 and len(said.splitlines()) == len(describe())
    assert all(
        any(line.startswith(item.name) and item.title in line for line in said.splitlines()) for item in describe()
    )


def test_a_file_is_described_with_the_reason(banks):
    status, said = banks(CORPUS / "icbc_really_excel.ole.csv")
    assert status == 0 and "中国工商银行" in said and "OLE" in said and "第 2 行是表头" in said and "已证明完整" in said
    assert "读到 8 行，采用 8，未采用 0" in said


def test_rows_that_are_not_taken_are_named(banks, tmp_path):
    path = tmp_path / "a.csv"
    row = "6222,2023-09-05,1.00,2.00,\n"
    path.write_text("账号,交易日期,借方金额,贷方金额,余额\n6222,2023-09-04,,1.00,\n" + row * 25, "utf-8")
    status, said = banks(path)
    assert status == 0 and "账户 6222 EUR" in said  # the currency is the masters'
    assert "BNK_BOTH_SIDES 第 3 行：" in said and "另有 5 行未采用" in said


def test_files_that_are_none_say_why(banks, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("买菜,10\n打车,20\n", "utf-8")
    status, said = banks(path, tmp_path / "absent.csv", CORPUS / "icbc_history.csv")
    assert status == 1 and "BNK_HEADER_NOT_FOUND" in said and "文件不存在" in said and "历史明细" in said
