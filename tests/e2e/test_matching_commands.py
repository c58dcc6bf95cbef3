"""``settlement explain`` and ``settlement tryout`` on a settled home: what they say, and that they change nothing."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from settlement.assets.tryout import inputs_after_reading, read_month
from settlement.cli import main
from settlement.io.home import Home
from settlement.io.later import Later
from tests.e2e.conftest import rows

pytestmark = [pytest.mark.slow]  # where the sample is settled anyhow


def said(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and what was complained of."""
    status = main(list(arguments))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_explain_says_what_was_seen_and_where_the_money_went(sample_home, capsys):
    posted = [row for row in rows(sample_home, "receipt_allocations", month="2023-09") if row["rule"] == "R1"]
    assert posted
    row = posted[0]
    status, text, _ = said(capsys, "explain", row["txn_id"], "--home", str(sample_home.root))
    assert status == 0
    assert f"→ 订单 {row['order_no']} {row['purpose']} {row['currency']} {row['amount']:,.2f}" in text
    assert "规则 R1（确定）" in text and f"依据：{row['evidence']}" in text
    assert "编号：订单号 “" in text and " 字）" in text  # which number, and where it stands
    assert f"付款人：委托方 {row['principal_id']}" in text
    # The beginning of the id will do, and the bank's serial where only one line bears it.
    assert said(capsys, "explain", row["txn_id"][:12], "--home", str(sample_home.root))[1] == text


def test_explain_ranks_the_candidates_of_an_open_receipt(sample_home, capsys):
    with_candidates = [row for row in rows(sample_home, "unmatched_receipts") if json.loads(row["candidates"])]
    row = with_candidates[0]
    status, text, _ = said(capsys, "explain", row["txn_id"], "--home", str(sample_home.root))
    best = json.loads(row["candidates"])[0]
    assert status == 0 and f"未认领 {row['currency']} {row['amount']:,.2f}：{row['reason']}" in text
    assert "候选 1：" in text and best["why"] in text
    assert f"异常 {'RCV_'}" in text


def test_explain_tells_of_a_payment_too_and_of_a_line_that_is_none(sample_home, capsys):
    row = next(row for row in rows(sample_home, "payment_allocations", month="2023-09") if row["request_no"])
    status, text, _ = said(capsys, "explain", row["txn_id"], "--home", str(sample_home.root))
    assert status == 0 and f"申请单 {row['request_no']}" in text and row["evidence"] in text
    assert said(capsys, "explain", "nosuchline", "--home", str(sample_home.root))[:2] == (1, "没有流水 nosuchline\n")


def test_a_tryout_shows_what_would_move_and_publishes_nothing(sample_home, capsys):
    before = hashlib.sha256(sample_home.published.read_bytes()).hexdigest()
    posted = {row["txn_id"] for row in rows(sample_home, "receipt_allocations", month="2023-09") if row["rule"] == "R1"}
    call = ("tryout", "--months", "2023-09", "--rule", "R1=open", "--show", "1000", "--home", str(sample_home.root))
    status, text, _ = said(capsys, *call)
    assert status == 0 and "未发布任何内容" in text
    moved = {txn_id for txn_id in posted if txn_id in text}
    assert moved == posted
    assert hashlib.sha256(sample_home.published.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    ("wish", "status", "complaint"),
    [
        ((), 2, "nothing to try"),
        (("--rule", "R1"), 2, "not NAME=VALUE"),
        (("--rule", "XX=open"), 2, "no row"),
        (("--rule", "R1=maybe"), 2, "order, account or open"),
        (("--limit", "patience=1"), 2, "no limit"),
        (("--limit", "short_usd=much"), 2, "no number"),
        (("--limit", "short_usd=80", "--months", "2031-01"), 1, "尚未结算"),
    ],
)
def test_a_tryout_that_cannot_be_says_why(sample_home, capsys, wish, status, complaint):
    got, _, text = said(capsys, "tryout", "--months", "2023-09", *wish, "--home", str(sample_home.root))
    assert got == status and complaint in text


def test_a_part_of_the_job_ends_when_its_tables_are_made(sample_home, tmp_path, monkeypatch):
    """Statements that take their time are waited for, though no asset after them asks."""
    execute = Later._execute

    def slowly(self, *given):
        time.sleep(0.02)
        execute(self, *given)

    monkeypatch.setattr(Later, "_execute", slowly)
    home = Home(tmp_path)
    home.workshop.mkdir(parents=True)
    home.raw.symlink_to(sample_home.raw, target_is_directory=True)
    read_month(home, "2023-09")
    con, inputs = inputs_after_reading(home, "2023-09")
    assert inputs.freight_charges.count().to_pyarrow().as_py() > 0
    con.disconnect()
