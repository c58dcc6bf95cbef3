"""Bank lines that belong to no order: interest, transfers, charges, reversals, returns, strangers, money on account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from settlement.sample import bank_lines as b
from settlement.sample import market, texts
from settlement.sample.bank_lines import part, serials
from settlement.sample.catalog import catalog, column
from settlement.sample.firms import Firms, account_numbers
from settlement.sample.legs import FREIGHT
from settlement.sample.payouts import CARRIER, Payments
from settlement.sample.receipts import ORDER_NO, OWN, POST, Receipts
from settlement.sample.remarks import Paper
from settlement.sample.world import World


@dataclass(frozen=True)
class OnAccount:
    """Money a principal sends ahead of any order (预收): round sums that name nothing."""

    principal: np.ndarray
    amount: np.ndarray
    booked_on: np.ndarray


def on_account_of(world: World) -> OnAccount:
    """About one in fifty orders."""
    dice = world.dice("on account")
    count = max(2, world.orders // 50)
    day = market.roll_back(world.start + 1 + (dice.random(count) * (world.end - world.start)).astype(np.int64))
    return OnAccount(
        dice.integers(0, world.principals, count),
        dice.integers(1, 41, count) * 500_000,
        np.maximum(day, _first(world)),
    )


def _first(world: World) -> np.ndarray:
    return market.roll(np.array([world.start]))


def other_lines(
    world: World, firms: Firms, on_account: OnAccount, payments: Payments, names: tuple[pa.Array, pa.Array]
) -> list[dict]:
    """All lines of this module."""
    return [
        *_ahead(firms, on_account),
        *_strangers(world),
        *_own(world),
        *_bank(world),
        *_returned(world, payments, names),
        *_carriers(world),
    ]


def _ahead(firms: Firms, ahead: OnAccount) -> list[dict]:
    rows = np.arange(len(ahead.principal))
    return [
        part(
            b.ON_ACCOUNT,
            b.ICBC,
            ahead.booked_on,
            ahead.amount,
            row=rows,
            name=texts.take(firms.name, ahead.principal),
            account_text=texts.take(firms.account, ahead.principal),
            summary="转账存入",
            remark=texts.pick(["预付款", "往来款", "备用货款", "预存代理款"], rows % 4),
            ref=serials("A", ahead.booked_on, rows),
        )
    ]


def _strangers(world: World) -> list[dict]:
    """Credits that name nothing, from firms that nobody knows."""
    dice = world.dice("strangers")
    count = max(1, world.orders // 150)
    day = market.roll_back(world.start + 6 + dice.integers(0, world.end - world.start - 5, count))
    words = catalog()
    trade, rows = list(words["stranger_cn_characters"]), np.arange(count)
    drawn = dice.integers(0, 2**30, count)
    name = texts.join(
        texts.pick(column("regions", 0), drawn % 18),
        texts.pick(trade, drawn // 18 % len(trade)),
        texts.pick(trade, drawn // 311 % len(trade)),
        texts.pick(words["stranger_cn_industries"], drawn % 4),
        "有限公司",
    )
    return [
        part(
            b.STRANGER,
            b.ICBC,
            day,
            dice.integers(100_000, 9_000_000, count),
            row=rows,
            name=name,
            account_text=account_numbers("6225", drawn % 999_999_937, 15),
            summary="跨行汇款",
            remark=texts.pick(["", "款", "转账", "货款"], drawn % 4),
            ref=serials("S", day, rows),
        )
    ]


def _own(world: World) -> list[dict]:
    """内部划转 between our two CNY banks every week, wages and rent, a subsidy now and then."""
    weeks = market.roll_back(np.arange(world.start + 6, world.end + 1, 7))
    rows = np.arange(len(weeks))
    amount = 500_000_00 + rows * 1_000_00
    ref = serials("N", weeks, rows)
    words = {"name": b.own_name(), "summary": "内部划转", "purpose": "资金调拨", "remark": "资金调拨"}
    pays = market.roll_back(world.months.first + 14)
    months = np.arange(len(pays))
    subsidy = months[months % 3 == 1]
    return [
        part(
            b.A_TRANSFER, b.CMB, weeks, -amount, row=rows, account_text=b.own_account(b.ICBC), ref=ref, side=0, **words
        ),
        part(
            b.A_TRANSFER, b.ICBC, weeks, amount, row=rows, account_text=b.own_account(b.CMB), ref=ref, side=1, **words
        ),
        part(
            b.OTHER_OUT,
            b.ICBC,
            pays,
            -(38_650_000 + months * 12_345),
            row=months,
            name="代发工资户",
            summary="工资",
            remark="代发工资",
            ref=serials("W", pays, months),
        ),
        part(
            b.OTHER_OUT,
            b.ICBC,
            pays + 0,
            np.full(len(pays), -2_850_000),
            row=months,
            name="宁波望潮置业有限公司",
            account_text="330199000055512",
            summary="转账支出",
            remark="房租",
            ref=serials("Z", pays, months),
        ),
        part(
            b.OTHER_IN,
            b.ICBC,
            pays[subsidy],
            1_234_500 + subsidy * 100,
            row=subsidy,
            name="宁波市海曙区商务局",
            account_text="330100000099887",
            summary="转账存入",
            remark="外贸扶持资金补贴",
            ref=serials("F", pays[subsidy], subsidy),
        ),
    ]


def _bank(world: World) -> list[dict]:
    """利息 on the 21st of a quarter's last month, charges (two alike on one day), a wrong charge and its 冲正."""
    quarter = np.array([index for index, name in enumerate(world.months.names) if int(name[5:]) % 3 == 0], np.int64)
    day = world.months.first[quarter] + 20
    words = {"name": "", "summary": "利息", "remark": "存款利息", "ref": serials("I", day, quarter)}
    rates = ((b.ICBC, 183_327), (b.CMB, 91_455), (b.BOC, 12_018), (b.BOC_USD, 4_321), (b.BOC_EUR, 1_207))
    made = [
        part(b.INTEREST, account, day, base + quarter * 311, row=quarter, side=8, **words) for account, base in rates
    ]
    last = market.roll_back(world.months.last)
    rows = np.arange(len(last))
    place = {"row": rows, "side": 9, "name": "中国工商银行"}
    for _ in range(2):
        amount = np.full(len(last), -1_000)
        made.append(part(b.BANK_CHARGE, b.ICBC, last, amount, summary="手续费", remark="对公账户服务费", **place))
    wrong = market.add_working(world.months.first + 8, 0)
    back, charge = market.add_working(wrong, 1), np.full(len(last), 20_000)
    ref = serials("C", wrong, rows)
    made.append(part(b.WRONG_CHARGE, b.ICBC, wrong, -charge, summary="手续费", remark="账户管理费", ref=ref, **place))
    words = {"summary": "冲正", "remark": texts.join("冲正 原流水", ref), "ref": serials("C", back, rows)}
    made.append(part(b.REVERSED, b.ICBC, back, charge, **words, **place))
    return made


