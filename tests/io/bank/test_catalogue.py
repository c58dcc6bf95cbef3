"""What `settlement banks` says of a file."""

from __future__ import annotations

from settlement.io.bank import describe, describe_file
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


def test_a_file_is_described_with_the_reason():
    told = "\n".join(describe_file(CORPUS / "icbc_really_excel.ole.csv"))
    assert "中国工商银行" in told and "OLE" in told and "第 2 行是表头" in told and "已证明完整" in told
    assert "读到 8 行，采用 8，未采用 0" in told


def test_a_file_that_is_none_says_why(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("买菜,10\n打车,20\n", "utf-8")
    assert "BNK_HEADER_NOT_FOUND" in "\n".join(describe_file(path))
