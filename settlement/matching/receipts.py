"""From statement lines to placed receipts: the stages of matching, in order, each on what the last one left.

Decisions, then what is nobody's, then references, then amounts; what remains goes on account of its payer's
principal, or stays open with its candidates. What a stage posts no later stage touches.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.balances import balance_items
from settlement.matching.by_amount import asking, fitting_items, offers_of, post_by_amount, post_short
from settlement.matching.by_bureau import post_refunds
from settlement.matching.by_month import months_said, post_months
from settlement.matching.by_reference import post_single, said_purposes, tolerances, with_parties
from settlement.matching.by_several import bound_together, post_bound
from settlement.matching.by_sum import post_sums
from settlement.matching.candidates import candidates_of
from settlement.matching.credits import described, held_credits, standing
from settlement.matching.decisions import Decided, decide
from settlement.matching.filling import left_of
from settlement.matching.found import found_rows
from settlement.matching.inputs import ALLOCATIONS, CONVERSIONS, EVIDENCE, SCOREBOARD, UNMATCHED, Matched, MatchInputs
from settlement.matching.items import open_items, variants
from settlement.matching.nobody import Nobodys, keyed_lines, nobodys_lines
from settlement.matching.parties import Parties, known_payers, parties
from settlement.matching.quoting import quoted, targets
from settlement.matching.references import known_references
from settlement.matching.relations import NIL, beside, in_schema, money_sum, text, union_of
from settlement.matching.verdicts import PIECE, PIECE_SCHEMA, VERDICT, Placed, verdicts_on
from settlement.matching.words import purposes_said
from settlement.rules.money import MONEY

FULL = ("txn_id", "principal_id", "order_no", "purpose", "amount", "rule", "confidence", "evidence", "candidates")


@dataclass(frozen=True)
class Stages:
    """What the stages made, for allocations, exceptions and explanations alike."""

    lines: ir.Table
    stands: ir.Table
    decided: Decided
    nobodys: Nobodys
    credits: ir.Table
    parties: Parties
    targets: ir.Table
    fits: ir.Table
    items: ir.Table
    pieces: ir.Table
    verdicts: ir.Table


def _free_lines(inputs: MatchInputs, lines: ir.Table, stands: ir.Table, decided: ir.Table) -> ir.Table:
    """Lines of own accounts that neither a decision nor an earlier month's nobody's row explains."""
    own = inputs.own_accounts.select(account_no="account_no").distinct()
    nobody = stands.filter(stands.principal_id.isnull()).select("txn_id")
    bank = inputs.placed_payments.filter(inputs.placed_payments.request_no.isnull()).select("txn_id")
    return lines.semi_join(own, "account_no").anti_join(decided, "txn_id").anti_join(nobody.union(bank), "txn_id")


def staged(inputs: MatchInputs) -> Stages:
    """Run every stage on the credits. Intermediate relations are kept under their names."""
    keep = inputs.keep
    stands = keep("stands", standing(inputs.placed))
    decided = decide(inputs)
    lines = keep("lines", keyed_lines(inputs, described(inputs.transactions)))
    known = known_payers(inputs, decided.pieces)
    nobodys = nobodys_lines(inputs, _free_lines(inputs, lines, stands, decided.pieces), known)
    fast = held_credits(stands).filter(lambda t: t.fast)
    own = inputs.own_accounts.select(account_no="account_no").distinct()
    credits = lines.filter(lines.amount > NIL).semi_join(own, "account_no")
    credits = credits.anti_join(fast, "txn_id").anti_join(decided.pieces, "txn_id").anti_join(nobodys.lines, "txn_id")
    credits = keep("credits", credits.mutate(said=said_purposes(purposes_said(credits.marks))))
    payers = parties(inputs, credits, known)
    held = union_of([stands.select(PIECE).anti_join(decided.pieces, "txn_id"), decided.pieces.select(PIECE)])
    held = keep("held", held.anti_join(nobodys.lines, "txn_id"))
    items = keep("items", open_items(inputs, held))
    offers = keep("variants", variants(inputs, held))
    found = quoted(inputs, credits, keep("references", known_references(inputs)))
    named = keep("named", with_parties(targets(inputs, found), credits, payers, inputs))
    small = tolerances(inputs)
    bound = bound_together(inputs, named)
    several = post_bound(inputs, bound, credits, items, offers, small)
    after_several = keep("items_after_several", left_of(items, several.pieces, credits))
    single = named.anti_join(bound, "txn_id")
    single = single.mutate(reference=ibis.ifelse(single.is_alike, "alike", ibis.ifelse(single.is_unclear, "unclear", "one")))
    one = post_single(inputs, single, after_several, offers, small)
    after = keep("items_after_one", left_of(after_several, one.pieces, credits))
    dead, tokens = found.dead, found.tokens
    silent = keep("silent", credits.anti_join(named, "txn_id"))
    refunds = post_refunds(inputs, silent, payers.payers, tokens, after)
    unnamed = Unnamed(inputs, keep("unnamed", silent.anti_join(refunds.verdicts, "txn_id")), payers, offers, dead, tokens, small)
    others, last, fits = unnamed.posted(left_of(after, refunds.pieces, credits))
    stages = (several, one, refunds, *others)
    pieces = keep("order_pieces", union_of([stage.pieces.select(PIECE) for stage in stages]))
    verdicts = keep("verdicts", union_of([stage.verdicts.select(VERDICT) for stage in stages]))
    return Stages(lines, stands, decided, nobodys, credits, payers, named, fits, last, pieces, verdicts)


@dataclass(frozen=True)
class Unnamed:
    """Credits whose text names no order, and what is known of them."""

    inputs: MatchInputs
    credits: ir.Table
    parties: Parties
    variants: ir.Table
    dead: ir.Table
    tokens: ir.Table
    small: ir.Table

    def posted(self, items: ir.Table) -> tuple[list[Placed], ir.Table, ir.Table]:
        """By month, by amount, short by charges, by sum; then a verdict for the rest. Items left, fits for candidates."""
        inputs, keep, credits = self.inputs, self.inputs.keep, self.credits
        months = months_said(inputs, credits)
        month = post_months(inputs, credits, self.parties, months, items)
        items = keep("items_after_months", left_of(items, month.pieces, credits))
        asked = keep("asking", asking(credits.anti_join(month.verdicts, "txn_id"), self.parties))
        offers = keep("offers", offers_of(items, self.variants, balance_items(inputs, items)))
        fits = fitting_items(inputs, asked, offers, months)
        amount = post_by_amount(inputs, fits, self.parties, self.dead, self.tokens)
        items = keep("items_after_amounts", left_of(items, amount.pieces, credits))
        asked = asked.anti_join(amount.verdicts, "txn_id")
        short = post_short(inputs, asked.anti_join(self.dead, "txn_id"), offers_of(items, self.variants, balance_items(inputs, items)), months, self.small)
        items = keep("items_after_short", left_of(items, short.pieces, credits))
        sums = post_sums(inputs, asked.anti_join(short.verdicts, "txn_id"), self.parties, items, self.dead, months)
        stages = [month, amount, short, sums]
        decided = keep("unnamed_decided", union_of([stage.verdicts.select("txn_id") for stage in stages]))
        rest = credits.anti_join(decided, "txn_id").select("txn_id").inner_join(self.parties.payers, "txn_id")
        reference = ibis.ifelse(rest.txn_id.isin(self.dead.txn_id), "dead", "none")
        facts = rest.select("txn_id", "party", "principal_id", reference=reference, fit=text("none"), unique=text("several"))
        nothing = Placed(inputs.load([], PIECE_SCHEMA), keep("rest_verdicts", verdicts_on(facts)))
        return [*stages, nothing], keep("items_last", left_of(items, sums.pieces, credits)), fits


def _by_rule(inputs: MatchInputs, stages: Stages) -> tuple[ir.Table, ir.Table]:
    """What the rules leave of each credit: its pieces (FULL, on account included) and what is nobody's yet (UNMATCHED)."""
    credits = stages.credits.select("txn_id", "currency", "amount")
    sums = stages.pieces.group_by("txn_id").agg(put=money_sum(stages.pieces.amount))
    rest = beside(stages.verdicts.inner_join(credits, "txn_id"), sums, "txn_id")
    rest = rest.mutate(rest=(rest.amount - rest.put.fill_null(NIL)).cast(MONEY)).filter(lambda t: t.rest > NIL)
    rest = inputs.keep("rest", rest)
    options = candidates_of(inputs, rest, stages.targets, stages.fits, stages.items)
    rest = beside(rest, options, "txn_id").mutate(candidates=lambda t: t.candidates.fill_null("[]"))
    homeless = (rest.posts == "open") | rest.principal_id.isnull()
    on_account = rest.filter(~homeless)
    placed = stages.pieces.inner_join(stages.verdicts.select("txn_id", "raw", "rule", "confidence", "zh", "note"), "txn_id")
    placed = in_schema(placed, _columns(placed) | {"evidence": _evidence(placed)}, ALLOCATIONS)
    kept = _columns(on_account) | {
        "order_no": text(None),
        "purpose": text("预收"),
        "amount": on_account.rest,
        "evidence": _evidence(on_account),
    }
    left = rest.filter(homeless)
    unmatched = in_schema(left, _columns(left) | {"amount": left.rest, "reason": _evidence(left)}, UNMATCHED)
    return placed.union(in_schema(on_account, kept, ALLOCATIONS)), unmatched


