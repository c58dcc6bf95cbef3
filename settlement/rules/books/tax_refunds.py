"""Tax refunds (出口退税): expected → notified → received → paid out or kept, by order and declaration.

EXP-REF-01..06, C-38, C-46, C-47. CNY, fen. Money posts on cash only; expected and notified are shown.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money


def counted_notices(notices: ir.Table) -> ir.Table:
    """Refund notices once each: the same declaration, batch, result, amount and day in two files is one."""
    key = ["declaration_no", "order_no", "batch_no", "result", "amount", "notified_on"]
    ranked = notices.mutate(
        _rank=ibis.row_number().over(
            ibis.window(group_by=key, order_by=[notices.month, notices.source_file, notices.source_row])
        )
    )
    return ranked.filter(ranked._rank == 0).drop("_rank")


def notices_by_order(notices: ir.Table, expected: ir.Table) -> ir.Table:
    """Notices with their order: the one named, else the only order of that declaration; several orders leave it NULL."""
    owners = expected.group_by("declaration_no").agg(
        _orders=expected.order_no.nunique(), _order=expected.order_no.min()
    )
    joined = counted_notices(notices).left_join(owners, "declaration_no", rname="owner_{name}")
    only = ibis.cases((joined._orders == 1, joined._order), else_=ibis.null("string"))
    return joined.mutate(order_no=ibis.coalesce(joined.order_no, only)).drop(
        "owner_declaration_no", "_orders", "_order"
    )


def tax_refunds(
    *,
    invoices: ir.Table,
    notices: ir.Table,
    postings: ir.Table,
    kept: ir.Table,
    filing_days: ir.Table,
) -> ir.Table:
    """The state of each refund: the columns of ``tax_refunds``.

    ``invoices``: export_invoices' state of 自营 lines (order_no, declaration_no, principal_id, exported_on,
    refund_amount, status). ``notices`` as ``notices_by_order``. ``postings``: the ledger so far.
    ``kept``: order_no, kept (CNY, by decision 保留). ``filing_days``: export_year, file_by.
    Cash and payouts of an order go to its declarations in order, each up to what was notified (else
    expected); what is over stays on the last.
    """
    owned = invoices.filter(invoices.status.notin(["取消", "不适用"]) & invoices.declaration_no.notnull())
    wanted = owned.group_by("order_no", "declaration_no", "principal_id").agg(
        expected=owned.refund_amount.sum().cast(money.MONEY),
        exported_on=owned.exported_on.max(),
        is_invoiced=(owned.status == "已收票").all(),
    )
    told = _told(notices)
    joined = wanted.left_join(told, ["order_no", "declaration_no"], rname="told_{name}")
    cash = _order_cash(postings)
    joined = joined.left_join(cash, "order_no", rname="cash_{name}")
    joined = joined.left_join(kept.select("order_no", _kept="kept"), "order_no", rname="kept_{name}")
    spread = _spread(joined)
    dated = spread.left_join(
        filing_days.select(_year="export_year", file_by="file_by"), spread.exported_on.year() == filing_days.export_year
    ).drop("_year")
    return _with_status(dated)


def _told(notices: ir.Table) -> ir.Table:
    """What the tax bureau said of each refund: notified (核准 less 追缴, CNY) and the latest notice's word (``_last``)."""
    named = notices.filter(notices.order_no.notnull())
    key = ["order_no", "declaration_no"]
    newest = ibis.window(
        group_by=key,
        order_by=[named.notified_on.desc(), named.month.desc(), named.source_file.desc(), named.source_row.desc()],
    )
    ranked = named.mutate(_rank=ibis.row_number().over(newest))
    # What is to be repaid is negative (contract, customs); one written without its sign is no second refund.
    signed = ibis.cases((ranked.result == "追缴", -ranked.amount.abs()), else_=ranked.amount)
    return ranked.group_by(key).agg(
        notified=signed.sum(where=ranked.result.isin(["核准", "追缴"])).cast(money.MONEY),
        _last=ranked.result.max(where=ranked._rank == 0),
    )


def _order_cash(postings: ir.Table) -> ir.Table:
    refunds = postings.filter(postings.order_no.notnull() & postings.account.isin(["退税", "垫付退税"]))
    nil = money.decimal_literal(0)

    def total(condition):
        return ibis.coalesce(refunds.amount_cny.sum(where=condition), nil).cast(money.MONEY)

    return refunds.group_by("order_no").agg(
        _received=total(refunds.kind == "退税到账"),
        _paid_out=(-total(refunds.kind == "退税付出")).cast(money.MONEY),
        _advanced=(-total((refunds.account == "垫付退税") & (refunds.kind == "付款"))).cast(money.MONEY),
        _cleared=(-total((refunds.account == "退税") & (refunds.kind == "抵账"))).cast(money.MONEY),
    )


def _spread(joined: ir.Table) -> ir.Table:
    """Give an order's cash to its declarations in order: each up to its size, the last takes what is left."""
    nil = money.decimal_literal(0)
    size = ibis.coalesce(joined.notified, joined.expected, nil)
    sized = joined.mutate(_size=ibis.greatest(size, nil).cast(money.MONEY))
    order = [sized.declaration_no]
    upto = ibis.window(group_by="order_no", order_by=order, preceding=None, following=0)
    sized = sized.mutate(_upto=sized._size.sum().over(upto).cast(money.MONEY))
    sized = sized.mutate(
        _before=(sized._upto - sized._size).cast(money.MONEY),
        _is_last=ibis.row_number().over(ibis.window(group_by="order_no", order_by=sized.declaration_no.desc())) == 0,
    )
    columns = {}
    for name in ("received", "paid_out", "advanced", "cleared", "kept"):
        whole = ibis.coalesce(sized[f"_{name}"], nil)
        past = (whole - sized._before).cast(money.MONEY)
        part = ibis.cases((sized._is_last, past), else_=ibis.least(past, sized._size))
        # Money taken back (追缴) is negative and belongs to the last declaration.
        negative = ibis.cases((sized._is_last, whole), else_=nil)
        columns[name] = ibis.cases((whole < 0, negative), else_=ibis.greatest(part, nil)).cast(money.MONEY)
    return sized.mutate(**columns)


def _with_status(spread: ir.Table) -> ir.Table:
    null = ibis.null(money.MONEY)
    balance = (spread.received - spread.cleared - spread.paid_out - spread.kept).cast(money.MONEY)
    paid_off = (spread.received > 0) & (balance == 0)
    in_full = spread.received >= ibis.coalesce(spread.notified, spread.expected, spread.received)
    # What was put off (暂缓) and granted later is granted; money the bureau wants back is asked for until it is back.
    refused = spread._last.isin(["暂缓", "不予退税"]) & (spread.received <= 0)
    wanted_back = (spread._last == "追缴") & (
        spread.received > ibis.greatest(spread.notified, money.decimal_literal(0))
    )
    status = ibis.cases(
        (refused, spread._last),
        (wanted_back, "追缴"),
        (paid_off & in_full, "已付清"),
        ((spread.received > 0) & in_full, "已到账"),
        (spread.received > 0, "部分到账"),
        (spread.notified.notnull(), "已核准"),
        (spread.is_invoiced, "待申报"),
        else_="待开票",
    )

    def or_null(column: ir.DecimalColumn) -> ir.DecimalColumn:
        return ibis.cases((column == 0, null), else_=column).cast(money.MONEY)

    return spread.mutate(
        received=or_null(spread.received),
        paid_out=or_null(spread.paid_out),
        advanced=or_null(spread.advanced),
        kept=or_null(spread.kept),
        balance=balance,
        status=status,
    )
