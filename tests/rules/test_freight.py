"""Freight formulas: the same for Decimals and columns, and what must always hold of them."""

from __future__ import annotations

from decimal import Decimal as D

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.rules import freight
from settlement.rules.money import MONEY
from settlement.rules.rows import table_of

FEN = st.integers(-10_000_000, 10_000_000).map(lambda fen: D(fen) / 100)
POSITIVE = st.integers(0, 10_000_000).map(lambda fen: D(fen) / 100)


@given(st.lists(st.tuples(FEN, POSITIVE), min_size=1, max_size=12))
def test_payable_stays_within_the_quote_line_by_line(lines):
    cost = quote = payable = D(0)
    for amount, quoted in lines:
        added = quoted if amount >= 0 else D(0)
        payable += freight.payable_within_quote(cost, cost + amount, quote, quote + added)
        cost, quote = cost + amount, quote + added
        assert payable == min(cost, quote)


@given(st.lists(st.tuples(FEN, st.booleans()), min_size=1, max_size=12))
def test_a_pass_through_is_never_payable_beyond_its_vouchers(lines):
    vouched = credited = D(0)
    for amount, has_voucher in lines:
        vouched += amount if has_voucher else 0
        credited += amount if amount < 0 and not has_voucher else 0
        payable = freight.payable_of_pass_through(vouched, credited)
        assert payable <= vouched
        assert payable >= min(vouched, D(0)) or payable >= 0


@settings(max_examples=1, deadline=None)
@given(st.lists(st.tuples(FEN, FEN, POSITIVE, POSITIVE), min_size=200, max_size=200))
def test_columns_agree_with_decimals(con, figures):
    rows = [dict(zip("abcd", row, strict=True)) | {"number": place} for place, row in enumerate(figures)]
    schema = ibis.schema({"number": "int64"} | dict.fromkeys("abcd", MONEY))
    table = table_of(rows, schema)
    columns = table.select(
        "number",
        within=freight.payable_within_quote(table.a, table.b, table.c, table.d),
        passed=freight.payable_of_pass_through(table.a, table.b),
        quoted=freight.quoted_amount(table.c, table.d, ibis.literal("USD")),
        yen=freight.quoted_amount(table.c, table.d, ibis.literal("JPY")),
        suspect=freight.is_unit_suspect(table.c, table.d, D(20)),
    )
    found = sorted(con.to_pyarrow(columns).to_pylist(), key=lambda row: row["number"])
    for (a, b, c, d), row in zip(figures, found, strict=True):
        assert row["within"] == freight.payable_within_quote(a, b, c, d)
        assert row["passed"] == freight.payable_of_pass_through(a, b)
        assert row["quoted"] == freight.quoted_amount(c, d, "USD")
        assert row["yen"] == freight.quoted_amount(c, d, "JPY")
        assert row["suspect"] == freight.is_unit_suspect(c, d, D(20))
