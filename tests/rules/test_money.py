"""The one rounding, division and apportionment: the same for Decimals and columns, exact for any amount."""

from decimal import ROUND_HALF_UP, Decimal

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.io.engine import connect
from settlement.rules import money
from settlement.rules.rows import table_of

AMOUNTS = st.decimals(min_value=Decimal("-9999999999999.99"), max_value=Decimal("9999999999999.99"), places=2)
RATES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal("9999.99999999"), places=8)
CON = connect()
FACTORS = ibis.schema({"amount": "decimal(18,2)", "rate": "decimal(18,8)"})


def column(rows, make):
    return [row["x"] for row in CON.to_pyarrow(table_of(rows, FACTORS).select(x=make)).to_pylist()]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(AMOUNTS, RATES), min_size=1, max_size=20))
def test_products_and_quotients_of_columns_equal_those_of_decimals(pairs):
    # DECIMAL(18,2) holds what a bank can: results beyond it are refused by the engine, which is another test.
    pairs = [(a, r) for a, r in pairs if max(abs(a * r), abs(a / r)) < Decimal(10) ** 15]
    rows = [{"amount": amount, "rate": rate} for amount, rate in pairs]
    assert column(rows, lambda t: money.multiply(t.amount, t.rate)) == [money.multiply(a, r) for a, r in pairs]
    assert column(rows, lambda t: money.divide_half_up(t.amount, t.rate)) == [
        money.divide_half_up(a, r) for a, r in pairs
    ]


@given(AMOUNTS, RATES)
def test_a_product_is_the_exact_one_half_up(amount, rate):
    exact = (amount * rate).copy_abs()
    expected = exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP).copy_sign(amount)
    assert money.multiply(amount, rate) == expected


@pytest.mark.parametrize("amount", ["649583.365", "2.345", "-2.345", "0.005", "-0.005"])
def test_ties_go_away_from_zero_never_to_even(amount):
    expected = {"649583.365": "649583.37", "2.345": "2.35", "-2.345": "-2.35", "0.005": "0.01", "-0.005": "-0.01"}[
        amount
    ]
    assert money.round_half_up(Decimal(amount)) == Decimal(expected)
    table = table_of([{"x": amount}], ibis.schema({"x": "decimal(18,8)"}))
    assert CON.to_pyarrow(table.select(x=money.round_half_up(table.x))).to_pylist() == [{"x": Decimal(expected)}]


def test_a_product_beyond_a_hundred_million_does_not_overflow():
    # DECIMAL(18,2) x DECIMAL(18,8) is a DECIMAL(18,10) in DuckDB: 100 million is where it used to fail.
    assert column([{"amount": "9876543210.12", "rate": "7.12345678"}], lambda t: money.multiply(t.amount, t.rate)) == [
        money.multiply(Decimal("9876543210.12"), Decimal("7.12345678"))
    ]


def test_division_by_zero_is_null_in_a_column_and_an_error_for_decimals():
    assert column([{"amount": "1.00", "rate": "0"}], lambda t: money.divide_half_up(t.amount, t.rate)) == [None]
    with pytest.raises(ZeroDivisionError):
        money.divide_half_up(Decimal(1), Decimal(0))


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, st.lists(st.decimals(min_value=0, max_value=Decimal("99999999.99"), places=2), min_size=1, max_size=8))
def test_apportioned_parts_sum_to_the_whole_alike_in_both_worlds(total, weights):
    schema = ibis.schema({"g": "int64", "n": "int64", "t": "decimal(18,2)", "w": "decimal(18,2)"})
    table = table_of([{"g": 1, "n": n, "t": total, "w": w} for n, w in enumerate(weights)], schema)
    shared = money.apportion_column(table, by=["g"], total="t", weight="w", order=["n"], name="p").order_by("n")
    parts = [row["p"] for row in CON.to_pyarrow(shared).to_pylist()]
    if sum(weights) == 0:
        assert parts == [None] * len(weights)
        with pytest.raises(ValueError, match="weights"):
            money.apportion(total, weights)
        return
    assert parts == money.apportion(total, weights)
    assert sum(parts) == total
