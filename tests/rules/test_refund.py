"""The last day to file and what late means, by the regime in force on that day (C-46); shortfalls (C-38)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from settlement.rules import refund
from settlement.rules.parameters import ParameterGap, parameters_of


@pytest.mark.parametrize(
    ("export_year", "last_day", "late"),
    [
        (2012, date(2013, 4, 30), "lost"),
        (2018, date(2019, 4, 30), "lost"),
        (2019, date(2020, 4, 30), "late_filing"),
        (2024, date(2025, 4, 30), "late_filing"),
        (2025, date(2026, 4, 30), "repaid"),
    ],
)
def test_regime_of_an_export_year(parameters, export_year, last_day, late):
    assert refund.last_filing_day(export_year, parameters) == last_day
    assert refund.late_consequence(export_year, parameters) == late


def test_no_regime_is_named():
    fields = {"month_day": "text", "years_after": "whole", "late": "text", "outer_months": "whole"}
    row = {"from": "2012-01-01", "month_day": "04-30", "years_after": "1", "late": "lost", "source": "C-46"}
    only = parameters_of({"refund_filing.yaml": {"refund_filing": {"fields": fields, "rows": [row]}}})
    with pytest.raises(ParameterGap, match="refund_filing.*2011-04-30"):
        refund.last_filing_day(2010, only)


@pytest.mark.parametrize(
    ("received", "lines", "different"),
    [("100.00", 1, False), ("100.01", 1, False), ("99.99", 1, False), ("100.02", 1, True), ("99.98", 1, True), ("100.02", 2, False)],
)  # fmt: skip
def test_only_rounding_is_accepted(received, lines, different):
    assert refund.is_refund_different(Decimal(received), Decimal("100.00"), lines, Decimal("0.01")) is different
