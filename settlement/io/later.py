"""Statements that run in the background, each after those it needs, while the program goes on preparing the next.

What belongs here: the order of statements and their errors. What does not: what they say (`engine.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Lock

import duckdb
import pyarrow as pa


class Later:
    """Statements under way on connections of one database. A key names the table that a statement makes.

    ``run`` returns at once; ``finish`` waits and raises the first error, in the order of ``run``. A statement that needs
    one that failed does not run and has failed of the same error.
    """

    def __init__(self, connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
        self._connections = list(connections)
        self._idle: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for connection in self._connections:
            self._idle.put(connection)
        self._pool = ThreadPoolExecutor(len(self._connections), thread_name_prefix="later")
        self._under_way: dict[Hashable, Future[None]] = {}
        self._made: set[Hashable] = set()
        self._is_closing = False

    def run(
        self, key: Hashable, sql: str, after: Iterable[Hashable] = (), rows: Mapping[str, pa.Table] | None = None
    ) -> None:
        """Run a statement when those that make ``after`` have ended; keys that nothing makes are there already.

        What is made again waits for all before it: some may still read what it was. ``rows``: tables in memory that
        the statement reads, by the name it calls them.
        """
        before = list(self._under_way) if key in self._made else after
        needed = [self._under_way[name] for name in before if name in self._under_way]
        done: Future[None] = Future()
        self._made.add(key)
        self._under_way[key] = done
        left, lock = len(needed), Lock()

        def one_less(_: Future[None]) -> None:
            nonlocal left
            with lock:
                left -= 1
                is_last = left == 0
            if is_last:
                begin()

        def begin() -> None:
            self._pool.submit(self._execute, sql, rows or {}, needed).add_done_callback(hand_on)

        def hand_on(ended: Future[None]) -> None:
            error = ended.exception()
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        if not needed:
            begin()
        for future in needed:
            future.add_done_callback(one_less)

    def _execute(self, sql: str, rows: Mapping[str, pa.Table], needed: Sequence[Future[None]]) -> None:
        for future in needed:
            future.result()  # has ended; raises what it failed of
        if self._is_closing:
            raise duckdb.InterruptException("given up before it began")
        connection = self._idle.get()
        try:
            _execute_with(connection, sql, rows)
        finally:
            self._idle.put(connection)

    def finish(self, keys: Iterable[Hashable] | None = None) -> None:
        """Wait for these, or until nothing is under way. Raises the first error."""
        if keys is None:
            futures, self._under_way = list(self._under_way.values()), {}
        else:
            futures = [self._under_way.pop(key) for key in keys if key in self._under_way]
        wait(futures)
        for future in futures:
            future.result()

    def close(self) -> None:
        """Stop what is under way, whatever it would have given, and let go of the connections."""
        self._is_closing = True
        # Again and again: what has only just begun may not hear the first.
        while wait(self._under_way.values(), timeout=0.1).not_done:
            for connection in self._connections:
                connection.interrupt()
        self._pool.shutdown()
        self._under_way = {}
        for connection in self._connections:
            connection.close()


def _execute_with(connection: duckdb.DuckDBPyConnection, sql: str, rows: Mapping[str, pa.Table]) -> None:
    for name, table in rows.items():
        connection.register(name, table)
    try:
        connection.execute(sql)
    finally:
        for name in rows:
            connection.unregister(name)
