"""Company names taken apart, and how alike two of them are: for proposals only (C-27), nothing here posts.

Region, trade name (字号), industry and legal form are told apart, for it is the trade name that makes a firm: 宁波远洋
and 宁波远大国际货运代理 share nine tenths of their characters and are two firms. A trade name weighs by its rarity
among the principals' own. Chinese and English meet in pinyin.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

_FILE = Path(__file__).with_name("name_words.yaml")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_DIVISION = re.compile("^[省市区县]")


@dataclass(frozen=True)
class Words:
    """The word lists of ``name_words.yaml``; patterns take the longest word that leaves something of the name."""

    region: re.Pattern[str]  # at the start
    region_sounds: frozenset[str]
    form: re.Pattern[str]  # at the end
    english_forms: frozenset[str]
    industry: re.Pattern[str]  # at the end
    english_industries: Mapping[str, tuple[tuple[str, str], ...]]  # first word -> English words, Chinese word


def _any_of(listed: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(listed, key=len, reverse=True)))


@cache
def words() -> Words:
    """The lists, read once."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    regions = content["regions"].split()
    english = {said: chinese for chinese, listed in content["industries"].items() for said in listed}
    by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for said, chinese in english.items():
        by_first[said.split()[0]].append((said, chinese))
    return Words(
        region=re.compile(f"({_any_of(regions)})(?=.)"),
        region_sounds=frozenset("".join(lazy_pinyin(region)).upper() for region in regions),
        form=re.compile(f"({_any_of(content['forms'].split())})$"),
        english_forms=frozenset(content["english_forms"].split()),
        industry=re.compile(f"(?<=.)({_any_of(content['industries'])})$"),
        english_industries={first: tuple(pairs) for first, pairs in by_first.items()},
    )


@cache
def _region_sound(region: str) -> str:
    # As a phrase: 重庆 is CHONGQING, character by character it would not be.
    return "".join(lazy_pinyin(region)).upper()


@dataclass(frozen=True)
class Parts:
    """A name's parts; ``sound`` is the trade name as Latin letters, ``regions`` in pinyin, ``industries`` in Chinese."""

    trade: str
    sound: str
    regions: frozenset[str]
    industries: frozenset[str]
    form: str


@cache
def _sound_of_character(character: str) -> str:
    return "".join(lazy_pinyin(character)).upper()


def sound_of(chinese: str) -> str:
    """Pinyin without tones, upper case, run together, character by character; Latin letters stay."""
    return "".join(_sound_of_character(character) for character in chinese)


def parts_of(name: str) -> Parts:
    """A company's name taken apart; a name that is only region, industry and form keeps these as its trade name.

    >>> parts_of("深圳市华强电子有限公司").trade, parts_of("深圳华强电子科技有限公司").trade
    ('华强', '华强')
    >>> parts_of("SHENZHEN HUAQIANG ELECTRONICS CO., LTD.").sound
    'HUAQIANG'
    """
    return _chinese(name) if _HAN.search(name) else _english(name)


def _chinese(name: str) -> Parts:
    lists = words()
    rest = re.sub(r"[\s·.,，。\-]", "", name.upper())
    ending = lists.form.search(rest)
    form = ending.group(1) if ending else ""
    rest = rest[: len(rest) - len(form)]
    regions: set[str] = set()
    for inside in re.findall(r"[(（](.*?)[)）]", rest):
        regions.add(_region_sound(inside))
    rest = re.sub(r"[(（].*?[)）]", "", rest)
    while region := lists.region.match(rest):
        regions.add(_region_sound(region.group(1)))
        rest = _DIVISION.sub("", rest[region.end() :])
    industries: set[str] = set()
    while word := lists.industry.search(rest):
        industries.add(word.group(1))
        rest = rest[: word.start()]
    return Parts(rest, sound_of(rest), frozenset(regions), frozenset(industries), form)