def _returned(world: World, payments: Payments, names: tuple[pa.Array, pa.Array]) -> list[dict]:
    """付款退回: a carrier's payment comes back because name and account disagree."""
    paid = np.flatnonzero((payments.kind == CARRIER) & (payments.currency == market.CNY))
    paid = paid[paid % 101 == 7]
    day = market.add_working(payments.paid_on[paid], 2)
    paid, day = paid[day <= world.end], day[day <= world.end]
    return [
        part(
            b.RETURNED,
            b.CMB,
            day,
            payments.amount[paid],
            row=paid,
            name=texts.take(names[0], paid),
            account_text=texts.take(names[1], paid),
            summary="退汇",
            remark=texts.join("付款退回 户名账号不符 原流水", serials("P", payments.paid_on[paid], paid)),
            ref=serials("B", day, paid),
        )
    ]


def _carriers(world: World) -> list[dict]:
    """供应商退款: a carrier gives back what it charged too much."""
    day = market.roll_back(world.months.first + 22)
    months = np.arange(len(day))
    return [
        part(
            b.CARRIER_REFUND,
            b.CMB,
            day,
            35_000 + months * 1_000,
            row=months,
            name=catalog()["vendors_ocean"][0],
            account_text=account_numbers("3301", np.zeros(len(day), np.int64), 15),
            summary="转账存入",
            remark="退多收THC",
            ref=serials("V", day, months),
        )
    ]


def paid_twice_lines(world: World, receipts: Receipts, paper: Paper) -> list[dict]:
    """A freight transfer that the client sends once more on the next working day."""
    dice = world.dice("paid twice")
    plain = (receipts.what == FREIGHT) & (receipts.size == 1) & (receipts.naming == ORDER_NO) & (receipts.sender == OWN)
    plain &= (receipts.verdict == POST) & (receipts.over == 0)
    rows = np.flatnonzero(plain & (dice.random(len(plain)) < world.mess(0.01, 0.03)))
    following = market.add_working(receipts.booked_on[rows], 1)
    rows, following = rows[following <= world.end], following[following <= world.end]
    return [
        part(
            b.PAID_TWICE,
            b.receipt_accounts(receipts)[rows],
            following,
            receipts.amount[rows],
            row=rows,
            name=texts.take(paper.payer, rows),
            account_text=texts.take(paper.payer_account, rows),
            summary=texts.take(paper.summary, rows),
            purpose=texts.take(paper.purpose, rows),
            remark=texts.take(paper.remark, rows),
            ref=serials("D", following, rows),
        )
    ]
