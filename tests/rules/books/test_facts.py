"""The facts that hold: the latest row of each key, whatever the order of the input."""

from __future__ import annotations

import ibis
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules.books.facts import first_of_each, latest
from settlement.rules.rows import table_of

SCHEMA = ibis.schema(
    {"key": "string", "part": "int64", "month": "string", "source_file": "string", "source_row": "int64"}
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from([1, 2, None]),
        st.sampled_from(["2023-08", "2023-09"]),
        st.sampled_from("xy"),
    ),
    max_size=12,
).map(lambda rows: [dict(zip(SCHEMA, (*row, number), strict=True)) for number, row in enumerate(rows)])


def rows_of(engine, table) -> list[tuple]:
    return sorted(map(repr, engine.to_pyarrow(table).select(list(SCHEMA)).to_pylist()))


@given(rows=ROWS)
def test_the_first_of_each_key_in_order(engine, rows):
    table = table_of(rows, SCHEMA)
    best: dict[tuple, dict] = {}
    for row in sorted(rows, key=lambda row: (row["month"], row["source_file"], row["source_row"])):
        best.setdefault((row["key"], row["part"]), row)
    found = first_of_each(table, ["key", "part"], [table.month, table.source_file, table.source_row])
    assert rows_of(engine, found) == sorted(map(repr, best.values()))


@given(rows=ROWS)
def test_the_latest_month_wins_and_rows_without_a_key_all_stay(engine, rows):
    best: dict[tuple, dict] = {}
    keyless = [row for row in rows if row["key"] is None or row["part"] is None]
    keyed = [row for row in rows if row not in keyless]
    for row in sorted(keyed, key=lambda row: (row["source_file"], row["source_row"])):
        known = best.get((row["key"], row["part"]))
        if known is None or row["month"] > known["month"]:
            best[row["key"], row["part"]] = row
    found = latest(table_of(rows, SCHEMA), "key", "part")
    assert rows_of(engine, found) == sorted(map(repr, [*best.values(), *keyless]))
