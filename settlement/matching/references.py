"""References a payer may quote, and the orders they stand for.

Order, contract, proforma, B/L, declaration, VAT-invoice, tax-bill and vendor-invoice numbers, refund batches and the
references of opening items, each compared without its separators. Finding them in texts: ``quoting.py``.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.decisions import known_orders
from settlement.matching.items import noticed_refunds
from settlement.matching.prepared import Prepared
from settlement.matching.relations import text, union_of

_SEPARATORS = "[^A-Z0-9]"
# Characters that hands and scanners take for each other, and what both become.
_ALIKE, _PLAIN = "OIL", "011"
# The numbers of the order itself, which payers are told to quote.
_QUOTED = ("订单号", "合同号", "形式发票号", "提单号")


def reference_key(written: ir.StringValue) -> ir.StringValue:
    """A reference without separators, upper case."""
    return written.upper().re_replace(_SEPARATORS, "")


@ibis.udf.scalar.builtin(name="damerau_levenshtein")
def edits(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two texts."""


def alike_key(key: ir.StringValue) -> ir.StringValue:
    """A key with its look-alikes folded: O is 0, I and L are 1."""
    return key.translate(_ALIKE, _PLAIN)


def _of_orders(orders: ir.Table) -> list[ir.Table]:
    kinds = {
        "order_no": "订单号",
        "contract_no": "合同号",
        "pi_no": "形式发票号",
        "bl_no": "提单号",
        "declaration_no": "报关单号",
    }
    columns = ("order_no", "principal_id")
    return [orders.select(*columns, written=orders[name], kind=text(kind)) for name, kind in kinds.items()]


def _of_documents(inputs: Prepared) -> list[ir.Table]:
    own = inputs.own_company.select(own_uscc="uscc").distinct()
    invoices = inputs.vat_invoices.filter(inputs.vat_invoices.order_no.notnull())
    issued = invoices.semi_join(own, invoices.seller_uscc == own.own_uscc)
    freight, bills, opening = inputs.freight_lines, inputs.tax_bills, inputs.opening_items
    refunds = noticed_refunds(inputs)
    return [
        inputs.goods.select(written="declaration_no", order_no="order_no", kind=text("报关单号")),
        issued.select(written="einvoice_no", order_no="order_no", kind=text("增票号")),
        issued.select(written="invoice_number", order_no="order_no", kind=text("增票号")),
        freight.select(written="vendor_invoice_no", order_no="order_no", kind=text("供应商账单号")),
        bills.select(written="bill_no", order_no="order_no", kind=text("税单号")),
        refunds.select(written="declaration_no", order_no="order_no", kind=text("报关单号")),
        opening.select(written="ref_no", order_no="order_no", kind=text("期初关联号")),
    ]


def known_references(inputs: Prepared) -> ir.Table:
    """key, order_no, principal_id, kind, is_live: every reference long enough to stand for an order.

    A key of several orders has several rows; the same pair may stand twice.
    """
    limits, columns = inputs.limits, ("order_no", "principal_id", "written", "kind")
    orders = known_orders(inputs)
    opened = orders.anti_join(inputs.orders, "order_no").mutate(written=orders.order_no, kind=text("订单号"))
    documents = union_of(_of_documents(inputs)).inner_join(orders, "order_no")
    rows = union_of([table.select(columns) for table in (*_of_orders(inputs.orders), documents, opened)])
    rows = rows.filter(rows.written.notnull()).mutate(key=reference_key(rows.written))
    shortest = ibis.ifelse(rows.kind.isin(_QUOTED), limits.reference_shortest_own, limits.reference_shortest)
    digits = rows.key.length() >= limits.reference_shortest_digits
    long = (rows.key.length() >= shortest) & rows.key.re_search("[A-Z]")
    rows = rows.filter((digits | long) & rows.key.re_search("[0-9]"))
    return rows.select("key", "order_no", "principal_id", "kind")


def shape_of(key: ir.StringValue) -> ir.StringValue:
    """A key with every digit a 9."""
    return key.translate("0123456789", "9999999999")
