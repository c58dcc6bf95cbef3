"""What is wrong with tax bills (税单): consignee, amounts, paid before the client's money, soon due.

IMP-TAX-01, IMP-TAX-02, IMP-F-06. Rows of ``FOUND`` and of rule_coverage.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules import deadlines, money
from settlement.rules.books.counted import counted
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.names import name_key
from settlement.rules.registry import rule

_TAXES = {"duty": "关税", "consumption_tax": "消费税", "vat": "增值税"}
_OWNER = ("order_no", "principal_id", "principal_name", "declared_on", "tax_entrusted")


def _total(table: ir.Table) -> ir.DecimalValue:
    return (table.duty + table.consumption_tax + table.vat).cast(money.MONEY)


def bills_once(bills: ir.Table) -> ir.Table:
    """Tax bills once each: of one order, kind and bill_no the row of the latest month (contract, customs)."""
    keyed = bills.mutate(_bill=ibis.coalesce(bills.bill_no, bills.source_file + "#" + bills.source_row.cast("string")))
    newest = ibis.window(
        group_by=["order_no", "bill_kind", "_bill"], order_by=[keyed.month.desc(), keyed.source_file, keyed.source_row]
    )
    return keyed.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank == 0).drop("_rank", "_bill")


@rule("IMP-TAX-01", inputs=("tax_bills.consignee", "principals.name"), codes=("TAX_BILL_PARTY_MISMATCH",))
def other_consignees(bills: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """TAX_BILL_PARTY_MISMATCH: the consignee (收货单位) of a simulated tax bill is not the principal.

    ``bills``: of ``bills_once``. Formula: names equal by ``name_key``. Units: CNY. Rounding: none.
    Errors: none. Source: S0 l.882.
    """
    named = bills.filter(bills.bill_kind == "模拟").join(orders.select(*_OWNER), "order_no")

    judged = named.mutate(
        _total=_total(named), _off=ibis.coalesce(name_key(named.consignee) != name_key(named.principal_name), False)
    )
    rows = found(
        judged.filter(judged._off),
        code="TAX_BILL_PARTY_MISMATCH",
        subject=lambda t: subject_of(t.order_no, t.bill_no),
        field="consignee",
        found=lambda t: t.consignee,
        message=lambda t: sentence(
            "进口订单 ", t.order_no, "：模拟税单 ", ibis.coalesce(t.bill_no, ""), " 税款 ", t._total, " 元，收货单位为“", t.consignee, "”，应为委托方“",
            t.principal_name, "”。",
        ),
        amount_at_risk_cny=lambda t: t._total,
        arisen_on=lambda t: t.issued_on,
        rule_id="IMP-TAX-01",
    )  # fmt: skip
    return rows, counted("IMP-TAX-01", judged, checked=None, failed="_off")


@rule("IMP-TAX-01", inputs=("tax_bills",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def other_amounts(bills: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """TAX_BILL_AMOUNT_MISMATCH: the original bills of an order state another duty, consumption tax or VAT than the simulated.

    Duty and VAT may come on separate bills: a tax no original bill states yet is not compared. Formula: Σ original =
    Σ simulated, tax by tax. Units: CNY. Rounding: none. Errors: none; one side alone is not checkable. Source: S0 l.882.
    """
    owned = bills.join(orders.select("order_no", "principal_id"), "order_no")

    def summed(kind: str) -> ir.Table:
        mine = owned.filter(owned.bill_kind == kind)
        return mine.group_by("order_no", "principal_id").agg(
            **{f"{kind}_{tax}": mine[tax].sum().cast(money.MONEY) for tax in _TAXES},
            **{f"{kind}_on": mine.issued_on.max()},
        )

    both = summed("模拟").left_join(summed("正本").drop("principal_id"), "order_no")
    nil = money.decimal_literal(0)
    gaps = {
        tax: ibis.cases((both[f"正本_{tax}"] > 0, both[f"正本_{tax}"] - both[f"模拟_{tax}"]), else_=nil).cast(
            money.MONEY
        )
        for tax in _TAXES
    }
    size = ibis.literal(0)
    said = ibis.literal("")
    for tax, word in _TAXES.items():
        size = size + gaps[tax].abs()
        told = sentence(
            word, "模拟 ", both[f"模拟_{tax}"], " 元、正本 ", both[f"正本_{tax}"], " 元，差 ", gaps[tax], " 元；"
        )
        said = said + ibis.cases((gaps[tax] != 0, told), else_=ibis.literal(""))
    judged = both.mutate(_size=size.cast(money.MONEY), _said=said, _checked=both["正本_vat"].notnull())
    judged = judged.mutate(_off=ibis.coalesce(judged._size != 0, False))
    rows = found(
        judged.filter(judged._off),
        code="TAX_BILL_AMOUNT_MISMATCH",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence("进口订单 ", t.order_no, " 税单金额不符：", t._said),
        amount_at_risk_cny=lambda t: t._size,
        arisen_on=lambda t: t["正本_on"],
        rule_id="IMP-TAX-01",
    )
    return rows, counted("IMP-TAX-01", judged, checked="_checked", failed="_off")


@rule(
    "IMP-TAX-02",
    inputs=("tax_bills.paid_on", "orders.tax_entrusted", "receipt_allocations"),
    codes=("TAX_PAID_BEFORE_RECEIPT",),
)
def paid_too_early(bills: ir.Table, orders: ir.Table, pieces: ir.Table, paid: ir.Table) -> tuple[ir.Table, ir.Table]:
    """TAX_PAID_BEFORE_RECEIPT: we paid an order's taxes on a day when the client's money on it did not cover them.

    ``bills``: originals once each; ``pieces``: order_no, booked_on, amount_cny placed on orders; ``paid``: payment allocations.
    Orders whose taxes are not entrusted to us and that have no 税金 payment are the client's own. Formula: Σ receipts −
    Σ FX payments up to the day < Σ taxes paid up to the day. Units: CNY. Rounding: none. Errors: none.
    Source: S0 l.882.
    """
    ours = paid.filter(paid.kind == "税金").select("order_no").distinct().mutate(_ours=ibis.literal(True))
    named = (
        bills.filter(bills.paid_on.notnull())
        .join(orders.select(*_OWNER), "order_no")
        .left_join(ours, "order_no")
        .drop("order_no_right")
    )
    named = named.filter(ibis.coalesce(named.tax_entrusted, True) | ibis.coalesce(named._ours, False))
    whole = named.mutate(_total=(_total(named) + named.late_fee).cast(money.MONEY))
    days = whole.group_by("order_no", "principal_id", "paid_on").agg(
        _tax=whole._total.sum().cast(money.MONEY),
        source_file=whole.source_file.min(),
        source_row=whole.source_row.min(),
    )
    upto = ibis.window(group_by="order_no", order_by="paid_on", preceding=None, following=0)
    days = days.mutate(_taxes=days._tax.sum().over(upto).cast(money.MONEY))
    abroad = paid.filter((paid.kind == "购汇付款") & paid.order_no.notnull())
    nil = money.decimal_literal(0)
    moved = pieces.select("order_no", _on="booked_on", _cny="amount_cny").union(
        abroad.select(
            "order_no",
            _on="booked_on",
            _cny=(-(abroad.amount_cny + ibis.coalesce(abroad.bank_fee, nil))).cast(money.MONEY),
        )
    )
    joined = days.left_join(moved, [days.order_no == moved.order_no, moved._on <= days.paid_on], rname="m_{name}")
    held = joined.group_by(days.columns).agg(_cover=ibis.coalesce(joined._cny.sum(), nil).cast(money.MONEY))
    judged = held.mutate(_off=held._cover < held._taxes)
    rows = found(
        judged.filter(judged._off),
        code="TAX_PAID_BEFORE_RECEIPT",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "进口订单 ",
            t.order_no,
            "：税款 ",
            t._tax,
            " 元于 ",
            t.paid_on,
            " 代付，当时委托方款项扣除付汇后仅 ",
            t._cover,
            " 元，先付后收。",
        ),
        amount_at_risk_cny=lambda t: ibis.least(t._tax, (t._taxes - t._cover).cast(money.MONEY)),
        arisen_on=lambda t: t.paid_on,
        rule_id="IMP-TAX-02",
    )
    return rows, counted("IMP-TAX-02", judged, checked=None, failed="_off")


@rule("IMP-F-06", "CAL-02", inputs=("tax_bills", "orders.declared_on", "deadlines"), codes=("TAX_DUE_SOON",))
def due_soon(
    bills: ir.Table, orders: ir.Table, working_days: ir.Table, *, as_of: date, tax_days: int, warn_days: int
) -> tuple[ir.Table, ir.Table]:
    """TAX_DUE_SOON: an original bill is not paid and its last day is near, or past.

    ``tax_days``: calendar days from the end of the declaration (关税法 Art. 43), where that is not known from the bill's
    issue (earlier law); a last day of rest rolls on (CAL-02). ``warn_days``: calendar days ahead. Formula: last day −
    warn_days ≤ as_of. Units: CNY, days. Rounding: none. Errors: none; without either day not checkable.
    Source: 关税法 Art. 43; IMP-F-06.
    """
    named = bills.filter(bills.paid_on.isnull()).join(orders.select(*_OWNER), "order_no")
    start = ibis.coalesce(named.declared_on, named.issued_on)
    dated = named.mutate(_last=(start + ibis.interval(days=tax_days)).cast("date"), _total=_total(named))
    due = deadlines.rolled(dated, "_last", working_days, name="_due")
    near = due._due - ibis.interval(days=warn_days) <= ibis.literal(as_of)
    judged = due.mutate(_checked=due._due.notnull(), _off=ibis.coalesce(near, False))
    late = judged._due < ibis.literal(as_of)
    rows = found(
        judged.filter(judged._off),
        code="TAX_DUE_SOON",
        subject=lambda t: subject_of(t.order_no, t.bill_no),
        message=lambda t: sentence(
            "进口订单 ", t.order_no, "：税单 ", ibis.coalesce(t.bill_no, ""), " 税款 ", t._total, " 元最迟 ", t._due, " 缴纳，",
            late.ifelse("已逾期，按日加收万分之五滞纳金", "尚无缴款日期"), "。",
        ),
        amount_at_risk_cny=lambda t: t._total,
        arisen_on=lambda t: t._due,
        rule_id="IMP-F-06",
    )  # fmt: skip
    return rows, counted("IMP-F-06", judged, checked="_checked", failed="_off")
