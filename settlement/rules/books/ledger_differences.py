"""What a month posts (记账): what should stand in the ledger by its end less what earlier months posted (C-48).

What belongs here: the comparison by ``posting_key``. What does not: which postings should stand (principal_ledger).
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.principal_ledger import POSTING


def new_postings(desired: ir.Table, published: ir.Table, month: str, first_day: date) -> ir.Table:
    """The postings of this month: what should stand less what earlier months posted, by posting_key and account.

    ``desired``: POSTING of everything so far; ``published``: earlier months' ``principal_ledger``.
    A key that is desired no longer is taken back. A difference in CNY alone on a receipt is 汇率差.
    ``adjusts_month`` is the earlier month the fact belongs to, where the books were already kept then.
    Returns the columns of ``principal_ledger`` without ``month``; ``entry_no`` by date and key.
    """
    keys = ["posting_key", "principal_id", "account"]
    before = published.group_by(keys).agg(
        _cny=published.amount_cny.sum().cast(money.MONEY),
        _fx=published.amount_fx.sum().cast(money.MONEY),
        _on=published.posted_on.min(),
        _order=published.order_no.min(),
        _kind=published.kind.min(where=published.kind != "汇率差"),
        _currency=published.currency.min(),
        _txn=published.txn_id.min(),
        _document=published.document_no.min(),
        _rule=published.rule_id.min(),
    )
    desired = _one_a_key(desired, keys)
    joined = desired.outer_join(before, [desired[k].identical_to(before[k]) for k in keys], rname="{name}_before")
    nil = money.decimal_literal(0)
    cny = (ibis.coalesce(joined.amount_cny, nil) - ibis.coalesce(joined._cny, nil)).cast(money.MONEY)
    fx = (ibis.coalesce(joined.amount_fx, nil) - ibis.coalesce(joined._fx, nil)).cast(money.MONEY)
    is_known = joined._cny.notnull()
    kept_books = ibis.coalesce(published.month.min().as_scalar() < month, False)
    kind = ibis.coalesce(joined.kind, joined._kind)
    rate_only = is_known & (fx == 0) & (joined.currency != "CNY") & kind.isin(["收款", "退税到账"])
    fact_on = ibis.coalesce(joined.posted_on, joined._on)
    rows = joined.mutate(
        _diff_cny=cny,
        _diff_fx=fx,
        # 期初 stands in the first month alone: what is corrected of it later is a movement of the open month.
        _kind_now=ibis.cases((rate_only, "汇率差"), ((kind == "期初") & kept_books, "更正"), else_=kind),
        _fact_on=fact_on,
        _key=ibis.coalesce(joined.posting_key, joined.posting_key_before),
        _principal=ibis.coalesce(joined.principal_id, joined.principal_id_before),
        _account=ibis.coalesce(joined.account, joined.account_before),
        _known=is_known,
        _rate_only=rate_only,
    )
    rows = rows.filter((rows._diff_cny != 0) | (rows._diff_fx != 0))
    return _numbered(rows, published, month, first_day)


def _one_a_key(desired: ir.Table, keys: list[str]) -> ir.Table:
    """Postings summed by key: a payment moved to another application and back is one fact, not three."""
    counted = desired.group_by(keys).agg(_rows=desired.count())
    several = counted.filter(counted._rows > 1).drop("_rows")  # few: the others are not carried through the grouping
    same = [desired[key].identical_to(several[key]) for key in keys]
    again = desired.semi_join(several, same)
    sums = {name: again[name].sum().cast(money.MONEY) for name in ("amount_fx", "amount_cny")}
    others = {name: again[name].min() for name in POSTING if name not in keys and name not in sums}
    summed = again.group_by(keys).agg(**sums, **others).select(*POSTING.names)
    return desired.anti_join(several, same).select(*POSTING.names).union(summed)


def _numbered(rows: ir.Table, published: ir.Table, month: str, first_day: date) -> ir.Table:
    kept_months = published.month.min().as_scalar() if published is not None else ibis.null("string")
    fact_month = rows._fact_on.strftime("%Y-%m")
    # A correction of what was posted, or a fact of an earlier month that had books, adjusts that month;
    # a rate fixed by this month's conversion does not.
    is_late = (rows._fact_on < ibis.literal(first_day)) & ~rows._rate_only & (fact_month >= kept_months)
    shaped = rows.select(
        posted_on=ibis.cases((rows._rate_only, ibis.literal(first_day)), else_=rows._fact_on),
        principal_id=rows._principal,
        order_no=ibis.coalesce(rows.order_no, rows._order),
        account=rows._account,
        kind=rows._kind_now,
        currency=ibis.coalesce(rows.currency, rows._currency),
        amount_fx=ibis.cases(
            (rows.amount_fx.isnull() & rows._fx.isnull(), ibis.null(money.MONEY)), else_=rows._diff_fx
        ),
        rate=rows.rate,
        amount_cny=rows._diff_cny,
        txn_id=ibis.coalesce(rows.txn_id, rows._txn),
        document_no=ibis.coalesce(rows.document_no, rows._document),
        adjusts_month=ibis.cases((is_late, fact_month), else_=ibis.null("string")),
        posting_key=rows._key,
        rule_id=ibis.coalesce(rows.rule_id, rows._rule),
        note=ibis.cases((rows._known & ~rows._rate_only, ibis.coalesce(rows.note, "冲回或更正")), else_=rows.note),
    )
    order = [shaped.posted_on, shaped.principal_id, shaped.posting_key, shaped.account]
    number = ibis.row_number().over(ibis.window(order_by=order)) + 1
    return shaped.mutate(entry_no=ibis.literal(f"{month}-") + number.cast(dt.string).lpad(8, "0"))
