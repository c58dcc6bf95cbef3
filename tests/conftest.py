"""For all tests: as in a run, seldom collect garbage; compiling Ibis expressions makes many small objects."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from settlement.io.engine import collect_seldom

collect_seldom()
# How long one example takes depends on who else uses the machine; what it finds does not.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")

# Files that share a settled home, or the relations one process has compiled: they stay in one worker. Every other file
# is its own. (xdist 3.8 knows groups by a suffix of the node id, which pytest 9.2 no longer lets it set.)
TOGETHER = {
    "tests/matching/": "matching",
    "tests/sample/": "sample",
    "tests/e2e/test_contract_tables.py": "contract",
    "tests/e2e/test_contract_shapes.py": "contract",
    "tests/e2e/test_matching_commands.py": "contract",
    "tests/e2e/test_sample_workbooks.py": "contract",
    "tests/e2e/test_statement_checklist.py": "contract",
}


# What takes a worker longest begins first, so that the other one is not idle at the end.
LONGEST = "test_year.py"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != LONGEST)


class WorldScheduling(LoadScopeScheduling):
    """Hands out tests a world at a time, so that what a fixture settles is settled once, not once a worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((world for start, world in TOGETHER.items() if file.startswith(start)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return WorldScheduling(config, log)
