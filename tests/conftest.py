"""For all tests: as in a run, seldom collect garbage; compiling Ibis expressions makes many small objects."""

import gc

from hypothesis import settings

gc.set_threshold(2_000_000, 100, 1_000)
# How long one example takes depends on who else uses the machine; what it finds does not.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")
