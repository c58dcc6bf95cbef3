"""What matching is given and what it gives back: frozen bundles of Ibis tables, and their schemas.

Matching neither opens nor writes anything: how a relation is computed, made from rows or kept
under a name is handed in with the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.matching.limits import Limits
from settlement.rules.money import MONEY, RATE

Run = Callable[[ir.Table], list[dict]]
Load = Callable[[list[dict], ibis.Schema], ir.Table]
Keep = Callable[[str, ir.Table], ir.Table]

ALLOCATIONS = ibis.schema(
    {
        "txn_id": "string",
        "principal_id": "string",
        "order_no": "string",
        "purpose": "string",
        "amount": MONEY,
        "rule": "string",
        "confidence": "string",
        "evidence": "string",
        "candidates": "string",
    }
)
UNMATCHED = ibis.schema({"txn_id": "string", "amount": MONEY, "reason": "string", "candidates": "string"})
EVIDENCE = ibis.schema({"txn_id": "string", "step": "int64", "kind": "string", "text": "string"})
SCOREBOARD = ibis.schema(
    {"measure": "string", "rule": "string", "receipts": "int64", "amount_cny": MONEY, "share": RATE}
)
PAYMENT_ALLOCATIONS = ibis.schema(
    {
        "txn_id": "string",
        "request_no": "string",
        "order_no": "string",
        "principal_id": "string",
        "vendor": "string",
        "kind": "string",
        "amount": MONEY,
        "rule": "string",
        "evidence": "string",
    }
)


@dataclass(frozen=True)
class MatchInputs:
    """All that is known up to ``month``: the fields of ``layouts.yaml``, cumulative, and earlier allocations.

    ``transactions``: one row a statement line (txn_id, amount + in / - out). ``orders``: the latest facts
    of each order. ``freight_lines``: with the order each is for (``order_no``), not priced: matching begins while
    ``freight_charges`` are being priced. ``placed`` and ``placed_payments``: what earlier months published. ``run`` computes a
    table to rows, ``load`` makes a table of rows, ``keep`` computes a table once under a name.
    """

    month: str
    as_of: date
    limits: Limits
    transactions: ir.Table
    orders: ir.Table
    goods: ir.Table
    principals: ir.Table
    payers: ir.Table
    own_accounts: ir.Table
    own_company: ir.Table
    payout_documents: ir.Table
    payments: ir.Table
    tax_bills: ir.Table
    refund_notices: ir.Table
    vat_invoices: ir.Table
    claims: ir.Table
    adjustments: ir.Table
    opening_items: ir.Table
    fx_mid_rates: ir.Table
    freight_lines: ir.Table
    freight_charges: ir.Table
    placed: ir.Table
    placed_payments: ir.Table
    run: Run
    load: Load
    keep: Keep


@dataclass(frozen=True)
class Matched:
    """Receipts placed. ``allocations``: new rows of the month; ``unmatched``: what is open at its end."""

    allocations: ir.Table
    unmatched: ir.Table
    found: ir.Table
    scoreboard: ir.Table
    evidence: ir.Table


@dataclass(frozen=True)
class MatchedPayments:
    """Debits placed, the same way."""

    allocations: ir.Table
    unmatched: ir.Table
    found: ir.Table
    evidence: ir.Table
