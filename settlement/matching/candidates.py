"""What an open receipt might be: ranked candidates, as the JSON list a clerk's workbook shows."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, text, union_of

CANDIDATE = ("txn_id", "order_no", "principal_id", "score", "why")


def json_text(value: ir.StringValue) -> ir.StringValue:
    """A JSON string, or null."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return ibis.ifelse(value.isnull(), ibis.literal("null"), '"' + escaped + '"')


def _of_references(targets: ir.Table) -> ir.Table:
    return targets.select(
        "txn_id",
        "order_no",
        "principal_id",
        score=ibis.literal(80),
        why="附言写明" + targets.kind + " " + targets.raw,
    )


def _of_amounts(fits: ir.Table) -> ir.Table:
    return fits.select(
        "txn_id",
        "order_no",
        "principal_id",
        score=ibis.literal(60),
        why="付款人的" + fits.purpose + "应付 " + fits.amount.cast("string") + " " + fits.currency + " 与收款相等",
    )


def _of_strangers(credits: ir.Table, items: ir.Table, most: int) -> ir.Table:
    """Items of anybody with the same amount, where few have it: for payers nobody knows."""
    open_ones = items.filter(items.open > NIL)
    counted = open_ones.group_by("currency", "open").agg(same=open_ones.count())
    rare = open_ones.inner_join(counted.filter(counted.same <= most), ["currency", "open"])
    asked = credits.select("txn_id", "currency", open="amount")
    met = asked.inner_join(rare, ["currency", "open"])
    return met.select(
        "txn_id",
        "order_no",
        "principal_id",
        score=ibis.literal(30),
        why="未结" + met.purpose + "与收款金额 " + met.open.cast("string") + " " + met.currency + " 相等",
    )


def candidates_of(inputs: Prepared, waiting: ir.Table, targets: ir.Table, fits: ir.Table, items: ir.Table) -> ir.Table:
    """For each of ``waiting`` (txn_id, currency, amount): txn_id, candidates (JSON list, best first).

    One entry an order and principal: its best score. Ties in order of order number.
    """
    most = inputs.limits.candidates_shown
    named = _of_references(targets.semi_join(waiting, "txn_id"))
    equal = _of_amounts(fits.semi_join(waiting, "txn_id"))
    rows = union_of([named, equal, _of_strangers(waiting, items, most)])
    best = rows.group_by("txn_id", "order_no", "principal_id").agg(
        score=rows.score.max(), why=rows.why.argmax(rows.score)
    )
    order = [best.score.desc(), best.order_no.asc(), best.principal_id.asc()]
    ranked = best.mutate(place=ibis.row_number().over(ibis.window(group_by="txn_id", order_by=order)))
    shown = ranked.filter(ranked.place < most)
    entry = (
        '{"order_no":' + json_text(shown.order_no) + ',"principal_id":' + json_text(shown.principal_id)
        + ',"score":' + shown.score.cast("string") + ',"why":' + json_text(shown.why) + "}"
    )  # fmt: skip
    shown = shown.mutate(entry=entry)
    lists = shown.group_by("txn_id").agg(inside=shown.entry.group_concat(",", order_by=shown.place.asc()))
    return inputs.keep("candidates", lists.select("txn_id", candidates=text("[") + lists.inside + "]"))
