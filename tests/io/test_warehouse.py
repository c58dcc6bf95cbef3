"""Publishing: what is begun early is ended with the rest, all of it or nothing."""

from __future__ import annotations

from datetime import date

import duckdb
import ibis
import pytest

from settlement.io.home import Home
from settlement.io.warehouse import Warehouse

ROWS = ibis.schema({"month": "string", "n": "int64"})


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def warehouse(home):
    opened = Warehouse(home, "2023-09", date(2023, 9, 30))
    opened.open()
    yield opened
    opened.close()


def kept(warehouse: Warehouse, schema: str, name: str, *numbers: int):
    rows = ibis.memtable([("2023-09", number) for number in numbers], schema=ROWS)
    return warehouse.keep(schema, name, rows)


def published(home: Home, name: str) -> list[tuple]:
    with duckdb.connect(str(home.published), read_only=True) as con:
        return con.execute(f"SELECT month, n FROM {name} ORDER BY ALL").fetchall()  # noqa: S608


def test_what_is_begun_and_what_is_made_after_are_published_together(warehouse, home):
    early = {
        ("mart", "early"): kept(warehouse, "book", "early", 1, 2),
        ("input", "bank"): kept(warehouse, "stage", "bank", 3),
    }
    masters = {("reference", "payers"): kept(warehouse, "reference", "payers", 4)}
    warehouse.begin_month(early, masters, {("mart", "late"): ROWS, ("mart", "runs"): ROWS})
    rows = early | {("mart", "late"): kept(warehouse, "book", "late", 5, 6, 7)}
    warehouse.replace_month(rows, masters | {("mart", "runs"): ibis.memtable([("2023-09", 8)], schema=ROWS)})
    assert warehouse.count_made(rows) == warehouse.count_written(rows) == {
        ("mart", "early"): 2, ("input", "bank"): 1, ("mart", "late"): 3,
    }  # fmt: skip
    warehouse.publish()
    found = {
        name: [n for _, n in published(home, name)]
        for name in ("mart.early", "input.bank", "reference.payers", "mart.late", "mart.runs")
    }
    assert found == {
        "mart.early": [1, 2], "input.bank": [3], "reference.payers": [4], "mart.late": [5, 6, 7], "mart.runs": [8]
    }  # fmt: skip


def test_other_months_stay_and_the_month_is_replaced(warehouse, home):
    earlier = ibis.memtable([("2023-08", 1), ("2023-09", 2)], schema=ROWS)
    warehouse.replace_month({("mart", "early"): earlier}, {})
    early = {("mart", "early"): kept(warehouse, "book", "early", 3)}
    warehouse.begin_month(early, {}, {})
    warehouse.replace_month(early, {})
    warehouse.publish()
    assert published(home, "mart.early") == [("2023-08", 1), ("2023-09", 3)]


def test_a_run_that_fails_after_it_began_publishes_nothing(warehouse, home):
    warehouse.replace_month({("mart", "early"): kept(warehouse, "book", "early", 1)}, {})
    warehouse.publish()
    warehouse.close()
    again = Warehouse(home, "2023-09", date(2023, 9, 30))
    again.open()
    again.begin_month({("mart", "early"): kept(again, "book", "early", 2)}, {}, {})
    again.close()
    assert published(home, "mart.early") == [("2023-09", 1)]


def test_what_is_being_published_is_not_made_again(warehouse):
    warehouse.begin_month({("mart", "early"): kept(warehouse, "book", "early", 1)}, {}, {})
    with pytest.raises(AssertionError, match="book.early is made again"):
        kept(warehouse, "book", "early", 2)
