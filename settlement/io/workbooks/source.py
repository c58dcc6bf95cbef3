"""Where the workbooks' rows come from: the schemas of a run's work file, and the months before it.

What belongs here: access to tables by name. What does not: what is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound


@dataclass(frozen=True)
class Source:
    """The tables a run has made: ``book.*`` (the month), ``facts.*`` and ``reference.*`` (inputs), ``books`` (the past)."""

    con: BaseBackend
    month: str

    def book(self, name: str) -> ir.Table:
        """The month's rows of a published table."""
        return self.con.table(name, database="book")

    def given(self, schema: str, name: str, columns: dict[str, str]) -> ir.Table:
        """An input table's columns; empty where no file ever gave it (optional folders and masters)."""
        try:
            table = self.con.table(name, database=schema)
        except TableNotFound:
            return _empty(columns)
        return table.select([table[column].cast(kind).name(column) for column, kind in columns.items()])

    def so_far(self, name: str) -> ir.Table:
        """A flow's rows of all months up to this one: those already published and this month's."""
        this = self.book(name)
        try:
            past = self.con.table(name, database=("books", "mart"))
        except TableNotFound:
            return this
        shared = [column for column in this.columns if column in past.columns]
        return past.filter(past.month < self.month).select(shared).union(this.select(shared))


def _empty(columns: dict[str, str]) -> ir.Table:
    nothing = ibis.memtable([(None,) * len(columns)], schema=ibis.schema(dict.fromkeys(columns, "string")))
    return nothing.cast(columns).filter(ibis.literal(False))
