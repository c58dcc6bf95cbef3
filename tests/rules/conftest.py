"""Fixtures of the rules: an engine with the project's macros, the parameters and calendar that ship."""

from __future__ import annotations

import pytest

from settlement.io.engine import connect
from settlement.io.parameters import load_calendar, load_catalogue, load_parameters


@pytest.fixture(scope="session")
def con():
    return connect()


@pytest.fixture(scope="session")
def parameters():
    return load_parameters()


@pytest.fixture(scope="session")
def calendar():
    return load_calendar()


@pytest.fixture(scope="session")
def working_days(con, calendar):
    return con.create_table("working_days", calendar.table(), temp=True)


@pytest.fixture(scope="session")
def catalogue():
    return load_catalogue()
