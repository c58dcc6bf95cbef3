"""Statements in the background: each after those it needs, errors where they are waited for."""

from __future__ import annotations

import threading
import time

import duckdb
import pyarrow as pa
import pytest

from settlement.io.later import Later


@pytest.fixture
def later():
    con = duckdb.connect()
    doing = Later([con.cursor(), con.cursor()])
    yield con, doing
    doing.close()


def test_a_statement_waits_for_what_it_reads(later):
    con, doing = later
    doing.run("a", "CREATE TABLE a AS SELECT count(*) AS n FROM range(20_000_000) t(i) WHERE hash(i) % 7 <> 0")
    doing.run("b", "CREATE TABLE b AS SELECT n + 1 AS n FROM a", after=["a", "there before"])
    doing.run("c", "CREATE TABLE c AS SELECT n + 1 AS n FROM b", after=["b"])
    doing.finish(["c"])
    [(a,), (c,)] = con.execute("SELECT n FROM a UNION ALL SELECT n FROM c ORDER BY n").fetchall()
    assert c == a + 2


def test_two_run_at_a_time(later):
    """Two statements ask a function that answers when both ask: one after the other they would never end."""
    con, doing = later
    both = threading.Barrier(2, timeout=30)
    con.create_function("met", lambda _: both.wait() >= 0, ["BIGINT"], "BOOLEAN")
    doing.run("x", "CREATE TABLE x AS SELECT met(1) AS met")
    doing.run("y", "CREATE TABLE y AS SELECT met(1) AS met")
    doing.finish()
    assert con.execute("SELECT x.met AND y.met FROM x, y").fetchone() == (True,)


def test_an_error_is_raised_by_who_waits_and_stops_what_needs_it(later):
    con, doing = later
    doing.run("good", "CREATE TABLE good AS SELECT 1 AS i")
    doing.run("bad", "CREATE TABLE bad AS SELECT nothing FROM good", after=["good"])
    doing.run("after", "CREATE TABLE after_bad AS SELECT * FROM good", after=["bad"])
    doing.finish(["good"])
    with pytest.raises(duckdb.BinderException, match="nothing"):
        doing.finish(["after"])
    with pytest.raises(duckdb.BinderException, match="nothing"):
        doing.finish()
    assert {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()} == {"good"}


def test_whatever_goes_wrong_is_raised_by_who_waits(later):
    _, doing = later
    doing.run("a", "CREATE TABLE a AS SELECT * FROM given", rows={"given": "no table"})
    doing.run("b", "CREATE TABLE b AS SELECT 1 AS i", after=["a"])
    with pytest.raises((duckdb.Error, TypeError)):
        doing.finish(["b"])


def test_what_is_made_again_waits_for_its_readers(later):
    con, doing = later
    doing.run("a", "CREATE TABLE a AS SELECT 1 AS n FROM range(3)")
    slow = "CREATE TABLE b AS SELECT (SELECT sum(n) FROM a) AS n FROM range(20_000_000) t(i) WHERE hash(i) = 0 OR i = 5"
    doing.run("slow", "CREATE TABLE s AS SELECT count(*) AS n FROM range(20_000_000) t(i) WHERE hash(i) % 7 <> 0")
    doing.run("b", slow, after=["a", "slow"])
    doing.finish(["a"])
    doing.run("a", "CREATE OR REPLACE TABLE a AS SELECT 100 AS n FROM range(3)")
    doing.run("c", "CREATE TABLE c AS SELECT sum(n) AS n FROM a", after=["a"])
    doing.finish()
    assert con.execute("SELECT b.n, c.n FROM b, c").fetchone() == (3, 300)


def test_rows_in_memory_are_read_by_their_name_and_forgotten(later):
    con, doing = later
    rows = pa.table({"n": pa.array(range(10), pa.int64())})
    doing.run("a", "CREATE TABLE a AS SELECT sum(n) AS n FROM given", rows={"given": rows})
    doing.run("b", "CREATE TABLE b AS SELECT sum(n) AS n FROM given", rows={"given": rows})
    doing.finish()
    assert con.execute("SELECT a.n, b.n FROM a, b").fetchone() == (45, 45)
    doing.run("c", "CREATE TABLE c AS SELECT * FROM given")
    with pytest.raises(duckdb.CatalogException, match="given"):
        doing.finish()


def test_what_somebody_waits_for_goes_first_with_all_it_needs():
    con = duckdb.connect()
    told, order = threading.Event(), []
    con.create_function("told", lambda _: told.wait(30), ["BIGINT"], "BOOLEAN")
    con.create_function("noted", lambda name: not order.append(name), ["VARCHAR"], "BOOLEAN")
    doing = Later([con.cursor()])
    doing.run("first", "CREATE TABLE first AS SELECT told(1) AS told")
    for name, after in {"a": [], "b": [], "needed": [], "wanted": ["needed"]}.items():
        doing.run(name, f"CREATE TABLE {name} AS SELECT noted('{name}') AS noted", after=after)
    waiting = threading.Thread(target=doing.finish, args=[["wanted"]])
    waiting.start()
    for _ in range(3_000):  # until it is heard that somebody waits
        if any(statement.is_wanted for statement in list(doing._ready)):
            break
        time.sleep(0.01)
    told.set()
    waiting.join(30)
    doing.finish()
    doing.close()
    assert order == ["needed", "wanted", "a", "b"]


def test_run_does_not_wait(later):
    con, doing = later
    told = threading.Event()
    con.create_function("told", lambda _: told.wait(30), ["BIGINT"], "BOOLEAN")
    doing.run("a", "CREATE TABLE a AS SELECT told(1) AS told")
    told.set()  # only now, behind run, may it end
    doing.finish()
    assert con.execute("SELECT told FROM a").fetchone() == (True,)


def test_closing_stops_what_is_under_way_and_begins_nothing_more():
    con = duckdb.connect()
    doing = Later([con.cursor()])
    endless = "SELECT count(*) AS n FROM range(10_000_000) a(i), range(10_000_000) b(j) WHERE i * j = -1"
    doing.run("endless", f"CREATE TABLE endless AS {endless}")
    doing.run("next", "CREATE TABLE next_one AS SELECT 1 AS i")
    doing.close()
    assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []
