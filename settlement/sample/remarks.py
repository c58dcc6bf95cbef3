"""The words on a bank line: payer, summary (摘要), purpose (用途), remark (附言) of each receipt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.sample import receipts as r
from settlement.sample import texts
from settlement.sample.catalog import catalog, column
from settlement.sample.firms import BUYERS_EACH, Firms, account_numbers, cut_35
from settlement.sample.legs import ADVANCE, FREIGHT, GOODS, MONTH_FREIGHT, MOST_TOGETHER, TAX, TOP_UP, Legs, fee_month
from settlement.sample.orders import Orders
from settlement.sample.receipts import Receipts
from settlement.sample.shipments import Shipments
from settlement.sample.world import World

_FULL_WIDTH = {digit: chr(ord(digit) + 0xFEE0) for digit in "0123456789SO"}
_WORDS = {  # what clients call it
    GOODS: ["PAYMENT FOR", "INV", "BALANCE PAYMENT", "T/T FOR", "ORDER"],
    ADVANCE: ["货款", "进口货款", "付货款", "代付货款"],
    TAX: ["税款", "代缴税金", "进口关税增值税"],
    TOP_UP: ["余款", "补差额", "尾款补付"],
    FREIGHT: ["物流费", "海运费", "运费", "港杂费", "货代费用"],
    MONTH_FREIGHT: ["物流费", "运费", "货代费用"],
}
_SILENT = {
    GOODS: ["", "PAYMENT", "INVOICE PAYMENT", "TT"],
    ADVANCE: ["货款", "往来款", ""],
    TAX: ["税款", "往来款"],
    TOP_UP: ["余款", "往来款"],
    FREIGHT: ["物流费", "运费", "往来款", ""],
    MONTH_FREIGHT: ["物流费", "运费", "往来款"],
}


@dataclass(frozen=True)
class Paper:
    """One row a receipt."""

    payer: pa.Array
    payer_account: pa.Array
    summary: pa.Array
    purpose: pa.Array
    remark: pa.Array


def papers_of(
    world: World, firms: Firms, orders: Orders, shipments: Shipments, legs: Legs, receipts: Receipts
) -> Paper:
    """What the bank prints for each receipt."""
    dice = world.dice("remarks")
    count = len(receipts.first)
    payer, account = _payers(world, dice, firms, orders, receipts)
    remark = _remarks(dice, orders, shipments, legs, receipts)
    foreign = receipts.what == GOODS
    serial = texts.number(dice.integers(10**8, 10**9, count), 9)
    summary = texts.choose(
        foreign,
        texts.join("国际汇入 REFED-NO", serial, " BUSIN-NO", serial),
        texts.pick(["转账存入", "网银转账", "跨行汇款", "汇入款"], dice.integers(0, 4, count)),
    )
    words = ["", "货款", "税款", "余款", "运费", "运费"]
    purpose = texts.choose(dice.random(count) < 0.4, texts.pick(words, receipts.what), "")
    return Paper(payer, account, summary, purpose, remark)


def _payers(world: World, dice, firms: Firms, orders: Orders, receipts: Receipts) -> tuple[pa.Array, pa.Array]:
    principal, count = receipts.principal, len(receipts.first)
    words = catalog()
    sender = receipts.sender
    another = orders.principal[receipts.distractor]
    another = np.where(another == principal, (principal + 1) % world.principals, another)
    who = np.where(sender == r.OTHER_PRINCIPAL, another, principal)
    own, account = texts.take(firms.name, who), texts.take(firms.account, who)
    buyer = np.where(sender == r.OTHER_PRINCIPAL, another * BUYERS_EACH, orders.buyer[receipts.order])
    foreign = receipts.what == GOODS
    names = texts.choose(foreign, texts.take(firms.buyer_name, buyer), own)
    accounts = texts.choose(foreign, texts.take(firms.buyer_account, buyer), account)
    trade = list(words["stranger_cn_characters"])
    drawn = dice.integers(0, 2**30, count)
    firm = texts.join(
        texts.pick(column("regions", 0), drawn % len(column("regions", 0))),
        texts.pick(trade, drawn // 31 % len(trade)),
        texts.pick(trade, drawn // 331 % len(trade)),
        texts.pick(words["stranger_cn_industries"], drawn // 7 % len(words["stranger_cn_industries"])),
        "有限公司",
    )
    staff = texts.join(
        texts.pick(["钱", "郑", "冯", "蒋"], drawn % 4), texts.pick(["思远", "若琳", "子墨", "嘉宁"], drawn // 4 % 4)
    )
    overseas = texts.join(
        texts.pick(words["stranger_first"], drawn % len(words["stranger_first"])),
        " ",
        texts.pick(words["stranger_second"], drawn // 11 % len(words["stranger_second"])),
    )
    strange = account_numbers("6225", drawn % 999_999_937, 15)
    by_sender = [
        (r.AFFILIATE, texts.take(firms.affiliate_name, principal), texts.take(firms.affiliate_account, principal)),
        (r.PERSON_KNOWN, texts.take(firms.person_name, principal), texts.take(firms.person_account, principal)),
        (r.FIRM_UNKNOWN, firm, strange),
        (r.STAFF_UNKNOWN, staff, strange),
        (r.OVERSEAS_UNKNOWN, overseas, strange),
        (r.NEAR_NAME, texts.take(firms.near_name, principal), strange),
        (r.OWN_NO_ACCOUNT, names, texts.repeat("", count)),
    ]
    for kind, name, number in by_sender:
        names = texts.choose(sender == kind, name, names)
        accounts = texts.choose(sender == kind, number, accounts)
    # Some banks pad the name with full-width spaces; the account still tells whose it is.
    names = texts.choose(sender == r.OWN_PADDED, texts.join(names, "\u3000 "), names)
    return cut_35(names, foreign), accounts


def _remarks(dice, orders: Orders, shipments: Shipments, legs: Legs, receipts: Receipts) -> pa.Array:
    count = len(receipts.first)
    reference = _references(dice, orders, shipments, legs, receipts)
    drawn = dice.integers(0, 10**6, count)
    text = texts.repeat("", count)
    silent = receipts.naming == r.NOTHING
    for what, words in _WORDS.items():
        mine = receipts.what == what
        word = texts.pick(words, drawn % len(words))
        english = what == GOODS
        styles = (
            [texts.join(word, " ", reference), texts.join(reference, " ", word)]
            if english
            else [
                texts.join(word, reference),
                texts.join(reference, word),
                texts.join("订单", reference, word),
                texts.join(word, "（", reference, "）"),
            ]
        )
        named = styles[0]
        for position, style in enumerate(styles[1:], 1):
            named = texts.choose(drawn // 7 % len(styles) == position, style, named)
        nothing = texts.pick(_SILENT[what], drawn % len(_SILENT[what]))
        text = texts.choose(mine & silent, nothing, texts.choose(mine & ~silent, named, text))
    month = texts.number(fee_month(orders)[receipts.order] % 12 + 1)
    of_month = texts.join(month, texts.pick(["月物流费", "月份运费", "月货代费用"], drawn % 3))
    text = texts.choose(receipts.naming == r.MONTH, of_month, text)
    other = texts.take(orders.order_no, receipts.distractor)
    digits = pc.utf8_slice_codeunits(other, 2, 10)
    text = texts.choose(receipts.naming == r.PHONE_TOO, texts.join(text, " 联系电话138", digits), text)
    return texts.choose(receipts.naming == r.LONGER_NUMBER_TOO, texts.join(text, " 客户编号90", other, "77"), text)


def _references(dice, orders: Orders, shipments: Shipments, legs: Legs, receipts: Receipts) -> pa.Array:
    order_no = texts.take(orders.order_no, receipts.order)
    naming = receipts.naming
    year, rest = pc.utf8_slice_codeunits(order_no, 2, 4), pc.utf8_slice_codeunits(order_no, 5)
    digits = pc.utf8_slice_codeunits(order_no, 2)
    wide = order_no
    for narrow, full in _FULL_WIDTH.items():
        wide = pc.replace_substring(wide, narrow, full)
    forms = {
        r.FULL_WIDTH: wide,
        r.LETTER_O: texts.join("SO", pc.replace_substring(digits, "0", "O")),
        r.SPACED: texts.join(texts.pick(["so ", "S0", "SO-"], dice.integers(0, 3, len(naming))), digits),
        r.CONTRACT: texts.take(orders.contract_no, receipts.order),
        r.PROFORMA: texts.take(orders.pi_no, receipts.order),
        r.BILL_OF_LADING: texts.take(shipments.bl_no, receipts.order),
        r.TYPING_ERROR: texts.join("SO", year, "9", rest),
        r.ANOTHERS: texts.take(orders.order_no, receipts.distractor),
        r.LIST: _list(dice, orders, legs, receipts),
        r.RANGE: _range(dice, orders, legs, receipts),
        r.SUFFIXES: _suffixes(orders, legs, receipts),
        r.LIST_WITH_AMOUNTS: _list_with_amounts(orders, legs, receipts),
    }
    text = order_no
    for kind, form in forms.items():
        text = texts.choose(naming == kind, form, text)
    return text


def _member(orders: Orders, legs: Legs, receipts: Receipts, place: int) -> pa.Array:
    """The order number of a receipt's ``place``-th leg, absent where it has fewer."""
    row = np.where(receipts.size > place, receipts.first + place, receipts.first)
    return texts.blank(texts.take(orders.order_no, legs.order[row]), receipts.size <= place)


