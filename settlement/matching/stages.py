"""The stages of matching, in order, each on what the last one left.

Decisions, then what is nobody's, then references, then amounts. What a stage posts no later stage touches.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.balances import balance_items
from settlement.matching.by_amount import asking, fitting_items, offers_of, post_by_amount
from settlement.matching.by_bureau import post_refunds
from settlement.matching.by_month import months_said, post_months
from settlement.matching.by_reference import post_single, said_purposes, tolerances
from settlement.matching.by_several import bound_together, post_bound
from settlement.matching.by_sum import post_sums
from settlement.matching.credits import held_credits, standing
from settlement.matching.decisions import Decided, decide
from settlement.matching.filling import left_of
from settlement.matching.items import open_items, rates_of_lines, variants
from settlement.matching.nobody import Nobodys, keyed_lines, nobodys_lines
from settlement.matching.parties import Parties, known_payers, parties, with_parties
from settlement.matching.prepared import Prepared
from settlement.matching.quoting import Quoted, quoted, targets
from settlement.matching.references import known_references
from settlement.matching.relations import NIL, beside, text, union_of
from settlement.matching.verdicts import PIECE, PIECE_SCHEMA, VERDICT, Placed, verdicts_on
from settlement.matching.words import purposes_said


@dataclass(frozen=True)
class Stages:
    """What the stages made, for allocations, exceptions and explanations alike."""

    lines: ir.Table
    stands: ir.Table
    held: ir.Table
    decided: Decided
    nobodys: Nobodys
    parties: Parties
    targets: ir.Table
    found: Quoted
    fits: ir.Table
    owed: ir.Table  # open items before anything was posted
    items: ir.Table  # and what is left of them
    pieces: ir.Table
    verdicts: ir.Table
    small: ir.Table
    rates: ir.Table  # mid rates of the lines' currencies and days


def _free_lines(inputs: Prepared, lines: ir.Table, stands: ir.Table, decided: ir.Table) -> ir.Table:
    """Lines of own accounts that neither a decision nor an earlier month's nobody's row explains."""
    own = inputs.own_accounts.select(account_no="account_no").distinct()
    nobody = stands.filter(stands.principal_id.isnull()).select("txn_id")
    bank = inputs.placed_payments.filter(inputs.placed_payments.request_no.isnull()).select("txn_id")
    return lines.semi_join(own, "account_no").anti_join(decided, "txn_id").anti_join(nobody.union(bank), "txn_id")


def places(lines: ir.Table) -> ir.Table:
    """``line``, the txn_id of each credit, and as ``place`` a number in order of date and txn_id.

    The stages join and sort by it a hundred times: a number is a third of the work of a hash in letters.
    """
    credits = lines.filter(lines.amount > NIL).select("booked_on", line="txn_id")
    order = ibis.window(order_by=[credits.booked_on, credits.line])
    return credits.select("line", place=ibis.row_number().over(order))


def _open_credits(inputs: Prepared, lines: ir.Table, stands: ir.Table, decided: Decided, nobodys: Nobodys) -> ir.Table:
    """Credits of known own accounts that nothing holds fast: neither a decision, nor an order, nor nobody's purpose."""
    fast = held_credits(stands).filter(lambda t: t.fast)
    own = inputs.own_accounts.select(account_no="account_no").distinct()
    credits = lines.filter(lines.amount > NIL).semi_join(own, "account_no")
    credits = credits.anti_join(fast, "txn_id").anti_join(decided.pieces, "txn_id").anti_join(nobodys.lines, "txn_id")
    columns = (
        "txn_id",
        "currency",
        "booked_on",
        "amount",
        "text",
        "payer_key",
        "payer_account",
        "counterparty_name",
        "bank_fee",
    )
    said = said_purposes(purposes_said(credits.marks))
    credits = credits.select(*columns, said=said).rename(line="txn_id")
    placed = credits.inner_join(inputs.keep("places", places(lines)), "line")
    return inputs.keep("credits", placed.rename(txn_id="place"))


