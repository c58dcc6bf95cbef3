"""For all tests: as in a run, seldom collect garbage; compiling Ibis expressions makes many small objects."""

import gc

gc.set_threshold(2_000_000, 100, 1_000)
