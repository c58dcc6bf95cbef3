"""Amounts on papers (单据金额): remittance messages that must add up, words that must say the figures.

FX-08, FX-10, CAP-01. Rows of ``FOUND`` and of rule_coverage, from facts.documents, one row a fact.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import amount_in_words, fx, money
from settlement.rules.books.counted import counted
from settlement.rules.books.document_findings import facts_of, figure_of, owned
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.registry import rule

MESSAGES = ("MT103", "汇款报文")


def _on_message(rows: ir.Table, code: str, *parts) -> ir.Table:
    """FOUND of messages, one an order and doc_no."""
    said = [part(rows) if callable(part) else part for part in parts]
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.order_no, t.doc_no),
        message=sentence("订单 ", rows.order_no, " 的汇款报文 ", ibis.coalesce(rows.doc_no, "（无编号）"), "：", *said),
        arisen_on=lambda t: t.dated_on,
        rule_id="FX-08",
    )


@rule("FX-08", inputs=("documents",), codes=("MT103_EQUATION", "MT103_71A_RULE"))
def messages_add_up(documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """MT103_EQUATION and MT103_71A_RULE: a remittance message (文件类型 MT103, fields 32A 33B 36 71A 71F 71G).

    One message a doc_no. Formula: 32A = 33B × 36 + Σ71G − Σ71F (36 = 1 without the field); 71A as
    ``fx.charges_contradict``. Units: the message's currency. Rounding: to the fen. Errors: none; without 32A, or 33B, the
    equation is not checkable. Source: SWIFT usage rule, FX-08, FX-10.
    """
    lines = owned(facts_of(documents, *MESSAGES), orders)
    lines = lines.mutate(
        field=lines.field.upper(),
        _figure=figure_of(lines.value),
        _rate=lines.value.replace(",", ".").try_cast(money.RATE),
    )

    def one(field: str) -> ir.Value:
        return lines._figure.max(where=lines.field == field)

    nil = money.decimal_literal(0)
    summed = lines.group_by("order_no", "principal_id", "doc_no").agg(
        settled=one("32A"), instructed=one("33B"), rate=lines._rate.max(where=lines.field == "36"),
        bearer=lines.value.max(where=lines.field == "71A").upper(),
        sent=ibis.coalesce(lines._figure.sum(where=lines.field == "71F"), nil).cast(money.MONEY),
        received=ibis.coalesce(lines._figure.sum(where=lines.field == "71G"), nil).cast(money.MONEY),
        dated_on=lines.dated_on.max(), source_file=lines.source_file.min(), source_row=lines.source_row.min(),
    )  # fmt: skip
    rate = ibis.coalesce(summed.rate, money.decimal_literal(1, 8))
    judged = summed.mutate(
        _off=fx.mt103_difference(summed.instructed, summed.settled, summed.sent, summed.received, rate),
        _wrong=ibis.coalesce(fx.charges_contradict(summed.bearer, summed.sent, summed.received), False),
    )
    judged = judged.mutate(
        _checked=judged._off.notnull() | judged.bearer.notnull(),
        _failed=ibis.coalesce(judged._off != 0, False) | judged._wrong,
    )

    equation = _on_message(
        judged.filter(ibis.coalesce(judged._off != 0, False)), "MT103_EQUATION",
        "33B ", lambda t: t.instructed, " + 71G ", lambda t: t.received, " − 71F ", lambda t: t.sent, "，32A 为 ", lambda t: t.settled, "，差 ", lambda t: t._off, "。",
    )  # fmt: skip
    charges = _on_message(
        judged.filter(judged._wrong), "MT103_71A_RULE",
        "71A 为 ", lambda t: t.bearer, "，却有 71F ", lambda t: t.sent, "、71G ", lambda t: t.received, "。",
    )  # fmt: skip
    return equation.union(charges), counted("FX-08", judged, checked="_checked", failed="_failed")


@rule("CAP-01", inputs=("documents",), codes=("CAP_WORDS_MISMATCH",))
def words_and_figures(documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """CAP_WORDS_MISMATCH: a paper's amount in words (大写…) is not its amount in figures (小写…, 金额), as numbers.

    One paper an order, kind and doc_no. Formula: ``amount_of_words`` = figures. Units: CNY. Rounding: none.
    Errors: none; without both, or with words that are no amount, not checkable. Source: 票据法 Art. 8; CAP-01.
    """
    papers = owned(documents, orders)
    facts = papers.filter(papers.field.re_search("大写|小写|^(金额|价税合计)$"))
    is_words = facts.field.contains("大写")
    read = facts.mutate(
        _words=amount_in_words.amount_of_words(is_words.ifelse(facts.value, ibis.null("string"))),
        _figures=is_words.ifelse(ibis.null(money.MONEY), figure_of(facts.value)),
        _text=is_words.ifelse(facts.value, ibis.null("string")),
    )
    both = read.group_by("order_no", "principal_id", "doc_kind", "doc_no").agg(
        words=read._words.max(), figures=read._figures.max(), _text=read._text.max(), dated_on=read.dated_on.max(),
        source_file=read.source_file.min(), source_row=read.source_row.min(),
    )  # fmt: skip
    both = both.filter(both._text.notnull())
    judged = both.mutate(
        _checked=both.words.notnull() & both.figures.notnull(), _off=ibis.coalesce(both.words != both.figures, False)
    )
    rows = found(
        judged.filter(judged._off),
        code="CAP_WORDS_MISMATCH",
        subject=lambda t: subject_of(t.order_no, t.doc_kind, t.doc_no),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " 的",
            t.doc_kind,
            " ",
            ibis.coalesce(t.doc_no, ""),
            "：小写 ",
            t.figures,
            "，大写“",
            t._text,
            "”为 ",
            t.words,
            "。",
        ),
        found=lambda t: t._text,
        field="大写金额",
        amount_at_risk_cny=lambda t: t.figures,
        arisen_on=lambda t: t.dated_on,
        rule_id="CAP-01",
    )
    return rows, counted("CAP-01", judged, checked="_checked", failed="_off")
