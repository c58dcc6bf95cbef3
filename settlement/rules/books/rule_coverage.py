"""How often each rule could be checked (rule_coverage), for the rules whose findings come from the books themselves.

Findings from documents, events and deadlines count their own cases. Here a case is an order, a bank line or a principal
that a rule speaks of; it failed where an exception of the rule names it. What could not be computed is not checkable.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules.rows import table_of

BY_ORDER, BY_LINE, BY_PRINCIPAL = "order_no", "txn_id", "principal_id"
# Which exceptions say that a case of a rule failed, and what names the case.
_BROKEN = {
    "EXP-INV-01": (BY_ORDER, ("INV_INPUT_MISSING", "INV_RATE_INVALID", "NET_NEGATIVE", "REFUND_RATE_MISSING")),
    "EXP-INV-02": (BY_ORDER, ("EXP_RATIO_HIGH", "EXP_RATIO_LOW", "FX_UNIT_SUSPECT")),
    "C-04": (BY_ORDER, ("DECL_RCV_DIFF",)),
    "EXP-INV-04": (BY_ORDER, ("VATINV_MISMATCH",)),
    "EXP-REF-02": (BY_ORDER, ("REFUND_NOT_SUBMITTED",)),
    "EXP-REF-03": (BY_ORDER, ("REFUND_NOTICE_NO_CASH",)),
    "C-38": (BY_ORDER, ("REFUND_AMOUNT_DIFF",)),
    "VAT-REF-15": (BY_ORDER, ("REFUND_WINDOW_CLOSING", "FX_COLLECTION_WINDOW")),
    "CUS-01": (BY_ORDER, ("DECL_NO_FORMAT", "DECL_DIRECTION")),
    "CUS-03": (BY_ORDER, ("HS_FORMAT",)),
    "USCC-01": (BY_PRINCIPAL, ("USCC_CHECK",)),
    "IMP-RCV-01": (BY_LINE, ("RCV_UNIDENTIFIED", "RCV_PAYER_MISMATCH", "RCV_THIRD_PARTY")),
    "EXP-RCV-02": (BY_LINE, ("RCV_UNIDENTIFIED", "RCV_PAYER_MISMATCH", "RCV_THIRD_PARTY", "RCV_CURRENCY_MISMATCH")),
    "FX-05": (BY_LINE, ("FX_ADVICE_ARITHMETIC",)),
    "LOG-AP-01": (BY_ORDER, ("AP_OVER_QUOTE",)),
    "LOG-AP-02": (BY_ORDER, ("AP_NO_VOUCHER",)),
    "LOG-RCV-01": (BY_ORDER, ("AR_NOT_WRITTEN_OFF",)),
    "LOG-BLR-01": (BY_ORDER, ("BL_RELEASE_UNPAID",)),
    "LOG-BLR-02": (BY_ORDER, ("CR_NO_AGREEMENT", "CR_LIMIT_EXCEEDED", "CR_MONTH_OVERDUE")),
    "LOG-CR-01": (BY_PRINCIPAL, ("CR_MONTH_OVERDUE",)),
}  # fmt: skip


def _cases(rule_id: str, rows: ir.Table, key: str, checked: ir.BooleanValue | bool = True) -> ir.Table:
    known = ibis.literal(True) if checked is True else ibis.coalesce(checked, False)
    marked = rows.filter(rows[key].notnull()).select(key=rows[key], _checked=known)
    return marked.group_by("key").agg(is_checked=marked._checked.any()).mutate(rule_id=ibis.literal(rule_id))


def cases_of_exports(lines: ir.Table, refunds: ir.Table) -> ir.Table:
    """Cases of export lines (as they stand) and refunds: rule_id, key, is_checked."""
    own = lines.filter(lines.is_own_export & ~lines.is_cancelled)
    invoiced = own.filter(own.invoiced_total.notnull())
    filed = refunds.filter(refunds.status != "待开票")
    told = refunds.filter(refunds.notified > 0)
    return ibis.union(
        _cases("EXP-INV-01", own, BY_ORDER, own.order_net.notnull()),
        _cases("EXP-INV-02", own, BY_ORDER, own.ex_vat_amount.notnull() & (own.fob_usd > 0)),
        _cases("C-04", own, BY_ORDER, own.received_fx.notnull() & own.declared_on.notnull()),
        _cases("EXP-INV-04", invoiced, BY_ORDER, invoiced.invoice_amount.notnull()),
        _cases("EXP-REF-02", filed, BY_ORDER),
        _cases("EXP-REF-03", told, BY_ORDER),
        _cases(
            "C-38",
            refunds,
            BY_ORDER,
            refunds.expected.notnull() & (refunds.received.notnull() | refunds.notified.notnull()),
        ),
        _cases("VAT-REF-15", refunds, BY_ORDER, refunds.file_by.notnull()),
    )


def cases_of_masters(orders: ir.Table, goods: ir.Table, principals: ir.Table) -> ir.Table:
    """Cases of numbers and codes."""
    return ibis.union(
        _cases("CUS-01", orders, BY_ORDER, orders.declaration_no.notnull()),
        _cases("CUS-03", goods, BY_ORDER),
        _cases("USCC-01", principals, BY_PRINCIPAL, principals.uscc.notnull()),
    )


def cases_of_receipts(credits: ir.Table, month: str) -> ir.Table:
    """Cases of the month's credits."""
    mine = credits.filter(credits.month == month)
    foreign = mine.filter(mine.currency != "CNY")
    return ibis.union(
        _cases("IMP-RCV-01", mine.filter(mine.currency == "CNY"), BY_LINE),
        _cases("EXP-RCV-02", foreign, BY_LINE),
        _cases("FX-05", foreign, BY_LINE, foreign.fx_rate.notnull() & foreign.cny_amount.notnull()),
    )