def _list(dice, orders: Orders, legs: Legs, receipts: Receipts) -> pa.Array:
    separator = texts.pick(["、", "，", "和", "/"], dice.integers(0, 4, len(receipts.first)))
    text = _member(orders, legs, receipts, 0)
    for place in range(1, MOST_TOGETHER):
        more = receipts.size > place
        member = _member(orders, legs, receipts, place)
        text = texts.choose(more, texts.join(text, separator, member), text)
    return text


def _list_with_amounts(orders: Orders, legs: Legs, receipts: Receipts) -> pa.Array:
    """``SO23000156 1200.00，SO23000158 800.00``: each order with its amount."""
    text = texts.repeat("", len(receipts.first))
    for place in range(MOST_TOGETHER):
        more = receipts.size > place
        row = np.where(more, receipts.first + place, receipts.first)
        piece = texts.join(
            "，" if place else "", _member(orders, legs, receipts, place), " ", texts.money(legs.amount[row])
        )
        text = texts.choose(more, texts.join(text, piece), text)
    return text


def _range(dice, orders: Orders, legs: Legs, receipts: Receipts) -> pa.Array:
    last = texts.take(orders.order_no, legs.order[receipts.first + receipts.size - 1])
    between = dice.integers(0, 3, len(receipts.first))
    tail = texts.choose(between == 1, last, pc.utf8_slice_codeunits(last, -4, 1000))
    return texts.join(_member(orders, legs, receipts, 0), texts.pick(["-", "至", "~"], between), tail)


def _suffixes(orders: Orders, legs: Legs, receipts: Receipts) -> pa.Array:
    """``SO23000156/157/158``: the later ones by their last three digits."""
    text = _member(orders, legs, receipts, 0)
    for place in range(1, MOST_TOGETHER):
        tail = pc.utf8_slice_codeunits(_member(orders, legs, receipts, place), -3, 1000)
        text = texts.choose(receipts.size > place, texts.join(text, "/", tail), text)
    return text
