"""Lines that are nobody's: reversals, transfers between own accounts, conversions, interest, returned payments.

A line is recognised by its words or by the account on its other side, and where it must have a
counterpart (冲正, 付款退回) only together with the one line that fits. A reversal that fits two
originals stays open. Both signs are treated here: a pair has one line of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.credits import described
from settlement.matching.names import account_key, name_key, with_name_key
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, text
from settlement.matching.words import says

LINE = (
    "txn_id",
    "account_no",
    "currency",
    "booked_on",
    "amount",
    "text",
    "marks",
    "payer_key",
    "payer_account",
    "bank_ref",
    "is_reversal",
)
# What else the stages and their exceptions ask of a line; a million lines are not copied with all that a bank writes.
_ALSO = ("counterparty_name", "bank_fee", "source_file", "source_row")

# Words (``words.GROUPS``) that may make a line nobody's, reversals apart.
_WORDS = ("interest", "conversion", "transfer", "return", "subsidy")
_PUBLIC = r"政府|财政|商务局|税务局|经济和信息化局|科技局|人力资源和社会保障局|就业|管理委员会|管委会"


@dataclass(frozen=True)
class Nobodys:
    """``lines``: txn_id, purpose, rule, confidence, evidence, other_txn_id (NULL where there is none).

    ``reversals``: every line that says it is a reversal: txn_id, original (NULL: none or several), originals.
    """

    lines: ir.Table
    reversals: ir.Table


def _own_names(inputs: Prepared) -> ir.Table:
    company, accounts = inputs.own_company, inputs.own_accounts
    names = company.select(name="name").union(company.select(name="name_en")).union(accounts.select("name"))
    keys = names.select(own_key=name_key(names.name))
    return keys.filter(keys.own_key != "").distinct()


def _own_accounts(inputs: Prepared) -> ir.Table:
    accounts = inputs.own_accounts
    return accounts.select(own_account=account_key(accounts.account_no), own_currency="currency").distinct()


def keyed_lines(inputs: Prepared) -> ir.Table:
    """Every bank line: what matching asks of it (``_keyed``)."""
    return inputs.once("lines", lambda: inputs.keep("lines", _keyed(inputs, described(inputs.transactions))))


def _keyed(inputs: Prepared, lines: ir.Table) -> ir.Table:
    """Of ``lines`` (described) what matching asks, with ``payer_key``, whether the other side is us (``is_own``,
    ``own_account``, ``own_currency``), and whether it says nothing or is a bank (``is_bankish``)."""
    lines = with_name_key(lines, "counterparty_name", "payer_key", inputs.transactions)
    accounts, names = _own_accounts(inputs), _own_names(inputs)
    lines = lines.left_join(accounts, lines.payer_account == accounts.own_account)
    lines = lines.left_join(names, lines.payer_key == names.own_key)
    bank = lines.payer_key.isnull() | lines.payer_key.contains("银行") | lines.payer_key.contains("BANK")
    return lines.select(
        *LINE,
        *_ALSO,
        "own_account",
        "own_currency",
        is_own=lines.own_account.notnull() | lines.own_key.notnull(),
        is_bankish=bank,
    )


def _transfers(lines: ir.Table) -> ir.Table:
    """Transfers and conversions: the other side is one of our accounts, or nobody is named and the text says so."""
    converts = says(lines.marks, "conversion")
    between = lines.is_own | (lines.is_bankish & (converts | says(lines.marks, "transfer")))
    moved = lines.filter(between & ~says(lines.marks, "reversal") & ~lines.is_reversal.fill_null(False))
    is_conversion = says(moved.marks, "conversion") | (
        moved.own_currency.notnull() & (moved.own_currency != moved.currency)
    )
    where = ibis.cases(
        (moved.own_account.notnull(), "对方账号 " + moved.own_account + " 是本公司账户"),
        (moved.is_own, "对方户名是本公司"),
        else_="对方不是客户，附言写明",
    )
    return moved.select(
        "txn_id",
        purpose=ibis.ifelse(is_conversion, "结汇", "内部划转"),
        rule=ibis.ifelse(is_conversion, "N1", "N2"),
        confidence=ibis.ifelse(moved.own_account.notnull() | is_conversion, "certain", "probable"),
        evidence=ibis.ifelse(is_conversion, "结售汇：", "内部划转：") + where,
        other_txn_id=text(None),
    )


def _interest(lines: ir.Table) -> ir.Table:
    paid = lines.filter(
        lines.is_bankish
        & ~lines.is_own
        & says(lines.marks, "interest")
        & (lines.amount > NIL)
        & ~says(lines.marks, "conversion", "transfer")
    )
    return paid.select(
        "txn_id",
        purpose=ibis.literal("利息"),
        rule=ibis.literal("N3"),
        confidence=ibis.literal("certain"),
        evidence=ibis.literal("银行结息：对方为银行或空，摘要写明利息"),
        other_txn_id=text(None),
    )


def _subsidies(lines: ir.Table) -> ir.Table:
    """Money of a public body that the text calls a subsidy: the agency's own, no principal's."""
    public = lines.counterparty_name.re_search(_PUBLIC).fill_null(False)
    paid = lines.filter(public & says(lines.marks, "subsidy") & (lines.amount > NIL))
    return paid.select(
        "txn_id",
        purpose=ibis.literal("其他"),
        rule=ibis.literal("N8"),
        confidence=ibis.literal("probable"),
        evidence="对方 " + paid.counterparty_name + " 是政府部门，附言写明补贴",
        other_txn_id=text(None),
    )


def _pairs(marked: ir.Table, lines: ir.Table, days: int) -> ir.Table:
    """Every line of the opposite amount on the same account, up to ``days`` before, whose other side agrees.

    Columns txn_id (marked), other_txn_id, same_ref, same_day.
    """
    first = marked.select(*LINE)
    others = lines.select(**{f"o_{name}": lines[name] for name in LINE})
    pairs = first.join(others, [first.account_no == others.o_account_no, -first.amount == others.o_amount])
    apart = pairs.booked_on.delta(pairs.o_booked_on, unit="day")
    same_ref = (pairs.bank_ref == pairs.o_bank_ref).fill_null(False) | (
        (pairs.o_bank_ref.length() >= 6) & pairs.text.contains(pairs.o_bank_ref.upper())
    ).fill_null(False)
    same_account = pairs.payer_account == pairs.o_payer_account
    same_name = pairs.payer_key == pairs.o_payer_key
    silent = pairs.payer_account.isnull() & pairs.payer_key.isnull()
    agrees = same_account.fill_null(False) | same_name.fill_null(False) | silent | same_ref
    pairs = pairs.filter((apart >= 0) & (apart <= days) & agrees & (pairs.txn_id != pairs.o_txn_id))
    return pairs.select("txn_id", other_txn_id="o_txn_id", same_ref=same_ref, same_day=apart == 0)


def sole_pairs(pairs: ir.Table) -> ir.Table:
    """The pairs that leave no choice on either side: by the bank's serial, else on the same day, else at all.

    Columns txn_id, other_txn_id, choices (how many fitted at all).
    """
    here = ibis.window(group_by="txn_id")
    ranked = pairs.mutate(
        rank=ibis.cases((pairs.same_ref, 0), (pairs.same_day, 1), else_=2), choices=pairs.count().over(here)
    )
    ranked = ranked.mutate(best=ranked["rank"].min().over(here))
    best = ranked.filter(ranked["rank"] == ranked.best)
    best = best.mutate(mine=best.count().over(here), theirs=best.count().over(ibis.window(group_by="other_txn_id")))
    return best.filter((best.mine == 1) & (best.theirs == 1)).select("txn_id", "other_txn_id", "choices")


def _vendor_keys(inputs: Prepared) -> ir.Table:
    """``key``: the names and accounts of whoever bills freight or is paid as a vendor (no line has an empty one). Each
    name is worked on once: a filter on the keys would be, too, but on every row."""
    asked = inputs.payments.filter(inputs.payments.payee_type == "供应商")
    names = inputs.freight_lines.select(name="vendor").union(asked.select(name="payee_name")).distinct()
    accounts = asked.select("payee_account").distinct()
    keys = names.select(key=name_key(names.name)).union(accounts.select(key=account_key(accounts.payee_account)))
    return keys.distinct()


def _vendor_refunds(inputs: Prepared, lines: ir.Table, known: ir.Table) -> ir.Table:
    """Money that a vendor gives back: a vendor by name or account, nobody's payer, and a text that says so (退)."""
    keys = inputs.once("vendor_keys", lambda: inputs.keep("vendor_keys", _vendor_keys(inputs))).anti_join(known, "key")
    back = lines.filter((lines.amount > NIL) & (says(lines.marks, "return") | lines.text.contains("退")))
    by_name = back.semi_join(keys, [("payer_key", "key")]).select("txn_id", "counterparty_name")
    by_account = back.semi_join(keys, [("payer_account", "key")]).select("txn_id", "counterparty_name")
    found = by_name.union(by_account).distinct()
    return found.select(
        "txn_id",
        purpose=ibis.literal("供应商退款"),
        rule=ibis.literal("N7"),
        confidence=ibis.literal("certain"),
        evidence="对方 " + found.counterparty_name.fill_null("") + " 是供应商，附言写明退款",
        other_txn_id=text(None),
    )


