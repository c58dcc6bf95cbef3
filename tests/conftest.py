"""For all tests: as in a run, seldom collect garbage; compiling Ibis expressions makes many small objects."""

import gc

import pytest
from hypothesis import settings

gc.set_threshold(2_000_000, 100, 1_000)
# How long one example takes depends on who else uses the machine; what it finds does not.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A file's tests stay in one worker: what its fixtures settle is settled once, not once a worker."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
