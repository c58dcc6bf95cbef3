"""What is to be invoiced: by the principals to us, by us to the principals.

What belongs here: relations. What does not: sheets, and the amounts themselves (rules).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.io.workbooks.source import Source
from settlement.rules.money import MONEY, RATE, apportion_column

_ORDER = {"order_no": "string", "freight_treatment": "string"}
_GOODS = {
    "order_no": "string", "line_no": "int64", "goods_name": "string", "quantity": "decimal(18,6)", "legal_unit": "string",
    "amount_fx": "decimal(18,2)",
}  # fmt: skip


def invoice_applications(source: Source) -> ir.Table:
    """开票申请: what we are to invoice (IMP-INV-01 to 04, LOG-INV-01, C-12): import goods, freight billed, import agency fees.

    Export agency fees and netted freight are in the export formula: no second invoice (C-13, FRT-06).
    """
    orders = source.given("facts", "orders", _ORDER)
    return ibis.union(_goods_invoices(source), _freight_invoices(source, orders), _fee_invoices(source)).order_by(
        "principal_id", "invoice_kind", "order_no", "line_no"
    )


def _goods_invoices(source: Source) -> ir.Table:
    shared = _import_goods(source)
    return shared.select(
        invoice_kind=ibis.literal("进口货款"), principal_id="principal_id", order_no="order_no", line_no="line_no",
        goods_name="goods_name", unit="legal_unit", quantity="quantity", amount="amount",
    )  # fmt: skip


def _import_goods(source: Source) -> ir.Table:
    """Goods of import orders that can be invoiced, each with its share of the invoice by its currency amount."""
    imports = source.book("import_invoices")
    due = imports.filter(imports.status == "可开票").select(
        "order_no", "principal_id", "invoice_amount", "ex_vat_amount", "status"
    )
    goods = source.given("facts", "goods", _GOODS)
    lines = due.left_join(goods, "order_no").drop("order_no_right")
    weighed = lines.mutate(
        share_weight=ibis.coalesce(lines.amount_fx, ibis.literal(1, MONEY)), line_no=ibis.coalesce(lines.line_no, 1)
    )
    for total, share in (("invoice_amount", "amount"), ("ex_vat_amount", "ex_vat")):
        weighed = apportion_column(
            weighed, by=["order_no"], total=total, weight="share_weight", order=["line_no"], name=share
        )
    return weighed


def notices(source: Source) -> ir.Table:
    """开票通知: what the principal is to invoice us (export, EXP-INV-03), and what we invoice it (import, IMP-INV-03)."""
    orders = source.given("facts", "orders", {"order_no": "string", "contract_no": "string"})
    exports = source.book("export_invoices")
    exports = exports.filter(exports.status.isin(["可开票", "已通知"]))
    theirs = exports.select(
        "principal_id", "order_no", "line_no", "declaration_no", "goods_name", "quantity", "legal_unit", "levy_rate",
        "invoice_amount", "ex_vat_amount", "tax_amount", "status", issuer=ibis.literal("委托方开给我方"),
    )  # fmt: skip
    imports = _import_goods(source)
    ours = imports.select(
        "principal_id", "order_no", "line_no", declaration_no=ibis.null("string"), goods_name="goods_name", quantity="quantity",
        legal_unit="legal_unit", levy_rate=ibis.null(RATE), invoice_amount="amount", ex_vat_amount="ex_vat",
        tax_amount=(imports.amount - imports.ex_vat).cast(MONEY), status="status", issuer=ibis.literal("我方开给委托方"),
    )  # fmt: skip
    joined = theirs.union(ours).left_join(orders, "order_no").drop("order_no_right")
    return joined.order_by("principal_id", joined.issuer == "我方开给委托方", "order_no", "line_no")


def _freight_invoices(source: Source, orders: ir.Table) -> ir.Table:
    charges = source.book("freight_charges")
    billed = charges.filter(charges.principal_id.notnull(), charges.receivable_cny.notnull())
    netted = orders.filter(orders.freight_treatment == "抵扣")
    billed = billed.anti_join(netted, "order_no")
    summed = billed.group_by("principal_id", "order_no").agg(amount=billed.receivable_cny.sum().cast(MONEY))
    return _service(summed.filter(summed.amount > 0), "物流费", "国际货物运输代理服务费")


def _fee_invoices(source: Source) -> ir.Table:
    ledger = source.book("principal_ledger")
    fees = ledger.filter(ledger.kind.isin(["代理费", "其他费用"])).semi_join(source.book("import_invoices"), "order_no")
    summed = fees.group_by("principal_id", "order_no").agg(amount=(-fees.amount_cny.sum()).cast(MONEY))
    return _service(summed.filter(summed.amount > 0), "代理费", "经纪代理服务费")


def _service(rows: ir.Table, kind: str, name: str) -> ir.Table:
    return rows.select(
        invoice_kind=ibis.literal(kind), principal_id="principal_id", order_no="order_no", line_no=ibis.literal(1, "int64"),
        goods_name=ibis.literal(name), unit=ibis.literal("次"), quantity=ibis.literal(1, "decimal(18,6)"), amount="amount",
    )  # fmt: skip
