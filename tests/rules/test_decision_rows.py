"""Decision rows before they act: each once, and a set whose ground has changed held back whole."""

from __future__ import annotations

from decimal import Decimal

import ibis
import pytest

from settlement.io.engine import connect
from settlement.rules import decision_rows as rules
from settlement.rules.books.decision_outcomes import held_outcomes
from settlement.rules.export_check import export_digest
from settlement.rules.rows import table_of

MONEY = "decimal(18, 2)"
CLAIMS = ibis.schema(
    {
        "txn_id": "string", "order_no": "string", "principal_id": "string", "purpose": "string", "amount": MONEY,
        "decided_by": "string", "decided_at": "timestamp(6)", "reason": "string", "export_digest": "string",
        "month": "string", "source_file": "string", "source_row": "int64",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def con():
    return connect()


def _claim(row=5, file="答复.xlsx", month="2023-09", shown=None, **more):
    made = {
        "txn_id": "t1", "order_no": "SO1", "principal_id": "P1", "purpose": "货款", "amount": "50.00", "decided_by": "张会计",
        "decided_at": "2023-09-28 12:00:00", "reason": "来电", "month": month, "source_file": f"raw/{month}/{file}", "source_row": row,
    } | more  # fmt: skip
    return made | {"export_digest": export_digest(made["txn_id"], Decimal(shown)) if shown else None}


def _table(rows):
    return table_of(rows, CLAIMS)


def _keyed(rows):
    return rules.once(_table(rows), "认领", rules.CLAIM)


def _rows(con, table) -> list[dict]:
    return con.to_pyarrow(table.order_by(table.columns)).to_pylist()


def test_a_workbook_handed_in_twice_decides_once_and_two_equal_rows_of_one_stay_two(con):
    twice = [_claim(5), _claim(6), _claim(5, "答复 (2).xlsx"), _claim(6, "答复 (2).xlsx"), _claim(9, month="2023-10")]
    found = _rows(con, _keyed(twice))
    assert [(row["source_file"], row["source_row"]) for row in found] == [
        ("raw/2023-09/答复 (2).xlsx", 5),
        ("raw/2023-09/答复 (2).xlsx", 6),
    ]
    assert len({row["decision_key"] for row in found}) == 2


@pytest.mark.parametrize(
    "other", [{"amount": "50.01"}, {"order_no": None}, {"decided_by": "李会计"}, {"decided_at": "2023-09-28 12:00:01"}]
)
def test_rows_that_say_something_else_are_other_decisions(con, other):
    assert len({row["decision_key"] for row in _rows(con, _keyed([_claim(5), _claim(6, **other)]))}) == 2


def _now(**amounts):
    return table_of(
        [{"subject": name, "amount": amount} for name, amount in amounts.items()],
        ibis.schema({"subject": "string", "amount": MONEY}),
    )


def _split(con, rows, now, applied=()):
    keyed = con.create_table("keyed", _keyed(rows), temp=True, overwrite=True)
    done = table_of([{"decision_key": key} for key in applied], ibis.schema({"decision_key": "string"}))
    held = con.create_table("held", rules.held_back(keyed, "txn_id", now, done), temp=True, overwrite=True)
    return held, keyed.anti_join(held, "decision_key")


def test_one_row_on_changed_ground_holds_its_whole_set_and_no_other(con):
    rows = [
        _claim(5, shown="100.00"), _claim(6),  # a split, the second row typed below: one set
        _claim(7, txn_id="t2", shown="100.00"), _claim(8, decided_at="2023-09-27 12:00:00"),
    ]  # fmt: skip
    held, acting = _split(con, rows, _now(t1="40.00", t2="100.00"))
    assert [row["source_row"] for row in _rows(con, held)] == [5, 6]
    assert sorted(row["source_row"] for row in _rows(con, acting)) == [7, 8]


def test_what_has_acted_acts_again_whatever_it_changed(con):
    (key,) = [row["decision_key"] for row in _rows(con, _keyed([_claim(5, shown="100.00")]))]
    held, acting = _split(con, [_claim(5, shown="100.00")], _now(t1="0.00"), applied=[key])
    assert _rows(con, held) == [] and len(_rows(con, acting)) == 1


def test_a_held_set_is_told_once_with_what_is_open_now(con):
    rows = [_claim(5, shown="100.00"), _claim(6), _claim(7, txn_id="t2", shown="9.00"), _claim(8, txn_id="t3", shown="9.00"),
            _claim(9, txn_id="t3", decided_at="2023-09-29 08:00:00")]  # fmt: skip
    held, acting = _split(con, rows, _now(t1="40.00", t2="0.00", t3="1.00"))
    schema = ibis.schema({"txn_id": "string", "currency": "string", "open_amount": MONEY})
    left = table_of(
        [
            {"txn_id": name, "currency": "USD", "open_amount": amount}
            for name, amount in (("t1", "40.00"), ("t2", "0.00"), ("t3", "1.00"))
        ],
        schema,
    )
    told = {row["txn_id"]: row for row in _rows(con, rules.held_claims_found(held, acting, left))}
    assert set(told) == {"t1", "t2"}  # t3 was decided anew
    assert "未认领金额已变为 USD 40.00" in told["t1"]["message"] and "已全部入账" in told["t2"]["message"]
    assert {row["code"] for row in told.values()} == {"DECISION_CONFLICT"} and told["t1"]["source_row"] == 5
    outcomes = {
        (row["subject"], row["source_row"]): row["outcome"]
        for row in _rows(con, held_outcomes(held, acting, "认领", "txn_id"))
    }
    assert outcomes == {("t1", 5): "冲突", ("t1", 6): "冲突", ("t2", 7): "冲突", ("t3", 8): "被替代"}


def test_a_held_approval_is_told_with_what_is_at_risk_now(con):
    schema = ibis.schema(
        {
            "exception_id": "string",
            "decided_by": "string",
            "decided_at": "timestamp(6)",
            "export_digest": "string",
            "source_file": "string",
            "source_row": "int64",
        }
    )
    held = table_of(
        [
            {
                "exception_id": "e1",
                "decided_by": "赵总",
                "decided_at": "2023-09-28 12:00:00",
                "export_digest": "x",
                "source_file": "f",
                "source_row": 3,
            }
        ],
        schema,
    )
    (row,) = _rows(con, rules.held_approvals_found(held, held.filter(ibis.literal(False)), _now(e1="77.00")))
    assert "涉及金额在导出后已变为 77.00 元" in row["message"] and row["source_row"] == 3
