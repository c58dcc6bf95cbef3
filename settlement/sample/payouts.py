"""Payment applications (请款): suppliers abroad, customs, carriers, principals; and the documents behind them.

One row an application, in the order it is paid. Which bank lines it becomes: ``bank_lines``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from settlement.sample import market, quotes, texts
from settlement.sample.arithmetic import group_sum
from settlement.sample.cargo import Amounts
from settlement.sample.exports import Exports, Refunds
from settlement.sample.firms import Firms, account_numbers
from settlement.sample.freight import Freight, payable
from settlement.sample.imports import Imports
from settlement.sample.orders import AGENT, OWN_NAME, Orders
from settlement.sample.texts import NONE
from settlement.sample.world import World, weighted

KINDS = ("货款", "余款退还", "退税款", "购汇付款", "税金", "物流成本", "垫付退税")
(GOODS_OUT, BALANCE_OUT, REFUND_OUT, ABROAD, TAX_OUT, CARRIER, REFUND_ADVANCE) = range(7)
PAYEES = ("委托方", "其他法人", "个人离岸账户", "境外客商", "海关", "供应商")
(TO_PRINCIPAL, TO_FIRM, TO_PERSON_ABROAD, TO_SELLER, TO_CUSTOMS, TO_CARRIER) = range(6)


@dataclass(frozen=True)
class Payments:
    """One row an application; amount in minor units of its currency."""

    order: np.ndarray  # -1 for carriers: they are paid by their invoice
    shipment: np.ndarray  # the order a carrier's invoice is for, -1 for the others
    vendor: np.ndarray
    kind: np.ndarray
    payee: np.ndarray
    currency: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    bank_fee: np.ndarray
    paid_on: np.ndarray
    document: np.ndarray  # 0 none, 1 payout letter, 2 commission agreement, 3 advance agreement
    late: np.ndarray  # handed in after the cut-off
    unstated: np.ndarray  # the bank line does not quote the application

    @property
    def count(self) -> int:
        """Applications."""
        return len(self.order)


def payments_of(
    world: World,
    orders: Orders,
    amounts: Amounts,
    imports: Imports,
    exports: Exports,
    refunds: Refunds,
    freight: Freight,
) -> Payments:
    """Every application paid within the months."""
    dice = world.dice("payments")
    parts = [
        _abroad(orders, amounts, imports),
        _taxes(imports),
        _carriers(world, dice, orders, freight),
        _goods_out(dice, orders, exports),
        _balance_out(dice, orders, imports),
        *_refunds_out(dice, orders, refunds),
    ]
    merged = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kept = world.within(merged["paid_on"]) & (merged["amount"] > 0)
    merged = {name: values[kept] for name, values in merged.items()}
    order = np.lexsort((merged["vendor"], merged["shipment"], merged["order"], merged["kind"], merged["paid_on"]))
    merged = {name: values[order] for name, values in merged.items()}
    count = len(order)
    merged["payee"], merged["document"] = _routes(world, dice, merged["kind"])
    merged["late"] = dice.random(count) < 0.03
    merged["unstated"] = dice.random(count) < 0.2
    return Payments(**{field.name: merged[field.name] for field in fields(Payments)})


def _row(kind, order, amount, paid_on, currency=market.CNY, shipment=-1, vendor=-1, rate=NONE, bank_fee=NONE) -> dict:
    count = len(paid_on)
    named = {
        "order": order,
        "shipment": shipment,
        "vendor": vendor,
        "kind": kind,
        "currency": currency,
        "amount": amount,
        "rate": rate,
        "bank_fee": bank_fee,
        "paid_on": paid_on,
    }
    return {name: np.broadcast_to(value, count).astype(np.int64) for name, value in named.items()}


def _abroad(orders: Orders, amounts: Amounts, imports: Imports) -> dict:
    bought = np.flatnonzero(imports.paid_on != NONE)
    return _row(
        ABROAD,
        bought,
        amounts.amount[bought],
        imports.paid_on[bought],
        orders.currency[bought],
        rate=imports.paid_rate[bought],
        bank_fee=imports.bank_fee[bought],
    )


def _taxes(imports: Imports) -> dict:
    taxed = np.flatnonzero(imports.tax_paid_on != NONE)
    return _row(TAX_OUT, taxed, imports.taxes[taxed], imports.tax_paid_on[taxed])


def _carriers(world: World, dice: np.random.Generator, orders: Orders, freight: Freight) -> dict:
    """One application a carrier's invoice and currency, for what is payable of it."""
    order, charge, due = payable(freight, orders.count)
    starts = np.flatnonzero(
        np.r_[True, (freight.order[1:] != freight.order[:-1]) | (freight.charge[1:] != freight.charge[:-1])]
    )
    vendor, currency = freight.vendor[starts], freight.currency[starts]
    paid_on = np.where(freight.confirmed_on[starts] == NONE, world.end + 1, freight.confirmed_on[starts])
    key = (order * len(quotes.vendor_names()) + vendor) * len(market.CURRENCIES) + currency
    key, first, row = np.unique(key, return_index=True, return_inverse=True)
    amount = group_sum(due, row, len(key))
    day = np.full(len(key), NONE)
    np.maximum.at(day, row, paid_on)
    del charge
    day = np.where(day > world.end, day, market.add_working(np.minimum(day, world.end), dice.integers(6, 22, len(key))))
    return _row(CARRIER, -1, amount, day, currency[first], shipment=order[first], vendor=vendor[first])


