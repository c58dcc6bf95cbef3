"""The engine: tables kept in the background are what their relations say, and whoever asks sees them whole."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import ibis
import pytest
from ibis.common.exceptions import TableNotFound

from settlement.io.engine import connect, connect_scratch


@pytest.fixture
def con():
    engine = connect()
    engine.create_database("facts")
    yield engine
    engine.disconnect()


def numbers(count: int) -> ibis.Table:
    return ibis.range(count).unnest().name("n").as_table()


def test_a_kept_table_is_known_before_it_is_made_and_read_whole(con):
    one = con.keep("facts", "one", numbers(300_000))
    two = con.keep("facts", "two", one.filter(one.n % 3 == 0).mutate(half=one.n // 2))
    assert con.table("two", database="facts").equals(two)
    assert two.count().to_pyarrow().as_py() == 100_000
    assert con.get_schema("two", database="facts") == two.schema()
    assert con.kept_in("facts") == ["one", "two"]


def test_types_are_those_of_the_relation(con):
    """The engine widens the sum of a DECIMAL(18,2); what is kept has the type that the relation says it has."""
    money = ibis.memtable({"a": ["0.10", "0.20"]}).select(a=ibis._.a.cast("decimal(18, 2)"))
    kept = con.keep("facts", "sums", money.agg(a=money.a.sum().cast("decimal(18, 2)")))
    assert kept.schema()["a"] == con.get_schema("sums", database="facts")["a"]
    assert str(kept.to_pyarrow().to_pylist()[0]["a"]) == "0.30"


def test_macros_and_rows_in_memory_are_known_in_the_background(con):
    from settlement.rules import money

    rows = ibis.memtable({"a": ["10.00"], "b": ["3.00"]}).cast({"a": "decimal(18, 2)", "b": "decimal(18, 2)"})
    kept = con.keep("facts", "shares", rows.select(share=money.divide_half_up(rows.a, rows.b, 2)))
    assert str(kept.to_pyarrow().to_pylist()[0]["share"]) == "3.33"


def test_what_is_dropped_is_gone(con):
    con.keep("facts", "one", numbers(10))
    con.drop_kept("facts")
    assert con.kept_in("facts") == []
    with pytest.raises(TableNotFound):
        con.table("one", database="facts")


def test_an_error_in_the_background_is_raised_by_the_next_question(con):
    text = ibis.memtable({"a": ["no number"]})
    con.keep("facts", "bad", text.select(a=text.a.cast("int64")))
    with pytest.raises(duckdb.ConversionException, match="no number"):
        con.table("bad", database="facts").count().to_pyarrow()


def test_an_engine_that_waits_raises_at_once(con):
    con.is_waiting = True
    text = ibis.memtable({"a": ["no number"]})
    with pytest.raises(duckdb.ConversionException, match="no number"):
        con.keep("facts", "bad", text.select(a=text.a.cast("int64")))


IN_BACKGROUND = """
import ibis
from settlement.io.engine import connect
con = connect()
con.create_database("facts")
stamp = ibis.memtable({"at": ["2023-09-05 23:30:00+00"]}).select(at=ibis._.at.cast("timestamp('UTC')"))
print(con.keep("facts", "stamps", stamp.select(day=stamp.at.cast("string"))).to_pyarrow().to_pylist()[0]["day"])
"""


def test_days_and_times_do_not_depend_on_where_the_machine_stands():
    """In Shanghai it is the next day already: a connection in the background must not say so."""
    told = subprocess.run(
        [sys.executable, "-c", IN_BACKGROUND],
        env=os.environ | {"TZ": "Asia/Shanghai"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.splitlines()[0] == "2023-09-05 23:30:00+00"


def test_a_scratch_file_holds_what_was_kept_once_it_is_asked_to(tmp_path):
    file = tmp_path / "work.duckdb"
    engine = connect_scratch(file, "work")
    engine.create_database("facts")
    engine.keep("facts", "one", numbers(1000))
    assert engine.current_catalog == "work"
    engine.raw_sql("CHECKPOINT work")
    engine.disconnect()
    assert [path.name for path in tmp_path.iterdir()] == ["work.duckdb"]
    again = connect(file, read_only=True)
    assert again.table("one", database="facts").count().to_pyarrow().as_py() == 1000
    again.disconnect()
