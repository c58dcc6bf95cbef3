"""What a stage hands on: pieces on orders, and one verdict a receipt; and how facts become verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import judged
from settlement.matching.relations import text
from settlement.rules.money import MONEY

# Within the stages a txn_id is a whole number: the place of the credit in order of booked_on and txn_id (``stages.places``).
PIECE = ("txn_id", "order_no", "principal_id", "purpose", "currency", "amount")
VERDICT = ("txn_id", "order_no", "principal_id", "party", "fit", "rule", "posts", "confidence", "note")
PIECE_SCHEMA = ibis.schema({"txn_id": "int64"} | dict.fromkeys(PIECE[1:-1], "string") | {"amount": MONEY})
VERDICT_SCHEMA = ibis.schema({"txn_id": "int64"} | dict.fromkeys(VERDICT[1:], "string"))


@dataclass(frozen=True)
class Placed:
    """What a stage decided. ``pieces`` (PIECE): money on orders, > 0. ``verdicts`` (VERDICT): one row a receipt of the
    stage; ``principal_id``: on whose account the rest goes (NULL: nobody's), ``note``: what the search says."""

    pieces: ir.Table
    verdicts: ir.Table


def verdicts_on(facts: ir.Table, table: ir.Table) -> ir.Table:
    """``facts`` (txn_id, party, reference, fit, unique, and where there are any order_no, principal_id, note)
    as VERDICT rows. On account needs one principal: without it the money stays open."""
    absent = {name: text(None) for name in ("order_no", "principal_id", "note") if name not in facts.columns}
    rows = judged(facts.mutate(**absent), table)
    homeless = (rows.posts == "account") & rows.principal_id.isnull()
    return rows.mutate(posts=ibis.ifelse(homeless, "open", rows.posts)).select(VERDICT)
