"""The few ways in which matching puts relations together, so that each reads as one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from settlement.rules.money import MONEY, decimal_literal

NIL = decimal_literal(0)


def beside(left: ir.Table, right: ir.Table, keys: str | Sequence[str]) -> ir.Table:
    """``left`` with the columns of ``right`` where ``keys`` are equal, NULL where they are not (left join)."""
    names = [keys] if isinstance(keys, str) else list(keys)
    return left.left_join(right, names).drop(*[f"{name}_right" for name in names])


def union_of(tables: Sequence[ir.Table]) -> ir.Table:
    """All rows of tables of one schema, doubles kept."""
    return tables[0] if len(tables) == 1 else ibis.union(*tables, distinct=False)


def money_sum(column: ir.DecimalColumn, **options: object) -> ir.DecimalScalar:
    """A sum of amounts as MONEY: sums of decimals come back wider."""
    return column.sum(**options).cast(MONEY)


def in_schema(table: ir.Table, values: Mapping[str, object], schema: ibis.Schema) -> ir.Table:
    """``table`` as exactly the columns of ``schema``, in order, cast; a column without a value is NULL."""
    chosen = {}
    for name, kind in schema.items():
        value = values.get(name)
        if value is None:
            chosen[name] = ibis.null(kind)
        else:
            expression = value if isinstance(value, ir.Value) else ibis.literal(value)
            chosen[name] = expression.cast(kind)
    return table.select(**chosen)


def text(value: str | None) -> ir.StringScalar:
    """A text constant; ``None`` is a typed NULL."""
    return ibis.null("string") if value is None else ibis.literal(value, "string")


def first_by(table: ir.Table, group: Sequence[str], order: Sequence[str]) -> ir.Table:
    """The first row of each ``group`` in ascending ``order``; ties end with the last column named."""
    window = ibis.window(group_by=list(group), order_by=[table[name].asc() for name in order])
    ranked = table.mutate(_rank=ibis.row_number().over(window))
    return ranked.filter(ranked._rank == 0).drop("_rank")
