"""Export refunds: what the treasury or the tax bureau pays, against the notices it has approved (EXP-REF-03, -04).

The bureau pays a batch (申报批次) in one sum, or a notice alone. The batch quoted decides, else the only batch or
notice of that amount; a batch that is already paid is none.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.items import noticed_refunds
from settlement.matching.prepared import Prepared
from settlement.matching.references import reference_key
from settlement.matching.relations import NIL, beside, first_by, money_sum, text, union_of
from settlement.matching.verdicts import PIECE, Placed, verdicts_on


def _groups(inputs: Prepared, items: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Unpaid batches and single notices as groups (grp, total, batch_key), and their members (grp, order_no, ...)."""
    notices = noticed_refunds(inputs).mutate(batch_key=lambda t: reference_key(t.batch_no))
    batches = notices.filter(notices.batch_key.notnull()).mutate(grp="B" + notices.batch_key)
    alone = notices.mutate(grp="N" + notices.declaration_no + "|" + notices.order_no, batch_key=text(None))
    members = union_of(
        [table.select("grp", "batch_key", "order_no", "principal_id", "amount") for table in (batches, alone)]
    )
    members = members.group_by("grp", "batch_key", "order_no", "principal_id").agg(amount=money_sum(members.amount))
    open_ones = items.filter(items.purpose == "退税款").select("order_no", "open")
    members = inputs.keep("refund_members", members.inner_join(open_ones, "order_no"))
    groups = members.group_by("grp", "batch_key").agg(
        total=money_sum(members.amount), payable=(members.open >= members.amount).min(), members=members.count()
    )
    groups = groups.filter(groups.payable)
    # A batch of one notice is one group, not two.
    single = groups.filter(groups.batch_key.notnull() & (groups.members == 1)).select("grp")
    same = members.semi_join(single, "grp").select("order_no", "amount")
    doubles = members.filter(members.batch_key.isnull()).semi_join(same, ["order_no", "amount"])
    return inputs.keep("refund_groups", groups.anti_join(doubles, "grp")), members


def post_refunds(inputs: Prepared, credits: ir.Table, tokens: ir.Table, items: ir.Table) -> Placed:
    """Credits of the bureau that quote a batch or nothing: pieces by notice, verdicts of all of them.

    ``tokens``: txn_id, key of the numbers in the texts.
    """
    bureau = credits.filter(credits.party == "bureau").select("txn_id", "amount", "booked_on")
    groups, members = _groups(inputs, items)
    quoted = tokens.semi_join(bureau, "txn_id").inner_join(
        groups.filter(groups.batch_key.notnull()), [("key", "batch_key")]
    )
    quoted = quoted.inner_join(bureau, "txn_id").select("txn_id", "booked_on", "amount", "grp", "total")
    named = quoted.group_by("txn_id").agg(
        booked_on=quoted.booked_on.max(),
        amount=quoted.amount.max(),
        grp=quoted.grp.min(),
        batches=quoted.grp.nunique(),
        total=quoted.total.max(),
    )
    agreed = first_by(
        named.filter((named.batches == 1) & (named.total == named.amount)), ["grp"], ["booked_on", "txn_id"]
    )
    free = groups.anti_join(agreed, "grp")
    silent = bureau.anti_join(named, "txn_id").inner_join(free, [("amount", "total")]).select("txn_id", "grp")
    here, there = ibis.window(group_by="txn_id"), ibis.window(group_by="grp")
    counted = silent.mutate(choices=silent.count().over(here), wanted=silent.count().over(there))
    sole = counted.filter((counted.choices == 1) & (counted.wanted == 1)).select("txn_id", "grp")
    chosen = inputs.keep("refunds_chosen", agreed.select("txn_id", "grp").union(sole))
    facts = bureau.mutate(
        reference=ibis.ifelse(bureau.txn_id.isin(named.txn_id), "choice", "none"),
        fit=ibis.cases(
            (bureau.txn_id.isin(chosen.txn_id), "sum"), (bureau.txn_id.isin(silent.txn_id), "exact"), else_="none"
        ),
        unique=ibis.ifelse(bureau.txn_id.isin(chosen.txn_id), "sole", "several"),
        party=ibis.literal("bureau"),
    )
    notes = chosen.select(
        "txn_id", note=ibis.ifelse(chosen.grp.startswith("B"), "批次 ", "通知 ") + chosen.grp.substr(1)
    )
    facts = beside(facts, notes, "txn_id")
    verdicts = inputs.keep("refund_verdicts", verdicts_on(facts, inputs.decision_table))
    posted = chosen.semi_join(verdicts.filter(verdicts.posts == "order"), "txn_id")
    pieces = posted.inner_join(members, "grp").mutate(purpose=text("退税款"), currency=text("CNY")).select(PIECE)
    return Placed(pieces=inputs.keep("refund_pieces", pieces.filter(pieces.amount > NIL)), verdicts=verdicts)