def _english(name: str) -> Parts:
    lists = words()
    rest = f" {' '.join(re.findall(r'[A-Z0-9]+', name.upper().replace('&', ' AND ')))} "
    industries: set[str] = set()
    told = [pair for token in set(rest.split()) for pair in lists.english_industries.get(token, ())]
    for said, chinese in sorted(told, key=lambda pair: (-len(pair[0]), pair)):
        if f" {said} " in rest:
            industries.add(chinese)
            rest = rest.replace(f" {said} ", " ")
    tokens = rest.split()
    form = " ".join(token for token in tokens if token in lists.english_forms)
    regions = frozenset(token for token in tokens if token in lists.region_sounds)
    trade = [token for token in tokens if token not in lists.english_forms and token not in regions and token != "AND"]
    return Parts(" ".join(trade), "".join(trade), regions, frozenset(industries), form)


def likeness(one: Parts, other: Parts, rarity: float = 1.0) -> int:
    """How alike two names are, 0 to 95: the trade name up to 70 by ``rarity`` (1 = no other principal bears it), region
    and industry up to 15 each. Different trade names give less than 50 whatever else is equal.

    >>> likeness(parts_of("宁波远洋有限公司"), parts_of("宁波远大国际货运代理有限公司")) < 50
    True
    >>> likeness(parts_of("深圳市华强电子有限公司"), parts_of("深圳华强电子科技有限公司")) >= 85
    True
    """
    both_han = bool(_HAN.search(one.trade)) and bool(_HAN.search(other.trade))
    same = fuzz.ratio(one.trade, other.trade) if both_han else fuzz.ratio(one.sound, other.sound)
    if same < 80:
        return (
            int(same * 0.2)
            + (8 if one.regions & other.regions else 0)
            + (8 if one.industries & other.industries else 0)
        )
    region = 15 if one.regions & other.regions else 8 if not (one.regions and other.regions) else 0
    industry = 15 if _industry_alike(one, other) else 8 if not (one.industries and other.industries) else 0
    return min(95, int(same * 0.7 * rarity) + region + industry)


def _industry_alike(one: Parts, other: Parts) -> bool:
    if one.industries & other.industries:
        return True
    # 电子 and 电子科技 are one trade told twice.
    return any(a in b or b in a for a in one.industries for b in other.industries)


class Directory:
    """Names of principals by trade name, to look similar ones up without comparing each with each."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """``names``: (principal_id, name) of everything a principal is called."""
        self._entries = sorted(
            {(principal, name, parts_of(name)) for principal, name in names if name}, key=lambda e: e[:2]
        )
        self._by_key: dict[str, list[int]] = defaultdict(list)
        bearers: dict[str, set[str]] = defaultdict(set)
        for place, (principal, _, parts) in enumerate(self._entries):
            bearers[parts.sound].add(principal)
            for key in _keys(parts):
                self._by_key[key].append(place)
        self._bearers = {sound: len(principals) for sound, principals in bearers.items()}

    def similar(self, name: str, least: int, most: int) -> list[tuple[str, str, int]]:
        """(principal_id, its name, likeness) of names at least ``least`` alike, best first, at most ``most`` principals."""
        asked = parts_of(name)
        places = {place for key in _keys(asked) for place in self._by_key.get(key, ())[: 50 * most]}
        best: dict[str, tuple[int, str]] = {}
        for place in sorted(places):
            principal, known, parts = self._entries[place]
            score = likeness(asked, parts, rarity=1.0 / self._bearers[parts.sound] ** 0.25)
            if score >= least and score > best.get(principal, (0, ""))[0]:
                best[principal] = (score, known)
        ranked = sorted(best.items(), key=lambda pair: (-pair[1][0], pair[0]))
        return [(principal, known, score) for principal, (score, known) in ranked[:most]]


def _keys(parts: Parts) -> set[str]:
    """What two names must share to be compared: the trade name's sound, or its first and last letters."""
    sound = parts.sound
    return {sound, f"{sound[:4]}*", f"*{sound[-4:]}"} if len(sound) >= 4 else {sound}
