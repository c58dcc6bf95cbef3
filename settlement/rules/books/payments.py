"""Payments (付款): what each matched debit is in CNY, and the bank fee of a foreign payment's slip.

IMP-FXP-07: the rate and the fee on the bank's slip (付汇回执) are the settlement figures.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.receipts import mid_rates_on


def valued(allocations: ir.Table, transactions: ir.Table, requests: ir.Table, mid_rates: ir.Table) -> ir.Table:
    """Payment allocations with amount_cny and settlement_rate (CNY per 1), currency, booked_on.

    A CNY debit is its own value, whatever was bought with it. For foreign currency, in this order: the
    CNY the bank line shows (its share by amount), the line's rate, the slip's rate on the application
    (付汇汇率, per 100). Money that is nobody's (no principal) falls back to the mid rate; a principal's
    stays NULL until a rate is known (FXP_RATE_OR_FEE_MISSING).
    """
    lines = transactions.select(
        "txn_id",
        "currency",
        "booked_on",
        _whole=transactions.amount.abs(),
        _cny=transactions.cny_amount.abs(),
        _line_rate=transactions.fx_rate,
    )
    slips = requests.select("request_no", _slip=money.divide_half_up(requests.fx_rate, 100, 8))
    joined = allocations.join(lines, "txn_id").left_join(slips, "request_no").drop("request_no_right")
    mids = mid_rates_on(joined.select("currency", rate_day="booked_on"), mid_rates)
    joined = joined.left_join(
        mids, [joined.currency == mids.currency, joined.booked_on == mids.rate_day], rname="mid_{name}"
    )
    of_line = money.divide_half_up(joined._cny, joined._whole, 8)
    rate = ibis.coalesce(joined._line_rate, of_line, joined._slip)
    # A row that takes a whole payment back (it went to another application) takes back just its CNY.
    is_whole, is_taken_back = joined.amount == joined._whole, joined.amount == -joined._whole
    is_local = joined.currency == "CNY"
    nobodys = ibis.cases((joined.principal_id.isnull(), joined.mid_rate), else_=ibis.null(money.RATE))
    return joined.select(
        *allocations.columns,
        "currency",
        "booked_on",
        amount_cny=ibis.cases(
            (is_local, joined.amount),
            (is_whole & joined._cny.notnull(), joined._cny),
            (is_taken_back & joined._cny.notnull(), -joined._cny),
            else_=money.multiply(joined.amount, ibis.coalesce(rate, nobodys)),
        ).cast(money.MONEY),
        settlement_rate=ibis.cases((is_local, money.decimal_literal(1, 8)), else_=ibis.coalesce(rate, nobodys)).cast(
            money.RATE
        ),
    )


def with_slip_fee(paid: ir.Table, requests: ir.Table) -> ir.Table:
    """``paid`` with bank_fee (CNY) of the application's slip, on the first of its rows only (NULL = not told)."""
    fees = requests.select("request_no", _fee="bank_fee")
    joined = paid.left_join(fees, "request_no").drop("request_no_right")
    rank = ibis.row_number().over(
        ibis.window(group_by="request_no", order_by=[joined.booked_on, joined.txn_id, joined.amount])
    )
    ranked = joined.mutate(_rank=rank)
    nil = money.decimal_literal(0)
    return ranked.mutate(bank_fee=ibis.cases((ranked._rank == 0, ranked._fee), else_=nil).cast(money.MONEY)).drop(
        "_rank", "_fee"
    )
