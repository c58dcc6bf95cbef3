"""Whatever stands in a file: rows read = accepted + rejected, amounts too, and none of either is lost."""

from __future__ import annotations

import csv
import io
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from settlement.checks.inputs import validate_inputs
from settlement.io.engine import connect
from settlement.io.ingest import ingest_month, ingest_reference
from settlement.io.layouts import monthly_layouts
from settlement.io.tables import read_file
from tests.io.conftest import FREIGHT, Books, Desk, no_past

# What a cell may hold, and what it is worth to the control total.
AMOUNTS = st.sampled_from(
    [("100.00", "100.00"), ("1,234.50", "1234.50"), ("(5.00)", "-5.00"), ("7-", "-7.00"), ("￥3", "3.00"), ("12,3x", "0.00"), ("", "0.00"),
     ("-", "0.00"), ("1.234", "0.00"), ("#N/A", "0.00"), ("=1+1", "0.00"), ("9" * 20, "0.00"), ("１２.５", "12.50")]
)  # fmt: skip
CODES = st.sampled_from(["F1", "f1", "Ｆ1", "", "6.22E+18", "F 2", "\u200bF3", "'F4", "合计"])
ROWS = st.lists(
    st.tuples(CODES, CODES, AMOUNTS, st.sampled_from(["CNY", "人民币", "USD", "XYZ", ""])), min_size=1, max_size=30
)


def _lines(rows) -> list[list[str]]:
    return [["中远", invoice, order, "THC", currency, amount[0]] for invoice, order, amount, currency in rows]


def _text(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([FREIGHT.split(","), *rows])
    return stream.getvalue()


@given(ROWS, st.sampled_from(["utf-8", "utf-16", "gb18030"]))
@settings(max_examples=150, deadline=None)
def test_every_row_of_a_file_is_accepted_or_rejected(rows, encoding):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(_text(_lines(rows)).encode(encoding))
        [table] = read_file(path, monthly_layouts("freight")).tables
    accepted, rejected = table.accepted.to_pylist(), table.rejected.to_pylist()
    numbers = sorted([row["source_row"] for row in accepted] + [row["source_row"] for row in rejected])
    assert numbers == list(range(2, len(rows) + 2))
    amount = sum((row["amount"] for row in accepted), Decimal("0.00")) + sum(
        (row["amount"] for row in rejected), Decimal("0.00")
    )
    assert amount == sum((Decimal(worth) for _, _, (_, worth), _ in rows), Decimal("0.00"))
    for row in rejected:
        assert row["field"] and row["reason"]


@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans())
# Without shrinking: a month takes a second, and shrinking takes hundreds.
@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_the_control_totals_of_a_month_count_every_row_of_every_file(files, is_copied):
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for number, rows in enumerate(files):
            desk.put(f"raw/2023-09/freight/{number}.csv", _text(_lines(rows)).rstrip("\n"))
        if is_copied:
            desk.put("raw/2023-09/freight/copy.csv", _text(_lines(files[0])).rstrip("\n"))
        con = connect()
        ingest_reference(con, desk.home)
        ingest_month(con, desk.home, "2023-09", no_past)
    written = files + ([files[0]] if is_copied else [])
    totals = [row for row in Books(con).rows("stage", "control_totals") if row["input_table"] == "freight"]
    assert sum(row["rows_read"] for row in totals) == sum(len(rows) for rows in written) + 1
    assert all(row["rows_read"] == row["rows_accepted"] + row["rows_rejected"] for row in totals)
    assert all(row["amount_read"] == row["amount_accepted"] + row["amount_rejected"] for row in totals)
    read = sum((Decimal(amount[1]) for rows in written for _, _, amount, _ in rows), Decimal("1350.00"))
    assert sum(row["amount_read"] for row in totals) == read
    assert validate_inputs(con) == []
