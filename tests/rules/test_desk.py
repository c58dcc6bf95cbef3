"""Desk charges (A5): each kind of line, at its limit and one step beyond."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import pytest

from settlement.rules import desk
from settlement.rules.rows import table_of

SCHEMA = ibis.schema(
    {
        "type": "string", "ref_no": "string", "amount": "decimal(18, 2)", "happened_at": "timestamp",
        "done_at": "timestamp", "approved_by": "string", "note": "string",
        "source_file": "string", "source_row": "int64",
    }
)  # fmt: skip


def line(kind: str, amount=None, happened="2023-09-10 10:00:00", done=None, approved=None) -> dict:
    return {
        "type": kind,
        "ref_no": "YD1",
        "amount": amount,
        "happened_at": happened,
        "done_at": done,
        "approved_by": approved,
    }


# A line, then its status, what it costs, and the code it raises.
CASES = [
    (line("代收货款", "2300.00", done="2023-09-11 10:00:00"), "正常", "0.00", None),
    (line("代收货款", "2300.00", done="2023-09-11 10:00:01"), "逾期", "100.00", "DESK_COD_LATE"),
    (line("S3-COD-01", "2300.00", done="2023-09-11 15:00:00"), "逾期", "100.00", "DESK_COD_LATE"),
    (line("代收货款", "2300.00"), "逾期", "100.00", "DESK_COD_LATE"),
    (line("代收货款", "2300.00", happened="2023-09-30 10:00:00"), "正常", "0.00", None),
    (line("运单错漏"), "已计", "10.00", "DESK_FINE"),
    (line("目的地错漏"), "已计", "10.00", "DESK_FINE"),
    (line("主单号漏写"), "已计", "5.00", "DESK_FINE"),
    (line("录单不及时"), "已计", "200.00", "DESK_FINE"),
    (line("小件未装袋"), "已计", "100.00", "DESK_FINE"),
    (line("隐瞒事故", "860.00"), "已计", "860.00", "DESK_BORNE"),
    (line("开票名称不符", "1300.00", approved="王经理"), "正常", "0.00", None),
    (line("开票名称不符", "1300.00"), "已计", "1300.00", "DESK_BORNE"),
    (line("补偿", "5.00"), "正常", "5.00", None),
    (line("补偿", "30.00"), "正常", "30.00", None),
    (line("补偿", "30.01"), "待批准", "30.01", "DESK_COMPENSATION"),
    (line("补偿", "30.01", approved="店长"), "正常", "30.01", None),
    (line("补偿", "4.99"), "低于下限", "4.99", "DESK_COMPENSATION"),
    (line("现金付款", "9999.99"), "正常", "0.00", None),
    (line("现金付款", "10000.00"), "待批准", "0.00", "DESK_CASH_ESCORT"),
    (line("现金付款", "10000.00", approved="李会计"), "正常", "0.00", None),
    (line("开票", "56000.00", happened="2023-11-20 09:00:00", done="2023-11-30 17:00:00"), "正常", "0.00", None),
    (line("开票", "56000.00", happened="2023-11-20 09:00:00", done="2023-12-01 09:00:00"), "待批准", "0.00", "DESK_INVOICE_LATE"),
    (line("开票", "56000.00", happened="2023-11-20 09:00:00", done="2023-12-01 09:00:00", approved="张总"), "正常", "0.00", None),
    (line("奖励", "50.00"), "未知", None, "DESK_TYPE_UNKNOWN"),
]  # fmt: skip


@pytest.fixture(scope="module")
def charged(con, parameters):
    rows = [case | {"source_row": number} for number, (case, *_) in enumerate(CASES)]
    lines = table_of(rows, SCHEMA)
    charges = con.create_table(
        "desk_charges", desk.desk_charges(lines, parameters["desk_rule"], date(2023, 9, 30)), temp=True
    )
    return charges, {row["source_row"]: row for row in con.to_pyarrow(charges).to_pylist()}


def test_every_line_is_there_once(charged):
    assert sorted(charged[1]) == list(range(len(CASES)))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_desk_line(charged, number):
    case, status, charge, code = CASES[number]
    row = charged[1][number]
    assert (row["status"], row["code"]) == (status, code), case
    assert row["charge_cny"] == (None if charge is None else Decimal(charge)), case


def test_findings_are_the_lines_with_a_code_and_say_the_figure(con, charged):
    rows = con.to_pyarrow(desk.desk_findings(charged[0])).to_pylist()
    assert len(rows) == sum(code is not None for *_, code in CASES)
    assert all(row["message"] and row["subject"] for row in rows)
    late = [row for row in rows if row["code"] == "DESK_COD_LATE"]
    assert "2023-09-11 10:00" in late[0]["message"] and "100.00" in late[0]["message"]


def test_after_cutoff_is_the_same_for_dates_and_columns(con):
    days = [("2023-11-20", "2023-11-30", False), ("2023-11-20", "2023-12-01", True), ("2023-11-20", "2024-01-05", True)]
    table = table_of(
        [{"a": first, "b": second, "late": late} for first, second, late in days],
        ibis.schema({"a": "date", "b": "date", "late": "boolean"}),
    )
    got = con.to_pyarrow(table.mutate(got=desk.is_after_cutoff(table.a, table.b, "11-30"))).to_pylist()
    assert [row for row in got if row["got"] != row["late"]] == []
    for first, second, late in days:
        assert desk.is_after_cutoff(date.fromisoformat(first), date.fromisoformat(second), "11-30") is late
