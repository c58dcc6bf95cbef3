"""Bank lines: everything that moves money in or out of our accounts, with what each line truly is.

One row a line, unsorted; ``statements`` puts them in order and adds balances. Amounts in minor units, + = in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.sample import market, texts
from settlement.sample.arithmetic import RATE, converted
from settlement.sample.catalog import catalog
from settlement.sample.exchange import AT_ONCE, Exchange
from settlement.sample.exports import Refunds
from settlement.sample.firms import Firms
from settlement.sample.legs import FREIGHT, MONTH_FREIGHT
from settlement.sample.orders import Orders
from settlement.sample.payouts import ABROAD, CARRIER, TAX_OUT, Payments
from settlement.sample.receipts import Receipts
from settlement.sample.remarks import Paper
from settlement.sample.texts import NONE
from settlement.sample.world import World

ICBC, CMB, BOC, BOC_USD, BOC_EUR = range(5)
# What a line is.
(
    A_RECEIPT,
    A_REFUND,
    A_PAYMENT,
    A_FEE,
    A_CONVERSION,
    A_TRANSFER,
    INTEREST,
    BANK_CHARGE,
    ON_ACCOUNT,
    STRANGER,
    RETURNED,
    REVERSED,
    OTHER_IN,
    OTHER_OUT,
    CARRIER_REFUND,
    OLD_FREIGHT,
    PAID_TWICE,
    WRONG_CHARGE,
) = range(18)
_TEXTS = ("name", "account_text", "summary", "purpose", "remark", "ref")
_NUMBERS = ("account", "booked_on", "amount", "rate", "cny", "fee", "what", "row", "side")


@dataclass(frozen=True)
class Lines:
    """``row`` points into receipts, refunds (batch) or payments, by ``what``; ``side`` orders lines of one event."""

    account: np.ndarray
    booked_on: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    cny: np.ndarray
    fee: np.ndarray
    what: np.ndarray
    row: np.ndarray
    side: np.ndarray
    name: pa.Array
    account_text: pa.Array
    summary: pa.Array
    purpose: pa.Array
    remark: pa.Array
    ref: pa.Array

    @property
    def count(self) -> int:
        """Lines."""
        return len(self.account)


def lines_of(parts: list[dict]) -> Lines:
    """Parts under each other."""
    numbers = {name: np.concatenate([part[name] for part in parts]) for name in _NUMBERS}
    words = {name: pa.concat_arrays([part[name] for part in parts]) for name in _TEXTS}
    return Lines(**numbers, **words)


def part(what: int, account, booked_on, amount, *, row=-1, side=0, rate=NONE, cny=NONE, fee=NONE, **words) -> dict:
    """Lines of one sort; a single value holds for each of them."""
    count = len(booked_on)
    numbers = {
        "account": account,
        "booked_on": booked_on,
        "amount": amount,
        "rate": rate,
        "cny": cny,
        "fee": fee,
        "what": what,
        "row": row,
        "side": side,
    }
    made = {name: np.broadcast_to(value, count).astype(np.int64) for name, value in numbers.items()}
    for name in _TEXTS:
        value = words.get(name, "")
        made[name] = texts.repeat(value, count) if isinstance(value, str) else value
    return made


def serials(letters: str, days: np.ndarray, rows: np.ndarray) -> pa.Array:
    """A bank's serial (流水号): letters, day, number."""
    return texts.join(letters, texts.compact_day(days), texts.number(rows + 1, 7))


def own_name() -> str:
    """Our own name as banks print it."""
    return catalog()["own_company"]["name"]


def own_account(position: int) -> str:
    """The number of one of our accounts."""
    return catalog()["own_accounts"][position]["account_no"]


def receipt_refs(receipts: Receipts) -> pa.Array:
    """The serial of each receipt; a few of the first bank's lines carry none."""
    rows = np.arange(len(receipts.first))
    silent = (receipt_accounts(receipts) == ICBC) & (rows % 37 == 5)
    return texts.choose(silent, "", serials("R", receipts.booked_on, rows))


