"""The dated parameters of matching as plain values, and nothing else.

They stand in ``settlement/parameters/matching.yaml`` and ``tolerances.yaml``; who loads the files
is no concern of matching.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Protocol

_SERIES = {
    "short_payment": {"usd": "short_usd", "share": "short_share"},
    "matching_short": {"charges_share": "charges_share"},
    "matching_import": {"margin": "import_margin", "margin_cny": "import_margin_cny"},
    "matching_pairs": {name: name for name in ("transfer_days", "reversal_days", "return_days", "duplicate_days")},
    "matching_references": {
        "shortest": "reference_shortest",
        "shortest_own": "reference_shortest_own",
        "shortest_digits": "reference_shortest_digits",
        "shortest_tail": "reference_shortest_tail",
        "range_most": "range_most",
        "orders_most": "orders_most",
    },
    "matching_sums": {
        "items_most": "sum_items_most",
        "terms_most": "sum_terms_most",
        "receipts_most": "sum_receipts_most",
        "solutions_shown": "sum_solutions_shown",
        "chance_certain": "sum_chance_certain",
        "chance_probable": "sum_chance_probable",
    },
    "matching_parties": {
        "principals_most": "payer_principals_most",
        "cut_length": "cut_length",
        "name_similarity": "name_similarity",
        "instalment_share": "instalment_share",
        "lead_days": "lead_days",
    },
    "matching_candidates": {"shown": "candidates_shown", "searched": "candidates_searched", "names": "names_searched"},
}


class ValueOn(Protocol):
    """What a set of dated parameters can say (``settlement.rules.parameters.Parameters``)."""

    def value_on(self, name: str, day: date, field: str | None = None) -> object: ...


@dataclass(frozen=True)
class Limits:
    """How far matching may go on its own. Days are calendar days, shares are fractions, amounts USD."""

    short_usd: Decimal  # a shortfall up to the greater of both is small (FX-09)
    short_share: Decimal
    charges_share: Decimal  # of the receipt: charges shown on the advice explain a shortfall up to this
    import_margin: Decimal  # how far a prepayment by estimate may exceed it and still belong to the order
    import_margin_cny: Decimal
    transfer_days: int  # between the two lines of a transfer or conversion
    reversal_days: int  # between a line and its reversal (冲正)
    return_days: int  # between a payment and its return (退汇)
    duplicate_days: int  # between two receipts that may be one payment made twice
    reference_shortest: int  # characters of a reference with letters
    reference_shortest_own: (
        int  # characters, with letters, of an order's numbers (contract, B/L, ...) or an application's
    )
    reference_shortest_digits: int  # characters of a reference of digits only
    reference_shortest_tail: int  # digits that may stand for a whole number in a list or range
    range_most: int  # numbers that one range (SO0156-0158) may name
    orders_most: int  # orders that one receipt may name
    sum_items_most: int  # open items searched in one group of payer and currency
    sum_terms_most: int  # items in one sum
    sum_receipts_most: int  # receipts searched in one group
    sum_solutions_shown: int
    sum_chance_certain: Decimal  # expected number of accidental sums below which a sole sum is certain
    sum_chance_probable: Decimal
    payer_principals_most: int  # a payer of more principals says nothing about whose money it is
    cut_length: int  # SWIFT cuts the payer's name here
    name_similarity: int  # 0-100: from here on a similar name is proposed, never posted
    instalment_share: Decimal  # received less than this share of what is due: an instalment, no short payment
    lead_days: int  # an item that arose later than this after the receipt cannot be what was paid by amount alone
    candidates_shown: int
    candidates_searched: int  # open items of one principal and currency
    names_searched: int  # unknown payers whose names are compared, the largest amounts first


def limits_on(parameters: ValueOn, day: date) -> Limits:
    """The limits in force on ``day``. Raises what ``value_on`` raises where a series is missing."""
    values = {
        target: parameters.value_on(series, day, field)
        for series, names in _SERIES.items()
        for field, target in names.items()
    }
    missing = {field.name for field in fields(Limits)} - set(values)
    assert not missing, f"limits without a series: {sorted(missing)}"
    return Limits(**values)
