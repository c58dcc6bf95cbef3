"""Input rows against each other: which repeat, which contradict, which name what no master knows.

Each function takes rows as they were read (typed fields, ``source_file``, ``source_row``, ``row_digest``) and
returns ``VERDICTS``: the rows that are not accepted, each with its reason in Chinese. What does not belong here:
reading files (`settlement/io`), and what the facts mean (`rules/books`).
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY

# Rows that are not accepted, beside the columns of the table they stand in.
VERDICTS = ibis.schema(
    {
        "source_file": "string",
        "source_row": "int64",
        "code": "string",
        "field": "string",
        "found": "string",
        "reason": "string",
    }
)
_JOINED_BY = "\x1f"
TRADE_AGENCY = "进口贸易代理|出口贸易代理"


def row_digest(rows: ir.Table, fields: Sequence[str]) -> ir.StringValue:
    """32 hex digits of the sha256 of the row's typed fields: 1,000 and 1000.00 are the same amount."""
    parts = [rows[name].cast("string").fill_null("") for name in fields]
    return ibis.literal(_JOINED_BY).join(parts).hexdigest("sha256").left(32)


def repeated_keys(rows: ir.Table, key: Sequence[str], name: str) -> ir.Table:
    """Rows of one key: identical ones count once (ROW_DUPLICATE), contradicting ones are all refused (ROW_REJECTED).

    Neither of two orders of one number is guessed to be the true one. ``name``: the key in the clerk's words.
    """
    # Windows and no join: Ibis 12 resolves a self-join of a relation that is itself a join to ON x = x.
    keyed = rows.select("source_file", "source_row", "row_digest", _key=_text_of(rows, key))
    group = ibis.window(group_by="_key")
    sized = keyed.mutate(
        _rows=keyed.row_digest.count().over(group),
        _low=keyed.row_digest.min().over(group),
        _high=keyed.row_digest.max().over(group),
    )
    shared = sized.filter(sized._rows > 1)
    place = ibis.window(group_by="_key", order_by=[shared.source_file, shared.source_row])
    placed = shared.mutate(
        _rank=ibis.row_number().over(place),
        _first_file=shared.source_file.first().over(place),
        _first_row=shared.source_row.first().over(place),
        _first_digest=shared.row_digest.first().over(place),
    )
    differs = placed.row_digest != placed._first_digest
    other = placed.mutate(_second=differs.ifelse(placed._rank, None).min().over(group))
    is_second = other._rank == other._second
    both = other.mutate(
        _second_file=is_second.ifelse(other.source_file, None).max().over(group),
        _second_row=is_second.ifelse(other.source_row, None).max().over(group),
        _agrees=other._low == other._high,
        _shown=other._key.replace(_JOINED_BY, " / "),
    )
    return _verdicts(
        both.filter(~both._agrees | (both._rank > 0)),
        code=lambda t: t._agrees.ifelse("ROW_DUPLICATE", "ROW_REJECTED"),
        field=key[0],
        found=lambda t: t._shown,
        reason=lambda t: _reason(t, name),
    )


def _reason(both: ir.Table, name: str) -> ir.StringValue:
    is_first = both.row_digest == both._first_digest
    where = ibis.cases(
        (both._agrees | ~is_first, sentence(both._first_file, " 第 ", both._first_row, " 行")),
        else_=sentence(both._second_file, " 第 ", both._second_row, " 行"),
    )
    same = sentence(f"{name} ", both._shown, " 与 ", where, "完全相同，只计一次")
    clash = sentence(f"{name} ", both._shown, " 与 ", where, "是同一号码而内容不同，都未采用；请核对后只保留正确的一行")
    return both._agrees.ifelse(same, clash)


