"""Matching: whose money every bank line is. Relations in, relations out; nothing here opens a file or a database."""

from settlement.matching.inputs import Matched, MatchedPayments, MatchInputs
from settlement.matching.limits import Limits, limits_on
from settlement.matching.payments import match_payments
from settlement.matching.prepared import prepared
from settlement.matching.receipts import match_receipts
from settlement.matching.tryout import tryout

__all__ = [
    "Limits",
    "MatchInputs",
    "Matched",
    "MatchedPayments",
    "limits_on",
    "match_payments",
    "match_receipts",
    "prepared",
    "tryout",
]
