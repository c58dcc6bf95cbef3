"""What an open receipt might be: ranked candidates, as the JSON list a clerk's workbook shows."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.name_parts import Directory
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, text, union_of
from settlement.rules.money import MONEY

_NAMED = ibis.schema(
    {"txn_id": "int64", "order_no": "string", "principal_id": "string", "score": "int8", "why": "string"}
)


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


def _of_principal(waiting: ir.Table, items: ir.Table, small: ir.Table, most: int, searched: int) -> ir.Table:
    """Open items of the principal on whose account the money lies, the nearest amounts first: for a person to choose."""
    asked = waiting.filter(waiting.principal_id.notnull()).select("txn_id", "principal_id", "currency", "amount")
    open_ones = items.filter((items.open > NIL) & (items.purpose != "退税款"))
    open_ones = open_ones.select("principal_id", "currency", "order_no", "purpose", "open")
    size = open_ones.group_by("principal_id", "currency").agg(number=open_ones.count())
    met = asked.inner_join(open_ones, ["principal_id", "currency"])
    met = met.semi_join(size.filter(size.number <= searched), ["principal_id", "currency"])
    gap = (met.open - met.amount).cast(MONEY)
    met = beside(met.mutate(gap=gap, size=gap.abs()), small, "currency")
    nearest = ibis.window(group_by="txn_id", order_by=[met["size"].asc(), met.order_no.asc(), met.purpose.asc()])
    near = met.mutate(nth=ibis.row_number().over(nearest)).filter(lambda t: t.nth < most)
    tolerated = (near.gap > NIL) & (near.gap <= near.small.fill_null(NIL))
    why = (
        "同一委托方未结"
        + near.purpose
        + " "
        + near.open.cast("string")
        + " "
        + near.currency
        + "，差 "
        + near.gap.cast("string")
    )
    return near.select(
        "txn_id",
        "order_no",
        "principal_id",
        score=ibis.ifelse(tolerated, 40, 20),
        why=why + ibis.ifelse(tolerated, "，在手续费允差之内", ""),
    )


def _of_names(inputs: Prepared, waiting: ir.Table) -> ir.Table:
    """Principals whose name, or whose payer's name, resembles that of a payer nobody knows (C-27: proposed, not posted)."""
    limits = inputs.limits
    unknown = waiting.filter((waiting.party == "unknown") & waiting.counterparty_name.notnull())
    # The largest first: a name costs a look at the whole directory.
    largest = unknown.order_by([unknown.amount.desc(), unknown.txn_id.asc()]).limit(limits.names_searched)
    asked = inputs.run(largest.select("txn_id", "counterparty_name"))
    if not asked:
        return inputs.load([], _NAMED)
    principals, payers = inputs.principals, inputs.payers
    known = union_of(
        [principals.select("principal_id", name=principals.name), principals.select("principal_id", name=principals.name_en),
         payers.select("principal_id", name=payers.payer_name)]
    ).filter(lambda t: t.name.notnull()).distinct()  # fmt: skip
    directory = Directory((row["principal_id"], row["name"]) for row in inputs.run(known))
    rows = [
        {
            "txn_id": row["txn_id"],
            "principal_id": principal,
            "score": score * 55 // 100,
            "why": f"付款人名称与“{name}”相近（{score} 分）",
        }
        for row in asked
        for principal, name, score in directory.similar(
            row["counterparty_name"], limits.name_similarity, limits.candidates_shown
        )
    ]
    return inputs.load(rows, _NAMED)


def candidates_of(
    inputs: Prepared, waiting: ir.Table, targets: ir.Table, fits: ir.Table, items: ir.Table, small: ir.Table
) -> ir.Table:
    """For each of ``waiting`` (credit columns, principal_id where it lies on account): txn_id, candidates (JSON list).

    Best first; one entry an order and principal: its best score. Ties in order of order number. Money on a
    principal's account is shown no other principal's items.
    """
    most = inputs.limits.candidates_shown
    homeless = waiting.filter(waiting.principal_id.isnull())
    named = _of_references(targets.semi_join(waiting, "txn_id"))
    equal = _of_amounts(fits.semi_join(waiting, "txn_id"))
    silent = waiting.anti_join(named, "txn_id").anti_join(equal, "txn_id")
    mine = _of_principal(silent, items, small, most, inputs.limits.candidates_searched)
    rows = union_of(
        [
            named,
            equal,
            mine,
            _of_strangers(homeless, items, most),
            _of_names(inputs, homeless.anti_join(named, "txn_id")),
        ]
    )
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
