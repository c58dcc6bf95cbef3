"""The principal's ledger (委托方分户账): what should be posted by now, and what this month posts.

Every posting has a ``posting_key`` that says what it is the posting of. What is posted in a month is
what should stand by its end less what earlier months posted under the same key: a late receipt, a
changed fee or a cancelled order needs no code of its own (C-48). Canonical sign: + = we owe the
principal (C-09). Accounts (账户): 货款 预收 税款 物流费 退税 垫付退税.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules import money

POSTING = ibis.schema(
    {
        "posting_key": "string",
        "posted_on": "date",
        "principal_id": "string",
        "order_no": "string",
        "account": "string",
        "kind": "string",
        "currency": "string",
        "amount_fx": money.MONEY,
        "rate": money.RATE,
        "amount_cny": money.MONEY,
        "txn_id": "string",
        "document_no": "string",
        "rule_id": "string",
        "note": "string",
    }
)

_ACCOUNT_OF_PURPOSE = {
    "货款": "货款", "余款": "货款", "代理费": "货款", "预收": "预收", "税金": "税款", "物流费": "物流费", "退税款": "退税",
}  # fmt: skip
_ACCOUNT_OF_PAYMENT = {
    "货款": "货款", "余款退还": "货款", "购汇付款": "货款", "退税款": "退税", "垫付退税": "垫付退税", "原路退回": "预收",
}  # fmt: skip


def _text(*parts: ir.StringValue | str) -> ir.StringValue:
    """Parts joined with ``|``; an absent part is empty, so that a key never becomes NULL."""
    pieces = [ibis.literal(part) if isinstance(part, str) else ibis.coalesce(part.cast("string"), "") for part in parts]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = joined + ibis.literal("|") + piece
    return joined


def posting(table: ir.Table, **columns: ir.Value | str | None) -> ir.Table:
    """``table`` as postings: the named columns, the others NULL, in the order and types of ``POSTING``."""
    chosen = {}
    for name, kind in POSTING.items():
        value = columns.get(name)
        if value is None:
            chosen[name] = ibis.null(kind)
        else:
            chosen[name] = (value if isinstance(value, ir.Value) else ibis.literal(value)).cast(kind)
    return table.select(**chosen)


def openings(items: ir.Table, balances: ir.Table, first_month: str, first_day: date) -> ir.Table:
    """期初: what the books begin with, in the first month and once (contract, section 4).

    The opening items of that month; for a principal that has a balance but no items, the balance on
    账户 预收. Both are CNY, + = we owe the principal.
    """
    of_month = items.filter(items.month == first_month)
    same = [of_month[name] for name in ("principal_id", "account", "order_no", "ref_no", "arisen_on", "currency")]
    # Two items that say the same are told apart by their amounts, so that a row moved in the file moves nothing.
    number = ibis.row_number().over(ibis.window(group_by=same, order_by=[of_month.amount_cny, of_month.amount_fx]))
    of_month = of_month.mutate(_number=number)
    day = ibis.literal(first_day)
    from_items = posting(
        of_month,
        posting_key=_text(
            "OPEN",
            of_month.principal_id,
            of_month.account,
            of_month.order_no,
            of_month.ref_no,
            of_month.arisen_on,
            of_month.currency,
            of_month._number,
        ),  # fmt: skip
        posted_on=day,
        principal_id=of_month.principal_id,
        order_no=of_month.order_no,
        account=of_month.account,
        kind="期初",
        currency=of_month.currency,
        amount_fx=of_month.amount_fx,
        amount_cny=of_month.amount_cny,
        document_no=of_month.ref_no,
        rule_id="OPENING",
        note="期初余额",
    )
    alone = balances.filter(balances.month == first_month).anti_join(of_month, "principal_id")
    from_balances = posting(
        alone,
        posting_key=_text("OPEN", alone.principal_id, "预收"),
        posted_on=day,
        principal_id=alone.principal_id,
        account="预收",
        kind="期初",
        currency="CNY",
        amount_cny=alone.balance_cny,
        rule_id="OPENING",
        note="期初余额（无明细）",
    )
    return from_items.union(from_balances)


def receipts(standing: ir.Table) -> ir.Table:
    """收款 and 退税到账: each standing piece of a receipt whose principal is known (IMP-RCV-01, EXP-RCV-02, LOG-RCV-01, C-28, EXP-REF-04).

    ``standing``: as ``receipts.standing_pieces``. On 账户 by purpose; without an order on 预收.
    """
    known = standing.filter(standing.principal_id.notnull() & standing.amount_cny.notnull())
    by_purpose = known.purpose.cases(*_ACCOUNT_OF_PURPOSE.items(), else_="预收")
    on_account = known.order_no.isnull() & known.purpose.isin(["货款", "余款", "代理费"])
    return posting(
        known,
        posting_key=_text("RECEIPT", known.txn_id, known.principal_id, known.order_no, known.purpose),
        posted_on=known.booked_on,
        principal_id=known.principal_id,
        order_no=known.order_no,
        account=ibis.cases((on_account, "预收"), else_=by_purpose),
        kind=ibis.cases((known.purpose == "退税款", "退税到账"), else_="收款"),
        currency=known.currency,
        amount_fx=known.amount,
        rate=known.settlement_rate,
        amount_cny=known.amount_cny,
        txn_id=known.txn_id,
        rule_id=ibis.cases(
            (known.purpose == "退税款", "EXP-REF-04"),
            (known.purpose == "物流费", "LOG-RCV-01"),
            (known.purpose == "预收", "C-28"),
            (known.currency != "CNY", "EXP-RCV-02"),
            else_="IMP-RCV-01",
        ),
        note=known.rate_source,
    )


def fees(order_fees: ir.Table) -> ir.Table:
    """代理费 and 其他费用: − , with the first goods receipt (export) or the first FX payment (import).

    ``order_fees``: order_no, principal_id, part (what the fee is for, e.g. the receipt), fee_on,
    agency_fee, other_fee (CNY, positive).
    """
    parts = []
    for kind, column in (("代理费", "agency_fee"), ("其他费用", "other_fee")):
        due = order_fees.filter(order_fees[column] != 0)
        parts.append(
            posting(
                due,
                posting_key=_text("FEE", kind, due.order_no, due.part),
                posted_on=due.fee_on,
                principal_id=due.principal_id,
                order_no=due.order_no,
                account="货款",
                kind=kind,
                currency="CNY",
                amount_cny=-due[column],
                rule_id="EXP-INV-01",
            )
        )
    return parts[0].union(parts[1])


def freight(charges: ir.Table, treated: ir.Table, month_end: ir.DateValue) -> ir.Table:
    """物流费: − receivable_cny of each line on confirmed_on, else invoiced_on (LOG-AR-02, LOG-AR-03).

    ``charges``: all freight charges so far; ``treated``: line_key, treatment (``freight_write_off.treatments``).
    A line that is netted (抵扣) is paid out of the order's goods money: account 货款 (FRT-06), every other on 物流费.
    """
    owed = charges.filter(charges.principal_id.notnull() & (ibis.coalesce(charges.receivable_cny, 0) != 0))
    marked = owed.left_join(treated.select("line_key", "treatment"), "line_key").drop("line_key_right")
    is_netted = ibis.coalesce(marked.treatment == "抵扣", False)
    return posting(
        marked,
        posting_key=_text("FREIGHT", marked.line_key),
        posted_on=ibis.coalesce(marked.confirmed_on, marked.invoiced_on, month_end),
        principal_id=marked.principal_id,
        order_no=marked.order_no,
        account=ibis.cases((is_netted, "货款"), else_="物流费"),
        kind="物流费",
        currency="CNY",
        rate=marked.ar_rate,
        amount_cny=-marked.receivable_cny,
        document_no=marked.vendor_invoice_no,
        rule_id=ibis.cases((marked.client_quote.isnull(), "LOG-AR-03"), else_="LOG-AR-02"),
        note=marked.charge_code,
    )


def payments(paid: ir.Table) -> ir.Table:
    """付款, 购汇付款, 手续费, 退税付出: − what left the bank for the principal, on booked_on.

    ``paid``: txn_id, request_no, order_no, principal_id, kind (款项类型), currency, amount (positive),
    amount_cny, settlement_rate, bank_fee (CNY of the FX payment), booked_on. Taxes post by their
    original bills, vendors' costs are not the principal's (LOG-AP): both are left out.
    """
    own = paid.filter(paid.principal_id.notnull() & paid.kind.isin(list(_ACCOUNT_OF_PAYMENT)))
    own = own.filter(own.amount_cny.notnull())
    cash = posting(
        own,
        posting_key=_text("PAYMENT", own.txn_id, own.request_no, own.kind),
        posted_on=own.booked_on,
        principal_id=own.principal_id,
        order_no=own.order_no,
        account=own.kind.cases(*_ACCOUNT_OF_PAYMENT.items(), else_="货款"),
        kind=own.kind.cases(("购汇付款", "购汇付款"), ("退税款", "退税付出"), else_="付款"),
        currency=own.currency,
        amount_fx=-own.amount,
        rate=own.settlement_rate,
        amount_cny=-own.amount_cny,
        txn_id=own.txn_id,
        document_no=own.request_no,
        rule_id=own.kind.cases(("购汇付款", "IMP-FXP-07"), ("退税款", "EXP-REF-05"), else_="EXP-PAY-01"),
        note=own.kind,
    )
    charged = own.filter((own.kind == "购汇付款") & (ibis.coalesce(own.bank_fee, 0) != 0))
    bank_fees = posting(
        charged,
        posting_key=_text("BANKFEE", charged.request_no),
        posted_on=charged.booked_on,
        principal_id=charged.principal_id,
        order_no=charged.order_no,
        account="货款",
        kind="手续费",
        currency="CNY",
        amount_cny=-charged.bank_fee,
        txn_id=charged.txn_id,
        document_no=charged.request_no,
        rule_id="IMP-FXP-07",
    )
    return cash.union(bank_fees)


def taxes(bills: ir.Table) -> ir.Table:
    """税金: − duty, consumption tax, VAT and late fee of each original bill (正本) that was paid, on paid_on (IMP-TAX-02).

    ``bills``: order_no, principal_id, bill_no, bill_kind, duty, consumption_tax, vat, late_fee, paid_on.
    """
    due = bills.filter((bills.bill_kind == "正本") & bills.paid_on.notnull() & bills.principal_id.notnull())
    total = (due.duty + due.consumption_tax + due.vat + due.late_fee).cast(money.MONEY)
    return posting(
        due,
        posting_key=_text(
            "TAX", due.order_no, ibis.coalesce(due.bill_no, due.source_file + "#" + due.source_row.cast("string"))
        ),
        posted_on=due.paid_on,
        principal_id=due.principal_id,
        order_no=due.order_no,
        account="税款",
        kind="税金",
        currency="CNY",
        amount_cny=-total,
        document_no=due.bill_no,
        rule_id="IMP-TAX-02",
    )


def decisions(adjustments: ir.Table) -> ir.Table:
    """抵账 转单 核销 更正: finance's pairs, − on the account money leaves, + on the one it enters.

    ``adjustments``: kind, principal_id, from_order, from_account, to_order, to_account, currency, amount
    (CNY), document_no, decided_at, reason, decision_key. A side without an account posts nothing.
    """
    moved = adjustments.filter(
        adjustments.kind.isin(["抵账", "转单", "核销", "更正"]) & (adjustments.currency == "CNY")
    )
    sides = []
    for side, sign in (("from", -1), ("to", 1)):
        named = moved.filter(moved[f"{side}_account"].notnull() & moved.principal_id.notnull())
        sides.append(
            posting(
                named,
                posting_key=_text("DECISION", named.decision_key, side),
                posted_on=named.decided_at.date(),
                principal_id=named.principal_id,
                order_no=named[f"{side}_order"],
                account=named[f"{side}_account"],
                kind=named.kind,
                currency="CNY",
                amount_cny=named.amount * sign,
                document_no=named.document_no,
                rule_id="DECISION",
                note=named.reason,
            )
        )
    return sides[0].union(sides[1])


def cleared_advances(refund_postings: ir.Table) -> ir.Table:
    """垫付退税 cleared by the refund's cash first (C-47): a pair on 退税 and 垫付退税, an order and the last cash at a time.

    ``refund_postings``: the postings on 退税 and 垫付退税 so far.
    """
    of_order = (
        refund_postings.filter(refund_postings.order_no.notnull())
        .group_by("principal_id", "order_no")
        .agg(
            cash=refund_postings.amount_cny.sum(where=refund_postings.kind == "退税到账"),
            advanced=-refund_postings.amount_cny.sum(where=refund_postings.account == "垫付退税"),
            cleared_on=refund_postings.posted_on.max(where=refund_postings.kind == "退税到账"),
        )
    )
    due = of_order.filter((of_order.cash > 0) & (of_order.advanced > 0))
    due = due.mutate(cleared=ibis.least(due.cash, due.advanced).cast(money.MONEY))
    pair = []
    for account, sign in (("退税", -1), ("垫付退税", 1)):
        pair.append(
            posting(
                due,
                posting_key=_text("ADVANCE", due.order_no, account),
                posted_on=due.cleared_on,
                principal_id=due.principal_id,
                order_no=due.order_no,
                account=account,
                kind="抵账",
                currency="CNY",
                amount_cny=due.cleared * sign,
                rule_id="C-47",
                note="退税到账先冲垫付退税",
            )
        )
    return pair[0].union(pair[1])
