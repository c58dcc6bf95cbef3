"""Live formulas: what Excel is told to compute, beside the exact figure that the warehouse holds.

A formula is written only where its exact result over the cells it names is the warehouse's figure,
and where no program's binary arithmetic can round it another way: on the very edge between two fen
the cell holds the figure itself. So nobody ever sees another amount after a recalculation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from settlement.rules.money import divide_half_up, multiply

Row = Mapping[str, Any]
At = Callable[[str], str]
ONE, HALF, EDGE = Decimal(1), Decimal("0.5"), Decimal("0.0001")


@dataclass(frozen=True)
class Live:
    """``needs``: the fields it reads; ``text``: the formula over their addresses; ``exact``: its value over the row.

    ``raw``: the value before it is rounded to ``places``; None where nothing is to be rounded.
    """

    needs: tuple[str, ...]
    text: Callable[[At], str]
    exact: Callable[[Row], Decimal]
    raw: Callable[[Row], Decimal] | None = None
    places: int = 2

    def holds(self, row: Row, value: Decimal | None) -> bool:
        """Whether the formula gives ``value`` (CNY or currency units) on this row; False where an input is missing."""
        if value is None or any(row.get(field) is None for field in self.needs):
            return False
        try:
            return self.exact(row) == value and not (self.raw and _on_the_edge(self.raw(row), self.places))
        except ZeroDivisionError:
            return False


def _on_the_edge(value: Decimal, places: int) -> bool:
    """Whether a double of this value may round up here and down there."""
    scaled = value.scaleb(places)
    return abs(abs(scaled - scaled.to_integral_value(ROUND_FLOOR)) - HALF) < EDGE


def signed_sum(plus: Sequence[str], minus: Sequence[str] = ()) -> Live:
    """Σ plus − Σ minus, to the fen."""
    return Live(
        needs=(*plus, *minus),
        text=lambda at: "=ROUND(" + "+".join(map(at, plus)) + "".join(f"-{at(field)}" for field in minus) + ",2)",
        exact=lambda row: (
            sum((row[field] for field in plus), Decimal(0)) - sum((row[field] for field in minus), Decimal(0))
        ),
    )


def product(amount: str, rate: str) -> Live:
    """amount × rate, half up to the fen: a currency amount in CNY."""
    return Live(
        needs=(amount, rate),
        text=lambda at: f"=ROUND({at(amount)}*{at(rate)},2)",
        exact=lambda row: multiply(row[amount], row[rate]),
        raw=lambda row: row[amount] * row[rate],
    )


def quotient(numerator: str, denominator: str, places: int = 8) -> Live:
    """numerator ÷ denominator, half up: a rate or ratio (FXC-01)."""
    return Live(
        needs=(numerator, denominator),
        text=lambda at: f"=ROUND({at(numerator)}/{at(denominator)},{places})",
        exact=lambda row: divide_half_up(row[numerator], row[denominator], places),
        raw=lambda row: row[numerator] / row[denominator],
        places=places,
    )


# EXP-INV-01: I = N(1+v)/(1+v−r)
INVOICE_AMOUNT = Live(
    needs=("net_cny", "levy_rate", "refund_rate"),
    text=lambda at: f"=ROUND({at('net_cny')}*(1+{at('levy_rate')})/(1+{at('levy_rate')}-{at('refund_rate')}),2)",
    exact=lambda row: divide_half_up(
        row["net_cny"] * (ONE + row["levy_rate"]), ONE + row["levy_rate"] - row["refund_rate"]
    ),
    raw=lambda row: row["net_cny"] * (ONE + row["levy_rate"]) / (ONE + row["levy_rate"] - row["refund_rate"]),
)
# VAT-REF-01, C-02: E = I/(1+v)
EX_VAT_AMOUNT = Live(
    needs=("invoice_amount", "levy_rate"),
    text=lambda at: f"=ROUND({at('invoice_amount')}/(1+{at('levy_rate')}),2)",
    exact=lambda row: divide_half_up(row["invoice_amount"], ONE + row["levy_rate"]),
    raw=lambda row: row["invoice_amount"] / (ONE + row["levy_rate"]),
)
# C-02: T = I − E
TAX_AMOUNT = signed_sum(["invoice_amount"], ["ex_vat_amount"])
# VAT-REF-01: R = E × r
REFUND_AMOUNT = product("ex_vat_amount", "refund_rate")
