"""What a stage hands on: pieces on orders, and one verdict a receipt; and how facts become verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import judged
from settlement.matching.relations import text
from settlement.rules.money import MONEY

PIECE = ("txn_id", "order_no", "principal_id", "purpose", "amount")
VERDICT = ("txn_id", "order_no", "principal_id", "raw", "fit", "party", "rule", "posts", "confidence", "code", "zh", "note")
PIECE_SCHEMA = ibis.schema({name: "string" for name in PIECE if name != "amount"} | {"amount": MONEY})
VERDICT_SCHEMA = ibis.schema(dict.fromkeys(VERDICT, "string"))


@dataclass(frozen=True)
class Placed:
    """What a stage decided. ``pieces`` (PIECE): money on orders, > 0. ``verdicts`` (VERDICT): one row a receipt of the
    stage; ``principal_id``: on whose account the rest goes (NULL: nobody's), ``note``: what the search says."""

    pieces: ir.Table
    verdicts: ir.Table


def verdicts_on(facts: ir.Table) -> ir.Table:
    """``facts`` (txn_id, party, reference, fit, unique, and where there are any order_no, principal_id, raw, note)
    as VERDICT rows. On account needs one principal: without it the money stays open."""
    absent = {name: text(None) for name in ("order_no", "principal_id", "raw", "note") if name not in facts.columns}
    rows = judged(facts.mutate(**absent))
    homeless = (rows.posts == "account") & rows.principal_id.isnull()
    return rows.mutate(posts=ibis.ifelse(homeless, "open", rows.posts)).select(VERDICT)
