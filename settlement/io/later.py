"""Statements that run in the background, each after those it needs, while the program goes on preparing the next.

What belongs here: the order of statements and their errors. What does not: what they say (`engine.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock

import duckdb
import pyarrow as pa


@dataclass(eq=False)
class _Statement:
    """One that runs when ``left`` of ``needed`` is none; ``is_wanted``: somebody waits for it, or for one that needs it."""

    sql: str
    rows: Mapping[str, pa.Table]
    needed: Sequence[_Statement]
    left: int
    is_wanted: bool = False
    done: Future[None] = field(default_factory=Future)


class Later:
    """Statements under way on connections of one database. A key names the table that a statement makes.

    ``run`` returns at once; ``finish`` waits and raises the first error, in the order of ``run``. A statement that needs
    one that failed does not run and has failed of the same error. What somebody waits for goes first.
    """

    def __init__(self, connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
        self._connections = list(connections)
        self._idle: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for connection in self._connections:
            self._idle.put(connection)
        self._pool = ThreadPoolExecutor(len(self._connections), thread_name_prefix="later")
        self._lock = Lock()
        self._ready: list[_Statement] = []
        self._under_way: dict[Hashable, _Statement] = {}
        self._made: set[Hashable] = set()
        self._is_closing = False

    def run(
        self, key: Hashable, sql: str, after: Iterable[Hashable] = (), rows: Mapping[str, pa.Table] | None = None
    ) -> None:
        """Run a statement when those that make ``after`` have ended; keys that nothing makes are there already.

        What is made again waits for all before it: some may still read what it was. ``rows``: tables in memory that
        the statement reads, by the name it calls them.
        """
        before = list(self._under_way) if key in self._made else dict.fromkeys(after)
        needed = [self._under_way[name] for name in before if name in self._under_way]
        statement = _Statement(sql, rows or {}, needed, left=len(needed))
        self._made.add(key)
        self._under_way[key] = statement

        def one_less(_: Future[None]) -> None:
            with self._lock:
                statement.left -= 1
                is_last = statement.left == 0
            if is_last:
                self._begin(statement)

        if not needed:
            self._begin(statement)
        for other in needed:
            other.done.add_done_callback(one_less)

    def _begin(self, statement: _Statement) -> None:
        with self._lock:
            self._ready.append(statement)
        self._pool.submit(self._run_first)

    def _run_first(self) -> None:
        """Of the statements that are ready the first that somebody waits for, else the first."""
        with self._lock:
            statement = next((one for one in self._ready if one.is_wanted), self._ready[0])
            self._ready.remove(statement)
        try:
            self._execute(statement)
        except BaseException as error:
            statement.done.set_exception(error)
        else:
            statement.done.set_result(None)

    def _execute(self, statement: _Statement) -> None:
        for other in statement.needed:
            other.done.result()  # has ended; raises what it failed of
        statement.needed = ()
        if self._is_closing:
            raise duckdb.InterruptException("given up before it began")
        connection = self._idle.get()
        try:
            execute_with(connection, statement.sql, statement.rows)
        finally:
            self._idle.put(connection)

    def finish(self, keys: Iterable[Hashable] | None = None) -> None:
        """Wait for these, or until nothing is under way. Raises the first error."""
        if keys is None:
            statements, self._under_way = list(self._under_way.values()), {}
        else:
            statements = [self._under_way.pop(key) for key in keys if key in self._under_way]
            self._want(statements)
        wait([statement.done for statement in statements])
        for statement in statements:
            statement.done.result()

    def _want(self, statements: Iterable[_Statement]) -> None:
        """Mark these and all they need."""
        unseen = list(statements)
        with self._lock:
            while unseen:
                statement = unseen.pop()
                if not statement.is_wanted:
                    statement.is_wanted = True
                    unseen.extend(statement.needed)

    def close(self) -> None:
        """Stop what is under way, whatever it would have given, and let go of the connections."""
        self._is_closing = True
        # Again and again: what has only just begun may not hear the first.
        while wait([statement.done for statement in self._under_way.values()], timeout=0.1).not_done:
            for connection in self._connections:
                connection.interrupt()
        self._pool.shutdown()
        self._under_way = {}
        for connection in self._connections:
            connection.close()


def execute_with(
    connection: duckdb.DuckDBPyConnection, sql: str, rows: Mapping[str, pa.Table], parameters: Sequence[object] = ()
) -> None:
    """A statement that reads ``rows``, tables in memory, by the names it calls them."""
    for name, table in rows.items():
        connection.register(name, table)
    try:
        connection.execute(sql, parameters)
    except BaseException:
        with suppress(duckdb.TransactionException):  # a transaction that is aborted forgets them at its end
            _forget(connection, rows)
        raise
    _forget(connection, rows)


def _forget(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    for name in names:
        connection.unregister(name)
