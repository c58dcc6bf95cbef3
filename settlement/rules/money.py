"""Money: the one rounding, the one division, the one apportionment.

Amounts are CNY or currency units with two decimals (JPY none), as ``Decimal`` or as an
Ibis decimal column. Every function here takes either and gives the same figure. Rounding
is half up (away from zero), to the fen, at document boundaries only (C-02).

What does not belong here: rates, dates, rules. What a figure means is for the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

FEN = Decimal("0.01")
MONEY = dt.Decimal(18, 2)
RATE = dt.Decimal(18, 8)
# DuckDB makes DECIMAL(18,a) x DECIMAL(18,b) a DECIMAL(18,a+b), which overflows at 100 million with ten decimals.
# One wide side makes it DECIMAL(38,a+b): every factor of a product is widened first.
WIDE_MONEY = dt.Decimal(28, 2)
WIDE_RATE = dt.Decimal(28, 8)
_WIDE = dt.Decimal(38, 10)

Number = Decimal | ir.NumericValue


# The engine knows these as macros over 128-bit integers (settlement/io/engine.py). Their arguments
# have no stated precision because Ibis would insert casts; what they return is exact.


def _division(places: int):
    def divide(numerator, denominator): ...

    signature = ((dt.Decimal(), dt.Decimal()), dt.Decimal(18, places))
    return ibis.udf.scalar.builtin(divide, name=f"divide_half_up_{places}", signature=signature)


_DIVIDE = {places: _division(places) for places in (0, 2, 4, 8)}


@ibis.udf.scalar.builtin(name="floor_share")
def _floor_share(total: dt.Decimal(), weight: dt.Decimal(), weights: dt.Decimal()) -> dt.Decimal(18, 2):
    """The whole fen of total x weight / weights; NULL where weights is 0."""


@ibis.udf.scalar.builtin(name="share_remainder")
def _share_remainder(total: dt.Decimal(), weight: dt.Decimal(), weights: dt.Decimal()) -> dt.Decimal(38, 0):
    """What total x weight / weights leaves below a fen, as a whole number comparable within a group."""


def is_column(*values: object) -> bool:
    """Whether any of the values is an Ibis expression."""
    return any(isinstance(value, ir.Value) for value in values)


def _as_column(value: Number | int) -> ir.DecimalValue:
    return value if isinstance(value, ir.Value) else ibis.literal(Decimal(value), _WIDE)


def divide_half_up(numerator: Number, denominator: Number, places: int = 2) -> Number:
    """numerator / denominator, exactly, then half up to ``places`` decimals (C-02, C-05).

    Columns: numerator up to 10^14 with at most ten decimals, result DECIMAL(18, places),
    NULL where the denominator is 0. Decimals: raises ``ZeroDivisionError``.

    >>> divide_half_up(Decimal("604000.00") * Decimal("1.17"), Decimal("1.00"))
    Decimal('706680.00')
    >>> divide_half_up(Decimal("-0.05"), Decimal("2"))
    Decimal('-0.03')
    """
    if is_column(numerator, denominator):
        return _DIVIDE[places](_as_column(numerator), _as_column(denominator))
    if denominator == 0:
        raise ZeroDivisionError(f"division of {numerator} by zero")
    top_fraction, bottom_fraction = Decimal(numerator).as_integer_ratio(), Decimal(denominator).as_integer_ratio()
    top = top_fraction[0] * bottom_fraction[1] * 10**places
    bottom = top_fraction[1] * bottom_fraction[0]
    sign = -1 if (top < 0) != (bottom < 0) else 1
    whole = sign * ((2 * abs(top) + abs(bottom)) // (2 * abs(bottom)))
    return Decimal(whole).scaleb(-places)


def round_half_up(value: Number, places: int = 2) -> Number:
    """``value`` half up (away from zero) to ``places`` decimals (C-02).

    Columns give DECIMAL(18, places); the engine's round of a decimal is exact and goes away from zero.

    >>> round_half_up(Decimal("649583.365"))
    Decimal('649583.37')
    >>> round_half_up(Decimal("-2.345"))
    Decimal('-2.35')
    """
    if is_column(value):
        return value.cast(_WIDE).round(places).cast(dt.Decimal(18, places))
    with localcontext() as context:
        context.prec = 60
        return Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def multiply(amount: Number, rate: Number, places: int = 2) -> Number:
    """amount x rate, half up to ``places`` decimals: a currency amount in CNY, a fee by rate.

    >>> multiply(Decimal("79962.50"), Decimal("8.1236"))
    Decimal('649583.37')
    """
    if is_column(amount, rate):
        left = amount.cast(WIDE_MONEY) if isinstance(amount, ir.Value) else ibis.literal(Decimal(amount), WIDE_MONEY)
        right = rate.cast(WIDE_RATE) if isinstance(rate, ir.Value) else ibis.literal(Decimal(rate), WIDE_RATE)
        return round_half_up(left * right, places)
    return round_half_up(Decimal(amount) * Decimal(rate), places)


def wide(value: Number, *, rate: bool = False) -> ir.DecimalValue:
    """A factor of an exact product: DECIMAL(28,2), or DECIMAL(28,8) for a ``rate``; see ``WIDE_MONEY``."""
    kind = WIDE_RATE if rate else WIDE_MONEY
    return value.cast(kind) if isinstance(value, ir.Value) else ibis.literal(Decimal(value), kind)


def decimal_literal(value: Decimal | int | str, places: int = 2) -> ir.DecimalScalar:
    """A constant as DECIMAL(18, places): a bare Python number would become a double."""
    return ibis.literal(Decimal(value), dt.Decimal(18, places))


def apportion(total: Decimal, weights: Sequence[Decimal], places: int = 2) -> list[Decimal]:
    """Split ``total`` by ``weights`` into parts that sum to it: largest remainder, ties to the lower index (C-06).

    Units as given; parts rounded to ``places``. Zero weights get nothing. Raises
    ``ValueError`` if a weight is negative or all are zero.

    >>> apportion(Decimal("300000.00"), [Decimal(20000), Decimal(15000), Decimal(5001)])
    [Decimal('149996.25'), Decimal('112497.19'), Decimal('37506.56')]
    """
    if any(weight < 0 for weight in weights) or sum(weights) == 0:
        raise ValueError(f"weights must be non-negative and not all zero: {list(weights)}")
    scale = max((-weight.as_tuple().exponent for weight in weights), default=0)
    whole_weights = [int(weight.scaleb(max(scale, 0))) for weight in weights]
    units = int(abs(total).scaleb(places))
    whole = sum(whole_weights)
    parts = [units * weight // whole for weight in whole_weights]
    remainders = [units * weight % whole for weight in whole_weights]
    order = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))
    for index in order[: units - sum(parts)]:
        parts[index] += 1
    sign = -1 if total < 0 else 1
    return [Decimal(sign * part).scaleb(-places) for part in parts]


def apportion_column(
    table: ir.Table, *, by: Sequence[str], total: str, weight: str, order: Sequence[str], name: str
) -> ir.Table:
    """``apportion`` as a relation: one new MONEY column ``name`` that sums to ``total`` within ``by`` (C-06).

    ``total`` is repeated on each row of its group; ``weight`` has at most two decimals and
    is not negative; ties go to the lower ``order``. A group whose weights sum to 0 gets NULL:
    the caller says what that means.
    """
    group = ibis.window(group_by=list(by))
    sized = table.mutate(_total=table[total].abs().cast(MONEY), _weight=table[weight].cast(MONEY))
    sized = sized.mutate(_weights=sized._weight.sum().over(group))
    shared = sized.mutate(
        _part=_floor_share(sized._total, sized._weight, sized._weights),
        _rest=_share_remainder(sized._total, sized._weight, sized._weights),
    )
    rank = ibis.row_number().over(
        ibis.window(group_by=list(by), order_by=[shared._rest.desc(), *[shared[column].asc() for column in order]])
    )
    fen = ibis.literal(FEN, MONEY)
    nil = ibis.literal(Decimal(0), MONEY)
    ranked = shared.mutate(_left=(shared._total - shared._part.sum().over(group).cast(MONEY)).cast(MONEY), _rank=rank)
    part = (ranked._part + ibis.cases((ranked._rank < (ranked._left * 100).cast(dt.int64), fen), else_=nil)).cast(MONEY)
    signed = ibis.cases((ranked[total] < 0, -part), else_=part).cast(MONEY)
    return ranked.mutate(**{name: signed}).drop("_total", "_weight", "_weights", "_part", "_rest", "_left", "_rank")