def _columns(table: ir.Table) -> dict[str, ir.Value]:
    return {name: table[name] for name in table.columns}


def _evidence(rows: ir.Table) -> ir.StringValue:
    quoted_text = ibis.ifelse(rows.raw.isnull(), "", "；附言：" + rows.raw)
    note = ibis.ifelse(rows.note.isnull(), "", "；" + rows.note)
    return rows.zh + quoted_text + note


def _whole_credits(stages: Stages) -> ir.Table:
    """Credits that a decision or a nobody's rule explains, as FULL rows; what a decision leaves stays open."""
    decided = stages.decided.pieces.semi_join(stages.lines.filter(stages.lines.amount > NIL), "txn_id")
    nobody = stages.nobodys.lines.inner_join(stages.lines.filter(stages.lines.amount > NIL).select("txn_id", "amount"), "txn_id")
    rows = [in_schema(table, _columns(table), ALLOCATIONS) for table in (decided, nobody)]
    return union_of(rows)


def _new_rows(inputs: MatchInputs, final: ir.Table, stands: ir.Table) -> ir.Table:
    """What must be posted this month so that ``final`` stands: new rows, and a negative row for what moves away.

    A credit of which earlier months posted nothing has all its rows new; of another, the difference by principal,
    order and purpose.
    """
    fresh = final.anti_join(stands, "txn_id")
    moved = final.semi_join(stands, "txn_id")
    was = stands.semi_join(moved, "txn_id")
    why = moved.group_by("txn_id").agg(rule=moved.rule.max(), confidence=moved.confidence.min(), evidence=moved.evidence.max())
    back = was.select("txn_id", "principal_id", "order_no", "purpose", amount=(-was.amount).cast(MONEY)).inner_join(why, "txn_id")
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


