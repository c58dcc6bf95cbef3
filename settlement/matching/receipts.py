"""From statement lines to placed receipts: what the stages decided becomes allocations, open money and exceptions.

What remains after the stages goes on account of its payer's principal, or stays open with its candidates.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.candidates import candidates_of
from settlement.matching.credits import DECISION
from settlement.matching.inputs import ALLOCATIONS, UNMATCHED, Matched, MatchInputs
from settlement.matching.prepared import Prepared, prepared
from settlement.matching.receipt_findings import found_in_receipts
from settlement.matching.relations import NIL, beside, in_schema, money_sum, text, union_of
from settlement.matching.scoreboard import scoreboard
from settlement.matching.stages import Stages, staged
from settlement.matching.wording import evidence_of, words_on
from settlement.rules.money import MONEY

FULL = tuple(ALLOCATIONS.names)


def _by_rule(inputs: Prepared, stages: Stages) -> tuple[ir.Table, ir.Table, ir.Table]:
    """What the rules leave of each credit: its pieces (ALLOCATIONS, on account included), what is nobody's yet, the words."""
    credits = stages.parties.credits
    sums = stages.pieces.group_by("txn_id").agg(put=money_sum(stages.pieces.amount))
    rest = stages.verdicts.inner_join(credits.select("txn_id", "currency", "amount"), "txn_id")
    rest = beside(rest, sums, "txn_id")
    rest = rest.mutate(rest=(rest.amount - rest.put.fill_null(NIL)).cast(MONEY)).filter(lambda t: t.rest > NIL)
    # A verdict that stays open names the principal it doubts, and lies on nobody's account.
    rest = rest.mutate(principal_id=ibis.cases((rest.posts == "open", text(None)), else_=rest.principal_id))
    rest = inputs.keep(
        "rest", rest.drop("party").inner_join(credits.select("txn_id", "counterparty_name", "party"), "txn_id")
    )
    options = candidates_of(inputs, rest, stages.targets, stages.fits, stages.items, stages.small)
    said = inputs.keep("said_of", words_on(inputs, stages.verdicts, stages.targets, credits))
    placed = stages.pieces.inner_join(said, "txn_id")
    rest = beside(rest.drop("rule", "confidence"), options, "txn_id").inner_join(said, "txn_id")
    homeless = (rest.posts == "open") | rest.principal_id.isnull()
    placed = in_schema(placed, _columns(placed) | {"txn_id": placed.line}, ALLOCATIONS)
    kept = rest.filter(~homeless)
    kept = in_schema(
        kept,
        _columns(kept)
        | {
            "txn_id": kept.line,
            "order_no": None,
            "purpose": "预收",
            "amount": kept.rest,
            "candidates": kept.candidates.fill_null("[]"),
        },
        ALLOCATIONS,
    )
    left = rest.filter(homeless)
    values = {
        "txn_id": left.line,
        "amount": left.rest,
        "reason": left.evidence,
        "candidates": left.candidates.fill_null("[]"),
    }
    return placed.union(kept), in_schema(left, values, UNMATCHED), said


def _columns(table: ir.Table) -> dict[str, ir.Value]:
    return {name: table[name] for name in table.columns}


def _whole_credits(stages: Stages) -> ir.Table:
    """Credits that a decision or a nobody's rule explains (ALLOCATIONS); what a decision leaves stays open."""
    credits = stages.lines.filter(stages.lines.amount > NIL)
    decided = stages.decided.pieces.semi_join(credits, "txn_id")
    nobody = stages.nobodys.lines.inner_join(credits.select("txn_id", "amount"), "txn_id")
    return union_of([in_schema(table, _columns(table), ALLOCATIONS) for table in (decided, nobody)])


def _dropped(inputs: Prepared, stages: Stages) -> ir.Table:
    """Credits of earlier months with goods money on an order that is cancelled or withdrawn since (C-43): their
    pieces as they must stand, the goods money on account (ALLOCATIONS)."""
    settled = union_of([stages.decided.pieces.select("txn_id"), stages.nobodys.lines.select("txn_id")])
    stands = stages.stands.anti_join(settled, "txn_id").filter(lambda t: t.rule != DECISION)
    dropped = inputs.orders.filter(~inputs.orders.is_live).select("order_no", is_dropped=True)
    rows = beside(stands, dropped, "order_no")
    rows = rows.mutate(moves=(rows.is_dropped.fill_null(False) & (rows.purpose == "货款")).fill_null(False))
    rows = rows.semi_join(rows.filter(rows.moves), "txn_id")
    values = _columns(rows) | {
        "order_no": ibis.cases((rows.moves, text(None)), else_=rows.order_no),
        "purpose": ibis.ifelse(rows.moves, "预收", rows.purpose),
        "rule": ibis.ifelse(rows.moves, "C43", rows.rule),
        "confidence": "certain",
        "evidence": "订单 " + rows.order_no.fill_null("") + " 已取消或退载，货款转为挂账（C-43）",
        "candidates": "[]",
    }
    return in_schema(rows, values, ALLOCATIONS)


