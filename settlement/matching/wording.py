"""What was found, in words a clerk reads: the evidence of each allocation, the reason of each open receipt."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import TEXTS, texts
from settlement.matching.inputs import EVIDENCE
from settlement.matching.prepared import Prepared
from settlement.matching.relations import beside, in_schema, text, union_of
from settlement.matching.stages import Stages

_PARTY = {
    "own": "已知",
    "weak": "仅姓名相符",
    "conflict": "账号与名称属于不同委托方",
    "many": "为许多委托方付款",
    "bureau": "税务机关",
    "unknown": "不在付款人表",
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


def evidence_of(stages: Stages) -> ir.Table:
    """EVIDENCE for ``settlement explain``: for each receipt that rules looked at, what they saw, step by step.

    1 the text, 2 each number in it, 3 each principal the payer is known for, 4 each open item of its amount,
    5 what was decided. Not computed until somebody asks.
    """
    credits = stages.parties.credits
    lines = credits.select("txn_id", "line")
    hits = stages.found.hits.distinct()
    how = ibis.cases(*[(hits.how == name, "（" + said + "）") for name, said in _HOW.items()], else_="")
    scope, fits = stages.parties.scope, stages.fits
    verdicts = stages.verdicts
    steps = [
        credits.select("txn_id", step=1, kind=text("附言"), text=credits.text),
        hits.select(
            "txn_id",
            step=2,
            kind=text("编号"),
            text=hits.kind + " “" + hits.raw + "”" + how + "：订单 " + hits.order_no + "，委托方 " + hits.principal_id,
        ),
        stages.found.dead.select(
            "txn_id", step=2, kind=text("编号"), text="“" + stages.found.dead.raw + "”是我方编号的样式，查无此号"
        ),
        scope.select("txn_id", step=3, kind=text("付款人"), text="委托方 " + scope.principal_id + "：" + scope.how),
        fits.select(
            "txn_id",
            step=4,
            kind=text("金额相符"),
            text=fits.order_no + " " + fits.purpose + " " + fits.offer.cast("string") + " " + fits.currency,
        ),
        verdicts.select(
            "txn_id",
            step=5,
            kind=text("决策"),
            text="规则 "
            + verdicts.rule
            + "：付款人 "
            + verdicts.party
            + "，金额 "
            + verdicts.fit
            + ibis.ifelse(verdicts.note.isnull(), "", "；" + verdicts.note),
        ),
    ]
    rows = union_of([table.mutate(step=table.step.cast("int64")) for table in steps]).inner_join(lines, "txn_id")
    return in_schema(rows, {"txn_id": rows.line, "step": rows.step, "kind": rows.kind, "text": rows.text}, EVIDENCE)
