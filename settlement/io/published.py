"""What is published: read-only looks at the warehouse analysts use, for the CLI, the sensor and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ibis.backends.duckdb import Backend

from settlement.io.engine import connect
from settlement.io.home import Home


@contextmanager
def opened(home: Home) -> Iterator[Backend | None]:
    """The published warehouse read-only, or None where nothing was published yet."""
    if not home.published.exists():
        yield None
        return
    con = connect(home.published, read_only=True)
    try:
        yield con
    finally:
        con.disconnect()


def month_states(home: Home) -> dict[str, str]:
    """month -> state of what is published."""
    with opened(home) as con:
        if con is None:
            return {}
        rows = con.to_pyarrow(con.table("months", database="mart").select("month", "state")).to_pylist()
    return {row["month"]: row["state"] for row in rows}


def run_digests(home: Home) -> dict[str, str]:
    """month -> input digest of its last run."""
    with opened(home) as con:
        if con is None:
            return {}
        runs = con.table("runs", database="mart")
        rows = con.to_pyarrow(runs.select("month", "input_digest", "finished_at").order_by("finished_at")).to_pylist()
    return {row["month"]: row["input_digest"] for row in rows}