def _new_rows(inputs: Prepared, final: ir.Table, stands: ir.Table) -> ir.Table:
    """What must be posted this month so that ``final`` stands: new rows, and a negative row for what moves away.

    A credit of which earlier months posted nothing has all its rows new; of another, the difference by principal,
    order and purpose.
    """
    fresh = final.anti_join(stands, "txn_id")
    moved = final.semi_join(stands, "txn_id")
    was = stands.semi_join(moved, "txn_id")
    why = moved.group_by("txn_id").agg(
        rule=moved.rule.max(), confidence=moved.confidence.min(), evidence=moved.evidence.max()
    )
    back = was.select("txn_id", "principal_id", "order_no", "purpose", amount=(-was.amount).cast(MONEY)).inner_join(
        why, "txn_id"
    )
    back = back.mutate(evidence="转出，改为：" + back.evidence, candidates=text("[]"))
    both = union_of([in_schema(table, _columns(table), ALLOCATIONS) for table in (moved, back)])
    keys = ["txn_id", "principal_id", "order_no", "purpose"]
    net = both.group_by(keys).agg(
        amount=money_sum(both.amount),
        rule=both.rule.max(),
        confidence=both.confidence.min(),
        evidence=both.evidence.argmax(both.amount),
        candidates=both.candidates.argmax(both.amount),
    )
    net = net.filter(net.amount != NIL)
    return inputs.keep("allocations", fresh.select(FULL).union(net.select(FULL)))


def _unmatched(inputs: Prepared, stages: Stages, final: ir.Table, by_rule: ir.Table) -> ir.Table:
    """Every credit with money that nothing explains at the month's end: UNMATCHED."""
    credits = stages.lines.filter(stages.lines.amount > NIL).select("txn_id", "account_no", "amount")
    settled = (
        stages.stands.anti_join(final, "txn_id").select("txn_id", "amount").union(final.select("txn_id", "amount"))
    )
    sums = settled.group_by("txn_id").agg(put=money_sum(settled.amount))
    rest = beside(credits, sums, "txn_id")
    rest = rest.mutate(open=(rest.amount - rest.put.fill_null(NIL)).cast(MONEY)).filter(lambda t: t.open != NIL)
    rest = beside(rest, by_rule.select("txn_id", "reason", "candidates"), "txn_id")
    known = inputs.own_accounts.select("account_no", is_known=ibis.literal(True)).distinct()
    rest = beside(rest, known, "account_no")
    reason = ibis.cases(
        (rest.is_known.isnull(), "本方账号 " + rest.account_no + " 不在本公司账户表，款项不认领"),
        else_=rest.reason.fill_null("认领金额小于流水金额，余额待认领"),
    )
    return inputs.keep(
        "unmatched",
        rest.select("txn_id", amount="open", reason=reason, candidates=rest.candidates.fill_null("[]")),
    )


def match_receipts(inputs: MatchInputs) -> Matched:
    """Place the month's credits, and try again what is still open of earlier ones.

    For each credit the allocations up to the month and what is unmatched at its end sum to its amount.
    """
    inputs = prepared(inputs)
    stages = staged(inputs)
    by_rule, unplaced, words = _by_rule(inputs, stages)
    final = inputs.keep("final", union_of([by_rule, _whole_credits(stages), _dropped(inputs, stages)]))
    allocations = _new_rows(inputs, final, stages.stands)
    unmatched = _unmatched(inputs, stages, final, unplaced)
    return Matched(
        allocations=allocations,
        unmatched=unmatched,
        found=inputs.keep("receipts_found", found_in_receipts(inputs, stages, words)),
        scoreboard=inputs.keep("scoreboard", scoreboard(inputs, stages, allocations, unmatched)),
        evidence=evidence_of(inputs, stages),
    )
