"""Facts: what is known at a month's end, from the accepted input rows of all months up to it.

Each function takes the accepted rows of every month so far (with ``month``) and returns the facts
that hold now. What does not belong here: reading files, and judging the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

EXPORT_AGENCY = "出口贸易代理"
IMPORT_AGENCY = "进口贸易代理"


def first_of_each(rows: ir.Table, key: Sequence[str], order: Sequence[ir.Value]) -> ir.Table:
    """The first row of each ``key`` in ``order``; a key with a NULL is like any other.

    Few keys have several rows: only those are sorted, and the others, wide, are not carried through it.
    """
    counted = rows.group_by(list(key)).agg(_rows=rows.count())
    several = counted.filter(counted._rows > 1).drop("_rows")
    same = [rows[name].identical_to(several[name]) for name in key]
    ranked = rows.semi_join(several, same).mutate(
        _rank=ibis.row_number().over(ibis.window(group_by=list(key), order_by=list(order)))
    )
    return rows.anti_join(several, same).union(ranked.filter(ranked._rank == 0).drop("_rank"))


def latest(rows: ir.Table, *key: str) -> ir.Table:
    """One row a key: the one of the latest month (contract, section 2: the latest month wins).

    Within a month the first source row; rows whose key has a NULL are kept as they are.
    """
    keyless = reduce(or_, [rows[column].isnull() for column in key])
    keyed = rows.filter(~keyless)
    return first_of_each(keyed, key, _newest_first(keyed)).union(rows.filter(keyless))


def _newest_first(rows: ir.Table) -> list[ir.Value]:
    return [rows.month.desc(), rows.source_file.asc(), rows.source_row.asc()]


def latest_goods(goods: ir.Table) -> ir.Table:
    """The goods lines (货物) of each order: those of the latest month that lists any of it."""
    newest = goods.group_by("order_no").agg(_newest=goods.month.max())
    joined = goods.join(newest, "order_no")
    return latest(joined.filter(joined.month == joined._newest).drop("_newest"), "order_no", "line_no")


def described_orders(orders: ir.Table, goods: ir.Table, principals: ir.Table) -> ir.Table:
    """Orders with what follows from them: one row an order, the order's fields and

    ``is_export``, ``is_import``, ``is_logistics`` (服务类型), ``is_cancelled`` (取消, or its shipment withdrawn: 退载,
    C-43), ``is_own_export`` (自营, VAT-REF-16),
    ``settlement_mode`` (default: the principal's), ``declared_fx`` (default: the contract value),
    ``declaration_no``, ``declared_on``, ``exported_on`` (default: the first goods line's), ``principal_name``.
    """
    of_goods = goods.group_by("order_no").agg(
        _declaration=goods.declaration_no.min(),
        _declared_on=goods.declared_on.max(),
        _exported_on=goods.exported_on.max(),
    )
    who = principals.select("principal_id", _mode=principals.settlement_mode, principal_name=principals.name)
    joined = orders.left_join(of_goods, "order_no").drop("order_no_right")
    joined = joined.left_join(who, "principal_id").drop("principal_id_right")
    services = joined.services
    is_export, is_import = services.contains(EXPORT_AGENCY), services.contains(IMPORT_AGENCY)
    logistics = services.re_search("出口国际物流|进口国际物流|进口清关|进口门点送货|出口门点提货|出口报关")
    return joined.mutate(
        is_export=is_export,
        is_import=is_import,
        is_logistics=logistics,
        is_cancelled=(joined.order_status == "取消") | ibis.coalesce(joined.shipment_status == "退载", False),
        is_own_export=is_export & (joined.export_mode == "自营"),
        settlement_mode=ibis.coalesce(joined.settlement_mode, joined._mode),
        declared_fx=ibis.coalesce(joined.declared_fx, joined.amount_fx),
        declaration_no=ibis.coalesce(joined.declaration_no, joined._declaration),
        declared_on=ibis.coalesce(joined.declared_on, joined._declared_on),
        exported_on=ibis.coalesce(joined.exported_on, joined._exported_on),
    ).drop("_declaration", "_declared_on", "_exported_on", "_mode")


def dated_goods(goods: ir.Table, orders: ir.Table) -> ir.Table:
    """Goods lines with the dates of their declaration, empty ones the order's, and the order's ``ordered_on``.

    ``goods`` as ``latest_goods``, ``orders`` as ``described_orders`` (contract, section 2: empty = the order's).
    """
    heads = orders.select("order_no", "ordered_on", _declared_on="declared_on", _exported_on="exported_on")
    joined = goods.join(heads, "order_no")
    return joined.mutate(
        declared_on=ibis.coalesce(joined.declared_on, joined._declared_on),
        exported_on=ibis.coalesce(joined.exported_on, joined._exported_on),
    ).drop("_declared_on", "_exported_on")


def open_or_changed(
    desired: ir.Table, published: ir.Table, *, key: list[str], is_open: ir.BooleanColumn, ignore: tuple[str, ...] = ()
) -> ir.Table:
    """The rows of a state table that belong in a month: those still open, and those that changed.

    ``desired`` is the whole state now, ``published`` all its rows of earlier months; ``is_open`` a
    condition on ``desired``. A row differs when any of its columns but ``ignore`` and ``month`` does.
    """
    compared = [
        column for column in desired.columns if column not in key and column not in ignore and column != "month"
    ]
    newest = latest_state(published, key)
    shown = [column for column in compared if column in newest.columns]
    before = newest.select(*key, **{f"_was_{column}": newest[column] for column in shown}, _seen=ibis.literal(True))
    predicates = [desired[column].identical_to(before[column]) for column in key]
    joined = desired.mutate(_open=is_open).left_join(before, predicates, rname="{name}_before")
    changed = joined._seen.isnull()
    for column in shown:
        changed = changed | ~joined[column].identical_to(joined[f"_was_{column}"])
    return joined.filter(joined._open | changed).select(*desired.columns)


def latest_state(published: ir.Table, key: list[str]) -> ir.Table:
    """Of a state table's rows of several months: the latest row of each key."""
    window = ibis.window(group_by=key, order_by=published.month.desc())
    ranked = published.mutate(_rank=ibis.row_number().over(window))
    return ranked.filter(ranked._rank == 0).drop("_rank")
