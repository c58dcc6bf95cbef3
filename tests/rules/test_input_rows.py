"""Input rows against each other, on a few rows written here."""

from __future__ import annotations

from decimal import Decimal

import ibis
import pytest

from settlement.io.engine import connect
from settlement.rules import input_rows
from settlement.rules.input_totals import control_totals
from settlement.rules.rows import table_of

ROWS = ibis.schema(
    {
        "order_no": "string",
        "line_no": "int64",
        "amount_fx": "decimal(18, 2)",
        "source_file": "string",
        "source_row": "int64",
    }
)


@pytest.fixture
def con():
    return connect()


def rows_of(con, *rows: tuple) -> ibis.Table:
    """order_no, amount, file, row."""
    listed = [
        dict(zip(("order_no", "amount_fx", "source_file", "source_row"), row, strict=True)) | {"line_no": 1}
        for row in rows
    ]
    table = con.create_table("rows", table_of(listed, ROWS), overwrite=True)
    return table.mutate(row_digest=input_rows.row_digest(table, ["order_no", "amount_fx"]))


def verdicts(con, relation) -> dict[tuple[str, int], str]:
    found = con.to_pyarrow(relation).to_pylist()
    assert len({(row["source_file"], row["source_row"]) for row in found}) == len(found), "a row is judged once"
    return {(row["source_file"], row["source_row"]): f"{row['code']} {row['reason']}" for row in found}


def test_one_digest_for_one_meaning(con):
    rows = rows_of(con, ("A", "1000.00", "f", 2), ("A", "1000", "g", 2), ("A", None, "f", 3), ("", "1000", "f", 4))
    digests = [row["row_digest"] for row in con.to_pyarrow(rows.order_by("source_file", "source_row")).to_pylist()]
    assert digests[0] == digests[3] and len(set(digests)) == 3


def test_identical_rows_of_a_key_count_once_and_contradictions_not_at_all(con):
    rows = rows_of(
        con,
        ("A", "1", "f", 2),
        ("A", "1", "g", 2),
        ("B", "1", "f", 3),
        ("B", "2", "f", 4),
        ("B", "1", "g", 9),
        ("C", "1", "f", 5),
    )
    found = verdicts(con, input_rows.repeated_keys(rows, ["order_no"], "订单号"))
    assert set(found) == {("g", 2), ("f", 3), ("f", 4), ("g", 9)}
    assert found["g", 2].startswith("ROW_DUPLICATE") and "f 第 2 行" in found["g", 2]
    assert found["f", 3].startswith("ROW_REJECTED") and "f 第 4 行" in found["f", 3]
    assert "f 第 3 行" in found["f", 4] and "f 第 4 行" in found["g", 9]


def test_the_same_verdicts_on_rows_that_are_themselves_a_join(con):
    """Ibis 12 resolved a self-join of such a relation to ON x = x: every row was judged by every other."""
    rows = rows_of(
        con, ("A", "1", "f", 2), ("A", "1", "g", 2), ("B", "1", "f", 3), ("B", "2", "f", 4), ("C", "1", "f", 5)
    )
    stored = con.create_table("stored", rows, overwrite=True)
    none = con.create_table(
        "none", stored.filter(stored.order_no == "?").select("source_file", "source_row"), overwrite=True
    )
    joined = stored.anti_join(none, ["source_file", "source_row"])
    assert verdicts(con, input_rows.repeated_keys(joined, ["order_no"], "x")) == verdicts(
        con, input_rows.repeated_keys(stored, ["order_no"], "x")
    )


def test_identical_rows_of_one_file_are_as_many_as_they_are(con):
    rows = rows_of(
        con,
        ("A", "1", "f", 2),
        ("A", "1", "f", 3),
        ("A", "1", "g", 2),
        ("A", "1", "g", 3),
        ("A", "1", "g", 4),
        ("B", "1", "g", 5),
    )
    past = rows.filter(rows.order_no == "?")
    assert set(verdicts(con, input_rows.repeated_rows(rows, past))) == {("g", 2), ("g", 3)}
    once_before = rows.filter((rows.source_file == "f") & (rows.source_row == 2)).mutate(
        source_file=ibis.literal("old")
    )
    found = verdicts(con, input_rows.repeated_rows(rows, once_before))
    assert set(found) == {("f", 2), ("g", 2), ("g", 3)} and "old" in found["f", 2]


def test_totals_balance_and_silent_files_are_zeros(con):
    schema = ibis.schema(
        {"source_file": "string", "input_table": "string", "currency": "string", "amount": "decimal(18, 2)"}
    )
    row = {"source_file": "f", "input_table": "t", "currency": "USD", "amount": "5.00"}
    accepted = table_of([row, row | {"currency": "CNY", "amount": "-1.00"}], schema)
    rejected = table_of([row | {"amount": "0.00"}], schema)
    seen = table_of(
        [{"source_file": name, "input_table": "t"} for name in ("f", "g")],
        ibis.schema({"source_file": "string", "input_table": "string"}),
    )
    found = con.to_pyarrow(control_totals(accepted, rejected, seen, "2023-09")).to_pylist()
    assert [(row["source_file"], row["currency"], row["rows_read"], row["rows_rejected"], row["amount_read"]) for row in found] == [
        ("f", "CNY", 1, 0, Decimal("-1.00")), ("f", "USD", 2, 1, Decimal("5.00")), ("g", "CNY", 0, 0, Decimal("0.00"))
    ]  # fmt: skip
