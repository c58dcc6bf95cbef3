"""What recorded events prove (事项核对): choices not made, receipts not posted, a tax bill used twice, heads not collected.

EXP-RET-01, IMP-RCV-01, IMC-TAX-01, C-49, LOG-AR-04, LOG-INV-01; and the opening balances (contract, section 3). An event
that nobody recorded is neither pass nor breach. Each function returns rows of ``FOUND`` and of rule_coverage.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.counted import counted
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.registry import rule

TO_TAX, TO_CLIENT, TO_ACCOUNTS = "税务", "客户|委托方", "会计|公司"
ARRIVALS = ("IMP-RCV-01", "EXP-RCV-02", "LOG-RCV-01")
HEAD_FIELDS = {
    "name": "单位名称",
    "uscc": "纳税人识别号",
    "bank_name": "开户行",
    "bank_account": "银行账号",
    "phone": "联系电话",
    "address": "联系地址",
}


def _choices(events: ir.Table, event: str, **ways: str) -> ir.Table:
    """A row an order with event ``event``: whether each way was ever chosen, the first day, the words."""
    mine = events.filter((events.event == event) & events.order_no.notnull())
    choice = ibis.coalesce(mine.choice, "")
    return mine.group_by("order_no").agg(
        _on=mine.happened_at.max().date(),
        _said=mine.choice.group_concat(sep="、", order_by=mine.happened_at),
        source_file=mine.source_file.min(),
        source_row=mine.source_row.min(),
        **{name: choice.re_search(words).any() for name, words in ways.items()},
    )


@rule("EXP-RET-01", inputs=("events.choice", "orders.services"), codes=("RETDOC_ROUTE_MISSING",))
def return_routes(orders: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """RETDOC_ROUTE_MISSING: the handling of returned export papers (出口退单) is recorded without one of its two routes.

    Formula: exactly one of 交税务部 and 寄客户 among the choices of event EXP-RET-01, for orders with 出口报关.
    Units: none. Rounding: none. Errors: none; no event: not checkable. Source: S0 l.874, 879–880.
    """
    due = orders.filter(orders.services.contains("出口报关") & ~orders.is_cancelled).select("order_no", "principal_id")
    said = _choices(events, "EXP-RET-01", _tax=TO_TAX, _client=TO_CLIENT)
    joined = due.left_join(said, "order_no").drop("order_no_right")
    judged = joined.mutate(_checked=joined._on.notnull(), _off=ibis.coalesce(joined._tax == joined._client, False))
    rows = found(
        judged.filter(judged._off),
        code="RETDOC_ROUTE_MISSING",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            "：",
            t._on,
            " 处理出口退单，登记的去向为“",
            ibis.coalesce(t._said, "空"),
            "”，须在“交税务部”与“寄客户”中二选一。",
        ),
        field="choice",
        found=lambda t: t._said,
        arisen_on=lambda t: t._on,
        rule_id="EXP-RET-01",
    )
    return rows, counted("EXP-RET-01", judged, checked="_checked", failed="_off")


@rule("IMP-RCV-01", "EXP-RCV-02", "LOG-RCV-01", inputs=("events", "receipt_allocations"), codes=("RCV_NOT_POSTED",))
def receipts_not_posted(orders: ir.Table, events: ir.Table, standing: ir.Table) -> tuple[ir.Table, ir.Table]:
    """RCV_NOT_POSTED: somebody recorded the arrival of an order's money, and no receipt of it stands in the books.

    ``standing``: pieces as they stand (order_no, txn_id, currency, amount). An event that states an amount wants a piece of
    it, or pieces of the order that together reach it. Formula: none, or Σ pieces < amount. Units: the event's currency,
    else the order's. Rounding: none. Errors: none. Source: S0 l.882.
    """
    told = events.filter(events.event.isin(ARRIVALS) & events.order_no.notnull())
    owned = told.drop("principal_id").join(orders.select("order_no", "principal_id", _own="currency"), "order_no")
    owned = owned.mutate(
        _currency=ibis.coalesce(owned.currency, (owned.event == "EXP-RCV-02").ifelse(owned._own, "CNY"))
    )
    wanted = owned.group_by("order_no", "principal_id", "_currency").agg(
        _wanted=owned.amount.sum().cast(money.MONEY), _on=owned.happened_at.min().date(), _event=owned.event.min(),
        source_file=owned.source_file.min(), source_row=owned.source_row.min(),
    )  # fmt: skip
    held = standing.filter(standing.order_no.notnull())
    pieces = held.group_by("order_no", _of="currency").agg(_held=held.amount.sum().cast(money.MONEY))
    joined = wanted.left_join(
        pieces, [wanted.order_no == pieces.order_no, wanted._currency == pieces._of], rname="h_{name}"
    )
    nil = money.decimal_literal(0)
    has = ibis.coalesce(joined._held, nil)
    judged = joined.mutate(_has=has, _off=(has <= 0) | ibis.coalesce(has < joined._wanted, False))
    rows = found(
        judged.filter(judged._off),
        code="RCV_NOT_POSTED",
        subject=lambda t: subject_of(t.order_no, t._currency),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            "：",
            t._on,
            " 已确认到账 ",
            t._currency,
            " ",
            t._wanted,
            "，系统已认领 ",
            t._has,
            "，收款尚未完成。",
        ),
        amount_at_risk_cny=lambda t: (t._currency == "CNY").ifelse(
            (ibis.coalesce(t._wanted, nil) - t._has).cast(money.MONEY), ibis.null(money.MONEY)
        ),
        arisen_on=lambda t: t._on,
        rule_id=lambda t: t._event,
    )
    return rows, counted("IMP-RCV-01", judged, checked=None, failed="_off")


@rule("IMC-TAX-01", "C-49", "IMP-F-07", inputs=("events.choice", "vat_invoices"), codes=("TAXBILL_DOUBLE_USE",))
def tax_bill_uses(state: ir.Table, events: ir.Table, issued: ir.Table) -> tuple[ir.Table, ir.Table]:
    """TAXBILL_DOUBLE_USE: the original tax bill went to the client, and also to our accounts or into a goods invoice.

    ``state``: import orders with principal_id, invoice_amount, duty, consumption_tax, vat; ``issued``: order_no, total_amount
    of goods invoices issued. Formula: event IMC-TAX-01 says both ways, or 寄客户 while a goods invoice stands. Units: CNY.
    Rounding: none. Errors: none; no event: not checkable. Source: S0 l.858; IMP-F-07; decision C-49.
    """
    said = _choices(events, "IMC-TAX-01", _client=TO_CLIENT, _ours=TO_ACCOUNTS)
    sums = issued.group_by("order_no").agg(_issued=issued.total_amount.sum().cast(money.MONEY))
    joined = state.join(said, "order_no", rname="e_{name}").left_join(sums, "order_no", rname="i_{name}")
    judged = joined.mutate(
        _checked=joined._client | joined._ours, _off=joined._client & (joined._ours | joined._issued.notnull())
    )
    rows = found(
        judged.filter(judged._off),
        code="TAXBILL_DOUBLE_USE",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, "：正本税单 ", t._on, " 登记为“", t._said, "”，又",
            ibis.cases((t._issued.notnull(), sentence("开具货款增票 ", t._issued, " 元")), else_=ibis.literal("交本公司开票")), "，只能二选一。",
        ),
        amount_at_risk_cny=lambda t: ibis.coalesce(t._issued, t.invoice_amount, t.vat),
        arisen_on=lambda t: t._on,
        rule_id="IMC-TAX-01",
    )  # fmt: skip
    return rows, counted("IMC-TAX-01", judged, checked="_checked", failed="_off")


@rule("LOG-AR-04", "LOG-INV-01", inputs=("principals", "events"), codes=("INV_FIELD_MISSING",))
def heads_missing(orders: ir.Table, events: ir.Table, due: ir.Table, principals: ir.Table) -> tuple[ir.Table, ir.Table]:
    """INV_FIELD_MISSING, one a principal and field: an invoice is due and the principal's head is not complete.

    Due are principals whose client agreed a logistics statement (event LOG-AR-04 or LOG-INV-01) and those of ``due``
    (principal_id: a goods invoice may be issued). Formula: field empty. Units: none. Rounding: none. Errors: none.
    Source: S0 l.738, 875.
    """
    agreed = events.filter(events.event.isin(["LOG-AR-04", "LOG-INV-01"]))
    of_orders = (
        agreed.select("order_no").join(orders.select("order_no", "principal_id"), "order_no").select("principal_id")
    )
    named = agreed.filter(agreed.principal_id.notnull()).select("principal_id")
    logistics = of_orders.union(named).distinct().mutate(rule_id=ibis.literal("LOG-AR-04"))
    goods = (
        due.select("principal_id")
        .distinct()
        .anti_join(logistics, "principal_id")
        .mutate(rule_id=ibis.literal("IMP-INV-04"))
    )
    wanted = principals.join(logistics.union(goods), "principal_id").distinct(on="principal_id")
    fields = [
        wanted.filter(ibis.coalesce(wanted[column], "") == "").mutate(_field=ibis.literal(name))
        for column, name in HEAD_FIELDS.items()
    ]
    rows = found(
        ibis.union(*fields),
        code="INV_FIELD_MISSING",
        subject=lambda t: subject_of(t.principal_id, t._field),
        field=lambda t: t._field,
        message=lambda t: sentence("委托方 ", t.principal_id, "（", t.name, "）待开票，开票资料缺", t._field, "。"),
        rule_id=lambda t: t.rule_id,
    )
    gap = ibis.literal(False)
    for column in HEAD_FIELDS:
        gap = gap | (ibis.coalesce(wanted[column], "") == "")
    return rows, counted(
        "LOG-AR-04", wanted.filter(wanted.rule_id == "LOG-AR-04").mutate(_off=gap), checked=None, failed="_off"
    )


def openings_differ(balances: ir.Table, items: ir.Table, first_month: str) -> ir.Table:
    """OPENING_MISMATCH, one a principal: the opening items of the first month do not sum to the opening balance.

    A principal that has only a balance has no detail to hold against it; one that has only items, while other balances are
    given, has a balance of nothing. Formula: Σ amount_cny = balance_cny. Units: CNY. Rounding: none. Errors: none.
    Source: the contract, section 3.
    """
    begun = balances.filter(balances.month == first_month)
    stated = begun.group_by("principal_id").agg(
        _balance=begun.balance_cny.sum().cast(money.MONEY),
        source_file=begun.source_file.min(),
        source_row=begun.source_row.min(),
    )
    of_month = items.filter(items.month == first_month)
    sums = of_month.group_by("principal_id").agg(
        _sum=of_month.amount_cny.sum().cast(money.MONEY),
        _file=of_month.source_file.min(),
        _row=of_month.source_row.min(),
    )
    nil = money.decimal_literal(0)
    joined = sums.left_join(stated, "principal_id", rname="b_{name}").filter(lambda t: stated.count().as_scalar() > 0)
    compared = joined.mutate(
        _stated=ibis.coalesce(joined._balance, nil),
        source_file=ibis.coalesce(joined.source_file, joined._file),
        source_row=ibis.coalesce(joined.source_row, joined._row),
    )
    off = compared.filter(compared._stated != compared._sum)
    return found(
        off,
        code="OPENING_MISMATCH",
        subject=lambda t: subject_of(t.principal_id),
        message=lambda t: sentence(
            "委托方 ", t.principal_id, " ", first_month, " 期初余额 ", t._stated, " 元，明细合计 ", t._sum, " 元，差 ",
            (t._stated - t._sum).cast(money.MONEY), " 元；已按明细入账。",
        ),
        amount_at_risk_cny=lambda t: (t._stated - t._sum).abs(),
        field="balance_cny",
        rule_id="contract-3",
    )  # fmt: skip


def unknown_names(adjustments: ir.Table, orders: ir.Table, principals: ir.Table) -> ir.Table:
    """Rows of 调整 that name an order or a principal that does not exist, one a name (``_word``, ``_what``).

    ``orders``: order_no of every order the books know. 分摊 rows are judged with the freight lines they name.
    """
    said = adjustments.filter(adjustments.kind != "分摊")
    known = orders.select(_known="order_no")
    parts = []
    for column, word in (("from_order", "转出订单"), ("to_order", "转入订单")):
        named = said.filter(said[column].notnull()).anti_join(known, said[column] == known._known)
        parts.append(named.mutate(_word=ibis.literal(word), _what=named[column]))
    owners = principals.select(_known="principal_id").distinct()
    named = said.filter(said.principal_id.notnull()).anti_join(owners, said.principal_id == owners._known)
    parts.append(named.mutate(_word=ibis.literal("委托方"), _what=named.principal_id))
    return ibis.union(*parts)


def adjustments_of_nothing(adjustments: ir.Table, orders: ir.Table, principals: ir.Table) -> ir.Table:
    """DECISION_ORPHAN, one a name that a row of 调整 gives and that does not exist (contract, decisions)."""
    return found(
        unknown_names(adjustments, orders, principals),
        code="DECISION_ORPHAN",
        subject=lambda t: subject_of("调整", t.kind, t.principal_id, t._what, t.decided_at.cast("string")),
        message=lambda t: sentence("调整（", t.kind, " ", t.currency, " ", t.amount, "，", t.decided_by, "）所指", t._word, " ", t._what, " 不存在，该调整未生效。"),
        field=lambda t: t._word,
        found=lambda t: t._what,
        amount_at_risk_cny=lambda t: ibis.cases((t.currency == "CNY", t.amount.abs()), else_=ibis.null(money.MONEY)),
        arisen_on=lambda t: t.decided_at.date(),
        rule_id="contract-2",
    )  # fmt: skip
