"""The compiler leaves out the rewriting of what does not occur, and nothing else: its SQL is Ibis' own."""

from __future__ import annotations

import ibis
import pytest
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.common.exceptions import OperationNotDefinedError

from settlement.io.engine import Compiler

T = ibis.table({"a": "int64", "b": "string", "c": "array<string>", "d": "date"}, name="t")
BY = ibis.window(group_by="b", order_by="a")


@pytest.mark.parametrize(
    "expression",
    [
        T.filter(T.a > 1).mutate(n=T.a + 1),
        T.mutate(n=ibis.row_number().over(BY), m=ibis.dense_rank().over(BY), k=ibis.ntile(4).over(BY)),
        T.mutate(n=T.b.find("x"), m=T.c.index("y"), k=T.b.find_in_set(["p", "q"])),
        T.filter(T.b.isin([])),
        T.mutate(n=T.c.map(lambda x, i: x.length() + i), m=T.c.filter(lambda x, i: i > 0)),
        T.mutate(n=T.a.nth(2).over(BY), m=T.a.first().over(BY)),
        T.group_by("b").agg(n=T.a.sum()).order_by("b").limit(3),
        T.union(T.distinct()).join(T, "a").select("a"),
    ],
)
def test_the_sql_is_the_same(expression):
    ours, theirs = (compiler.to_sqlglot(expression).sql("duckdb") for compiler in (Compiler(), DuckDBCompiler()))
    assert ours == theirs


def test_what_it_does_not_rewrite_is_refused():
    with pytest.raises(OperationNotDefinedError):
        Compiler().to_sqlglot(T.select(n=T.b.capitalize()))
