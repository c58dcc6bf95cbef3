"""The transaction in the background: all of it or nothing, and errors where the end is waited for."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from settlement.io.replacing import Replacing


@pytest.fixture
def con():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE books (month VARCHAR, n BIGINT)")
    connection.execute("INSERT INTO books VALUES ('2023-08', 1), ('2023-09', 2)")
    return connection


def rows_of(con) -> list[tuple]:
    return con.execute("SELECT month, n FROM books ORDER BY ALL").fetchall()


def test_nobody_sees_it_before_its_end(con):
    replacing = Replacing(con.cursor())
    replacing.run("DELETE FROM books WHERE month = ?", ["2023-09"])
    replacing.run("INSERT INTO books SELECT '2023-09', i FROM range(3) t(i)")
    assert rows_of(con) == [("2023-08", 1), ("2023-09", 2)]
    replacing.commit()
    assert rows_of(con) == [("2023-08", 1), ("2023-09", 0), ("2023-09", 1), ("2023-09", 2)]


def test_what_is_made_after_it_began_is_handed_to_it_as_rows(con):
    replacing = Replacing(con.cursor())
    replacing.run("INSERT INTO books SELECT month, n + 10 FROM books")
    con.execute("CREATE TABLE later_on AS SELECT '2023-10' AS month, 7 AS n")
    late = con.sql("SELECT month, n::BIGINT AS n FROM later_on").to_arrow_table()
    replacing.run("INSERT INTO books SELECT * FROM arrived", rows={"arrived": late})
    replacing.commit()
    assert rows_of(con)[-1] == ("2023-10", 7)


def test_the_first_error_is_raised_at_the_end_and_nothing_is_replaced(con):
    replacing = Replacing(con.cursor())
    replacing.run("DELETE FROM books")
    replacing.run("INSERT INTO books SELECT nothing FROM books")
    replacing.run("INSERT INTO no_such_table SELECT 1")
    with pytest.raises(duckdb.BinderException, match="nothing"):
        replacing.commit()
    assert rows_of(con) == [("2023-08", 1), ("2023-09", 2)]


def test_rows_that_are_none_are_an_error_like_any_other(con):
    replacing = Replacing(con.cursor())
    replacing.run("DELETE FROM books")
    replacing.run("INSERT INTO books SELECT * FROM arrived", rows={"arrived": pa.table({"month": ["2023-10"]})})
    with pytest.raises(duckdb.BinderException):
        replacing.commit()
    assert rows_of(con) == [("2023-08", 1), ("2023-09", 2)]


def test_given_up_it_stops_what_is_under_way_and_leaves_nothing(con):
    replacing = Replacing(con.cursor())
    replacing.run("DELETE FROM books")
    replacing.run(
        "INSERT INTO books SELECT 'x', count(*) FROM range(10_000_000) a(i), range(10_000_000) b(j) WHERE i * j = -1"
    )
    replacing.run("INSERT INTO books VALUES ('2023-11', 1)")
    replacing.close()
    assert rows_of(con) == [("2023-08", 1), ("2023-09", 2)]
