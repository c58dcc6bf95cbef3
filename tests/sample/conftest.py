from __future__ import annotations

from pathlib import Path

import pytest

from settlement.sample import write_home


@pytest.fixture(scope="session")
def hard_home(tmp_path_factory) -> Path:
    """Fifty orders a month over three months with every mess."""
    home = tmp_path_factory.mktemp("hard")
    write_home(home, month="2023-03", months=3, orders=50, seed=7, mess="hard")
    return home


@pytest.fixture(scope="session")
def easy_home(tmp_path_factory) -> Path:
    """Two thousand orders of one month."""
    home = tmp_path_factory.mktemp("easy")
    write_home(home, month="2023-09", orders=2_000)
    return home


@pytest.fixture(params=["hard_home", "easy_home"])
def home(request) -> Path:
    return request.getfixturevalue(request.param)
