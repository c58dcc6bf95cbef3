"""Freight lines billed twice (重复账单): FRT-04's two definitions, netted against credit notes.

A duplicate costs nothing and earns nothing until finance approves it (审批): then it is a line like any other.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules.exceptions import exception_id
from settlement.rules.registry import rule

CODE = "FRT_DUPLICATE"


_SAME = ["vendor", "vendor_invoice_no", "_order", "charge_code", "_box", "currency", "_size"]
_ON_BILL = ["bill_no", "charge_code", "currency", "_size"]


def _suspects(lines: ir.Table) -> ir.Table:
    """The lines that share their figures with another of the same sign, each whole line once, and its credit notes.

    Everything that the two definitions look at of these lines is here, so that the windows run over few rows.
    """
    signed = lines.select(
        "seq", "parent_key", "vendor", "vendor_invoice_no", "charge_code", "currency", "bill_no", "occurrence",
        _sign=lines.whole_amount.sign().cast("int64"),
        _size=lines.whole_amount.abs(),
        _order=ibis.coalesce(lines.given_order_no, lines.bl_no, ""),
        _box=ibis.coalesce(lines.container_no, ""),
        _voucher=lines.voucher_no.notnull().cast("int64"),
    )  # fmt: skip
    twice = signed.filter(signed.occurrence > 1).select(*_SAME).distinct()
    billed = signed.filter(signed.bill_no.notnull())
    on_bill = billed.group_by(*_ON_BILL, "_sign").agg(_lines=billed.count())
    on_bill = on_bill.filter(on_bill._lines > 1).select(*_ON_BILL).distinct()
    parents = signed.semi_join(twice, _SAME).union(signed.semi_join(on_bill, _ON_BILL), distinct=True)
    # Parts of one split line share everything: the first stands for the line.
    ranked = parents.mutate(_part=ibis.row_number().over(ibis.window(group_by="parent_key", order_by="seq")))
    return ranked.filter(ranked._part == 0).drop("_part")


def _net_before(table: ir.Table, key: list[str]) -> ir.IntegerColumn:
    """Bills less credit notes of the same figure before this line."""
    before = ibis.window(group_by=key, order_by="seq", preceding=(None, 1))
    return ibis.coalesce(table._sign.sum().over(before), 0)


def _credits_before(table: ir.Table, key: list[str]) -> ir.IntegerColumn:
    before = ibis.window(group_by=key, order_by="seq", preceding=(None, 1))
    return ibis.coalesce((table._sign < 0).sum().over(before), 0)


@rule("FRT-04", inputs=("freight", "approvals"), codes=(CODE,))
def repeats(lines: ir.Table, approved: ir.Table) -> ir.Table:
    """The lines that repeat an earlier one: parent_key, duplicate_of (invoice of the first), is_allowed (approved),

    brings_voucher; and the lines these complete: is_completed.

    A line repeats an earlier one when (a) vendor, invoice number, order, charge code, container, currency and
    amount are the same, or (b) B/L (its own or its order's), charge code, currency and amount are the same on
    another invoice and no two different containers tell them apart. A credit note of the same amount in between
    makes room for one more bill; a second credit note repeats only where nothing is left to credit. ``approved``: exception_id of
    the approved exceptions; the subject of a duplicate is its parent_key. A line that comes again with the voucher
    (代收代付凭证) that the first lacked is not billed twice: it brings the voucher.
    Formula: bills − credit notes before the line ≥ 1. Units: lines. Rounding: none. Errors: none.
    Source: rules.md FRT-04; S0 l.738.
    """
    whole = _suspects(lines)
    bill = ibis.window(group_by=_ON_BILL, order_by="seq")
    before = ibis.window(group_by=_ON_BILL, order_by="seq", preceding=(None, 1))
    counted = whole.mutate(
        _same_net=_net_before(whole, _SAME),
        _same_credits=_credits_before(whole, _SAME),
        _bill_net=_net_before(whole, _ON_BILL),
        _box_net=_net_before(whole, [*_ON_BILL, "_box"]),
        _vouchers=ibis.coalesce(
            whole._voucher.sum().over(ibis.window(group_by=_SAME, order_by="seq", preceding=(None, 1))), 0
        ),
        _unboxed=ibis.coalesce((whole._box == "").sum().over(before), 0),
        _first_invoice=whole.vendor_invoice_no.first().over(bill),
        _first_vendor=whole.vendor.first().over(bill),
    )
    another = (counted._first_invoice != counted.vendor_invoice_no) | (counted._first_vendor != counted.vendor)
    one_box = (counted._box == "") | (counted._unboxed > 0) | (counted._box_net >= 1)
    of_bill = counted.bill_no.notnull() & another & one_box & (counted._bill_net >= 1)
    billed = (counted._sign > 0) & ((counted._same_net >= 1) | of_bill)
    credited = (counted._sign < 0) & (counted._same_credits >= 1) & (counted._same_net <= 0)
    # The same line once more, now with the voucher it lacked: not billed twice, but completed.
    completes = (counted._sign > 0) & (counted._same_net >= 1) & (counted._voucher == 1) & (counted._vouchers == 0)
    found = counted.filter(billed | credited).mutate(
        duplicate_of=(counted._same_net >= 1).ifelse(counted.vendor_invoice_no, counted._first_invoice),
        exception_id=exception_id(ibis.literal(CODE), counted.parent_key),
        brings_voucher=completes,
    )
    allowed = approved.select("exception_id", _allowed=ibis.literal(True)).distinct()
    judged = found.left_join(allowed, "exception_id", rname="{name}_allowed")
    twins = judged.select(
        "parent_key",
        "duplicate_of",
        "brings_voucher",
        is_allowed=ibis.coalesce(judged._allowed, False),
        is_completed=ibis.literal(False),
    )
    groups = found.filter(found.brings_voucher).select(*_SAME).distinct()
    bare = counted.semi_join(groups, _SAME)
    bare = bare.filter((bare._voucher == 0) & (bare._same_net == 0))
    completed = bare.select(
        "parent_key", duplicate_of=ibis.null("string"), brings_voucher=ibis.literal(False), is_allowed=ibis.literal(False),
        is_completed=ibis.literal(True),
    )  # fmt: skip
    return twins.union(completed)


def with_repeats(lines: ir.Table, repeated: ir.Table) -> ir.Table:
    """Lines with ``is_repeated``, ``is_duplicate`` (repeated and not approved), ``duplicate_of``, and

    ``brings_voucher`` (the line completes an earlier one: no cost, no receivable, its payable is the earlier line's)
    and ``is_completed`` (the earlier line).
    """
    joined = lines.left_join(repeated, "parent_key", rname="{name}_repeated")
    brings = ibis.coalesce(joined.brings_voucher, False)
    is_repeated = joined.duplicate_of.notnull() & ~brings
    return joined.mutate(
        is_repeated=is_repeated,
        is_duplicate=is_repeated & ~ibis.coalesce(joined.is_allowed, False),
        brings_voucher=brings,
        is_completed=ibis.coalesce(joined.is_completed, False),
    ).drop("parent_key_repeated", "is_allowed")
