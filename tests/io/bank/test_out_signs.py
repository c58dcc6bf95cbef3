"""Exports that write a minus on what goes out: a way of writing, or reversals (红字)."""

from __future__ import annotations

import pytest

from settlement.io.bank import read_statement


@pytest.fixture
def put(tmp_path):
    def write(*lines: str, name: str = "a.csv", encoding: str = "utf-8", **options):
        path = tmp_path / name
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return read_statement(path, **options)

    return write


def signs(read) -> list[tuple[str, bool]]:
    return [(str(line["amount"]), line["is_reversal"]) for line in read.lines.to_pylist()]


@pytest.mark.parametrize("turned", [False, True])
def test_a_minus_on_everything_that_goes_out_is_no_reversal(put, turned):
    """The balance tells a habit of writing from 红字; the same in the column 支出 and beside a mark 借."""
    sides = ["2023-09-05,100.00,,1100.00,甲", "2023-09-06,,-50.00,1050.00,乙", "2023-09-06,,-30.00,1020.00,丙"]
    marked = ["2023-09-05,贷,100.00,1100.00,甲", "2023-09-06,借,-50.00,1050.00,乙", "2023-09-06,借,-30.00,1020.00,丙"]
    for header, rows in (("收入金额,支出金额", sides), ("借贷标志,交易金额", marked)):
        read = put("账号:62220001,币种:人民币", f"交易日期,{header},余额,对方户名", *(rows[::-1] if turned else rows))
        found = signs(read)[::-1] if turned else signs(read)
        assert found == [("100.00", False), ("-50.00", False), ("-30.00", False)]
        assert not read.findings and read.notes


def test_a_minus_where_the_balance_rises_is_a_reversal(put):
    header = "交易日期,收入金额,支出金额,余额,摘要"
    rows = ["2023-09-05,,50.00,1050.00,货款", "2023-09-06,,-50.00,1100.00,退回", "2023-09-07,,-20.00,1120.00,退回"]
    read = put("账号:62220001,币种:人民币", header, *rows)
    assert signs(read) == [("-50.00", False), ("50.00", True), ("20.00", True)]
    assert {proof.holds for proof in read.proofs if proof.kind == "balance_chain"} == {True}


@pytest.mark.parametrize(
    "rows, amounts",
    [
        (["2023-09-05,,-50.00,货款", "2023-09-06,,-30.00,货款"], ["-50.00", "-30.00"]),
        (["2023-09-05,,-50.00,货款"], ["50.00"]),  # one alone: BNK-04, and a warning
        (["2023-09-05,,-50.00,冲正", "2023-09-06,,-30.00,货款"], ["50.00", "30.00"]),
        (
            ["2023-09-05,,-50.00,货款", "2023-09-06,,-30.00,货款", "2023-09-07,,30.00,货款"],
            ["50.00", "30.00", "-30.00"],
        ),
    ],
)
def test_without_balance_a_minus_is_a_reversal_unless_nothing_goes_out_without(put, rows, amounts):
    read = put("账号:62220001,币种:人民币", "交易日期,收入金额,支出金额,摘要", *rows)
    assert [str(line["amount"]) for line in read.lines.to_pylist()] == amounts
    assert ("BNK_REVERSAL" in {finding.code for finding in read.findings}) == (not amounts[0].startswith("-"))


@pytest.mark.parametrize("sign, is_told", [("", True), ("-", False)])
def test_amounts_without_signs_go_out_where_we_are_the_payer(put, sign, is_told):
    header = (
        "交易类型,付款人账号,付款人名称,收款人账号,收款人名称,交易日期,交易货币,交易金额,交易后余额,起息日期,交易流水号"
    )
    read = put(
        "查询账号[ Inquirer account number ],11014567",
        header,
        "来账,OSA1,A LTD,11014567,我司,20230905,USD,100.00,100.00,20230905,R1",
        f"往账,1101 4567,我司,P2,B LTD,20230906,USD,{sign}30.00,70.00,20230906,R2",
    )
    assert signs(read) == [("100.00", False), ("-30.00", False)] and not read.findings
    assert read.lines.column("counterparty_name").to_pylist() == ["A LTD", "B LTD"]
    assert bool(read.notes) == is_told