def cases_of_freight(
    charges: ir.Table, money: ir.Table, releases: ir.Table, receivables: ir.Table, orders: ir.Table
) -> ir.Table:
    """Cases of freight: quotes, vouchers, write-off, releases, months of monthly clients.

    ``charges``: freight lines; ``money``: freight money on orders; ``releases``: release tests; ``receivables``: items.
    """
    billed = charges.filter(charges.order_no.notnull() & charges.vendor.notnull())
    through = billed.filter(billed.is_pass_through & (billed.cost > 0))
    released = releases.filter(releases.is_released)
    monthly = receivables.semi_join(orders.filter(orders.settlement_mode == "月结"), "order_no")
    return ibis.union(
        _cases("LOG-AP-01", billed, BY_ORDER, billed.vendor_quote.notnull()),
        _cases("LOG-AP-02", through, BY_ORDER),
        _cases("LOG-RCV-01", money.filter(money.treatment == "另收"), BY_ORDER),
        _cases("LOG-BLR-01", released.filter(released.settlement_mode != "月结"), BY_ORDER),
        _cases("LOG-BLR-02", released.filter(released.settlement_mode == "月结"), BY_ORDER),
        _cases("LOG-CR-01", monthly, BY_PRINCIPAL, monthly.due_on.notnull()),
    )


def counted_cases(cases: ir.Table, found_rows: ir.Table) -> ir.Table:
    """rule_coverage rows: rule_id, checked, failed, not_checkable. ``cases``: rule_id, key, is_checked.

    A case that an exception of its rule names was checked, also where its figures could not be computed.
    """
    codes = [{"code": code, "rule": rule_id, "by": by} for rule_id, (by, names) in _BROKEN.items() for code in names]
    named = found_rows.select("code", *[BY_ORDER, BY_LINE, BY_PRINCIPAL]).join(
        table_of(codes, ibis.schema({"code": "string", "rule": "string", "by": "string"})), "code"
    )
    key = named.by.cases((BY_ORDER, named.order_no), (BY_LINE, named.txn_id), else_=named.principal_id)
    broken = named.select("rule", key=key).distinct().mutate(_failed=ibis.literal(True))
    joined = cases.left_join(broken, [cases.rule_id == broken.rule, cases.key == broken.key], rname="b_{name}")
    failed = ibis.coalesce(joined._failed, False)
    marked = joined.mutate(_off=failed, _checked=joined.is_checked | failed)
    return marked.group_by("rule_id").agg(
        checked=marked._checked.sum().cast("int64"),
        failed=marked._off.sum().cast("int64"),
        not_checkable=(~marked._checked).sum().cast("int64"),
    )
