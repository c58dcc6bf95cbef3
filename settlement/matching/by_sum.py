"""Receipts of a known payer that no single item meets: several items together, or several receipts for one item.

The relations fetch each group of payer and currency that is small enough to search; the search is exact, bounded,
and says how far it went. What it does not decide keeps what it found as a note.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import ibis
import ibis.expr.types as ir

from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL
from settlement.matching.sums import Reach, Search, solutions
from settlement.matching.verdicts import PIECE_SCHEMA, Placed, verdicts_on

NIL_MONEY = Decimal(0)
_FACTS = ibis.schema(
    {"txn_id": "int64"}
    | dict.fromkeys(("order_no", "principal_id", "party", "reference", "fit", "unique", "note"), "string")
)


@dataclass(frozen=True)
class OpenItem:
    """An open item of a group."""

    order_no: str
    purpose: str
    principal_id: str
    open: Decimal
    buyer_key: str | None
    arisen_on: date | None
    fee_month: str | None


@dataclass(frozen=True)
class OpenReceipt:
    """A receipt of a group; ``dead``: its text holds a number that we do not know."""

    txn_id: int
    amount: Decimal
    booked_on: date
    said: str
    payer_key: str | None
    is_buyer: bool
    dead: bool
    months: tuple[str, ...]


@dataclass
class Verdict:
    """What the search says of one receipt: the table's fit and uniqueness, the pieces, and a note for the clerk."""

    fit: str
    unique: str
    pieces: list[tuple[OpenItem, Decimal]]
    note: str


def may_mean(receipt: OpenReceipt, items: Iterable[OpenItem], lead_days: int) -> list[OpenItem]:
    """The items a receipt may be for: words, months, dates and another foreign buyer exclude."""
    latest = receipt.booked_on + timedelta(days=lead_days)
    return [
        item
        for item in items
        if (not receipt.said or item.purpose in receipt.said)
        and (not receipt.months or item.fee_month is None or item.fee_month in receipt.months)
        and (item.arisen_on is None or item.arisen_on <= latest)
        and not (receipt.is_buyer and item.buyer_key and not item.buyer_key.startswith(receipt.payer_key or ""))
    ]


