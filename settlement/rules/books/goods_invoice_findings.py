"""What is wrong with invoices we issue (开出的发票): conditions, amount, agreement, fields, courier; the VAT gap.

IMP-INV-01..05, LOG-INV-01, IMP-F-08, C-10, C-12. Rows of ``FOUND`` and of rule_coverage.
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import imports, money
from settlement.rules.books.counted import counted
from settlement.rules.exceptions import found, sentence, subject_of

_QUANTITY = "decimal(18, 6)"


def _order(rows: ir.Table, code: str, rule_id: str, amount, *parts, field: str | None = None, **more) -> ir.Table:
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.order_no, field) if field else subject_of(t.order_no),
        field=field,
        message=lambda t: sentence("订单 ", t.order_no, "：", *[part(t) if callable(part) else part for part in parts]),
        amount_at_risk_cny=amount,
        rule_id=rule_id,
        **more,
    )


def goods_invoice_findings(
    state: ir.Table,
    sold: ir.Table,
    orders: ir.Table,
    goods: ir.Table,
    principals: ir.Table,
    events: ir.Table,
    *,
    gap_share: Decimal,
) -> list[tuple[ir.Table, ir.Table]]:
    """Findings on invoices issued by us.

    ``state``: import_invoices as they stand; ``sold``: invoice rows we issued for orders, with is_service; ``gap_share``:
    fraction of the invoice from which the VAT gap is reviewed (C-10). Amounts CNY.
    """
    of_goods = sold.filter(~sold.is_service)
    totals = of_goods.group_by("order_no").agg(
        _issued=of_goods.total_amount.sum().cast(money.MONEY), _numbers=of_goods.invoice_no.group_concat(sep="、", order_by=of_goods.invoice_no),
        _issued_on=of_goods.issued_on.min(), source_file=of_goods.source_file.min(), source_row=of_goods.source_row.min(),
    )  # fmt: skip
    made = state.join(totals, "order_no", rname="i_{name}")
    return [
        _conditions(made),
        _amounts(made),
        _gaps(state, gap_share),
        _agreed(made, events),
        _heads(sold, orders, principals),
        _lines(of_goods, goods, state),
        _couriers(events, orders),
    ]


def _conditions(made: ir.Table) -> tuple[ir.Table, ir.Table]:
    judged = made.mutate(_off=~ibis.coalesce(made.eligible, False))
    rows = _order(
        judged.filter(judged._off), "INV_CONDITION_NOT_MET", "IMP-INV-01", lambda t: t._issued,
        "已开货款增票 ", lambda t: t._numbers, " ", lambda t: t._issued, " 元，但委托代缴税、正本税单、需开增票三项条件未全部满足。",
        arisen_on=lambda t: t._issued_on,
    )  # fmt: skip
    return rows, counted("IMP-INV-01", judged, checked=None, failed="_off")


def _amounts(made: ir.Table) -> tuple[ir.Table, ir.Table]:
    judged = made.mutate(
        _checked=made.invoice_amount.notnull(), _off=ibis.coalesce(made._issued != made.invoice_amount, False)
    )
    rows = _order(
        judged.filter(judged._off), "INV_AMOUNT_MISMATCH", "IMP-INV-02", lambda t: (t._issued - t.invoice_amount).abs().cast(money.MONEY),
        "货款增票应开 ", lambda t: t.invoice_amount, " 元，实开 ", lambda t: t._issued, " 元（", lambda t: t._numbers, "）。",
        arisen_on=lambda t: t._issued_on,
    )  # fmt: skip
    return rows, counted("IMP-INV-02", judged, checked="_checked", failed="_off")


def _gaps(state: ir.Table, share: Decimal) -> tuple[ir.Table, ir.Table]:
    large = imports.is_gap_large(state.vat_gap, state.invoice_amount, money.decimal_literal(share, 8))
    judged = state.mutate(_checked=state.vat_gap.notnull(), _off=ibis.coalesce(large, False))
    rows = _order(
        judged.filter(judged._off), "VAT_GAP", "IMP-F-08", lambda t: t.vat_gap.abs(),
        "销项与进项税差 ", lambda t: t.vat_gap, " 元，超过开票金额 ", lambda t: t.invoice_amount, " 元的 ",
        f"{(share * 100).normalize():f}%", "；保本金额 ", lambda t: t.neutral_amount, " 元。",
    )  # fmt: skip
    return rows, counted("IMP-F-08", judged, checked="_checked", failed="_off")


def _agreed(made: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """IMP-INV-03: the amount was agreed with the client, before the invoice. Without any record of it nothing can be said."""
    told = events.filter(events.event.isin(["IMP-INV-03", "IMP-INV-05"]) & events.order_no.notnull())
    is_yes = (told.event == "IMP-INV-03") & ~ibis.coalesce(told.choice.re_search("否|未|异议"), False)
    known = told.group_by("order_no").agg(
        _agreed_on=told.happened_at.date().min(where=is_yes), _known=ibis.literal(True)
    )
    joined = made.left_join(known, "order_no", rname="e_{name}")
    late = ibis.coalesce(joined._agreed_on > joined._issued_on, True)
    judged = joined.mutate(_off=ibis.coalesce(joined._known, False) & late)
    rows = _order(
        judged.filter(judged._off), "INV_NOT_CONFIRMED", "IMP-INV-03", lambda t: t._issued,
        "货款增票 ", lambda t: t._issued, " 元于 ", lambda t: t._issued_on, " 开出，此前没有与客户确认金额的记录",
        lambda t: ibis.coalesce("（" + t._agreed_on.cast("string") + " 才确认）", ""), "。",
        arisen_on=lambda t: t._issued_on,
    )  # fmt: skip
    return rows, counted("IMP-INV-03", judged, checked="_known", failed="_off")


def _heads(sold: ir.Table, orders: ir.Table, principals: ir.Table) -> tuple[ir.Table, ir.Table]:
    """IMP-INV-04, LOG-INV-01: buyer's name and tax number on every invoice are the principal's."""
    buyers = principals.select("principal_id", _name="name", _uscc="uscc").distinct(on="principal_id")
    owned = sold.join(orders.select("order_no", "principal_id"), "order_no").join(buyers, "principal_id")
    owned = owned.mutate(_rule=owned.is_service.ifelse("LOG-INV-01", "IMP-INV-04"))
    parts = []
    for field, column, other in (("单位名称", "buyer_name", "_name"), ("纳税人识别号", "buyer_uscc", "_uscc")):
        off = owned.filter(ibis.coalesce(owned[column] != owned[other], False))
        parts.append(
            _order(
                off, "INV_FIELD_MISMATCH", off._rule, lambda t: t.total_amount,
                "发票 ", lambda t: t.invoice_no, " 的", field, "为“", lambda t, c=column: t[c], "”，应为“", lambda t, o=other: t[o], "”。",
                field=field, found=lambda t, c=column: t[c], arisen_on=lambda t: t.issued_on,
            )
        )  # fmt: skip
    wrong = ibis.coalesce(owned.buyer_name != owned._name, False) | ibis.coalesce(
        owned.buyer_uscc != owned._uscc, False
    )
    marked = owned.mutate(_checked=owned.buyer_name.notnull() | owned.buyer_uscc.notnull(), _off=wrong)
    coverage = ibis.union(
        *[
            counted(rule_id, marked.filter(marked._rule == rule_id), checked="_checked", failed="_off")
            for rule_id in ("IMP-INV-04", "LOG-INV-01")
        ]
    )
    return ibis.union(*parts), coverage


def _lines(of_goods: ir.Table, goods: ir.Table, state: ir.Table) -> tuple[ir.Table, ir.Table]:
    """IMP-INV-04: name, unit and quantity of a goods invoice with one line for an order with one line."""
    lines = goods.group_by("order_no").agg(
        _lines=goods.count(),
        _goods=goods.goods_name.min(),
        _unit=goods.legal_unit.min(),
        _quantity=goods.quantity.sum().cast(_QUANTITY),
    )
    invoiced = of_goods.group_by("order_no").agg(
        _rows=of_goods.count(), goods_name=of_goods.goods_name.min(), unit=of_goods.unit.min(),
        quantity=of_goods.quantity.sum().cast(_QUANTITY), invoice_no=of_goods.invoice_no.min(),
        total_amount=of_goods.total_amount.sum().cast(money.MONEY), issued_on=of_goods.issued_on.min(),
        source_file=of_goods.source_file.min(), source_row=of_goods.source_row.min(),
    )  # fmt: skip
    joined = invoiced.join(lines, "order_no").join(state.select("order_no", "principal_id"), "order_no")
    single = joined.filter((joined._lines == 1) & (joined._rows == 1))
    parts = []
    wrong = ibis.literal(False)
    for field, column, other in (
        ("货物品名", "goods_name", "_goods"),
        ("计量单位", "unit", "_unit"),
        ("开票数量", "quantity", "_quantity"),
    ):
        off = ibis.coalesce(single[column] != single[other], False)
        wrong = wrong | off
        parts.append(
            _order(
                single.filter(off), "INV_FIELD_MISMATCH", "IMP-INV-04", lambda t: t.total_amount,
                "发票 ", lambda t: t.invoice_no, " 的", field, "为“", lambda t, c=column: t[c], "”，应为“", lambda t, o=other: t[o], "”。",
                field=field, found=lambda t, c=column: t[c].cast("string"), arisen_on=lambda t: t.issued_on,
            )
        )  # fmt: skip
    return ibis.union(*parts), counted("IMP-INV-04", single.mutate(_off=wrong), checked=None, failed="_off")


def _couriers(events: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """IMP-INV-05, LOG-INV-01: the sending of an invoice is recorded with its courier number."""
    sent = events.filter(events.event.isin(["IMP-INV-05", "LOG-INV-01"]) & events.order_no.notnull())
    summed = sent.group_by("order_no", "event").agg(
        _courier=sent.courier_no.max(),
        _on=sent.happened_at.max().date(),
        source_file=sent.source_file.min(),
        source_row=sent.source_row.min(),
    )
    judged = summed.join(orders.select("order_no", "principal_id"), "order_no")
    judged = judged.mutate(_off=ibis.coalesce(judged._courier, "") == "")
    rows = found(
        judged.filter(judged._off),
        code="INV_COURIER_MISSING",
        subject=lambda t: subject_of(t.order_no, t.event),
        field="courier_no",
        message=lambda t: sentence("订单 ", t.order_no, "：发票 ", t._on, " 寄送，快递单号未登记。"),
        arisen_on=lambda t: t._on,
        rule_id=lambda t: t.event,
    )
    coverage = [
        counted(event, judged.filter(judged.event == event), checked=None, failed="_off")
        for event in ("IMP-INV-05", "LOG-INV-01")
    ]
    return rows, ibis.union(*coverage)
