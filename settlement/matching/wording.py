"""What was found, in words a clerk reads: the evidence of each allocation, the reason of each open receipt."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import TEXTS, texts
from settlement.matching.inputs import EVIDENCE
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, in_schema, text, union_of
from settlement.matching.stages import Stages

_PARTY = {
    "own": "已知",
    "weak": "仅姓名相符",
    "conflict": "账号与名称属于不同委托方",
    "many": "为许多委托方付款",
    "bureau": "税务机关",
    "unknown": "不在付款人表",
    "other": "只为别的委托方所知",
    "buyer": "同一委托方另一订单的客商",
}
_FIT = {
    "exact": "等于未结金额",
    "variant": "等于另一应付口径",
    "charges": "差额在手续费允差之内",
    "estimate": "在估算允许的超额之内",
    "part": "少于未结金额",
    "over": "多于未结金额",
    "paid": "已无未结金额",
    "undue": "尚未计费",
    "sum": "合计等于收款",
    "parts": "几笔收款合计等于未结金额",
    "currency": "订单以另一币种结算",
    "dropped": "订单已取消或退载",
    "none": "没有相等的未结项",
}
_HOW = {
    "alike": "按形近字 O/0、I/1 读出",
    "range": "区间",
    "list": "缩写",
    "glued": "与其他文字相连",
    "joined": "中间有空格",
}


def _quoted_words(targets: ir.Table) -> ir.Table:
    """txn_id, said: the numbers of the text and the orders they name."""
    arrow = ibis.ifelse(targets.raw == targets.order_no, "", "→" + targets.order_no)
    rows = targets.select("txn_id", "orders", "order_no", words=targets.kind + " " + targets.raw + arrow)
    one = rows.filter(rows.orders == 1).select("txn_id", said="words")
    many = rows.filter(rows.orders > 1)
    listed = many.group_by("txn_id").agg(said=many.words.group_concat("、", order_by=many.order_no.asc()))
    return one.union(listed)


def words_on(inputs: Prepared, verdicts: ir.Table, targets: ir.Table, credits: ir.Table) -> ir.Table:
    """Per receipt of the stages: txn_id, line (the bank line's txn_id), rule, confidence, code, evidence."""
    table = inputs.keep("rule_texts", inputs.load(texts(), TEXTS))
    rows = verdicts.select("txn_id", "rule", "posts", "confidence", "note").inner_join(table, "rule")
    rows = rows.inner_join(credits.select("txn_id", "line", "how", "amount", "currency", payer="party"), "txn_id")
    rows = beside(rows, _quoted_words(targets), "txn_id")
    payer = ibis.cases(*[(rows.payer == party, said) for party, said in _PARTY.items()], else_="")
    how = ibis.ifelse((rows.payer == "own") & rows.how.notnull(), "（" + rows.how + "）", "")
    evidence = (
        rows.zh
        + ibis.ifelse(rows.said.isnull(), "", "；附言：" + rows.said)
        + "；收款 " + rows.amount.cast("string") + " " + rows.currency + "；付款人" + payer + how
        + ibis.ifelse(rows.note.isnull(), "", "；" + rows.note)
    )  # fmt: skip
    raised = rows.code.fill_null("")
    code = ibis.ifelse((rows.posts == "open") & (raised == ""), "RCV_UNIDENTIFIED", raised)
    return rows.select("txn_id", "line", "rule", "posts", "confidence", code=code, evidence=evidence)


def _excluded(stages: Stages, most: int) -> ir.Table:
    """Open items of the same amount that the receipt was not put on, and why not: txn_id, text; ``most`` a receipt."""
    credits, owed = stages.parties.credits, stages.owed
    asked = union_of(
        [
            table.select("txn_id", "principal_id").distinct().mutate(is_named=ibis.literal(named))
            for named, table in (
                (True, stages.targets),
                (False, stages.parties.scope.anti_join(stages.targets, "txn_id")),
            )
        ]
    )
    asked = asked.inner_join(credits.select("txn_id", "currency", "amount"), "txn_id")
    owed = owed.filter(owed.open > NIL).select("principal_id", "currency", "order_no", "purpose", amount="open")
    met = asked.inner_join(owed, ["principal_id", "currency", "amount"])
    met = met.anti_join(stages.pieces, ["txn_id", "order_no"]).anti_join(stages.targets, ["txn_id", "order_no"])
    met = met.anti_join(stages.fits, ["txn_id", "order_no"])
    here = ibis.window(group_by="txn_id", order_by=[met.order_no, met.purpose])
    met = met.mutate(nth=ibis.row_number().over(here)).filter(lambda t: t.nth < most)
    left = stages.items.select("order_no", "purpose", "currency", left="open")
    met = beside(met, left, ["order_no", "purpose", "currency"])
    why = ibis.cases(
        (met.is_named, "附言写明的是别的订单"),
        (met.left.fill_null(NIL) < met.amount, "已由别的收款付清"),
        else_="附言的用途、月份，或付款的客商与它不符",
    )
    said = met.order_no + " " + met.purpose + " " + met.amount.cast("string") + " " + met.currency
    return met.select("txn_id", text=said + " 金额也相等，" + why)


def evidence_of(inputs: Prepared, stages: Stages) -> ir.Table:
    """EVIDENCE for ``settlement explain``: for each receipt that rules looked at, what they saw, step by step.

    1 the text, 2 each number in it and where it stands, 3 each principal the payer is known for, 4 each open item of its
    amount, 5 those of its amount that were excluded, 6 what was decided. Not computed until somebody asks.
    """
    credits = stages.parties.credits
    lines = credits.select("txn_id", "line")
    hits = stages.found.hits.distinct().inner_join(credits.select("txn_id", said="text"), "txn_id")
    how = ibis.cases(*[(hits.how == name, "（" + said + "）") for name, said in _HOW.items()], else_="")
    first = hits.said.find(hits.raw)
    span = "（第 " + (first + 1).cast("string") + "-" + (first + hits.raw.length()).cast("string") + " 字）"
    span = ibis.ifelse(first >= 0, span, "")
    scope, fits, dead = stages.parties.scope, stages.fits, stages.found.dead
    verdicts = stages.verdicts
    party = ibis.cases(*[(verdicts.party == word, said) for word, said in _PARTY.items()], else_="")
    fit = ibis.cases(*[(verdicts.fit == word, said) for word, said in _FIT.items()], else_="")
    decided = "规则 " + verdicts.rule + "：付款人" + party + "，金额" + fit
    amounts = fits.order_no + " " + fits.purpose + " " + fits.offer.cast("string") + " " + fits.currency
    numbers = (
        hits.kind + " “" + hits.raw + "”" + span + how + "：订单 " + hits.order_no + "，委托方 " + hits.principal_id
    )
    steps = [
        (1, "附言", credits, credits.text),
        (2, "编号", hits, numbers),
        (2, "编号", dead, "“" + dead.raw + "”是我方编号的样式，查无此号"),
        (3, "付款人", scope, "委托方 " + scope.principal_id + "：" + scope.how),
        (4, "金额相符", fits, amounts),
        (5, "排除", excluded := _excluded(stages, inputs.limits.candidates_shown), excluded.text),
        (6, "决策", verdicts, decided + ibis.ifelse(verdicts.note.isnull(), "", "；" + verdicts.note)),
    ]
    seen = [
        table.select("txn_id", step=ibis.literal(step).cast("int64"), kind=text(kind), text=said)
        for step, kind, table, said in steps
    ]
    rows = union_of(seen).inner_join(lines, "txn_id")
    rows = rows.filter(rows.text.notnull() & (rows.text != "")).distinct()
    return in_schema(rows, {"txn_id": rows.line, "step": rows.step, "kind": rows.kind, "text": rows.text}, EVIDENCE)
