"""Matching a million receipts with a million open items, hard mess (`make bench`): time, memory, how right.

    python -m bench.matching [ROWS]

In one run, on the same rows, each in a process of its own: this program; the floor, DuckDB's exact joins on order
number and on payer and amount; and Splink 5 (three comparisons), where it is installed. Aim on 2 cores: 30 s and
4 GiB, ten times the rows at most twelve times the time.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ibis.backends.duckdb import Backend

from bench.matching_world import build
from settlement.io.engine import collect_seldom, connect
from settlement.matching import MatchInputs, match_receipts
from settlement.matching.relations import beside

ROOT = Path(__file__).resolve().parents[1]
SPLINK = ROOT / ".venv/bench/bin/python"  # `make bench` installs it; it wants a newer sqlglot than Ibis
SIZES = (100_000, 1_000_000)
SECONDS, GIB, GROWTH = 30.0, 4.0, 12.0


class NotInstalled(Exception):
    """A contender is not there; the message says how it gets there."""


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


@dataclass(frozen=True)
class Took:
    """What a contender took: seconds, processor seconds, peak KiB."""

    seconds: float
    processor: float
    peak: int


def _timed(work: Callable[[], None]) -> Took:
    """``work`` in this process."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds, processor, used.ru_maxrss)


def _ours(con: Backend, inputs: MatchInputs) -> Took:
    def work() -> None:
        matched = match_receipts(inputs)
        con.create_table("answers", matched.allocations.select("txn_id", "order_no", "confidence"), overwrite=True)

    return _timed(work)


def _floor(con: Backend, inputs: MatchInputs) -> Took:
    """Exact joins alone: the order number where the remark holds one, and payer with amount."""
    del inputs
    return _timed(
        lambda: con.raw_sql("""CREATE OR REPLACE TABLE answers AS
        SELECT t.txn_id, o.order_no, 'certain' AS confidence FROM transactions t JOIN orders o ON o.order_no = regexp_extract(t.remark, 'SO[0-9]+')
        UNION SELECT t.txn_id, o.order_no, 'certain' FROM transactions t JOIN orders o ON o.counterparty = t.counterparty_name
            AND o.amount_fx = t.amount AND o.currency = t.currency""")
    )


def _splink(con: Backend, inputs: MatchInputs) -> Took:
    """Splink 5 in its own environment: name, amount and days; no references from text, no sums, one link a receipt."""
    if not SPLINK.exists():
        raise NotInstalled(f"{SPLINK.relative_to(ROOT)} is not there: run make bench")
    lines, orders = inputs.transactions, inputs.orders
    items = beside(orders, inputs.principals.select("principal_id", principal="name"), "principal_id")
    items = beside(items, inputs.freight_charges.select("order_no", freight="receivable_cny"), "order_no")
    with tempfile.TemporaryDirectory() as folder:
        lines.select(
            "currency",
            unique_id=lines.txn_id,
            name=lines.counterparty_name,
            amount=lines.amount.cast("float64"),
            day=lines.booked_on,
        ).to_parquet(Path(folder) / "receipts.parquet")
        items.select(
            "currency",
            unique_id=items.order_no,
            name=items.counterparty.fill_null(items.principal),
            amount=items.freight.fill_null(items.amount_fx).cast("float64"),
            day=items.ordered_on,
        ).to_parquet(Path(folder) / "items.parquet")
        script = Path(__file__).with_name("matching_splink.py")
        done = subprocess.run([SPLINK, script, folder], check=True, stdout=subprocess.PIPE, text=True)
        con.create_table("answers", con.read_parquet(Path(folder) / "links.parquet"), overwrite=True)
    seconds, processor, peak = done.stdout.split()[-3:]
    return Took(float(seconds), float(processor), int(peak))


CONTENDERS: dict[str, Callable[[Backend, MatchInputs], Took]] = {
    "settlement": _ours,
    "exact joins": _floor,
    "splink": _splink,
}


def measure(name: str, rows: int) -> int:
    """One contender on one size; prints a line. Exit status 3 where it is not installed."""
    collect_seldom()  # as a run does
    con = connect(memory_limit="3GB")
    inputs = build(con, rows)
    try:
        took = CONTENDERS[name](con, inputs)
    except NotInstalled as missing:
        print(f"{name:12} {rows:>9,}: not measured, {missing}")
        return 3
    posted, certain_wrong, probable_wrong, found, wanted = con.raw_sql(_SCORE).fetchone()
    receipts = con.raw_sql("SELECT count(*) FROM transactions").fetchone()[0]
    precision = 1 - (certain_wrong + probable_wrong) / max(posted, 1)
    print(
        f"{name:12} {receipts:>9,} receipts x {rows:>9,} items: {took.seconds:6.1f} s ({took.processor:.1f} s of processor), "
        f"peak {took.peak / 2**20:.1f} GiB, precision {precision:.4%} ({certain_wrong} certain and "
        f"{probable_wrong} probable wrong of {posted:,}), recall {found / max(wanted, 1):.2%} of {wanted:,} decidable",
        flush=True,
    )
    print(f"  seconds={took.seconds:.3f} gib={took.peak / 2**20:.3f}", file=sys.stderr)
    return 0


def _run(name: str, rows: int) -> tuple[int, float, float]:
    """A contender in a process of its own: exit status, seconds, peak GiB."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.matching", name, str(rows)], check=False, stderr=subprocess.PIPE, text=True
    )
    said = re.search(r"seconds=([0-9.]+) gib=([0-9.]+)", done.stderr)
    if done.returncode not in (0, 3):
        print(done.stderr, file=sys.stderr)
    return done.returncode, *(map(float, said.groups()) if said else (float("nan"), float("nan")))


def _aim(said: str, is_met: bool) -> bool:
    print(f"aim: {said}: {'met' if is_met else 'MISSED'}")
    return is_met


def main() -> int:
    """Every contender and size in a process of its own; 1 where this program misses an aim."""
    if len(sys.argv) == 3:
        return measure(sys.argv[1], int(sys.argv[2]))
    sizes = (int(sys.argv[1]),) if len(sys.argv) == 2 else SIZES
    runs = [_run("settlement", rows) for rows in sizes]
    for name in ("exact joins", "splink"):
        _run(name, sizes[-1])
    code, seconds, gib = runs[-1]
    met = [
        not any(code for code, *_ in runs),
        _aim(
            f"{SECONDS:.0f} s and {GIB:.0f} GiB for {sizes[-1]:,}: {seconds:.1f} s, {gib:.1f} GiB",
            seconds <= SECONDS and gib <= GIB,
        ),
    ]
    if len(runs) > 1:
        growth = seconds / runs[0][1]
        met.append(_aim(f"ten times the rows in at most {GROWTH:.0f} times the time: {growth:.1f}", growth <= GROWTH))
    return int(not all(met))


if __name__ == "__main__":
    sys.exit(main())