def staged(inputs: Prepared) -> Stages:
    """Run every stage on the credits. Intermediate relations are kept under their names."""
    keep = inputs.keep
    stands = keep("stands", standing(inputs.placed))
    decided = decide(inputs)
    lines, known = keyed_lines(inputs), known_payers(inputs)
    nobodys = nobodys_lines(inputs, _free_lines(inputs, lines, stands, decided.pieces), known)
    payers = parties(inputs, _open_credits(inputs, lines, stands, decided, nobodys), known)
    credits = payers.credits
    columns = ("txn_id", "order_no", "purpose", "amount")
    held = stands.select(columns).anti_join(decided.pieces, "txn_id").union(decided.pieces.select(columns))
    held = keep("held", held.anti_join(nobodys.lines, "txn_id"))
    items = keep("items", open_items(inputs, held))
    offers = keep("variants", variants(inputs, held))
    found = quoted(inputs, credits, keep("references", known_references(inputs)))
    named = keep("named", with_parties(targets(inputs, found), payers, inputs))
    small = tolerances(inputs)
    bound = bound_together(inputs, named)
    several = post_bound(inputs, bound, credits, items, offers, small)
    single = named.anti_join(bound.select("txn_id").distinct(), "txn_id")
    single = single.mutate(
        reference=ibis.cases((single.is_alike, "alike"), (single.is_unclear, "unclear"), else_="one")
    )
    one = post_single(inputs, single, keep("items_after_several", left_of(items, several.pieces)), offers, small)
    after = left_of(left_of(items, several.pieces), one.pieces)
    after = keep("items_after_one", after.filter(after.room > NIL))
    silent = keep("silent", credits.anti_join(named, "txn_id"))
    refunds = post_refunds(inputs, silent, found.tokens, after)
    unnamed = Unnamed(inputs, silent.anti_join(refunds.verdicts, "txn_id"), payers, offers, found.dead, found.tokens)
    others, last, fits = unnamed.posted(left_of(after, refunds.pieces))
    stages = (several, one, refunds, *others)
    pieces = keep("order_pieces", union_of([stage.pieces.select(PIECE) for stage in stages]))
    verdicts = keep("verdicts", union_of([stage.verdicts.select(VERDICT) for stage in stages]))
    rates = keep("line_rates", rates_of_lines(inputs, lines))
    return Stages(
        lines, stands, held, decided, nobodys, payers, named, found, fits, items, last, pieces, verdicts, small, rates
    )


@dataclass(frozen=True)
class Unnamed:
    """Credits whose text names no order, and what is known of them."""

    inputs: Prepared
    credits: ir.Table
    parties: Parties
    variants: ir.Table
    dead: ir.Table
    tokens: ir.Table

    def posted(self, items: ir.Table) -> tuple[list[Placed], ir.Table, ir.Table]:
        """By month, by amount, by sum; then a verdict for the rest. Items left, and fits for candidates."""
        inputs, keep, credits = self.inputs, self.inputs.keep, self.credits
        months = months_said(inputs, credits)
        month = post_months(inputs, credits, months, items)
        items = keep("items_after_months", left_of(items, month.pieces))
        asked = keep("asking", asking(credits.anti_join(month.verdicts, "txn_id"), self.parties))
        offers = keep("offers", offers_of(items, self.variants, balance_items(inputs, items)))
        fits = fitting_items(inputs, asked, offers, months)
        amount = post_by_amount(inputs, fits, credits, self.dead, self.tokens)
        items = keep("items_after_amounts", left_of(items, amount.pieces))
        single = credits.filter(credits.principal_id.notnull()).select("txn_id")
        sums = post_sums(
            inputs,
            keep("sum_asked", asked.anti_join(amount.verdicts, "txn_id").semi_join(single, "txn_id")),
            items,
            self.dead,
            months,
        )
        stages = [month, amount, sums]
        decided = keep("unnamed_decided", union_of([stage.verdicts.select("txn_id") for stage in stages]))
        rest = beside(
            credits.anti_join(decided, "txn_id"), self.dead.select("txn_id").distinct().mutate(is_dead=True), "txn_id"
        )
        reference = ibis.ifelse(rest.is_dead.fill_null(False), "dead", "none")
        facts = rest.select(
            "txn_id", "party", "principal_id", reference=reference, fit=text("none"), unique=text("several")
        )
        rest = keep("rest_verdicts", verdicts_on(facts, inputs.decision_table))
        return (
            [*stages, Placed(inputs.load([], PIECE_SCHEMA), rest)],
            keep("items_last", left_of(items, sums.pieces)),
            fits,
        )
