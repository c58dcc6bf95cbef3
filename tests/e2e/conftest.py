"""Whole months: settled once a session where tests only look, anew where they change something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.io.engine import connect
from settlement.io.home import Home
from settlement.launch import settle


def run_month(home: Home, month: str, **options) -> tuple[int, list[str]]:
    """Settle a month as ``settlement run`` does; exit status and what it said."""
    said: list[str] = []
    chosen = {"as_of": None, "workbooks": False, "lang": "zh", "recorded": False} | options
    return settle(home, month, out=said.append, **chosen), said


def rows(home: Home, table: str, *columns: str, month: str | None = None, schema: str = "mart") -> list[dict]:
    """Rows of a published table as dicts, ordered by all their columns."""
    con = connect(home.published, read_only=True)
    try:
        relation = con.table(table, database=schema)
        if month:
            relation = relation.filter(relation.month == month)
        relation = relation.select(*columns) if columns else relation
        return con.to_pyarrow(relation.order_by(relation.columns)).to_pylist()
    finally:
        con.disconnect()


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory) -> Home:
    """The sample of September and October 2023, September settled, with workbooks."""
    from settlement.sample import write_home

    root = tmp_path_factory.mktemp("sample")
    write_home(root, month="2023-09", months=2, orders=60, seed=7, mess="easy")
    return _settled(Home(Path(root)), "2023-09", workbooks=True)


@pytest.fixture(scope="session")
def shapes_home(tmp_path_factory) -> Home:
    """The home of ``many_shapes``, September and October 2023 settled."""
    from tests.e2e import many_shapes

    root = tmp_path_factory.mktemp("shapes")
    many_shapes.write(root)
    return _settled(Home(Path(root)), "2023-09", "2023-10")


def _settled(home: Home, *months: str, **options) -> Home:
    for month in months:
        status, said = run_month(home, month, **options)
        assert status == 0, said
    return home


@pytest.fixture
def settled() -> Callable[..., list[dict]]:
    return rows
