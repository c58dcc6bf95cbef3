"""Payment applications (请款) against debits: the application quoted, else the only one that fits.

Every step pairs by equal keys and counts both sides: where two applications or two debits share the keys, the step
decides nothing and the next, which knows more, may. What is quoted goes before what is equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from settlement.matching.names import account_key, name_key
from settlement.matching.prepared import Prepared
from settlement.matching.references import reference_key
from settlement.matching.relations import NIL, beside, first_by, money_sum, text, union_of
from settlement.matching.sums import Reach, solutions
from settlement.rules.money import MONEY, RATE, divide_half_up, multiply

PAID = ("txn_id", "request_no", "order_no", "principal_id", "vendor", "kind", "amount", "rule", "evidence")
PAID_SCHEMA = ibis.schema({name: "string" for name in PAID if name != "amount"} | {"amount": MONEY})
_CARRIED = ("request_no", "order_no", "principal_id", "vendor", "kind")
# Keys of a debit = keys of an application, strongest first; what pairs one debit and one application posts.
_STEPS = (
    ("P2", ("payee", "currency", "money", "order_no"), "收款账号与金额相等，附言写明订单"),
    ("P3", ("payee", "currency", "money", "day"), "收款账号与金额相等，付款日相同，只有一份申请"),
    ("P4", ("payee", "currency", "money"), "收款账号与金额相等，只有一份申请"),
    ("P5", ("payee_key", "currency", "money", "order_no"), "收款方名称与金额相等，附言写明订单"),
    ("P6", ("payee_key", "currency", "money", "day"), "收款方名称与金额相等，付款日相同，只有一份申请"),
    ("P7", ("payee_key", "currency", "money"), "收款方名称与金额相等，只有一份申请"),
)


def applications(inputs: Prepared) -> ir.Table:
    """Payment applications with what a bank may debit for them: one row an application, currency and amount.

    Columns request_no, key, order_no, principal_id, vendor, kind, payee_key, payee, day, currency, money, fee, is_plain.
    A currency purchase (购汇付款) is debited in its currency, or in CNY at the slip's rate, with or without the fee.
    """
    orders = inputs.orders.select("order_no", "principal_id")
    asked = beside(inputs.payments, orders, "order_no")
    asked = asked.select(
        "request_no",
        "order_no",
        "principal_id",
        "kind",
        "currency",
        "fx_rate",
        key=reference_key(asked.request_no),
        vendor=ibis.cases((asked.payee_type == "供应商", asked.payee_name), else_=text(None)),
        payee_key=name_key(asked.payee_name),
        payee=account_key(asked.payee_account),
        day=asked.paid_on.fill_null(asked.pay_on),
        fee=asked.bank_fee,
        money=asked.amount,
    )
    bought = asked.filter((asked.currency != "CNY") & asked.fx_rate.notnull())
    cny = multiply(bought.money, divide_half_up(bought.fx_rate.cast(RATE), 100, 8))
    bought = bought.mutate(currency=text("CNY"), money=cny)
    charged = bought.filter(bought.fee > NIL)
    charged = charged.mutate(money=(charged.money + charged.fee).cast(MONEY))
    rows = [asked.mutate(is_plain=True), bought.mutate(is_plain=False), charged.mutate(is_plain=False)]
    return inputs.keep("applications", union_of([table.drop("fx_rate") for table in rows]))


def quoted_applications(inputs: Prepared, debits: ir.Table, asked: ir.Table, tokens: ir.Table) -> ir.Table:
    """Debit x application wherever the text names the application's number: debit columns beside the application's."""
    named = tokens.select("txn_id", "key").distinct().inner_join(asked, "key")
    named = named.rename(
        asked_money="money", asked_currency="currency", asked_day="day", asked_payee="payee", asked_key="payee_key"
    )
    columns = ("txn_id", "currency", "money", "booked_on", "payee", "payee_key")
    return inputs.keep("quoted_applications", debits.select(columns).inner_join(named, "txn_id"))


def by_number(inputs: Prepared, quoted: ir.Table, done: ir.Table) -> ir.Table:
    """Debits that name applications and pay them: whole, several at once, or one in part (PAID).

    ``done``: request_no, paid (what lies on it, in the currency of the debit). A second debit for what is paid waits.
    """
    free = beside(quoted, done, ["request_no", "currency"]).filter(lambda t: t.currency == t.asked_currency)
    free = free.filter(free.paid.fill_null(NIL) == NIL)
    whole = first_by(free.filter(free.money == free.asked_money), ["txn_id"], ["request_no"])
    whole = first_by(whole, ["request_no"], ["booked_on", "txn_id"])
    whole = whole.mutate(amount=whole.money, rule=text("P1"), evidence=text("附言写明申请单号，金额相等"))
    rest = free.anti_join(whole, "txn_id").anti_join(whole, "request_no")
    plain = rest.filter(rest.is_plain)
    sums = plain.group_by("txn_id").agg(total=money_sum(plain.asked_money), requests=plain.request_no.nunique())
    several = plain.inner_join(sums, "txn_id")
    several = several.filter((several.requests > 1) & (several.total == several.money))
    several = several.mutate(amount=several.asked_money, rule=text("P8"), evidence=text("附言写明的申请合计等于付款"))
    wanted = several.group_by("request_no").agg(debits=several.txn_id.nunique())
    fought = several.semi_join(wanted.filter(wanted.debits > 1), "request_no").select("txn_id")
    several = several.anti_join(fought, "txn_id")
    return inputs.keep("paid_by_number", union_of([table.select(PAID) for table in (whole, several)]))


def parts(inputs: Prepared, quoted: ir.Table, done: ir.Table, posted: ir.Table) -> ir.Table:
    """Debits that name one application and pay a part of what is left of it, the earliest first (PAID)."""
    rows = beside(quoted.filter(quoted.is_plain), done, ["request_no", "currency"]).filter(
        lambda t: t.currency == t.asked_currency
    )
    rows = rows.anti_join(posted, "txn_id").anti_join(posted, "request_no")
    same = (rows.payee == rows.asked_payee).fill_null(False) | (rows.payee_key == rows.asked_key).fill_null(False)
    rows = rows.filter(same)
    only = rows.group_by("txn_id").agg(requests=rows.request_no.nunique())
    rows = rows.inner_join(only.filter(only.requests == 1), "txn_id")
    in_turn = ibis.window(group_by="request_no", order_by=[rows.booked_on, rows.txn_id], preceding=(None, 0))
    rows = rows.mutate(upto=(money_sum(rows.money).over(in_turn) + rows.paid.fill_null(NIL)).cast(MONEY))
    rows = rows.filter(rows.upto <= rows.asked_money)
    rows = rows.mutate(amount=rows.money, rule=text("P9"), evidence=text("附言写明申请单号，分次付款"))
    return inputs.keep("paid_in_parts", rows.select(PAID))


def _sole(table: ir.Table, keys: Sequence[str], identity: str) -> ir.Table:
    """Of rows that share no NULL key with another row of another ``identity``: one row each."""
    for key in keys:
        table = table.filter(table[key].notnull())
    counted = table.group_by(*keys).agg(number=table[identity].nunique(), chosen=table[identity].min())
    alone = counted.filter(counted.number == 1).drop("number")
    return alone.rename(**{identity: "chosen"})


def by_keys(inputs: Prepared, debits: ir.Table, asked: ir.Table, named_orders: ir.Table) -> ir.Table:
    """Debits that name no application and fit one, and only one, step by step (PAID).

    ``named_orders``: txn_id, order_no of orders named in the texts.
    """
    posted: list[ir.Table] = []
    for rule, keys, said in _STEPS:
        lines = debits.mutate(day=debits.booked_on)
        if "order_no" in keys:
            lines = lines.inner_join(named_orders, "txn_id")
        if keys[0] == "payee_key":
            # Where the line shows an account, the account decides: an equal name at another account is no proof.
            lines = lines.filter(lines.payee.isnull())
        mine, theirs = _sole(lines, keys, "txn_id"), _sole(asked, keys, "request_no")
        pairs = mine.inner_join(theirs, list(keys)).select("txn_id", "request_no", amount="money")
        pairs = first_by(pairs, ["request_no"], ["txn_id"])
        facts = asked.select(*_CARRIED).distinct()
        found = pairs.inner_join(facts, "request_no").mutate(rule=text(rule), evidence=text(said)).select(PAID)
        found = inputs.keep(f"paid_{rule.lower()}", found)
        posted.append(found)
        debits, asked = debits.anti_join(found, "txn_id"), asked.anti_join(found, "request_no")
    return union_of(posted)


def by_sum(inputs: Prepared, debits: ir.Table, asked: ir.Table) -> ir.Table:
    """Debits to one payee that the only sum of its applications meets, all of one day first (PAID)."""
    payees = debits.filter(debits.payee.notnull()).select("payee", "currency").distinct()
    open_ones = asked.filter(asked.is_plain).semi_join(payees, ["payee", "currency"])
    size = open_ones.group_by("payee", "currency").agg(number=open_ones.count())
    small = size.filter((size.number > 1) & (size.number <= 10 * inputs.limits.sum_items_most))
    open_ones = open_ones.semi_join(small, ["payee", "currency"])
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for row in inputs.run(open_ones.select(*_CARRIED, "payee", "currency", "money", "day").order_by("request_no")):
        groups[row["payee"], row["currency"]].append(row)
    waiting = debits.semi_join(small, ["payee", "currency"]).select("txn_id", "payee", "currency", "money", "booked_on")
    claims: dict[str, list[list[dict]]] = {}
    for line in inputs.run(waiting.order_by("txn_id")):
        claims[line["txn_id"]] = _sums(line, groups[line["payee"], line["currency"]], inputs.limits)
    sole = {txn_id: found[0] for txn_id, found in claims.items() if len(found) == 1}
    uses: dict[str, int] = defaultdict(int)
    for rows in sole.values():
        for row in rows:
            uses[row["request_no"]] += 1
    paid = [
        {name: row[name] for name in _CARRIED}
        | {
            "txn_id": txn_id,
            "amount": row["money"],
            "rule": "P10",
            "evidence": f"同一收款方 {len(rows)} 份申请合计等于付款，只有这一种组合",
        }
        for txn_id, rows in sole.items()
        if all(uses[row["request_no"]] == 1 for row in rows)
        for row in rows
    ]
    return inputs.keep("paid_by_sum", inputs.load(paid, PAID_SCHEMA))


def _sums(line: dict, rows: list[dict], limits) -> list[list[dict]]:
    """The sets of applications that sum to a debit: all of its day, all that are open, or found by search."""
    of_day = [row for row in rows if row["day"] == line["booked_on"]]
    natural = [
        group for group in (of_day, rows) if len(group) > 1 and sum(row["money"] for row in group) == line["money"]
    ]
    search = solutions([row["money"] for row in rows], line["money"], Reach.of(limits))
    found = [[rows[place] for place in places] for places in search.found if search.chance <= limits.sum_chance_certain]
    unique = {tuple(row["request_no"] for row in group): group for group in [*natural, *found]}
    return [unique[key] for key in sorted(unique)]
