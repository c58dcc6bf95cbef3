"""How long a sample home takes to write: 10,000, 100,000 and 1,000,000 orders of one month (`make bench`).

Aim on 2 cores: a million orders' files in under two minutes. Each size runs in a process of its own, so that
its peak memory is its own. Prints one line a size and ends with 1 where a size misses its aim.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from settlement.sample import write_home

SIZES = {10_000: 120.0, 100_000: 120.0, 1_000_000: 120.0}


def measure(orders: int) -> bool:
    """Write one home into a folder that goes again; whether it was written in time."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        write_home(Path(folder), month="2023-09", orders=orders, mess="hard")
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    in_time = seconds <= SIZES[orders]
    print(
        f"sample {orders:>9,} orders: {seconds:6.1f} s ({usage.ru_utime + usage.ru_stime:.1f} s of processor), "
        f"{size / 2**20:7,.0f} MiB of files, peak {usage.ru_maxrss / 2**20:.1f} GiB"
        f"{'' if in_time else f', aim {SIZES[orders]:.0f} s MISSED'}"
    )
    return in_time


def main() -> int:
    """Every size in a process of its own; the exit status says whether all were in time."""
    if len(sys.argv) > 1:
        return 0 if measure(int(sys.argv[1])) else 1
    codes = [
        subprocess.run([sys.executable, "-m", "bench.sample", str(orders)], check=False).returncode for orders in SIZES
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
