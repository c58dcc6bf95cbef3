"""Publishing against crashes and company: a killed run, two runs at once, an analyst who is looking.

The books of these tests are two small tables that must always tell the same number, put by the warehouse as a run does.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from settlement.io.home import Home
from settlement.io.lock import LockHeld, holding

# Publishes the number 1, 2, 3 … until it is killed; says each after it is published.
PUBLISHER = """
import sys
from datetime import date
from pathlib import Path
import ibis
from settlement.io.home import Home
from settlement.io.lock import holding
from settlement.io.warehouse import Warehouse
home = Home(Path(sys.argv[1]))
def rows(n, count):
    # Enough rows that a kill finds it writing.
    return ibis.range(count).unnest().name("nth").as_table().mutate(month=ibis.literal("2023-09"), n=ibis.literal(n, "int64"))
with holding(home.workshop / "lock", who=f"publisher {sys.argv[2]}", wait_seconds=60, tell=lambda text: print("waits", text, flush=True)):
    n = int(sys.argv[2])
    while n < int(sys.argv[3]):
        n += 1
        warehouse = Warehouse(home, "2023-09", date(2023, 9, 30))
        warehouse.open()
        warehouse.replace_month({("mart", "one"): rows(n, 200_000), ("mart", "two"): rows(n, 50_000)}, {("mart", "whole"): rows(n, 10)})
        warehouse.publish()
        warehouse.close()
        print(n, flush=True)
"""
LOOK = "SELECT (SELECT [min(n), max(n), count(*)] FROM mart.one), (SELECT [min(n), max(n), count(*)] FROM mart.two), (SELECT [min(n), max(n), count(*)] FROM mart.whole)"


def publisher(home: Home, begin: int, until: int = 10**6) -> subprocess.Popen:
    command = [sys.executable, "-c", PUBLISHER, str(home.root), str(begin), str(until)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2])


def published(home: Home) -> int:
    """The number that all three tables tell, whole."""
    con = duckdb.connect(str(home.published), read_only=True)
    try:
        one, two, whole = con.execute(LOOK).fetchone()
    finally:
        con.close()
    assert {one[0], one[1], two[0], two[1], whole[0], whole[1]} == {one[0]}
    assert (one[2], two[2], whole[2]) == (200_000, 50_000, 10)
    return one[0]


def test_a_kill_at_any_moment_leaves_what_was_published_whole(tmp_path):
    home, chance, last = Home(tmp_path), random.Random(20230930), 0
    for _ in range(3):
        process = publisher(home, last)
        said = int(process.stdout.readline())  # at work
        time.sleep(chance.uniform(0, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        said = max([said, *(int(line) for line in process.stdout.read().split())])
        process.wait()
        # What was said to be published is, and the one after it may be: never half of one.
        last = published(home)
        assert last in (said, said + 1)
    # The next run repairs the rest.
    assert publisher(home, last, last + 1).communicate(timeout=60)[0] == f"{last + 1}\n"
    assert published(home) == last + 1


def test_a_second_run_waits_and_says_for_whom(tmp_path):
    home = Home(tmp_path)
    first = publisher(home, 0)
    assert first.stdout.readline() == "1\n"
    second = publisher(home, 500, 501)
    told = second.stdout.readline()
    assert told.startswith("waits") and "publisher 0" in told and str(first.pid) in told
    with (
        pytest.raises(LockHeld, match="publisher 0"),
        holding(home.workshop / "lock", who="me", wait_seconds=0, tell=str),
    ):
        pass
    # The lock dies with its process: the second goes on at once, nothing is lost.
    os.kill(first.pid, signal.SIGKILL)
    assert second.communicate(timeout=60)[0] == "501\n"
    assert published(home) == 501
    first.stdout.close()
    first.wait()


def test_an_analysts_open_connection_and_a_run_do_not_block_each_other(tmp_path):
    home = Home(tmp_path)
    publisher(home, 0, 1).communicate(timeout=60)
    analyst = duckdb.connect(str(home.published), read_only=True)
    try:
        before = analyst.execute(LOOK).fetchone()
        assert publisher(home, 1, 3).communicate(timeout=60)[0] == "2\n3\n"
        assert analyst.execute(LOOK).fetchone() == before  # it keeps seeing the file it opened
    finally:
        analyst.close()
    assert published(home) == 3
    assert {path.name for path in home.warehouse.iterdir()} == {"settlement.duckdb", "work"}
