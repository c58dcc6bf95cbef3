"""The states of months: what a run, a closing and a reopening leave of each other."""

from __future__ import annotations

from datetime import datetime

from settlement.io import run_record

AT = datetime.fromisoformat("2023-11-02 09:00:00")


def row(month="2023-09", state=run_record.SETTLED, by="settle_month", reason=None):
    return {"month": month, "state": state, "by": by, "at": AT, "reason": reason}


def after(states, month="2023-09", missing=None):
    return {
        each["month"]: (each["state"], each["by"], each["reason"])
        for each in run_record.after_run(states, month, not missing, AT, missing)
    }


def test_who_reopened_a_month_and_why_outlives_its_next_runs():
    states = [row(by="王会计", reason="反关账：漏录一张税单（关税）")]
    kept = ("settled", "settle_month", "反关账：漏录一张税单（关税）（王会计）")
    once = run_record.after_run(states, "2023-09", True, AT, None)
    assert after(states) == {"2023-09": kept} == after(once)
    assert after(once, missing="缺运费账单")["2023-09"] == (
        "incomplete",
        "settle_month",
        "缺运费账单；反关账：漏录一张税单（关税）（王会计）",
    )
    assert (
        run_record.reopenings(row(state="closed", by="李会计", reason="关账；此前反关账：漏录一张税单（王会计）"))
        == "反关账：漏录一张税单（王会计）"
    )
    assert run_record.reopenings(row(reason="关账")) == run_record.reopenings(None) == ""


def test_later_settled_months_are_stale_and_others_stay():
    states = [
        row("2023-08"),
        row(),
        row("2023-10"),
        row("2023-11", "incomplete", reason="缺运费账单"),
        row("2023-12", "stale", reason="x"),
    ]
    assert {month: state for month, (state, _, _) in after(states).items()} == {
        "2023-08": "settled", "2023-09": "settled", "2023-10": "stale", "2023-11": "stale", "2023-12": "stale",
    }  # fmt: skip
    assert after(states)["2023-10"][2] == "2023-09 已重新结算"


def test_months_are_settled_in_order_and_closed_ones_not_at_all():
    folders = ["2023-08", "2023-09", "2023-10"]
    assert run_record.refusal({}, folders, "2023-08") is None
    assert "2023-08 is not settled yet" in run_record.refusal({}, folders, "2023-09")
    assert "2023-08 is stale" in run_record.refusal({"2023-08": "stale", "2023-09": "settled"}, folders, "2023-10")
    assert run_record.refusal({"2023-08": "closed", "2023-09": "incomplete"}, folders, "2023-10") is None
    assert "settlement reopen" in run_record.refusal({"2023-08": "closed"}, folders, "2023-08")
    assert "no folder" in run_record.refusal({}, folders, "2023-07")
