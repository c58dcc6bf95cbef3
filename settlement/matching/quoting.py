"""Where references stand in the texts of receipts.

A reference counts only where it stands whole: an order number inside a longer number is not that order. Runs of
letters and digits are looked up as relations; only texts whose digits this does not explain are read one by one
(``reading.py``), and what that proposes is looked up again. Look-alikes (O/0, I/1) count where one known
reference, and only one, results.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.prepared import Prepared
from settlement.matching.reading import Anchor, candidates
from settlement.matching.references import alike_key, shape_of
from settlement.matching.relations import beside, text, union_of
from settlement.matching.words import extract_all

# A run of letters and digits over separators that has a digit somewhere.
_RUN = "(?:[A-Z]+[-_./])*[A-Z]*[0-9][A-Z0-9]*(?:[-_./][A-Z0-9]+)*"
_THREE_PARTS = "[-_./][A-Z0-9]+[-_./]"
_LAST_PART, _FIRST_PART = "[-_./][A-Z0-9]+$", "^[A-Z0-9]+[-_./]"
_MARK = "#"
# A bank's own numbers, which every line of that bank carries.
_BANK_FIELDS = r"(?:REFED|BUSIN)-?NO[A-Z0-9]*"
# Digits that a word or their form tells to be no order: phones, accounts, the payer's own numbers, dates.
_TOLD = [
    r"(?:TEL|PHONE|MOB(?:ILE)?|电话|手机|联系方式)[^0-9A-Z#]{0,3}[0-9][0-9+() -]{5,}[0-9]",
    r"(?:账号|帐号|税号|客户编号|客户号|流水号?|凭证号?|身份证号?|ACCOUNT|ACCT|A/C)[^0-9A-Z#]{0,4}[0-9A-Z]+",
    r"\b20[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?",
    r"(?:日期|DATED?|VALUE)[^0-9A-Z#]{0,3}20[0-9]{6}\b",
]
# Digits that need no explanation: these, bare mobile numbers, amounts, months, shares.
_HARMLESS = "|".join(
    [
        *_TOLD,
        r"\b1[3-9][0-9]{9}\b",
        r"(?:USD|EUR|CNY|RMB|JPY|HKD|GBP|US\$|[$€£¥])\s?[0-9][0-9,]*(?:\.[0-9]{1,2})?\b",
        r"\b[0-9][0-9,]*\.[0-9]{2}\b",
        r"\b[0-9][0-9,]*(?:\.[0-9]+)?\s?(?:元|万元|美元|美金|欧元|日元|USD|EUR|CNY|RMB|JPY|HKD|GBP)",
        r"\b(?:[0-9]{2}|20[0-9]{2})年(?:[0-9]{1,2}月份?)?",
        r"\b[0-9]{1,2}月份?(?:[0-9]{1,2}日)?",
        r"\b[0-9]{1,3}(?:\.[0-9]+)?%",
    ]
)
# A known number beside this may be a range or have a part that is not understood yet.
_BETWEEN = r"#\s*(?:-|~|—|–|至|到|TO)\s*#"
_CANDIDATE = ibis.schema(
    {"txn_id": "int64", "unit": "int64", "members": "int64", "key": "string", "how": "string", "raw": "string"}
)


@dataclass(frozen=True)
class Quoted:
    """``tokens``: txn_id, raw, key of every run of characters with a digit. ``hits``: txn_id, raw, key, order_no, principal_id, kind, how (clear, alike, range, list, glued, joined).

    ``unclear``: txn_id of texts that say more than was understood. ``dead``: txn_id, raw, key of numbers that
    look like ours and are not known.
    """

    tokens: ir.Table
    hits: ir.Table
    unclear: ir.Table
    dead: ir.Table


def tokens_of(texts: ir.Table, shortest: int) -> ir.Table:
    """Runs of letters and digits with at least one digit, alone and joined over separators: txn_id, raw, key.

    A run is taken whole, without its strokes, and in its atoms: 2023/SO-156 is itself, SO-156, 2023, SO and 156. A run
    of three parts and more also without its last and without its first: EX-2023-0156-0158 begins with EX-2023-0156.
    """
    runs = texts.select("txn_id", raw=extract_all(texts.plain, _RUN).unnest())
    parted = runs.filter(runs.raw.re_search("[-_./]"))
    atoms = parted.select("txn_id", raw=parted.raw.re_split("[-_./]").unnest())
    stroked = parted.filter(parted.raw.contains("/"))
    pieces = stroked.select("txn_id", raw=stroked.raw.split("/").unnest())
    long = parted.filter(parted.raw.re_search(_THREE_PARTS))
    ends = [long.select("txn_id", raw=long.raw.re_replace(end, "")) for end in (_LAST_PART, _FIRST_PART)]
    more = union_of([atoms, pieces.filter(pieces.raw.re_search("[-_.]")), *ends])
    rows = runs.union(more.filter(more.raw.re_search("[0-9]")))
    rows = rows.filter(rows.raw.length() >= shortest)
    return rows.mutate(key=rows.raw.replace("-", "").replace("/", "").replace(".", "").replace("_", ""))


def _residual(texts: ir.Table, anchors: ir.Table) -> ir.Table:
    """What of each text the anchors (txn_id, raw) and harmless digits do not explain: txn_id, plain, anchored, marked,
    residual. Texts of which the anchors leave no digit, and no stroke between two of them, are not among them."""
    counted = anchors.group_by("txn_id").agg(one=anchors.raw.max(), other=anchors.raw.min())
    many = anchors.semi_join(counted.filter(counted.one != counted.other), "txn_id").distinct()
    listed = many.group_by("txn_id").agg(
        all=many.raw.group_concat("|", order_by=[many.raw.length().desc(), many.raw.asc()])
    )
    rows = beside(beside(texts, counted, "txn_id"), listed, "txn_id")
    marked = ibis.cases(
        (rows.one.isnull(), rows.plain),
        # Separators are the only special characters a token can hold.
        (rows["all"].notnull(), rows.plain.re_replace(rows["all"].replace(".", "\\."), _MARK)),
        else_=rows.plain.replace(rows.one, _MARK),
    )
    rows = rows.select("txn_id", "plain", "whole", marked=marked, anchored=rows.one.notnull())
    rows = rows.filter(rows.marked.re_search("[0-9]") | rows.marked.re_search(_BETWEEN))
    return rows.mutate(residual=rows.marked.re_replace(_HARMLESS, " "))


def _hard(residual: ir.Table) -> ir.Table:
    """Texts that must be read one by one: digits beside a known number, or glued to letters where none is known."""
    beside_known = residual.anchored & (residual.residual.re_search("[0-9]") | residual.marked.re_search(_BETWEEN))
    alone = ~residual.anchored & residual.residual.re_search("[A-Z][-_./# ]*[0-9]|[0-9][A-Z]")
    return residual.filter(beside_known | alone)


def _alike(tokens: ir.Table, references: ir.Table) -> ir.Table:
    """Tokens that become one known reference, and only one, when look-alikes are folded: txn_id, raw, key."""
    asked = tokens.filter(tokens.key.length() >= 4).mutate(fold=alike_key(tokens.key))
    lettered = references.select("key", fold=alike_key(references.key)).semi_join(asked, "fold")
    lettered = lettered.filter(lettered.key.re_search("[A-Z]"))
    folded = lettered.group_by("fold").agg(known=lettered.key.min(), other=lettered.key.max())
    folded = folded.filter(folded.known == folded.other)
    return asked.inner_join(folded, "fold").select("txn_id", "raw", key="known").distinct()


def _read_one_by_one(inputs: Prepared, hard: ir.Table, anchors: ir.Table) -> ir.Table:
    """The candidates of ``reading.py`` for each hard text (_CANDIDATE)."""
    wanted = inputs.run(hard.select("txn_id", "plain", "whole").order_by("txn_id"))
    known: dict[str, list[Anchor]] = {}
    for row in inputs.run(
        anchors.semi_join(hard, "txn_id").select("txn_id", "raw", "key").distinct().order_by("txn_id", "raw")
    ):
        known.setdefault(row["txn_id"], []).append(Anchor(row["raw"], row["key"]))
    rows = [
        {
            "txn_id": row["txn_id"],
            "unit": found.unit,
            "members": found.members,
            "key": found.key,
            "how": found.how,
            "raw": found.raw,
        }
        for row in wanted
        for found in candidates(row["plain"], known.get(row["txn_id"], ()), inputs.limits.range_most, row["whole"])
    ]
    return inputs.load(rows, _CANDIDATE)


def _confirmed(inputs: Prepared, proposed: ir.Table, references: ir.Table) -> tuple[ir.Table, ir.Table]:
    """The proposed numbers that exist, a range or list only whole; and the texts where one did not."""
    keys = references.select("key").semi_join(proposed, "key").distinct()
    met = inputs.keep("read_known", proposed.filter(proposed.how != "unclear").semi_join(keys, "key"))
    place = ["txn_id", "unit", "how", "raw", "members"]
    complete = met.group_by(place).agg(found=met.key.nunique())
    complete = complete.filter(complete.found == complete.members)
    good = met.semi_join(complete, place)
    extended = proposed.filter(proposed.how.isin(["range", "list"]))
    broken = extended.anti_join(complete, place).select("txn_id")
    unclear = broken.union(proposed.filter(proposed.how == "unclear").select("txn_id")).distinct()
    return good.select("txn_id", "raw", "key", "how"), unclear


def quoted(inputs: Prepared, credits: ir.Table, references: ir.Table) -> Quoted:
    """References in the texts of ``credits``."""
    keep = inputs.keep
    texts = credits.filter(credits.text.re_search("[0-9]"))
    texts = keep(
        "texts",
        texts.select(
            "txn_id",
            plain=texts.text.re_replace(_BANK_FIELDS, " "),
            whole=texts.amount.cast("string").re_replace(r"\.[0-9]*$", ""),
        ),
    )
    tokens = keep("text_tokens", tokens_of(texts, inputs.limits.reference_shortest_own))
    clear = keep("quoted_clear", not_told_otherwise(tokens.inner_join(references, "key"), texts))
    first = keep("hard_first", _hard(_residual(texts, clear.select("txn_id", "raw"))))
    others = keep("other_tokens", tokens.semi_join(first, "txn_id").anti_join(clear, ["txn_id", "key"]).distinct())
    alike = keep("quoted_alike", _alike(others, references))
    anchors = clear.semi_join(first, "txn_id").select("txn_id", "raw", "key").distinct()
    anchors = keep("anchors", anchors.union(alike))
    # A look-alike explains its text anew; the other hard texts stay hard.
    touched = first.semi_join(alike, "txn_id").select("txn_id", "plain", "whole")
    again = _hard(_residual(touched, anchors.semi_join(alike, "txn_id").select("txn_id", "raw")))
    hard = (
        first.anti_join(alike, "txn_id")
        .select("txn_id", "plain", "whole")
        .union(again.select("txn_id", "plain", "whole"))
    )
    proposed = keep("read_proposed", _read_one_by_one(inputs, keep("hard", hard), anchors))
    read, unclear = _confirmed(inputs, proposed, references)
    more = union_of([alike.mutate(how=text("alike")), read]).anti_join(clear, ["txn_id", "key"])
    columns = ["txn_id", "raw", "key", "order_no", "principal_id", "kind", "how"]
    hits = clear.mutate(how=text("clear")).select(columns).union(more.inner_join(references, "key").select(columns))
    hits = keep("quoted", hits)
    strange = keep("strange", _strange(others, hits, references))
    # Beside a number we know, one of ours that we do not know makes the text unclear; alone it is dead.
    unclear = unclear.union(strange.semi_join(hits, "txn_id").select("txn_id")).distinct()
    dead = strange.anti_join(hits, "txn_id")
    return Quoted(tokens=tokens, hits=hits, unclear=keep("unclear", unclear), dead=keep("dead", dead))


def not_told_otherwise(hits: ir.Table, texts: ir.Table) -> ir.Table:
    """``hits`` (txn_id, raw, key) without numbers of digits only that the text (``plain``) calls a phone, an account, a
    date or the like."""
    digits = hits.filter(~hits.key.re_search("[A-Z]")).inner_join(texts.select("txn_id", "plain"), "txn_id")
    told = digits.filter(~digits.plain.re_replace("|".join(_TOLD), " ").contains(digits.raw)).select("txn_id", "raw")
    return hits.anti_join(told, ["txn_id", "raw"])


def _strange(others: ir.Table, hits: ir.Table, references: ir.Table) -> ir.Table:
    """Tokens that look like our numbers, are not known and are no part of a number that is: txn_id, raw, key."""
    rows = others.filter(others.key.re_search("[A-Z]"))
    met = rows.inner_join(hits.select("txn_id", hit="raw").distinct(), "txn_id")
    part = met.filter(met.raw.contains(met.hit) | met.hit.contains(met.raw)).select("txn_id", "raw")
    rows = rows.anti_join(part, ["txn_id", "raw"]).mutate(shape=shape_of(rows.key))
    return rows.semi_join(_same_shape(rows, references), "shape").select("txn_id", "raw", "key")


def _same_shape(strange: ir.Table, references: ir.Table) -> ir.Table:
    """Of the shapes of ``strange`` those that our own numbers have."""
    ours = references.filter(references.kind.isin(["订单号", "合同号", "形式发票号"]))
    return ours.select(shape=shape_of(ours.key)).semi_join(strange, "shape").distinct()


def targets(inputs: Prepared, found: Quoted) -> ir.Table:
    """The orders each text leaves: txn_id, order_no, principal_id, raw, key, kind, shared, is_alike, orders (how many),
    is_unclear.

    A number that stands for several orders (one contract, three orders) is ``shared``; another number of the same
    text that names one of them narrows it.
    """
    counted = found.hits.group_by("txn_id").agg(hits=found.hits.count())
    more = counted.filter(counted.hits > 1).select("txn_id")
    alone = found.hits.anti_join(more, "txn_id")
    alone = alone.mutate(is_alike=alone.how == "alike", shared=False, orders=ibis.literal(1).cast("int64"))
    hits = _longest(found.hits.semi_join(more, "txn_id"))
    whole = hits.group_by("txn_id").agg(
        order_no=hits.order_no.min(),
        last=hits.order_no.max(),
        principal_id=hits.principal_id.min(),
        raw=hits.raw.min(),
        key=hits.key.argmin(hits.raw),
        kind=hits.kind.argmin(hits.raw),
        is_alike=(hits.how == "alike").min(),
    )
    one = whole.filter(whole.order_no == whole.last).mutate(shared=False, orders=ibis.literal(1).cast("int64"))
    several = _several(hits.semi_join(whole.filter(whole.order_no != whole.last), "txn_id"))
    rows = union_of([table.select(_TARGET) for table in (alone, one, several)])
    rows = beside(rows, found.unclear.mutate(is_unclear=True), "txn_id")
    return inputs.keep("targets", rows.mutate(is_unclear=rows.is_unclear.fill_null(False)))


def _longest(hits: ir.Table) -> ir.Table:
    """``hits`` without numbers that only stand inside a longer one of the same text: EX0148-1 is not EX0148 too."""
    several = hits.group_by("txn_id").agg(first=hits.raw.min(), last=hits.raw.max())
    many = (
        hits.semi_join(several.filter(several["first"] != several["last"]), "txn_id").select("txn_id", "raw").distinct()
    )
    # A range or a shortened list contains its numbers because it names them.
    plain = hits.filter(hits.how.isin(["clear", "alike"])).select("txn_id", whole="raw").distinct()
    longer = many.inner_join(plain, "txn_id")
    inside = longer.filter((longer.raw != longer.whole) & longer.whole.contains(longer.raw)).select("txn_id", "raw")
    return hits.anti_join(inside, ["txn_id", "raw"])


_TARGET = ("txn_id", "order_no", "principal_id", "raw", "key", "kind", "shared", "is_alike", "orders")


def _several(hits: ir.Table) -> ir.Table:
    """The orders of texts that name more than one, narrowed where one number of the text names one of another's."""
    here = ibis.window(group_by=["txn_id", "key"])
    single = hits.group_by("txn_id", "key", "order_no", "principal_id").agg(
        raw=hits.raw.min(), kind=hits.kind.min(), how=hits.how.min()
    )
    wide = single.mutate(of_key=single.count().over(here))
    exact = wide.filter(wide.of_key == 1).select("txn_id", "order_no").distinct().mutate(is_named=True)
    named = beside(wide, exact, ["txn_id", "order_no"])
    named = named.mutate(is_named=named.is_named.fill_null(False))
    named = named.mutate(key_named=named.is_named.max().over(here))
    kept = named.filter((named.of_key == 1) | ~named.key_named | named.is_named)
    orders = kept.group_by("txn_id", "order_no", "principal_id").agg(
        raw=kept.raw.min(),
        key=kept.key.argmin(kept.raw),
        kind=kept.kind.argmin(kept.raw),
        shared=(kept.of_key > 1).min(),
        is_alike=(kept.how == "alike").min(),
    )
    return orders.mutate(orders=orders.count().over(ibis.window(group_by="txn_id")))
