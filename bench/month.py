"""How long a month takes: seconds of each stage, peak memory, and the ratio to a floor measured in the same run.

The floor is what nobody can do without: DuckDB reading the same CSV files, one join, one write (workbooks, which
smaller samples have for orders, are not in it: the ratio of those sizes flatters the floor).
Aim: 100,000 orders (without workbooks) within 60 s and 3 GiB, growth near linear.

    python -m bench.month [orders ...]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

MONTH = "2023-09"
SIZES = (10_000, 100_000, 1_000_000)


def floor(home: Path) -> float:
    """Seconds of DuckDB reading every CSV of the month, joining lines to orders, and writing the result."""
    started = time.perf_counter()
    con = duckdb.connect(str(home / "floor.duckdb"))
    for number, path in enumerate(sorted((home / "raw" / MONTH).rglob("*.csv"))):
        con.execute(
            f"CREATE TABLE t{number} AS SELECT * FROM read_csv(?, all_varchar = true, header = false, "  # noqa: S608
            "null_padding = true, ignore_errors = true, strict_mode = false, encoding = 'utf-8', parallel = false)",
            [str(path)],
        )
    names = [row[0] for row in con.execute("SELECT table_name FROM information_schema.tables").fetchall()]
    left, right = (con.execute(f"DESCRIBE {name}").fetchall()[0][0] for name in (names[0], names[-1]))
    con.execute(f"CREATE TABLE joined AS SELECT a.* FROM {names[0]} a LEFT JOIN {names[-1]} b ON a.{left} = b.{right}")  # noqa: S608
    con.execute("CHECKPOINT")
    con.close()
    return time.perf_counter() - started


def stages(home: Path) -> None:
    """In a process of its own: settle the month, print the seconds of each asset."""
    import dagster as dg

    from settlement.definitions import defs
    from settlement.io.home import Home
    from settlement.launch import prepared_instance

    prepared_instance(Home(home))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("settle_month").execute_in_process(
            partition_key=MONTH,
            instance=instance,
            run_config={
                "resources": {"run": {"config": {"home": str(home), "workbooks": False}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=True,
        )
    for event in result.all_events:
        if event.event_type_value == "STEP_SUCCESS":
            print(f"stage {event.step_key} {event.event_specific_data.duration_ms / 1000:.1f}")


def resident(pid: int) -> int:
    """Bytes that a process and those it began hold in memory; 0 of those that have ended."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        begun = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return own + sum(resident(int(child)) for children in begun for child in children)


def highest(process: subprocess.Popen, *, every: float = 0.05) -> float:
    """Waits for a process; the most GiB that it and those it began held at one time."""
    most = 0
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(every)
    return most / 2**30


def measure(orders: int) -> tuple[float, float]:
    """Write a home, settle it, print; seconds and GiB."""
    from settlement.sample import write_home

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        write_home(home, month=MONTH, months=1, orders=orders, seed=1, mess="easy")
        started = time.perf_counter()
        said = home / "said.txt"
        with said.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.month", "--stages", str(home)], stdout=out, stderr=subprocess.STDOUT
            )
            peak = highest(process)
        seconds = time.perf_counter() - started
        if process.returncode:
            print(said.read_text()[-2000:])
            raise SystemExit(f"{orders:,} orders: the month was not settled")
        least = floor(home)
        slow = sorted(
            (line.split()[1:] for line in said.read_text().splitlines() if line.startswith("stage ")),
            key=lambda part: -float(part[1]),
        )
        print(
            f"{orders:>9,} orders  {seconds:7.1f} s  peak {peak:.2f} GiB  floor {least:.1f} s  ratio {seconds / least:.1f}"
        )
        for name, took in slow[:10]:
            print(f"            {name:<32}{float(took):7.1f} s")
        return seconds, peak


def main(arguments: list[str]) -> None:
    """Measure each size asked for; say whether the aim at 100,000 was met."""
    if arguments[:1] == ["--stages"]:
        stages(Path(arguments[1]))
        return
    for orders in [int(size) for size in arguments] or SIZES:
        seconds, peak = measure(orders)
        if orders == 100_000:
            print(f"            aim 60 s and 3 GiB: {'met' if seconds <= 60 and peak <= 3 else 'MISSED'}")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main(sys.argv[1:])
