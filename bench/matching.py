"""Matching a million receipts with a million open items, hard mess (`make bench`): time, memory, how right.

    python -m bench.matching [ROWS]

In one run, on the same rows, each in a process of its own: this program; the floor, DuckDB's exact joins on order
number and on payer and amount; and Splink 5 (three comparisons), where it is installed. Aim on 2 cores: 30 s and
4 GiB, ten times the rows at most twelve times the time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

from ibis.backends.duckdb import Backend

from bench.matching_world import build
from settlement.io.engine import connect
from settlement.matching import MatchInputs, match_receipts

SIZES = (100_000, 1_000_000)
SECONDS, GIB, GROWTH = 30.0, 4.0, 12.0

# What posted, against the answers: `certain` and `probable` wrong are pieces on an order that the truth does not name.
_SCORE = """
WITH posted AS (SELECT txn_id, order_no, confidence FROM answers WHERE order_no IS NOT NULL),
judged AS (SELECT p.*, t.order_no IS NOT NULL AND t.verdict <> 'open' AS right_one FROM posted p
           LEFT JOIN (SELECT DISTINCT txn_id, order_no, verdict FROM truth) t USING (txn_id, order_no)),
wanted AS (SELECT txn_id, order_no FROM truth WHERE verdict = 'post'),
found AS (SELECT count(*) AS n FROM wanted SEMI JOIN posted USING (txn_id, order_no))
SELECT count(*), count(*) FILTER (NOT right_one AND confidence = 'certain'), count(*) FILTER (NOT right_one AND confidence <> 'certain'),
       (SELECT n FROM found), (SELECT count(*) FROM wanted) FROM judged
"""


def _ours(con: Backend, inputs: MatchInputs) -> None:
    matched = match_receipts(inputs)
    con.create_table("answers", matched.allocations.select("txn_id", "order_no", "confidence"), overwrite=True)


def _floor(con: Backend, inputs: MatchInputs) -> None:
    """Exact joins alone: the order number where the remark is one token of it, else payer and amount."""
    del inputs
    con.raw_sql("""CREATE OR REPLACE TABLE answers AS
        SELECT t.txn_id, o.order_no, 'certain' AS confidence FROM transactions t JOIN orders o ON o.order_no = regexp_extract(t.remark, 'SO[0-9]+')
        UNION SELECT t.txn_id, o.order_no, 'certain' FROM transactions t JOIN orders o ON o.counterparty = t.counterparty_name
            AND o.amount_fx = t.amount AND o.currency = t.currency""")


def _splink(con: Backend, inputs: MatchInputs) -> None:
    """Splink 5 on name, amount and currency: no references from text, no sums, one link a receipt."""
    from bench.matching_splink import link

    link(con, inputs)


CONTENDERS: dict[str, Callable[[Backend, MatchInputs], None]] = {
    "settlement": _ours,
    "exact joins": _floor,
    "splink": _splink,
}


def measure(name: str, rows: int) -> int:
    """One contender on one size, in this process; prints a line. Exit status 3 where it is not installed."""
    con = connect(memory_limit="3GB")
    inputs = build(con, rows)
    built = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    try:
        CONTENDERS[name](con, inputs)
    except ModuleNotFoundError as missing:
        print(f"{name:12} {rows:>9,}: not measured, {missing.name} is not installed (bench only: pip install splink)")
        return 3
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - built.ru_utime - built.ru_stime
    posted, certain_wrong, probable_wrong, found, wanted = con.raw_sql(_SCORE).fetchone()
    receipts = con.raw_sql("SELECT count(*) FROM transactions").fetchone()[0]
    precision = 1 - (certain_wrong + probable_wrong) / max(posted, 1)
    print(
        f"{name:12} {receipts:>9,} receipts x {rows:>9,} items: {seconds:6.1f} s ({processor:.1f} s of processor), "
        f"peak {used.ru_maxrss / 2**20:.1f} GiB, precision {precision:.4%} ({certain_wrong} certain and "
        f"{probable_wrong} probable wrong of {posted:,}), recall {found / max(wanted, 1):.2%} of {wanted:,} decidable",
        flush=True,
    )
    print(f"  seconds={seconds:.3f}", file=sys.stderr)
    return 0


def _run(name: str, rows: int) -> tuple[int, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.matching", name, str(rows)], check=False, stderr=subprocess.PIPE, text=True
    )
    lines = [line for line in done.stderr.splitlines() if line.strip().startswith("seconds=")]
    if done.returncode not in (0, 3):
        print(done.stderr, file=sys.stderr)
    return done.returncode, float(lines[-1].split("=")[1]) if lines else float("nan")


def main() -> int:
    """Every contender and size in a process of its own; 1 where this program misses an aim."""
    if len(sys.argv) == 3:
        return measure(sys.argv[1], int(sys.argv[2]))
    sizes = (int(sys.argv[1]),) if len(sys.argv) == 2 else SIZES
    times = [_run("settlement", rows) for rows in sizes]
    for name in ("exact joins", "splink"):
        _run(name, sizes[-1])
    seconds = times[-1][1]
    print(f"aim: {SECONDS:.0f} s for {sizes[-1]:,}: {'met' if seconds <= SECONDS else 'MISSED'}")
    if len(times) > 1:
        growth = seconds / times[0][1]
        print(
            f"aim: ten times the rows in at most {GROWTH:.0f} times the time: {growth:.1f}: {'met' if growth <= GROWTH else 'MISSED'}"
        )
    return int(any(code for code, _ in times) or seconds > SECONDS)


if __name__ == "__main__":
    sys.exit(main())
