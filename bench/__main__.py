"""``make bench``: every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "bench.sample",
    "bench.bank_statements",
    "bench.sample_truth",
    "bench.matching",
    "bench.month",
    "bench.workbooks",
)


def main() -> int:
    """Run all; the number of those that failed."""
    failed = 0
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", name], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