def receipt_accounts(receipts: Receipts) -> np.ndarray:
    """Where a receipt arrives: freight mostly at the second bank, other CNY at the first."""
    freight = np.isin(receipts.what, (FREIGHT, MONTH_FREIGHT)) & (receipts.order % 10 < 7)
    domestic = np.where(freight, CMB, ICBC)
    return np.select([receipts.currency == market.USD, receipts.currency == market.EUR], [BOC_USD, BOC_EUR], domestic)


def receipt_lines(receipts: Receipts, exchange: Exchange, paper: Paper) -> list[dict]:
    """The credits themselves; the advice's rate and CNY, and some banks' own charge, stand on the line."""
    rows = np.arange(len(receipts.first))
    charged = np.where((receipts.charges > 0) & (rows % 3 == 0), np.minimum(receipts.charges, 1_250), NONE)
    return [
        part(
            A_RECEIPT,
            receipt_accounts(receipts),
            receipts.booked_on,
            receipts.amount,
            row=rows,
            rate=exchange.printed_rate,
            cny=exchange.printed_cny,
            fee=charged,
            name=paper.payer,
            account_text=paper.payer_account,
            summary=paper.summary,
            purpose=paper.purpose,
            remark=paper.remark,
            ref=receipt_refs(receipts),
        )
    ]