def _natural(items: list[OpenItem], amount: Decimal) -> list[tuple[int, ...]]:
    """The sums a payer thinks of first: all that is open, all of one purpose, all of one fee month."""
    groups: dict[tuple, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        groups["all",].append(place)
        groups["purpose", item.purpose].append(place)
        groups["month", item.purpose, item.fee_month].append(place)
    sums = {tuple(places) for places in groups.values() if len(places) > 1}
    return sorted(places for places in sums if sum(items[place].open for place in places) == amount)


def _all_but_few(items: list[OpenItem], amount: Decimal, limits) -> list[tuple[int, ...]]:
    """Of items that belong together (a month named) all but one or two: what was billed late is left out."""
    over = sum(item.open for item in items) - amount
    if len(items) < 4 or over <= NIL_MONEY:
        return []
    places = range(len(items))
    left_out = [(place,) for place in places if items[place].open == over]
    left_out += [pair for pair in combinations(places, 2) if items[pair[0]].open + items[pair[1]].open == over]
    return [tuple(place for place in places if place not in out) for out in left_out]


def _words(search: Search, count: int) -> str:
    if search.terms == 0:
        return f"同币种未结项 {count} 个，超出合计查找的上限，未查找"
    if search.terms < 2:
        return f"同币种未结项 {count} 个，组合过多，偶然相符的可能性过高，未按合计认领"
    return f"在 {count} 个未结项中查遍 2 至 {search.terms} 项的合计 {search.tried} 种，相符 {len(search.found)} 种"


def _shown(solution: Iterable[int], items: list[OpenItem]) -> str:
    return " + ".join(f"{items[place].order_no} {items[place].purpose} {items[place].open:,.2f}" for place in solution)


def _apart(found: list[tuple[int, ...]], items: list[OpenItem]) -> str:
    """What would tell several solutions apart: the orders that some of them have and others have not."""
    sets = [{items[place].order_no for place in places} for places in found]
    doubtful = sorted(set.union(*sets) - set.intersection(*sets))
    return "能区分的是付款是否包含 " + "、".join(doubtful[:6])


def judge_sum(receipt: OpenReceipt, items: list[OpenItem], limits) -> Verdict:
    """Whether one set of items, and only one, sums to the receipt."""
    search = solutions([item.open for item in items], receipt.amount, Reach.of(limits))
    few = _all_but_few(items, receipt.amount, limits) if receipt.months else []
    natural = _natural(items, receipt.amount)
    found = sorted({*search.found, *natural, *few}, key=lambda places: (len(places), places))
    note = _words(search, len(items))
    if not found:
        return Verdict("none", "several", [], note)
    shown = "；".join(_shown(solution, items) for solution in found[: limits.sum_solutions_shown])
    if len(found) > 1:
        return Verdict("sum", "several", [], f"{note}：{shown}；{_apart(found, items)}")
    pieces = [(items[place], items[place].open) for place in found[0]]
    is_natural = found[0] in natural
    certain = is_natural or (found[0] not in few and search.chance <= limits.sum_chance_certain)
    note = f"{note}：{shown}；偶然相符的期望 {search.chance:.1e}"
    return Verdict("sum", "sole" if certain else "likely", pieces, note)


def judge_parts(receipts: list[OpenReceipt], items: list[OpenItem], limits) -> dict[int, Verdict]:
    """Several receipts that together pay one item: by txn_id, where one set of receipts and one item fit."""
    claims: list[tuple[OpenItem, tuple[int, ...], Search]] = []
    for item in items:
        wanting = [place for place, one in enumerate(receipts) if may_mean(one, [item], limits.lead_days)]
        if not 2 <= len(wanting) <= limits.sum_receipts_most:
            continue
        search = solutions([receipts[place].amount for place in wanting], item.open, Reach.of(limits))
        claims += [(item, tuple(wanting[place] for place in found), search) for found in search.found]
    uses = Counter(place for _, places, _ in claims for place in places)
    wanted = Counter(item for item, _, _ in claims)
    verdicts = {}
    for item, places, search in claims:
        if wanted[item] > 1 or any(uses[place] > 1 for place in places):
            continue
        unique = "sole" if search.chance * len(items) <= limits.sum_chance_certain else "likely"
        if search.chance * len(items) > limits.sum_chance_probable:
            continue
        note = f"{len(places)} 笔收款合计等于 {item.order_no} {item.purpose}未结 {item.open:,.2f}，只有这一种组合"
        for place in places:
            verdicts[receipts[place].txn_id] = Verdict("parts", unique, [(item, receipts[place].amount)], note)
    return verdicts


def judge_group(receipts: list[OpenReceipt], items: list[OpenItem], limits) -> dict[int, Verdict]:
    """Every receipt of one payer and currency. Two receipts whose sole sums share an item are both left open."""
    verdicts: dict[int, Verdict] = {}
    for receipt in receipts:
        verdicts[receipt.txn_id] = judge_sum(receipt, may_mean(receipt, items, limits.lead_days), limits)
    used = Counter(item for verdict in verdicts.values() for item, _ in verdict.pieces)
    for verdict in verdicts.values():
        if any(used[item] > 1 for item, _ in verdict.pieces):
            verdict.unique, verdict.pieces = "several", []
            verdict.note += "；其中的未结项另有收款也相符"
    free = [item for item in items if item not in used]
    idle = [receipt for receipt in receipts if verdicts[receipt.txn_id].fit == "none"]
    return verdicts | judge_parts(idle, free, limits)


def _groups(inputs: Prepared, asked: ir.Table, items: ir.Table, dead: ir.Table, months: ir.Table):
    """Groups of payer and currency: (principal, currency) -> receipts, items. Only groups with two items or receipts."""
    keys = asked.select("principal_id", "currency").distinct()
    owed = items.filter((items.open > NIL) & (items.purpose != "退税款")).semi_join(keys, ["principal_id", "currency"])
    said = defaultdict(list)
    for row in inputs.run(months.semi_join(asked, "txn_id").order_by("txn_id", "fee_month")):
        said[row["txn_id"]].append(row["fee_month"])
    receipts, open_items = defaultdict(list), defaultdict(list)
    rows = asked.mutate(dead=asked.txn_id.isin(dead.txn_id)).order_by("txn_id")
    for row in inputs.run(rows):
        receipts[row["principal_id"], row["currency"]].append(
            OpenReceipt(
                row["txn_id"],
                row["amount"],
                row["booked_on"],
                row["said"],
                row["payer_key"],
                row["is_buyer"],
                row["dead"],
                tuple(said[row["txn_id"]]),
            )
        )
    columns = ("principal_id", "currency", "order_no", "purpose", "open", "buyer_key", "arisen_on", "fee_month")
    for row in inputs.run(owed.select(columns).order_by("principal_id", "currency", "order_no", "purpose")):
        open_items[row["principal_id"], row["currency"]].append(
            OpenItem(
                row["order_no"],
                row["purpose"],
                row["principal_id"],
                row["open"],
                row["buyer_key"],
                row["arisen_on"],
                row["fee_month"],
            )
        )
    return receipts, open_items


def post_sums(inputs: Prepared, asked: ir.Table, items: ir.Table, dead: ir.Table, months: ir.Table) -> Placed:
    """Receipts of payers of one principal (``asking``) that nothing else decided: pieces and verdicts of all of them."""
    receipts, open_items = _groups(inputs, asked, items, dead, months)
    pieces, facts = [], []
    for key, group in sorted(receipts.items()):
        verdicts = judge_group(group, open_items[key], inputs.limits)
        is_dead = {receipt.txn_id: receipt.dead for receipt in group}
        for txn_id, verdict in sorted(verdicts.items()):
            reference = "dead" if is_dead[txn_id] else "none"
            facts.append(
                {"txn_id": txn_id, "principal_id": key[0], "party": "own", "reference": reference, "fit": verdict.fit,
                 "unique": verdict.unique, "note": verdict.note}
            )  # fmt: skip
            pieces += [
                {
                    "txn_id": txn_id,
                    "order_no": item.order_no,
                    "principal_id": item.principal_id,
                    "purpose": item.purpose,
                    "currency": key[1],
                    "amount": amount,
                }
                for item, amount in verdict.pieces
                if not is_dead[txn_id]
            ]
    verdicts = inputs.keep("sum_verdicts", verdicts_on(inputs.load(facts, _FACTS), inputs.decision_table))
    return Placed(pieces=inputs.keep("sum_pieces", inputs.load(pieces, PIECE_SCHEMA)), verdicts=verdicts)