def repeated_rows(rows: ir.Table, past: ir.Table) -> ir.Table:
    """Of tables without a key: the same row in another file, or in an earlier month, is one row (ROW_DUPLICATE).

    Identical rows within one file are as many as they are: the largest number in one file counts. ``past``: accepted
    rows of earlier months with ``row_digest``.
    """
    within = ibis.window(group_by=["row_digest", "source_file"], order_by="source_row")
    numbered = rows.select("source_file", "source_row", "row_digest").mutate(_nth=ibis.row_number().over(within))
    across = ibis.window(group_by=["row_digest", "_nth"], order_by="source_file")
    ranked = numbered.mutate(
        _rank=ibis.row_number().over(across), _first_file=numbered.source_file.first().over(across)
    )
    earlier = past.group_by("row_digest").agg(_before=lambda t: t.count(), _before_file=past.source_file.min())
    earlier = earlier.rename(_of="row_digest")
    joined = ranked.left_join(earlier, ranked.row_digest == earlier._of).drop("_of")
    joined = joined.mutate(_is_old=joined._before.fill_null(0) > joined._nth)
    return _verdicts(
        joined.filter(joined._is_old | (joined._rank > 0)),
        code="ROW_DUPLICATE",
        field=None,
        found=None,
        reason=lambda t: sentence(
            "与 ", t._is_old.ifelse(t._before_file, t._first_file), " 中的一行完全相同，只计一次"
        ),
    )


def unknown_principals(orders: ir.Table, principals: ir.Table) -> ir.Table:
    """Orders of a principal (委托方) that the master does not know: ROW_REJECTED."""
    known = principals.select(_known="principal_id").distinct()
    return _verdicts(
        orders.anti_join(known, orders.principal_id == known._known),
        code="ROW_REJECTED",
        field="principal_id",
        found=lambda t: t.principal_id,
        reason=lambda t: sentence("「委托方编号」读到「", t.principal_id, "」：主数据 principals 中没有这个委托方"),
    )


def unknown_orders(goods: ir.Table, orders: ir.Table) -> ir.Table:
    """Goods lines (货物) of an order that no accepted order row of this or an earlier month names: ROW_REJECTED."""
    known = orders.select(_known="order_no").distinct()
    return _verdicts(
        goods.anti_join(known, goods.order_no == known._known),
        code="ROW_REJECTED",
        field="order_no",
        found=lambda t: t.order_no,
        reason=lambda t: sentence("「订单号」读到「", t.order_no, "」：没有这个订单，或它的订单行被拒绝"),
    )


def orders_without_goods(orders: ir.Table, goods: ir.Table) -> ir.Table:
    """``FOUND`` (INV_INPUT_MISSING): agency orders, not cancelled, that have no goods line; they stay, uncomputed."""
    trade = orders.filter(orders.services.re_search(TRADE_AGENCY) & (orders.order_status != "取消"))
    listed = goods.select(_has="order_no").distinct()
    return found(
        trade.anti_join(listed, trade.order_no == listed._has),
        code="INV_INPUT_MISSING",
        subject=lambda t: subject_of(t.order_no, "货物"),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " 是贸易代理订单（",
            t.currency,
            " ",
            t.amount_fx,
            "），但没有任何货物行，无法计算开票。请在「货物」表补齐。",
        ),
        field="goods",
        rule_id="EXP-INV-01",
    )


def goods_sum_differs(orders: ir.Table, goods: ir.Table) -> ir.Table:
    """``FOUND`` (INV_INPUT_MISSING): orders whose goods lines do not sum to the order's amount_fx."""
    sums = goods.group_by("order_no").agg(_sum=goods.amount_fx.sum().cast(MONEY), _lines=lambda t: t.count())
    sums = sums.rename(_of="order_no")
    joined = orders.inner_join(sums, orders.order_no == sums._of).drop("_of")
    return found(
        joined.filter((joined._sum != joined.amount_fx) & (joined.order_status != "取消")),
        code="INV_INPUT_MISSING",
        subject=lambda t: subject_of(t.order_no, "货物金额"),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " 外币金额 ",
            t.currency,
            " ",
            t.amount_fx,
            "，",
            t._lines,
            " 个货物行合计 ",
            t._sum,
            "，相差 ",
            (t.amount_fx - t._sum).cast(MONEY),
            "。请核对订单与货物行。",
        ),
        field="amount_fx",
        found=lambda t: t._sum.cast("string"),
        rule_id="EXP-INV-01",
    )


def _text_of(rows: ir.Table, columns: Sequence[str]) -> ir.StringValue:
    return ibis.literal(_JOINED_BY).join([rows[name].cast("string").fill_null("") for name in columns])


def _verdicts(rows: ir.Table, **columns: object) -> ir.Table:
    values = {name: rows[name] for name in ("source_file", "source_row")}
    for name, value in columns.items():
        value = value(rows) if callable(value) and not isinstance(value, ir.Value) else value
        values[name] = value if isinstance(value, ir.Value) else ibis.literal(value, "string")
    return rows.select(**{name: values[name].cast(kind) for name, kind in VERDICTS.items()})