def _both_sides(pairs: ir.Table, purpose: str, rule: str, first: str, second: str) -> ir.Table:
    """Each pair as two lines of one purpose, each naming the other."""
    shared = {"purpose": ibis.literal(purpose), "rule": ibis.literal(rule), "confidence": ibis.literal("certain")}
    one = pairs.select("txn_id", **shared, evidence=first + pairs.other_txn_id, other_txn_id="other_txn_id")
    two = pairs.select(txn_id=pairs.other_txn_id, **shared, evidence=second + pairs.txn_id, other_txn_id=pairs.txn_id)
    return one.union(two)


def nobodys_lines(inputs: Prepared, lines: ir.Table, known: ir.Table) -> Nobodys:
    """What is nobody's among ``lines`` (``keyed_lines`` that neither a decision nor an earlier month explains).

    ``known``: what payers of principals are known by (``parties.known_payers``): such a payer is no vendor.
    """
    limits, keep = inputs.limits, inputs.keep
    marked = says(lines.marks, "reversal") | lines.is_reversal.fill_null(False)
    plain = lines.filter(~marked)
    # Few lines bear a word or an account that makes them nobody's: the rest is no more than a counterpart.
    hinted = lines.is_own | lines.text.contains("退") | says(lines.marks, *_WORDS)
    odd = keep("odd_lines", plain.filter(hinted))
    candidates = keep("reversal_pairs", _pairs(lines.filter(marked), plain, limits.reversal_days))
    reversed_ = keep("reversal_sole", sole_pairs(candidates))
    both = _both_sides(reversed_, "冲正", "N4", "冲正，原流水 ", "被冲正，冲正流水 ")
    counted = candidates.group_by("txn_id").agg(originals=candidates.count())
    flagged = lines.filter(marked).select("txn_id")
    reversals = beside(flagged, counted, "txn_id")
    reversals = beside(reversals, reversed_.select("txn_id", original="other_txn_id"), "txn_id")
    free = plain.anti_join(both, "txn_id")
    back = odd.anti_join(both, "txn_id").filter((odd.amount > NIL) & says(odd.marks, "return"))
    returned = sole_pairs(_pairs(back, free.filter(free.amount < NIL), limits.return_days))
    returned = keep("return_sole", returned)
    both = both.union(_both_sides(returned, "付款退回", "N5", "付款退回，原付款 ", "付款被退回，退回流水 "))
    single = _interest(odd).union(_transfers(odd))
    single = single.union(_vendor_refunds(inputs, odd, known).anti_join(single, "txn_id"))
    single = single.union(_subsidies(odd).anti_join(single, "txn_id"))
    single = single.anti_join(both, "txn_id")
    return Nobodys(lines=keep("nobodys", both.union(single)), reversals=keep("reversals", reversals))
