"""Papers of payments abroad (购汇付款资料): contract, PI, payee and method against the order, before the money goes.

IMP-FXP-01..03, C-36. Rows of ``FOUND`` and of rule_coverage; what no document states is neither pass nor breach.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books import document_findings as papers
from settlement.rules.books.counted import counted
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.registry import rule

ABROAD = "购汇付款"
_PAYEE_FIELDS = ("收款方名称", "收款账号", "付款方式")
_METHODS = {"T/T预付": "预付", "前TT": "预付", "后TT": "后付"}


def _requested(rows: ir.Table, code: str, rule_id: str, subject: tuple[str, ...], *parts) -> ir.Table:
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.request_no, *[t[name] for name in subject]),
        message=lambda t: sentence(
            "付汇申请 ", t.request_no, "（订单 ", t.order_no, "，", t.currency, " ", t.amount, "）：",
            *[part(t) if callable(part) else part for part in parts],
        ),
        amount_at_risk_cny=lambda t: ibis.cases(
            (t.currency == "CNY", t.amount), else_=money.multiply(t.amount, money.divide_half_up(t.fx_rate, 100, 8))
        ),
        arisen_on=lambda t: ibis.coalesce(t.submitted_at, t.notified_at).date(),
        rule_id=rule_id,
    )  # fmt: skip


def _asked(requests: ir.Table) -> ir.Table:
    """Applications to pay abroad, without the place they were read from: what is wrong stands in the document."""
    return requests.filter(requests.kind == ABROAD).select(
        "request_no", "order_no", "principal_id", "currency", "amount", "payee_name", "payee_account", "method", "fx_rate",
        "submitted_at", "notified_at", "bank_fee",
    )  # fmt: skip


def _order_says(orders: ir.Table) -> ir.Table:
    parts = {
        "合同号": orders.contract_no, "形式发票号": orders.pi_no, "币种": orders.currency,
        "金额": orders.amount_fx.cast("string"), "卖方": orders.counterparty,
    }  # fmt: skip
    return ibis.union(
        *[
            orders.filter(value.notnull()).select(
                "order_no", field=ibis.literal(field), _other=value, _by=ibis.literal("订单")
            )
            for field, value in parts.items()
        ]
    )


def _application_says(asked: ir.Table) -> ir.Table:
    parts = {"收款方名称": asked.payee_name, "收款账号": asked.payee_account, "付款方式": asked.method}
    return ibis.union(
        *[
            asked.filter(value.notnull()).select(
                "request_no", field=ibis.literal(field), _other=value, _by=ibis.literal("申请")
            )
            for field, value in parts.items()
        ]
    )


@rule("IMP-FXP-01", inputs=("payments", "orders", "documents"), codes=("FXP_DOC_MISMATCH",))
def papers_differ(requests: ir.Table, documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """FXP_DOC_MISMATCH, one an application and field: the trade contract or the PI differs from the order or the application.

    Contract and PI against the order: 合同号, 形式发票号, 币种, 金额, 卖方; against the application: 收款方名称, 收款账号,
    付款方式; and the application's payee against the order's 境外客商. Formula: equal as ``plain``. Units: currency.
    Rounding: none. Errors: none; what only one side states is not checked. Source: S0 l.882.
    """
    asked = _asked(requests)
    said = papers.facts_of(documents, *papers.CONTRACTS, *papers.INVOICES)
    said = papers.newest(said, "order_no", "doc_kind", "field").select(
        "order_no", "doc_kind", "field", "value", "source_file", "source_row"
    )
    of_request = asked.join(said, "order_no")
    by_order = of_request.join(_order_says(orders), ["order_no", "field"])
    by_application = of_request.join(_application_says(asked), ["request_no", "field"])
    sellers = orders.filter(orders.counterparty.notnull()).select("order_no", _other="counterparty")
    payees = asked.join(sellers, "order_no").mutate(
        doc_kind=ibis.literal("申请"), field=ibis.literal("收款方"), value=ibis._.payee_name, _by=ibis.literal("订单境外客商"),
        source_file=ibis.null("string"), source_row=ibis.null("int64"),
    )  # fmt: skip
    columns = [*by_order.columns]
    pairs = ibis.union(by_order, by_application.select(columns), payees.select(columns))
    pairs = pairs.mutate(_same=papers.plain(pairs.value, pairs.field) == papers.plain(pairs._other, pairs.field))
    pairs = pairs.mutate(_same=ibis.coalesce(pairs._same, False))
    rows = _requested(
        pairs.filter(~pairs._same), "FXP_DOC_MISMATCH", "IMP-FXP-01", ("doc_kind", "field"),
        lambda t: t.doc_kind, "的", lambda t: t.field, "为“", lambda t: t.value, "”，", lambda t: t._by, "为“", lambda t: t._other, "”，不一致不得付汇。",
    )  # fmt: skip
    return rows, _coverage("IMP-FXP-01", asked, pairs)


def _coverage(rule_id: str, asked: ir.Table, pairs: ir.Table) -> ir.Table:
    judged = asked.select("request_no").left_join(
        pairs.group_by("request_no").agg(_checked=ibis.literal(True), _failed=(~pairs._same).any()), "request_no"
    )
    return counted(rule_id, judged, checked="_checked", failed="_failed")


@rule("IMP-FXP-03", inputs=("payments.method", "documents", "own_company"), codes=("FXP_PREPAY_DOC_MISMATCH",))
def prepaid_papers(requests: ir.Table, documents: ir.Table, company: ir.Table) -> tuple[ir.Table, ir.Table]:
    """FXP_PREPAY_DOC_MISMATCH, one an application and field: of a prepayment, our own contract and PI (我方合同, 我方形式发票)

    differ from the client's (贸易合同, 形式发票), or our contract names another buyer than us.
    Formula: equal as ``plain``. Units: currency. Rounding: none. Errors: none. Source: S0 l.882.
    """
    asked = _asked(requests).filter(lambda t: t.method == "预付")
    ours = papers.newest(papers.facts_of(documents, *papers.OUR_PAPERS), "order_no", "field")
    ours = ours.select("order_no", "doc_kind", "field", "value", "source_file", "source_row")
    theirs = papers.facts_of(documents, *papers.CONTRACTS, *papers.INVOICES)
    theirs = papers.newest(
        theirs.filter(theirs.field.notin(["买方", "合同号", "形式发票号", *_PAYEE_FIELDS])), "order_no", "field"
    )
    theirs = theirs.select("order_no", "field", _other="value", _by="doc_kind")
    content = ours.join(theirs, ["order_no", "field"])
    names = company.select(_other="name").limit(1).mutate(_by=ibis.literal("本公司"))
    buyers = ours.filter(ours.field == "买方").cross_join(names)
    pairs = asked.join(content.union(buyers.select(content.columns)), "order_no")
    pairs = pairs.mutate(
        _same=ibis.coalesce(papers.plain(pairs.value, pairs.field) == papers.plain(pairs._other, pairs.field), False)
    )
    rows = _requested(
        pairs.filter(~pairs._same), "FXP_PREPAY_DOC_MISMATCH", "IMP-FXP-03", ("field",),
        "预付，", lambda t: t.doc_kind, "的", lambda t: t.field, "为“", lambda t: t.value, "”，", lambda t: t._by, "为“", lambda t: t._other, "”。",
    )  # fmt: skip
    return rows, _coverage("IMP-FXP-03", asked, pairs)


@rule("IMP-FXP-02", "C-36", inputs=("payments", "documents"), codes=("FXP_FTZ_CERT_MISSING",))
def certificates_missing(requests: ir.Table, documents: ir.Table) -> tuple[ir.Table, ir.Table]:
    """FXP_FTZ_CERT_MISSING: a document says that the payee is registered in a free-trade zone, and none is its 外汇登记证.

    Said by a field 注册地址 (工商注册地址) that names a zone, or 自贸区 = 是. The certificate is any row of 文件类型 or 字段
    外汇登记证 of the order. Formula: zone and no certificate. Units: none. Rounding: none. Errors: none; where nothing says
    where the payee is registered, not checkable. Source: S0 l.882; C-36 (the payee's certificate).
    """
    asked = _asked(requests)
    address = documents.field.re_search("注册地|注册地址") & documents.value.re_search(papers.FREE_TRADE_ZONES)
    flagged = documents.field.contains("自贸区") & documents.value.upper().isin(papers.YES)
    stated = documents.filter(documents.field.re_search("注册地|自贸区"))
    zoned = documents.filter(address | flagged)
    place = zoned.group_by("order_no").agg(
        _where=zoned.value.max(), source_file=zoned.source_file.min(), source_row=zoned.source_row.min()
    )
    certified = (
        documents.filter(
            (documents.doc_kind.isin(papers.CERTIFICATES) | documents.field.isin(papers.CERTIFICATES))
            & documents.value.notin(["无", "否"])
        )
        .select("order_no")
        .distinct()
    )
    known = asked.semi_join(stated.select("order_no").distinct(), "order_no")
    missing = asked.join(place, "order_no").anti_join(certified, "order_no")
    rows = _requested(
        missing, "FXP_FTZ_CERT_MISSING", "IMP-FXP-02", (),
        "收款方 ", lambda t: t.payee_name, " 注册在自贸区（", lambda t: t._where, "），没有外汇登记证，不得付汇。",
    )  # fmt: skip
    judged = (
        asked.select("request_no")
        .left_join(known.select("request_no", _checked=ibis.literal(True)), "request_no")
        .drop("request_no_right")
    )
    judged = judged.left_join(missing.select("request_no", _failed=ibis.literal(True)), "request_no")
    return rows, counted("IMP-FXP-02", judged, checked="_checked", failed="_failed")
