"""Every file of the corpus gives exactly what was written into it, and proves it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settlement.io.bank import read_statement
from tests.io.bank.corpus_cases import cases
from tests.io.bank.corpus_layouts import CORPUS, as_text, golden

FILES = sorted(CORPUS.glob("*.json"))
TEXTS = ("counterparty_name", "counterparty_account", "counterparty_bank", "summary", "purpose", "remark", "bank_ref")


def read(name: str):
    return read_statement(CORPUS / name)


def shown(line: dict) -> dict:
    """A read line in the form of the golden file."""
    found = {
        name: None if line[name] is None else str(line[name])
        for name in ("booked_on", "value_on", "booked_at", "amount", "balance", "fx_rate", *TEXTS)
    }
    return found | {"is_reversal": line["is_reversal"]}


def test_there_are_three_files_for_each_bank():
    names = [path.name.split("_")[0] for path in FILES]
    wanted = ("icbc", "boc", "ccb", "cmb", "abc", "bocom", "spdb", "citic", "alipay", "wechat")
    assert {bank: names.count(bank) >= 3 for bank in wanted} == dict.fromkeys(wanted, True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json"))
def test_corpus_file_reads_as_written(path: Path):
    expected = json.loads(path.read_text("utf-8"))
    found = read(path.name.removesuffix(".json"))
    assert found.format_name == expected["layout"], found.why
    assert found.rejected.num_rows == 0, found.rejected.to_pylist()
    assert {line["account_no"] for line in found.lines.to_pylist()} == {expected["account_no"]}
    assert {line["currency"] for line in found.lines.to_pylist()} == {expected["currency"]}
    assert [shown(line) for line in found.lines.to_pylist()] == expected["lines"]
    assert [finding for finding in found.findings if finding.code != "BNK_REVERSAL"] == []
    assert sum(finding.code == "BNK_REVERSAL" for finding in found.findings) == sum(
        line["is_reversal"] for line in expected["lines"]
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json"))
def test_corpus_file_is_proved(path: Path):
    expected = json.loads(path.read_text("utf-8"))
    found = read(path.name.removesuffix(".json"))
    [statement] = found.statements.to_pylist()
    assert (str(statement["opening"]), str(statement["closing"])) == (expected["opening"], expected["closing"])
    assert statement["is_proved"]
    held = {proof.kind for proof in found.proofs if proof.holds}
    assert not [proof for proof in found.proofs if proof.holds is False]
    assert "balance_chain" in held
    assert bool(held & {"control_total", "opening_closing"}) >= expected["is_anchored"]
    assert not any(found.lines.column("is_marked").to_pylist())


def test_text_files_are_what_the_writer_writes():
    """The corpus in the repository is the truth's own: no file was touched up to fit the reader."""
    for case in cases():
        assert json.loads((CORPUS / f"{case.file}.json").read_text("utf-8")) == golden(case), case.file
        if case.file.endswith((".csv", ".txt")) and ".ole." not in case.file:
            assert (CORPUS / case.file).read_bytes() == as_text(case), case.file
