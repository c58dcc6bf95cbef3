"""The answers: which order each credit and debit belongs to, and the figures the files decide.

``receipts.csv``: one row a credit and piece. ``order_no``, ``principal_id`` and ``purpose`` are the posting the
contract asks for; ``world_order_no`` is what the payer meant. ``verdict``: ``post`` = the evidence decides it
(``decidable`` yes); ``open`` = it must not be posted to any order; ``either`` = the named order is right, and so is
leaving it open. ``payments.csv`` is the same for debits, ``amounts.csv`` holds figures by month.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from settlement.sample import bank_lines as b
from settlement.sample import payouts, quotes, texts
from settlement.sample.catalog import catalog
from settlement.sample.exports import computable, fees, figures_of, position_at
from settlement.sample.files import Sheet
from settlement.sample.freight import payable
from settlement.sample.legs import PURPOSES
from settlement.sample.oddities import billed_twice
from settlement.sample.openings import old_order_numbers
from settlement.sample.receipts import OPEN, POST, VERDICTS, WHY
from settlement.sample.story import Story
from settlement.sample.texts import NONE, day, money, number, pick, repeat, take

_NOBODY = {
    b.A_CONVERSION: "结汇",
    b.A_TRANSFER: "内部划转",
    b.INTEREST: "利息",
    b.RETURNED: "付款退回",
    b.REVERSED: "冲正",
    b.CARRIER_REFUND: "供应商退款",
    b.OTHER_IN: "其他",
}


def _identity(story: Story, rows: np.ndarray) -> dict[str, pa.Array]:
    lines = story.book.lines
    return {
        "account_no": pick([account["account_no"] for account in catalog()["own_accounts"]], lines.account[rows]),
        "bank_ref": take(lines.ref, rows),
        "booked_on": day(lines.booked_on[rows]),
        "month": pick(story.world.months.names, story.book.month[rows]),
        "amount": money(lines.amount[rows]),
        "occurrence": number(story.book.occurrence[rows]),
    }


def receipts_sheet(story: Story) -> Sheet:
    """receipts.csv."""
    parts = [
        _matched(story),
        _overpaid(story),
        _refund_pieces(story),
        _ahead(story),
        _nobody(story),
        _old_freight(story),
        _paid_twice(story),
    ]
    return Sheet(quotes.stacked([part for part in parts if len(part["amount"])]))


def _matched(story: Story) -> dict[str, pa.Array]:
    lines, r, legs = story.book.lines, story.receipts, story.legs
    line = np.flatnonzero(lines.what == b.A_RECEIPT)
    receipt = lines.row[line]
    line, receipt = np.repeat(line, r.size[receipt]), np.repeat(receipt, r.size[receipt])
    starts = np.r_[True, receipt[1:] != receipt[:-1]] if len(receipt) else np.zeros(0, bool)
    place = np.arange(len(receipt)) - np.maximum.accumulate(np.where(starts, np.arange(len(receipt)), 0))
    leg = r.first[receipt] + place
    order = legs.order[leg]
    open_, verdict, why = r.verdict[receipt] == OPEN, r.verdict[receipt], r.why[receipt]
    nobody = open_ & np.isin(why, (5, 6))
    kept = np.where(r.size[receipt] == 1, r.charges[receipt], 0)
    principal = np.where(nobody, -1, story.orders.principal[order])
    return {
        **_identity(story, line),
        "order_no": take(story.orders.order_no, np.where(open_, -1, order)),
        "principal_id": take(story.firms.principal_id, principal),
        "purpose": pick(PURPOSES, legs.what[leg]),
        "piece": money(legs.amount[leg] - kept),
        "decidable": pick(["no", "yes"], (verdict == POST).astype(np.int64)),
        "verdict": pick(VERDICTS, verdict),
        "why": pick(WHY, why),
        "world_order_no": take(story.orders.order_no, order),
        "world_principal_id": take(story.firms.principal_id, story.orders.principal[order]),
    }


def _overpaid(story: Story) -> dict[str, pa.Array]:
    lines, r = story.book.lines, story.receipts
    line = np.flatnonzero(lines.what == b.A_RECEIPT)
    line = line[r.over[lines.row[line]] > 0]
    receipt = lines.row[line]
    return _single(
        story, line, "预收", r.over[receipt], r.principal[receipt], "open", "paid too much: the rest is on account"
    )


def _single(
    story: Story, line: np.ndarray, purpose: str, piece: np.ndarray, principal: np.ndarray, verdict: str, why: str
) -> dict:
    who = take(story.firms.principal_id, principal)
    count = len(line)
    return {
        **_identity(story, line),
        "principal_id": who,
        "purpose": repeat(purpose, count),
        "piece": money(piece),
        "decidable": repeat("yes" if verdict == "post" else "no", count),
        "verdict": repeat(verdict, count),
        "why": repeat(why, count),
        "world_principal_id": who,
    }


def _refund_pieces(story: Story) -> dict[str, pa.Array]:
    """A batch's credit, by order; an order's declarations of one batch are one piece."""
    lines, r = story.book.lines, story.refunds
    line = np.flatnonzero(lines.what == b.A_REFUND)
    of_batch = np.full(r.batch.max(initial=-1) + 1, -1, np.int64)
    of_batch[lines.row[line]] = line
    paid = np.flatnonzero((r.result == 0) & (of_batch[r.batch] >= 0)) if len(line) else np.zeros(0, np.int64)
    key, first, row = np.unique(
        r.batch[paid] * story.orders.count + r.order[paid], return_index=True, return_inverse=True
    )
    piece = np.zeros(len(key), np.int64)
    np.add.at(piece, row, r.amount[paid])
    at = paid[first]
    order, quoted = r.order[at], r.batch[at] % 4 != 3
    return {
        **_identity(story, of_batch[r.batch[at]]),
        "order_no": take(story.orders.order_no, order),
        "principal_id": take(story.firms.principal_id, story.orders.principal[order]),
        "purpose": repeat("退税款", len(at)),
        "piece": money(piece),
        "decidable": pick(["no", "yes"], quoted.astype(np.int64)),
        "verdict": pick(["either", "post"], quoted.astype(np.int64)),
        "why": pick(["the sum of one batch", "the batch is named"], quoted.astype(np.int64)),
        "world_order_no": take(story.orders.order_no, order),
        "world_principal_id": take(story.firms.principal_id, story.orders.principal[order]),
    }


def _ahead(story: Story) -> dict[str, pa.Array]:
    lines = story.book.lines
    line = np.flatnonzero(lines.what == b.ON_ACCOUNT)
    principal = story.on_account.principal[lines.row[line]]
    return _single(story, line, "预收", lines.amount[line], principal, "open", "money ahead of any order")


def _old_freight(story: Story) -> dict[str, pa.Array]:
    lines = story.book.lines
    line = np.flatnonzero(lines.what == b.OLD_FREIGHT)
    numbers = old_order_numbers(lines.row[line])
    made = _single(story, line, "物流费", lines.amount[line], lines.row[line], "post", "reference of an opening item")
    return {**made, "order_no": numbers, "world_order_no": numbers}


def _paid_twice(story: Story) -> dict[str, pa.Array]:
    lines = story.book.lines
    line = np.flatnonzero(lines.what == b.PAID_TWICE)
    principal = story.receipts.principal[lines.row[line]]
    return _single(story, line, "预收", lines.amount[line], principal, "open", "the order is paid already")


def _nobody(story: Story) -> dict[str, pa.Array]:
    lines = story.book.lines
    parts = []
    for what, purpose in _NOBODY.items():
        line = np.flatnonzero((lines.what == what) & (lines.amount > 0))
        verdict = "either" if what == b.OTHER_IN else "post"  # a subsidy: nothing in the files says what it is
        nobody = np.full(len(line), -1)
        parts.append(_single(story, line, purpose, lines.amount[line], nobody, verdict, "nobody's money"))
    line = np.flatnonzero(lines.what == b.STRANGER)
    parts.append(_single(story, line, "", lines.amount[line], np.full(len(line), -1), "open", WHY[6]))
    return quotes.stacked(parts)


def payments_sheet(story: Story) -> Sheet:
    """payments.csv: every debit and what it truly is."""
    lines, p = story.book.lines, story.payments
    line = np.flatnonzero((lines.amount < 0) & np.isin(lines.what, (b.A_PAYMENT, b.A_FEE)))
    row = lines.row[line]
    fee = lines.what[line] == b.A_FEE
    order = p.order[row]
    applied = {
        **_identity(story, line),
        "request_no": take(story.requests, row),
        "order_no": take(story.orders.order_no, order),
        "principal_id": take(story.firms.principal_id, np.where(order < 0, -1, story.orders.principal[order])),
        "vendor": pick(quotes.vendor_names(), p.vendor[row]),
        "kind": texts.choose(fee, "银行手续费", pick(payouts.KINDS, p.kind[row])),
        "piece": money(-lines.amount[line]),
        "decidable": pick(["yes", "no"], p.unstated[row].astype(np.int64)),
        "why": pick(["the application is named", "payee, account and amount"], p.unstated[row].astype(np.int64)),
    }
    kinds = {
        b.A_CONVERSION: "结汇",
        b.A_TRANSFER: "内部划转",
        b.BANK_CHARGE: "银行手续费",
        b.WRONG_CHARGE: "冲正",  # its reversal takes it back
        b.OTHER_OUT: "其他",
    }
    parts = [applied]
    for what, kind in kinds.items():
        line = np.flatnonzero((lines.what == what) & (lines.amount < 0))
        parts.append(
            {
                **_identity(story, line),
                "kind": repeat(kind, len(line)),
                "piece": money(-lines.amount[line]),
                "decidable": repeat("no" if what == b.OTHER_OUT else "yes", len(line)),
                "why": repeat("no application: the bank's or our own", len(line)),
            }
        )
    return Sheet(quotes.stacked(parts))


def amounts_sheet(story: Story) -> Sheet:
    """amounts.csv: figures in the month in which they last changed, where the files decide them."""
    parts = []
    for month in range(len(story.world.months.names)):
        parts.extend([_export_amounts(story, month), _import_amounts(story, month), _freight_amounts(story, month)])
    return Sheet(quotes.stacked(parts))


def _export_amounts(story: Story, month: int) -> dict[str, pa.Array]:
    o, lines = story.orders, story.lines
    until, since = int(story.world.months.last[month]), int(story.world.months.first[month])
    position = position_at(o, story.legs, story.receipts, story.exchange, story.leg_cny, until)
    deducted = fees(o, story.amounts, story.charges, position.gross)
    net = position.gross - np.where(deducted == NONE, 0, deducted)
    ready = computable(o, lines, story.charges, position, until) & (deducted != NONE) & (net > 0)
    changed = (position.last_on >= since) | (o.declared_on >= since) | (o.netted & (story.charges.billed_on >= since))
    chosen = np.flatnonzero((ready & changed)[lines.order])
    figures = figures_of(lines, net)
    order = lines.order[chosen]
    return {
        "table": repeat("export_invoices", len(chosen)),
        "month": repeat(story.world.months.names[month], len(chosen)),
        "order_no": take(o.order_no, order),
        "line_no": number(lines.line_no[chosen]),
        "received_fx": money(position.received_fx[order]),
        "gross_cny": money(position.gross[order]),
        "fees_cny": money(deducted[order]),
        "net_cny": money(figures.net[chosen]),
        "invoice_amount": money(figures.invoice[chosen]),
        "ex_vat_amount": money(figures.ex_vat[chosen]),
        "tax_amount": money(figures.tax[chosen]),
        "refund_amount": money(figures.refund[chosen]),
    }


def _import_amounts(story: Story, month: int) -> dict[str, pa.Array]:
    i, o = story.imports, story.orders
    last = np.where(i.tax_paid_on == NONE, i.paid_on, np.maximum(i.paid_on, i.tax_paid_on))
    entrusted = o.tax_entrusted & (i.paid_on != NONE)
    rows = np.flatnonzero(entrusted & (story.world.months.of(last) == month))
    months = len(rows)
    return {
        "table": repeat("import_invoices", months),
        "month": repeat(story.world.months.names[month], months),
        "order_no": take(o.order_no, rows),
        "goods_cny": money(i.goods_cny[rows]),
        "bank_fee": money(i.bank_fee[rows]),
        "duty": money(i.duty[rows]),
        "consumption_tax": money(i.consumption_tax[rows]),
        "vat": money(i.vat[rows]),
        "invoice_amount": money((i.goods_cny + i.bank_fee + i.taxes)[rows]),
        "eligible": pick(["no", "yes"], (o.invoice_wanted & o.tax_original)[rows].astype(np.int64)),
    }


def _freight_amounts(story: Story, month: int) -> dict[str, pa.Array]:
    o = story.orders
    billed = np.flatnonzero(
        (story.charges.billed_on != NONE) & (story.world.months.of(story.charges.billed_on) == month)
    )
    order, charge, due = payable(story.freight, o.count)
    dollars = np.array([row[2] == "USD" for row in quotes.charge_rows()])[charge]
    cny, usd = np.zeros(o.count, np.int64), np.zeros(o.count, np.int64)
    doubtful = np.zeros(o.count, bool)  # what is payable of a fee billed twice is for a person to say
    doubtful[story.freight.order[billed_twice(story)]] = True
    np.add.at(cny, order, np.where(dollars, 0, due))
    np.add.at(usd, order, np.where(dollars, due, 0))
    return {
        "table": repeat("freight_charges", len(billed)),
        "month": repeat(story.world.months.names[month], len(billed)),
        "order_no": take(o.order_no, billed),
        "receivable_cny": money(story.charges.receivable_cny[billed]),
        "payable_cny_lines": money(np.where(doubtful, texts.NONE, cny)[billed]),
        "payable_usd_lines": money(usd[billed]),
    }