def conversion_lines(receipts: Receipts, exchange: Exchange) -> list[dict]:
    """结汇: the currency leaves one account of ours, its CNY arrives in another."""
    rows = np.flatnonzero(exchange.converted_on != NONE)
    day, currency = exchange.converted_on[rows], receipts.currency[rows]
    account = np.where(currency == market.USD, BOC_USD, BOC_EUR)
    ref = serials("X", day, rows)
    named = (exchange.mode[rows] == AT_ONCE) | exchange.named[rows]
    quoted = texts.choose(named, texts.join(" 原流水", texts.take(receipt_refs(receipts), rows)), "")
    remark = texts.join(
        "结汇",
        texts.pick(market.CURRENCIES, currency),
        texts.money(receipts.amount[rows]),
        " 汇率",
        texts.decimal(exchange.rate[rows] // 100, 2),
        quoted,
    )
    common = {"name": own_name(), "summary": "结汇", "remark": remark, "ref": ref}
    return [
        part(
            A_CONVERSION,
            account,
            day,
            -receipts.amount[rows],
            row=rows,
            side=1,
            rate=exchange.rate[rows],
            cny=exchange.cny[rows],
            account_text=own_account(BOC),
            **common,
        ),
        part(
            A_CONVERSION,
            BOC,
            day,
            exchange.cny[rows],
            row=rows,
            side=2,
            account_text=texts.pick(
                [own_account(BOC_USD), own_account(BOC_EUR)], (currency == market.EUR).astype(np.int64)
            ),
            **common,
        ),
    ]


def refund_lines(refunds: Refunds, world: World) -> list[dict]:
    """退税款: one credit a batch, for what was approved of it."""
    if not len(refunds.batch):
        return []
    batches = refunds.batch.max() + 1
    total, day = np.zeros(batches, np.int64), np.zeros(batches, np.int64)
    np.add.at(total, refunds.batch, np.where(refunds.result == 0, refunds.amount, 0))
    day[refunds.batch] = refunds.cash_on
    rows = np.flatnonzero((total > 0) & (day <= world.end))
    quoted = texts.choose(rows % 4 == 3, "出口退税", texts.join("出口退税 批次", batch_numbers(rows, refunds)))
    return [
        part(
            A_REFUND,
            ICBC,
            day[rows],
            total[rows],
            row=rows,
            name="国家金库宁波市中心支库",
            account_text="330100000003711001",
            summary="退税",
            remark=quoted,
            ref=serials("T", day[rows], rows),
        )
    ]


def batch_numbers(batches: np.ndarray, refunds: Refunds) -> pa.Array:
    """申报批次: TS, month of the notice, serial."""
    notified = np.zeros(refunds.batch.max(initial=-1) + 1, np.int64)
    notified[refunds.batch] = refunds.notified_on
    month = pc.utf8_slice_codeunits(texts.compact_day(notified[batches]), 0, 6)
    return texts.join("TS", month, texts.number(batches + 1, 5))


def payment_lines(
    firms: Firms,
    orders: Orders,
    payments: Payments,
    wire_fee: np.ndarray,
    names: tuple[pa.Array, pa.Array],
    requests: pa.Array,
) -> list[dict]:
    """The debits of the applications; money abroad is bought first, its fees are rows of their own."""
    rows = np.arange(payments.count)
    order = np.where(payments.order < 0, payments.shipment, payments.order)
    account = np.select(
        [
            payments.currency == market.USD,
            payments.currency == market.EUR,
            payments.kind == CARRIER,
            payments.kind == TAX_OUT,
        ],
        [BOC_USD, BOC_EUR, CMB, ICBC],
        ICBC,
    )
    words = ["货款", "余款", "退税款", "进口货款", "税款", "运费", "垫付退税"]
    named = texts.join(requests, " ", texts.take(orders.order_no, payments.order), texts.pick(words, payments.kind))
    remark = texts.choose(payments.unstated, texts.pick(words, payments.kind), named)
    abroad = payments.kind == ABROAD
    ref = serials("P", payments.paid_on, rows)
    cny = np.where(abroad, converted(payments.amount, np.where(abroad, payments.rate, 0)), NONE)
    made = [
        part(
            A_PAYMENT,
            account,
            payments.paid_on,
            -payments.amount,
            row=rows,
            side=2,
            rate=payments.rate,
            cny=cny,
            name=names[0],
            account_text=names[1],
            summary=texts.pick(["转账支出", "汇出汇款"], abroad.astype(np.int64)),
            purpose=texts.pick(words, payments.kind),
            remark=remark,
            ref=ref,
        )
    ]
    bought = np.flatnonzero(abroad)
    return [
        *made,
        *_purchases(payments, bought, cny, requests, ref),
        *_fees(payments, bought, wire_fee[order], requests, ref),
    ]


def _purchases(payments: Payments, rows: np.ndarray, cny: np.ndarray, requests: pa.Array, ref: pa.Array) -> list[dict]:
    """购汇: CNY leaves one account of ours, the currency arrives in the other, then it is wired."""
    euro = payments.currency[rows] == market.EUR
    words = {
        "name": own_name(),
        "summary": "购汇",
        "ref": texts.join("G", texts.take(ref, rows)),
        "remark": texts.join("购汇 ", texts.take(requests, rows)),
    }
    target = texts.pick([own_account(BOC_USD), own_account(BOC_EUR)], euro.astype(np.int64))
    account, day, rate = np.where(euro, BOC_EUR, BOC_USD), payments.paid_on[rows], payments.rate[rows]
    bought = {"row": rows, "rate": rate, "cny": cny[rows], "account_text": own_account(BOC)}
    return [
        part(A_CONVERSION, BOC, day, -cny[rows], row=rows, side=0, account_text=target, **words),
        part(A_CONVERSION, account, day, payments.amount[rows], side=1, **bought, **words),
    ]


def _fees(payments: Payments, rows: np.ndarray, wire_fee: np.ndarray, requests: pa.Array, ref: pa.Array) -> list[dict]:
    """电汇费 and 电讯费 of a payment abroad, under the payment's own serial."""
    made = []
    cable = payments.bank_fee[rows] - wire_fee[rows]
    for side, summary, fee in ((3, "电汇费", wire_fee[rows]), (4, "电讯费", cable)):
        remark = texts.join(summary, " ", texts.take(requests, rows))
        words = {"name": "中国银行宁波市分行", "summary": summary, "remark": remark, "ref": texts.take(ref, rows)}
        made.append(part(A_FEE, BOC, payments.paid_on[rows], -fee, row=rows, side=side, rate=RATE, **words))
    return made
