"""Invented firms: principals (委托方), their buyers and payers, firms that nobody knows, valid USCCs.

What belongs here: names, numbers, accounts. What they order or pay: elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.sample import texts
from settlement.sample.catalog import catalog, column
from settlement.sample.world import World, weighted

BUYERS_EACH = 3
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Firms:
    """Columns by principal, and by buyer (principal x ``BUYERS_EACH`` + position)."""

    principal_id: pa.Array
    name: pa.Array
    name_en: pa.Array
    near_name: pa.Array  # a firm that sounds the same and is none of ours
    region: np.ndarray
    uscc: pa.Array
    account: pa.Array
    phone: pa.Array
    monthly: np.ndarray  # 月结
    has_agreement: np.ndarray
    credit_limit: np.ndarray
    home_port: np.ndarray
    lane: np.ndarray  # (principals, 2): usual foreign ports
    has_affiliate: np.ndarray
    affiliate_name: pa.Array
    affiliate_account: pa.Array
    has_person: np.ndarray
    person_name: pa.Array
    person_account: pa.Array
    buyer_name: pa.Array
    buyer_account: pa.Array
    buyer_listed: np.ndarray
    buyer_account_known: np.ndarray


def firms_of(world: World) -> Firms:
    """All firms of a sample. Neighbours (2k, 2k+1) may share region and trade name (字号): near-equal names."""
    count = world.principals
    dice = world.dice("firms")
    names = _names(world, dice, count)
    buyers = np.arange(count * BUYERS_EACH)
    monthly = dice.random(count) < 0.35
    ids = np.arange(count)
    person = _persons(dice, count)
    return Firms(
        principal_id=texts.join("P", texts.number(ids + 1, max(5, len(str(count))))),
        name=names["name"],
        name_en=names["name_en"],
        near_name=names["near_name"],
        region=names["region"],
        uscc=usccs(names["region"], ids + 1),
        account=account_numbers("6229", ids, 15),
        phone=_phones(names["region"], ids),
        monthly=monthly,
        has_agreement=monthly & (dice.random(count) < 0.92),
        credit_limit=np.where(monthly, (dice.integers(4, 60, count) * 5_000_000), 0),
        home_port=weighted(dice, [50, 25, 12, 8, 5], count),
        lane=dice.integers(0, len(catalog()["foreign_ports"]), (count, 2)),
        has_affiliate=dice.random(count) < 0.25,
        affiliate_name=texts.join(names["stem"], "控股有限公司"),
        affiliate_account=account_numbers("6231", ids, 15),
        has_person=dice.random(count) < 0.08,
        person_name=person,
        person_account=account_numbers("6217", ids, 15),
        buyer_name=_buyer_names(dice, len(buyers)),
        buyer_account=account_numbers("0", buyers, 11),
        buyer_listed=(dice.random(len(buyers)) < 0.7) | (buyers % BUYERS_EACH == 0),
        buyer_account_known=dice.random(len(buyers)) < 0.6,
    )


def _names(world: World, dice: np.random.Generator, count: int) -> dict:
    words = catalog()
    characters = list(words["trade_characters"])
    size, regions = len(characters), len(words["regions"])
    industries = len(words["industries"]) // 2
    # Principals take the first half of the industries, look-alikes the second: no two names are equal.
    code = dice.permutation(size * (size - 1) * regions * industries)[:count]
    industry, rest = code % industries, code // industries
    region, rest = rest % regions, rest // regions
    first, second = rest // (size - 1), rest % (size - 1)
    second = second + (second >= first)
    ids = np.arange(count)
    alike = (ids % 2 == 1) & (dice.random(count) < world.mess(0.06, 0.2))
    twin = np.where(alike, ids - 1, ids)
    region, first, second = region[twin], first[twin], second[twin]
    industry = np.where(alike, industry[twin] + industries, industry)
    form = weighted(dice, [88, 6, 6], count)
    stem = texts.join(
        texts.pick(column("regions", 0), region), texts.pick(characters, first), texts.pick(characters, second)
    )
    name = texts.join(stem, texts.pick(column("industries", 0), industry), texts.pick(words["legal_forms"], form))
    pinyin = [words["trade_characters"][character] for character in characters]
    english = texts.join(
        texts.pick(column("regions", 1), region),
        " ",
        texts.pick(pinyin, first),
        texts.pick(pinyin, second),
        " ",
        texts.pick(column("industries", 1), industry),
        " CO., LTD.",
    )
    return {
        "name": name,
        "name_en": english,
        "region": region,
        "stem": stem,
        "near_name": texts.join(stem, "国际物流有限公司"),
    }


def _persons(dice: np.random.Generator, count: int) -> pa.Array:
    words = catalog()
    surname = dice.integers(0, len(words["person_surnames"]), count)
    given = dice.integers(0, len(words["person_given"]), count)
    return texts.join(texts.pick(words["person_surnames"], surname), texts.pick(words["person_given"], given))


def _buyer_names(dice: np.random.Generator, count: int) -> pa.Array:
    words = catalog()
    syllables, trades = words["buyer_syllables"], words["buyer_second"]
    size = len(syllables)
    code = dice.permutation(size**3 * len(trades))[:count]
    if count > len(code):
        raise ValueError(f"the sample has names for {len(code)} buyers, not for {count}")
    trade, word = code % len(trades), code // len(trades)
    form = weighted(dice, [20, 20, 25, 8, 7, 5, 8, 4, 2, 6], count)
    return texts.join(
        texts.pick(syllables, word // size**2),
        texts.pick(syllables, word // size % size),
        texts.pick(syllables, word % size),
        " ",
        texts.pick(trades, trade),
        " ",
        texts.pick(words["buyer_form"], form),
    )


def account_numbers(prefix: str, ids: np.ndarray, width: int) -> pa.Array:
    """Invented account numbers, one an id: the prefix, then ``width`` digits that do not look like a count."""
    spread = (ids.astype(np.int64) + 1) * 7_368_787 % 1_000_000_007  # a prime: different ids stay different
    return texts.join(prefix, texts.number(spread, width))


def _phones(region: np.ndarray, ids: np.ndarray) -> pa.Array:
    return texts.join(texts.pick(column("regions", 3), region), "-", texts.number(55_500_000 + (ids * 7919) % 99_999))


def usccs(region: np.ndarray, ids: np.ndarray) -> pa.Array:
    """Valid unified social credit codes (统一社会信用代码, USCC-01) of invented organisations, one an id."""
    codes = np.array([int(code) for code in column("regions", 2)], np.int64)[region]
    digits = np.zeros((len(ids), 18), np.int64)
    digits[:, 0], digits[:, 1] = 9, 1
    for place in range(6):
        digits[:, 2 + place] = codes // 10 ** (5 - place) % 10
    organisation = np.zeros((len(ids), 8), np.int64)
    organisation[:, 0], organisation[:, 1] = _LETTERS.index("M"), _LETTERS.index("X")
    for place in range(6):
        organisation[:, 2 + place] = ids * 31 // 10 ** (5 - place) % 10
    check = 11 - (organisation * np.array([3, 7, 9, 10, 5, 8, 4, 2])).sum(axis=1) % 11
    check = np.where(check == 11, 0, np.where(check == 10, _LETTERS.index("X"), check))
    in_uscc = np.array([_USCC.find(letter) for letter in _LETTERS], np.int64)
    digits[:, 8:16], digits[:, 16] = in_uscc[organisation], in_uscc[check]
    weights = np.array([pow(3, place, 31) for place in range(17)], np.int64)
    digits[:, 17] = (31 - (digits[:, :17] * weights).sum(axis=1) % 31) % 31
    return texts.join(*[texts.pick(list(_USCC), digits[:, place]) for place in range(18)])


def cut_35(names: pa.Array, cut: np.ndarray) -> pa.Array:
    """Payer names as SWIFT passes them on: cut at 35 characters where ``cut`` holds."""
    return texts.choose(cut, pc.utf8_slice_codeunits(names, 0, 35), names)
