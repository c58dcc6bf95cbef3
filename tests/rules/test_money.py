"""The one rounding, the one division, the one apportionment: exact, conserving, the same on columns."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules import money
from settlement.rules.rows import table_of

amounts = st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2)
rates = st.decimals(Decimal("0.00000001"), Decimal("1000"), places=8)


def half_up(value: Fraction, places: int = 2) -> Decimal:
    """Half away from zero, in whole numbers alone."""
    scaled = abs(value) * 10**places
    whole = int(scaled + Fraction(1, 2))
    return Decimal(-whole if value < 0 else whole).scaleb(-places)


@given(amount=amounts, rate=rates, places=st.sampled_from([0, 2, 4, 8]))
def test_division_and_product_are_exact(amount, rate, places):
    assert money.divide_half_up(amount, rate, places) == half_up(Fraction(amount) / Fraction(rate), places)
    assert money.multiply(amount, rate) == half_up(Fraction(amount) * Fraction(rate))


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("2.345", "2.35"), ("-2.345", "-2.35"), ("2.344999", "2.34"), ("649583.365", "649583.37"), ("0.005", "0.01")],
)
def test_half_goes_away_from_zero(value, rounded, con):
    assert money.round_half_up(Decimal(value)) == Decimal(rounded)
    table = table_of([{"value": value}], ibis.schema({"value": "decimal(18, 8)"}))
    assert con.to_pyarrow(table.select(got=money.round_half_up(table.value))).to_pylist()[0]["got"] == Decimal(rounded)


@given(
    total=amounts,
    weights=st.lists(st.decimals(Decimal(0), Decimal("999999.99"), places=2), min_size=1, max_size=12).filter(any),
)
def test_apportionment_conserves_and_is_fair(total, weights):
    """C-06: the parts sum to the total; each is its exact share but for less than a fen; no weight, no part."""
    parts = money.apportion(total, weights)
    assert sum(parts) == total and len(parts) == len(weights)
    whole = sum(Fraction(weight) for weight in weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(total) * Fraction(weight) / whole) < Fraction(1, 100)
        assert weight or part == 0


def test_ties_go_to_the_lower_index():
    assert money.apportion(Decimal("0.01"), [Decimal(1), Decimal(1)]) == [Decimal("0.01"), Decimal("0.00")]
    with pytest.raises(ValueError, match="not all zero"):
        money.apportion(Decimal("1.00"), [Decimal(0)])


def test_columns_give_the_figures_of_decimals(con):
    rows = []
    for number in range(1, 400):
        amount = Decimal((number * 48_271_003) % 9_999_999_989 - 5_000_000_000).scaleb(-2)
        rate = Decimal((number**3 * 16_807) % 99_999_999_977 + 1).scaleb(-8)
        rows.append({"id": number, "amount": amount, "rate": rate})
    table = table_of(rows, ibis.schema({"id": "int64", "amount": "decimal(18, 2)", "rate": "decimal(18, 8)"}))
    table = table.mutate(
        product=money.multiply(table.amount, table.rate),
        **{f"by_{places}": money.divide_half_up(table.amount, table.rate, places) for places in (0, 2)},
    )
    got = con.to_pyarrow(table).to_pylist()
    assert len(got) == len(rows)
    for row in got:
        assert row["product"] == money.multiply(row["amount"], row["rate"])
        assert row["by_0"] == money.divide_half_up(row["amount"], row["rate"], 0)
        assert row["by_2"] == money.divide_half_up(row["amount"], row["rate"])


def test_apportionment_on_columns_is_the_same(con):
    rows, expected = [], {}
    for group in range(120):
        total = Decimal((group * 7_654_321) % 999_999_937 - 400_000_000).scaleb(-2)
        weights = [Decimal((group * 31 + line * 17) % 97 * (line != 1 or group % 3)) for line in range(1 + group % 6)]
        weights[0] += 1
        for line, (weight, part) in enumerate(zip(weights, money.apportion(total, weights), strict=True)):
            rows.append({"grp": group, "line": line, "total": total, "weight": weight})
            expected[group, line] = part
    table = table_of(
        rows, ibis.schema({"grp": "int64", "line": "int64", "total": "decimal(18, 2)", "weight": "decimal(18, 2)"})
    )
    shared = money.apportion_column(table, by=["grp"], total="total", weight="weight", order=["line"], name="part")
    got = {(row["grp"], row["line"]): row["part"] for row in con.to_pyarrow(shared).to_pylist()}
    assert got == expected


def test_division_by_zero_is_an_error_or_null(con):
    with pytest.raises(ZeroDivisionError):
        money.divide_half_up(Decimal("1.00"), Decimal(0))
    table = table_of([{"a": "1.00", "b": "0"}], ibis.schema({"a": "decimal(18, 2)", "b": "decimal(18, 2)"}))
    got = con.to_pyarrow(table.select(got=money.divide_half_up(table.a, table.b))).to_pylist()
    assert got == [{"got": None}]