def _unmatched(inputs: MatchInputs, stages: Stages, final: ir.Table, by_rule: ir.Table) -> ir.Table:
    """Every credit with money that nothing explains at the month's end: UNMATCHED."""
    credits = stages.lines.filter(stages.lines.amount > NIL).select("txn_id", "account_no", "amount")
    settled = stages.stands.anti_join(final, "txn_id").select("txn_id", "amount").union(final.select("txn_id", "amount"))
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
    stages = staged(inputs)
    by_rule, unplaced = _by_rule(inputs, stages)
    final = inputs.keep("final", by_rule.union(_whole_credits(stages)))
    allocations = _new_rows(inputs, final, stages.stands)
    unmatched = _unmatched(inputs, stages, final, unplaced)
    return Matched(
        allocations=allocations,
        unmatched=unmatched,
        found=inputs.keep("receipts_found", _found(stages)),
        scoreboard=inputs.keep("scoreboard", _scoreboard(stages, allocations)),
        evidence=inputs.keep("receipts_evidence", _details(stages)),
        conversions=inputs.load([], CONVERSIONS),
    )


def _found(stages: Stages) -> ir.Table:
    lines = stages.lines.select("txn_id", "source_file", "source_row", "booked_on", "currency", line_amount="amount")
    raised = stages.verdicts.filter(stages.verdicts.code != "").inner_join(lines, "txn_id")
    message = raised.zh + "，金额 " + raised.line_amount.cast("string") + " " + raised.currency
    rows = found_rows(raised, raised.code, message, rule_id="IMP-RCV-01")
    marked = stages.nobodys.reversals.inner_join(lines, "txn_id")
    said = ibis.cases(
        (marked.original.notnull(), "冲正流水，原流水 " + marked.original),
        else_="冲正流水，相符的原流水 " + marked.originals.fill_null(0).cast("string") + " 笔，未能配对",
    )
    reversals = found_rows(marked, "BNK_REVERSAL", said + "，金额 " + marked.line_amount.cast("string"), rule_id="BNK-04")
    return union_of([stages.decided.found, rows, reversals])


def _scoreboard(stages: Stages, allocations: ir.Table) -> ir.Table:
    rows = allocations.inner_join(stages.lines.select("txn_id", "currency"), "txn_id")
    sums = rows.group_by("rule", "confidence", "currency").agg(
        receipts=rows.txn_id.nunique(), pieces=rows.count(), amount=money_sum(rows.amount)
    )
    return in_schema(sums, _columns(sums) | {"corrected": 0}, SCOREBOARD)


def _details(stages: Stages) -> ir.Table:
    rows = stages.verdicts.select("txn_id", step=ibis.literal(1), kind=text("决策"), text=_evidence(stages.verdicts))
    return in_schema(rows, _columns(rows), EVIDENCE)