def _goods_out(dice: np.random.Generator, orders: Orders, exports: Exports) -> dict:
    """Net goods money of completed exports, for about half of them; the rest stays with us."""
    paid = (exports.complete_on != NONE) & np.isin(orders.mode, (OWN_NAME, AGENT)) & (dice.random(orders.count) < 0.55)
    paid = np.flatnonzero(paid)
    day = market.add_working(exports.complete_on[paid], dice.integers(2, 9, len(paid)))
    share = np.where(dice.random(len(paid)) < 0.85, 100, 80)
    return _row(GOODS_OUT, paid, exports.net[paid] * share // 100, day)


def _balance_out(dice: np.random.Generator, orders: Orders, imports: Imports) -> dict:
    owed = np.flatnonzero((imports.balance != NONE) & (imports.balance > 0) & (dice.random(orders.count) < 0.7))
    return _row(BALANCE_OUT, owed, imports.balance[owed], market.add_working(imports.balance_on[owed], 1))


def _refunds_out(dice: np.random.Generator, orders: Orders, refunds: Refunds) -> list[dict]:
    """Refund cash handed on; a few were advanced before the cash came (垫付退税)."""
    approved = np.where(refunds.result == 0, refunds.amount, 0)
    total = group_sum(approved, refunds.order, orders.count)
    last, first = np.full(orders.count, NONE), np.full(orders.count, np.iinfo(np.int64).max)
    np.maximum.at(last, refunds.order, refunds.cash_on)
    np.minimum.at(first, refunds.order, refunds.notified_on)
    drawn = dice.random(orders.count)
    handed = np.flatnonzero((total > 0) & (drawn < 0.7))
    advanced = np.flatnonzero((total > 0) & (drawn > 0.96))
    return [
        _row(REFUND_OUT, handed, total[handed], market.add_working(last[handed], dice.integers(2, 7, len(handed)))),
        _row(REFUND_ADVANCE, advanced, total[advanced] * 9 // 10, market.roll_back(first[advanced] - 1)),
    ]


def _routes(world: World, dice: np.random.Generator, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who is paid, and by which document: mostly the principal, sometimes another firm by sealed letter."""
    count = len(kind)
    fixed = np.select(
        [kind == ABROAD, kind == TAX_OUT, kind == CARRIER], [TO_SELLER, TO_CUSTOMS, TO_CARRIER], TO_PRINCIPAL
    )
    client = fixed == TO_PRINCIPAL
    drawn = weighted(dice, [86, 11, 3], count)
    person = (drawn == 2) & np.isin(kind, (GOODS_OUT,))
    firm = (drawn == 1) & (kind != REFUND_ADVANCE)
    payee = np.where(client & firm, TO_FIRM, np.where(client & person, TO_PERSON_ABROAD, fixed))
    lost = dice.random(count) < world.mess(0.1, 0.2)  # the letter or agreement is missing
    document = np.select([payee == TO_FIRM, payee == TO_PERSON_ABROAD, kind == REFUND_ADVANCE], [1, 2, 3], 0)
    return payee, np.where(lost & (document < 3), 0, document)


def request_numbers(world: World, payments: Payments) -> pa.Array:
    """申请单号: year, month, serial."""
    return texts.join(
        "QK",
        texts.pick([name[2:4] + name[5:] for name in world.months.names], world.months.of(payments.paid_on)),
        texts.number(np.arange(payments.count) + 1, 7),
    )


def vendor_invoice_numbers(order: np.ndarray, vendor: np.ndarray) -> pa.Array:
    """供应商账单号: one a carrier and shipment."""
    letters = ["NBGS", "SHHY", "ZJYF", "NBYH", "SZLJ", "XMMZ", "NBST", "NBHJ", "SHPS", "NBYG"]
    return texts.join(texts.pick(letters, vendor), texts.number(100_000 + order * 3, 8))


def vendor_accounts(vendor: np.ndarray) -> pa.Array:
    """A carrier's account."""
    return account_numbers("3301", vendor, 15)


def payees(firms: Firms, orders: Orders, payments: Payments) -> tuple[pa.Array, pa.Array]:
    """收款方名称 and 收款账号."""
    order = np.where(payments.order < 0, payments.shipment, payments.order)
    principal, buyer = orders.principal[order], orders.buyer[order]
    own = texts.take(firms.affiliate_name, principal), texts.take(firms.affiliate_account, principal)
    person = texts.join("CHAN ", texts.pick(["TAI MAN", "SIU MING", "WAI YEE"], order % 3))
    by_payee = {
        TO_PRINCIPAL: (texts.take(firms.name, principal), texts.take(firms.account, principal)),
        TO_FIRM: own,
        TO_PERSON_ABROAD: (person, account_numbers("0128", order, 12)),
        TO_SELLER: (texts.take(firms.buyer_name, buyer), texts.take(firms.buyer_account, buyer)),
        TO_CUSTOMS: (texts.repeat("中华人民共和国宁波海关", len(order)), texts.repeat("3301000000880011", len(order))),
        TO_CARRIER: (texts.pick(quotes.vendor_names(), payments.vendor), vendor_accounts(payments.vendor)),
    }
    name, account = by_payee[TO_PRINCIPAL]
    for kind, (their_name, their_account) in by_payee.items():
        name = texts.choose(payments.payee == kind, their_name, name)
        account = texts.choose(payments.payee == kind, their_account, account)
    return name, account


def document_numbers(payments: Payments) -> pa.Array:
    """授权文件号 of an application, absent where there is none."""
    serial = texts.number(np.arange(payments.count) + 1, 6)
    return texts.blank(
        texts.join(texts.pick(["", "FKWT", "YJXY", "DFXY"], payments.document), "-", serial), payments.document == 0
    )
