"""Rows written in Python as an Ibis table, exactly.

A literal list of dicts would reach the engine through a data frame that makes doubles of
decimals and fails on missing ones, so each value travels as text and is cast in the engine.

What belongs here: small tables (parameters, catalogues, the calendar). What does not: inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.types as ir


def table_of(rows: Iterable[Mapping[str, object]], schema: ibis.Schema) -> ir.Table:
    """``rows`` as a table of ``schema``; a key that a row lacks, or ``None``, is NULL.

    Values are written with ``str``: Decimal, date, time, int and bool arrive unchanged.
    """
    as_text = ibis.schema(dict.fromkeys(schema, "string"))
    written = [tuple(None if row.get(name) is None else str(row[name]) for name in schema) for row in rows]
    return ibis.memtable(written, schema=as_text).cast(dict(schema.items()))
