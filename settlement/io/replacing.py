"""The one transaction that replaces a month's rows, on a connection of its own, while the run goes on.

What belongs here: the order of its statements, and its end. What does not: what they say (`warehouse.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import duckdb
import pyarrow as pa

from settlement.io.later import execute_with


class Replacing:
    """A transaction in the background: ``run`` returns at once, ``commit`` waits and raises the first error.

    It sees the tables that were there when it first read their database: what is made later is handed to it as rows.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="replacing")
        self._done: list[Future[None]] = []
        self._is_closing = False
        self.run("BEGIN TRANSACTION")

    def run(self, sql: str, parameters: Sequence[object] = (), rows: Mapping[str, pa.Table] | None = None) -> None:
        """A statement after those before it. ``rows``: tables in memory that it reads, by the name it calls them."""
        self._done.append(self._pool.submit(self._execute, sql, parameters, rows or {}))

    def _execute(self, sql: str, parameters: Sequence[object], rows: Mapping[str, pa.Table]) -> None:
        if self._is_closing or any(future.done() and future.exception() for future in self._done):
            raise duckdb.InterruptException("given up before it began")
        execute_with(self._connection, sql, rows, parameters)

    def commit(self) -> None:
        """The end: all of it is there, or nothing, and the first error is raised."""
        self.run("COMMIT")
        try:
            for future in self._done:
                future.result()
        except BaseException:
            self.close()
            raise
        self._pool.shutdown()
        self._connection.close()

    def close(self) -> None:
        """Give up: nothing of it is there."""
        self._is_closing = True
        while wait(self._done, timeout=0.1).not_done:
            self._connection.interrupt()
        self._pool.shutdown()
        self._connection.close()  # takes back what was not committed
