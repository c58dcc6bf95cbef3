"""Refunds (退税款): the last day to file, what late means, and what differs from the computed refund.

CNY. What does not belong here: a refund's life over documents and cash (relations), the formula of the
refund itself (``vat.refund_amount``).
"""

from __future__ import annotations

from datetime import date

from settlement.rules import money
from settlement.rules.either import Truth, exact
from settlement.rules.money import Number
from settlement.rules.parameters import Parameters
from settlement.rules.registry import rule

LOST, LATE_FILING, REPAID = "lost", "late_filing", "repaid"


@rule(
    "VAT-REF-15", "C-46",
    inputs=("goods.exported_on", "refund_filing"), codes=("REFUND_WINDOW_CLOSING", "FX_COLLECTION_WINDOW"),
)  # fmt: skip
def last_filing_day(export_year: int, parameters: Parameters) -> date:
    """The last day to file for the refund, and to have collected the FX, of exports of a year.

    Formula: 30 April of the next year, as the parameter in force on that day says. Units: day; a rest day does
    not move it, the tax bureau sets the filing period itself. Rounding: none. Errors: ``ParameterGap``.
    Source: VAT-REF-15; C-46.

    >>> from settlement.rules.parameters import parameters_of
    >>> filing = {"fields": {"month_day": "text", "years_after": "whole", "late": "text", "outer_months": "whole"},
    ...     "rows": [{"from": "2012-01-01", "month_day": "04-30", "years_after": "1", "late": "lost", "source": "C-46"}]}
    >>> last_filing_day(2018, parameters_of({"refund_filing.yaml": {"refund_filing": filing}}))
    datetime.date(2019, 4, 30)
    """
    return _regime(export_year, parameters)[0]


@rule("VAT-REF-15", "C-46", inputs=("goods.exported_on", "refund_filing"), codes=("REFUND_WINDOW_CLOSING",))
def late_consequence(export_year: int, parameters: Parameters) -> str:
    """What a missed last day means: ``lost``, ``late_filing`` (possible once complete) or ``repaid`` (FX not collected).

    Formula: the word in force on the last day. Units: word. Rounding: none. Errors: ``ParameterGap``. Source: C-46.

    >>> from settlement.rules.parameters import parameters_of
    >>> filing = {"fields": {"month_day": "text", "years_after": "whole", "late": "text", "outer_months": "whole"},
    ...     "rows": [{"from": "2012-01-01", "month_day": "04-30", "years_after": "1", "late": "lost", "source": "C-46"}]}
    >>> late_consequence(2018, parameters_of({"refund_filing.yaml": {"refund_filing": filing}}))
    'lost'
    """
    return str(_regime(export_year, parameters)[1]["late"])


def _regime(export_year: int, parameters: Parameters) -> tuple[date, dict]:
    # The regime is chosen by the last day, and the last day by the regime: the one that contains its own day.
    for entry in reversed(parameters["refund_filing"].entries):
        month, day = (int(number) for number in str(entry.values["month_day"]).split("-"))
        last_day = date(export_year + int(entry.values["years_after"]), month, day)
        if entry.covers(last_day):
            return last_day, dict(entry.values)
    # Raises the gap by name.
    parameters.value_on("refund_filing", date(export_year + 1, 4, 30), "late")
    raise AssertionError("unreachable: a value was found that no entry covers")


@rule("C-38", "VAT-REF-04", inputs=("tax_refunds", "refund_difference"), codes=("REFUND_AMOUNT_DIFF",))
def refund_difference(received: Number, computed: Number) -> Number:
    """Refund received less refund computed; the client gets what was received.

    Formula: received − computed. Units: CNY. Rounding: to the fen. Errors: none. Source: C-38.

    >>> refund_difference(Decimal("102000.00"), Decimal("102680.00"))
    Decimal('-680.00')
    """
    return money.round_half_up(received - computed)


@rule("C-38", "VAT-REF-04", inputs=("tax_refunds", "refund_difference"), codes=("REFUND_AMOUNT_DIFF",))
def is_refund_different(received: Number, computed: Number, lines: Number | int, per_line: Number) -> Truth:
    """Whether a refund differs by more than rounding explains.

    Formula: |received − computed| > 0.01 × goods lines. Units: CNY. Rounding: none, equality passes. Errors: none.
    Source: C-38.

    >>> is_refund_different(Decimal("100.02"), Decimal("100.00"), 2, Decimal("0.01"))
    False
    """
    among = (received, computed, lines)
    difference = money.round_half_up(received - computed)
    size = difference.abs() if money.is_column(difference) else abs(difference)
    return size > exact(lines, among=among) * exact(per_line, among=among)
