"""References a payer may quote, and where they stand in the text of a receipt.

A reference is compared without its separators and only where it stands whole: an order number inside a longer
number is not that order. Order, contract, proforma, B/L, declaration, VAT-invoice, tax-bill, vendor-invoice numbers,
refund batches and the references of opening items.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.decisions import known_orders
from settlement.matching.inputs import MatchInputs
from settlement.matching.items import noticed_refunds
from settlement.matching.relations import text, union_of
from settlement.matching.words import extract_all

_ATOM = "[A-Z0-9]+"
_HYPHENED = "[A-Z0-9]+(?:[-_.][A-Z0-9]+)+"
_SLASHED = "[A-Z0-9]+(?:[-_./][A-Z0-9]+)+"
_SEPARATORS = "[^A-Z0-9]"


def reference_key(written: ir.StringValue) -> ir.StringValue:
    """A reference without separators, upper case."""
    return written.upper().re_replace(_SEPARATORS, "")


def _of_orders(orders: ir.Table) -> list[ir.Table]:
    kinds = {
        "order_no": "订单号",
        "contract_no": "合同号",
        "pi_no": "形式发票号",
        "bl_no": "提单号",
        "declaration_no": "报关单号",
    }
    return [orders.select(written=orders[name], order_no="order_no", kind=text(kind)) for name, kind in kinds.items()]


def _of_documents(inputs: MatchInputs) -> list[ir.Table]:
    own = inputs.own_company.select(own_uscc="uscc").distinct()
    invoices = inputs.vat_invoices.filter(inputs.vat_invoices.order_no.notnull())
    issued = invoices.semi_join(own, invoices.seller_uscc == own.own_uscc)
    freight, bills, opening = inputs.freight_charges, inputs.tax_bills, inputs.opening_items
    refunds = noticed_refunds(inputs)
    return [
        inputs.goods.select(written="declaration_no", order_no="order_no", kind=text("报关单号")),
        issued.select(written="einvoice_no", order_no="order_no", kind=text("增票号")),
        issued.select(written="invoice_number", order_no="order_no", kind=text("增票号")),
        freight.select(written="vendor_invoice_no", order_no="order_no", kind=text("供应商账单号")),
        bills.select(written="bill_no", order_no="order_no", kind=text("税单号")),
        refunds.select(written="batch_no", order_no="order_no", kind=text("退税批次")),
        refunds.select(written="declaration_no", order_no="order_no", kind=text("报关单号")),
        opening.select(written="ref_no", order_no="order_no", kind=text("期初关联号")),
    ]


def known_references(inputs: MatchInputs) -> ir.Table:
    """key, order_no, principal_id, kind, is_live: every reference long enough to stand for an order.

    A key of several orders has several rows; the same pair may stand twice.
    """
    limits = inputs.limits
    orders = known_orders(inputs)
    opened = orders.anti_join(inputs.orders, "order_no")
    rows = union_of(
        [
            *_of_orders(inputs.orders),
            *_of_documents(inputs),
            opened.select(written="order_no", order_no="order_no", kind=text("订单号")),
        ]
    )
    rows = rows.filter(rows.written.notnull() & rows.order_no.notnull()).mutate(key=reference_key(rows.written))
    long = rows.key.re_search("[A-Z]") & (rows.key.length() >= limits.reference_shortest)
    digits = rows.key.length() >= limits.reference_shortest_digits
    rows = rows.filter((long | digits) & rows.key.re_search("[0-9]"))
    return rows.inner_join(orders, "order_no").select("key", "order_no", "principal_id", "kind")


def tokens_of(credits: ir.Table) -> ir.Table:
    """Every run of letters and digits in the texts, alone and joined over its separators.

    Columns txn_id, raw (as written), key.
    """
    runs = [extract_all(credits.text, pattern) for pattern in (_ATOM, _HYPHENED, _SLASHED)]
    rows = credits.select("txn_id", raw=runs[0].concat(runs[1], runs[2]).unnest())
    rows = rows.filter(rows.raw.re_search("[0-9]") & (rows.raw.length() >= 4))
    return rows.mutate(key=rows.raw.re_replace(_SEPARATORS, ""))


def quoted(inputs: MatchInputs, credits: ir.Table, references: ir.Table) -> ir.Table:
    """References found whole in the texts: txn_id, raw, key, order_no, principal_id, kind."""
    tokens = inputs.keep("text_tokens", tokens_of(credits))
    hits = tokens.inner_join(references, "key")
    best = hits.group_by("txn_id", "key", "order_no", "principal_id").agg(raw=hits.raw.min(), kind=hits.kind.min())
    return inputs.keep("quoted", best)


def targets(inputs: MatchInputs, hits: ir.Table) -> ir.Table:
    """The orders each text leaves: txn_id, order_no, principal_id, raw, kind, orders (how many), keys.

    A number that stands for several orders (one contract, three orders) is narrowed by another number of the
    same text that names one of them.
    """
    here = ibis.window(group_by=["txn_id", "key"])
    wide = hits.mutate(of_key=hits.count().over(here))
    exact = wide.filter(wide.of_key == 1).select("txn_id", "order_no").distinct().mutate(is_named=True)
    named = wide.left_join(exact, ["txn_id", "order_no"]).drop("txn_id_right", "order_no_right")
    named = named.mutate(key_named=named.is_named.fill_null(False).max().over(ibis.window(group_by=["txn_id", "key"])))
    kept = named.filter((named.of_key == 1) | ~named.key_named | named.is_named.fill_null(False))
    orders = kept.group_by("txn_id", "order_no", "principal_id").agg(
        raw=kept.raw.min(), kind=kept.kind.min(), shared=(kept.of_key > 1).min()
    )
    counted = orders.mutate(orders=orders.count().over(ibis.window(group_by="txn_id")))
    return inputs.keep("targets", counted)
