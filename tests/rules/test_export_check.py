"""What finance decided on is still what was shown: digests, open receipts, changed rows."""

from __future__ import annotations

from decimal import Decimal

import ibis
import pytest

from settlement.io.engine import connect
from settlement.rules.export_check import changed_since_export, export_digest, open_receipts, receipts_as_shown
from settlement.rules.rows import table_of

MONEY = "decimal(18, 2)"


@pytest.fixture(scope="module")
def con():
    return connect()


def _rows(con, table) -> list[dict]:
    return con.to_pyarrow(table).to_pylist()


def test_the_digest_is_the_same_over_text_and_columns(con):
    cases = [("t08", "12000.00"), ("长流水", "-0.50"), ("t", "0.00"), ("u", None)]
    table = table_of(
        [{"subject": name, "amount": amount} for name, amount in cases],
        ibis.schema({"subject": "string", "amount": MONEY}),
    )
    rows = _rows(con, table.mutate(digest=export_digest(table.subject, table.amount)))
    assert {row["subject"]: row["digest"] for row in rows} == {
        name: export_digest(name, amount and Decimal(amount)) for name, amount in cases
    }
    assert len({row["digest"] for row in rows}) == 4
    # Nobody knew the amount: that is another state than nothing at risk.
    assert export_digest("u", None) != export_digest("u", Decimal(0))


def test_open_receipts_are_what_is_unmatched_and_what_lies_on_account(con):
    unmatched = table_of(
        [{"txn_id": "a", "amount": "10.00"}, {"txn_id": "b", "amount": "5.00"}],
        ibis.schema({"txn_id": "string", "amount": MONEY}),
    )
    pieces = [
        ("b", "P1", None, "3.00"),  # partly on account, partly open
        ("c", "P1", None, "8.00"), ("c", "P1", None, "-8.00"), ("c", "P1", "SO1", "8.00"),  # moved on to its order
        ("d", "P1", "SO2", "7.00"),
        ("e", None, None, "1.00"),  # interest: nobody's
    ]  # fmt: skip
    schema = ibis.schema({"txn_id": "string", "principal_id": "string", "order_no": "string", "amount": MONEY})
    allocations = table_of([dict(zip(schema, piece, strict=True)) for piece in pieces], schema)
    found = {row["txn_id"]: row["open_amount"] for row in _rows(con, open_receipts(unmatched, allocations))}
    assert found == {"a": Decimal("10.00"), "b": Decimal("8.00")}


def test_receipts_stand_at_what_is_open_and_at_what_was_before_finance_placed_it(con):
    credits = table_of(
        [{"txn_id": name, "amount": "10.00"} for name in "abcd"], ibis.schema({"txn_id": "string", "amount": MONEY})
    )
    pieces = [
        ("b", "P1", "SO1", "4.00", "R1"), ("b", "P1", None, "6.00", "A9"),  # on account is open
        ("c", "P1", None, "10.00", "A9"), ("c", "P1", None, "-10.00", "A9"), ("c", "P1", "SO2", "10.00", "DECISION"),
        ("d", None, None, "10.00", "N4"),  # interest: nobody's
    ]  # fmt: skip
    schema = ibis.schema(
        {"txn_id": "string", "principal_id": "string", "order_no": "string", "amount": MONEY, "rule": "string"}
    )
    allocations = table_of([dict(zip(schema, piece, strict=True)) for piece in pieces], schema)
    found = sorted(
        (row["subject"], row["amount"]) for row in _rows(con, receipts_as_shown(credits, allocations, "DECISION"))
    )
    assert found == [
        ("a", Decimal("10.00")),
        ("b", Decimal("6.00")),
        ("c", Decimal("0.00")),
        ("c", Decimal("10.00")),
        ("d", Decimal("0.00")),
    ]


def test_a_decision_on_what_has_changed_is_found_unless_it_made_the_change(con):
    def decided(key, subject, amount):
        digest = export_digest(subject, Decimal(amount)) if amount else None
        return {"decision_key": key, "subject": subject, "export_digest": digest}

    rows = [
        decided("same", "a", "10.00"),
        decided("other amount", "b", "5.00"),
        decided("gone", "c", "3.00"),
        decided("applied already", "d", "2.00"),
        decided("typed by hand", "b", None),
        decided("as before another decision", "e", "8.00"),
        decided("never published", "new", "8.00"),
        {"decision_key": "unknown then and now", "subject": "u", "export_digest": export_digest("u", None)},
        decided("unknown now", "u", "8.00"),
    ]
    table = table_of(rows, ibis.schema(dict.fromkeys(("decision_key", "subject", "export_digest"), "string")))
    states = [("a", "10.00"), ("b", "4.00"), ("c", "0.00"), ("d", "0.00"), ("e", "0.00"), ("e", "8.00"), ("u", None)]
    now = table_of(
        [{"subject": name, "amount": amount} for name, amount in states],
        ibis.schema({"subject": "string", "amount": MONEY}),
    )
    applied = table_of([{"decision_key": "applied already"}], ibis.schema({"decision_key": "string"}))
    found = _rows(con, changed_since_export(table, now, applied))
    assert {row["decision_key"] for row in found} == {"other amount", "gone", "unknown now"}
    assert set(found[0]) == {"decision_key", "subject", "export_digest"}
