"""Who pays: which principals a payer is known for, by account first, then by name.

Known are a principal itself, its payers of the master, the foreign buyers of its export orders, and
payers whom finance's decisions have placed (learned aliases). A similar name is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.decisions import decide
from settlement.matching.names import account_key, name_key
from settlement.matching.prepared import Prepared
from settlement.matching.relations import beside, text, union_of

BUREAU = r"国家金库|国库|税务局|待报解"


@dataclass(frozen=True)
class Parties:
    """``scope``: one row a credit and principal its payer is known for (txn_id, principal_id, is_buyer, is_weak, how).

    ``credits``: the credits with party (own, weak, conflict, many, bureau, unknown), principal_id where it is one, how.
    ``known``: kind, key, principal_id — what a payer may be known by.
    """

    scope: ir.Table
    credits: ir.Table
    known: ir.Table


def _known_rows(table: ir.Table, kind: str, key: ir.Value, **values: object) -> ir.Table:
    columns = {
        "principal_id": table.principal_id,
        "is_buyer": ibis.literal(False),
        "is_weak": ibis.literal(False),
        "valid_from": ibis.null("date"),
        "valid_to": ibis.null("date"),
        "source": text(None),
    } | values
    return table.select(kind=ibis.literal(kind), key=key, **columns)


def _masters(inputs: Prepared) -> list[ir.Table]:
    principals, payers = inputs.principals, inputs.payers
    self_ = {"source": text("委托方本人")}
    is_person = payers.is_person.fill_null(False)
    listed = {
        "valid_from": payers.valid_from,
        "valid_to": payers.valid_to,
        "source": "付款人表(" + payers.relation + ")",
    }
    return [
        _known_rows(principals, "account", account_key(principals.bank_account), **self_),
        _known_rows(principals, "name", name_key(principals.name), **self_),
        _known_rows(principals, "name", name_key(principals.name_en), **self_),
        _known_rows(payers, "account", account_key(payers.payer_account), **listed),
        # Many persons bear one name: where the master knows the account, the name alone is weak.
        _known_rows(
            payers, "name", name_key(payers.payer_name), is_weak=is_person & payers.payer_account.notnull(), **listed
        ),
    ]


def _cut_names(inputs: Prepared) -> list[ir.Table]:
    """Names longer than SWIFT's line as they arrive: cut."""
    cut = inputs.limits.cut_length
    listed = inputs.payers.select("principal_id", name="payer_name")
    english = inputs.principals.select("principal_id", name="name_en")
    long = listed.union(english)
    long = long.filter(long.name.length() > cut)
    return [_known_rows(long, "cut", name_key(long.name.substr(0, cut)), source=text("名称被银行截断"))]


def _buyers(inputs: Prepared) -> list[ir.Table]:
    """Foreign buyers of export orders, whole names and cut ones."""
    orders, cut = inputs.orders, inputs.limits.cut_length
    named = orders.filter(orders.buyer_key.notnull()).select("principal_id", "counterparty", "buyer_key").distinct()
    long = named.filter(named.counterparty.length() > cut)
    buyer = {"is_buyer": ibis.literal(True), "source": text("订单的境外客商")}
    return [
        _known_rows(named, "name", named.buyer_key, **buyer),
        _known_rows(long, "cut", name_key(long.counterparty.substr(0, cut)), **buyer),
    ]


def _learned(inputs: Prepared, decided: ir.Table) -> list[ir.Table]:
    """Payers of receipts that finance gave whole to one principal: by account, else by name."""
    sole = decided.group_by("txn_id").agg(
        principal_id=decided.principal_id.min(), principals=decided.principal_id.fill_null("").nunique()
    )
    sole = sole.filter((sole.principals == 1) & sole.principal_id.notnull())
    lines = inputs.transactions.filter(inputs.transactions.amount > 0)
    taught = lines.select("txn_id", "counterparty_name", "counterparty_account").inner_join(sole, "txn_id")
    source = {"source": text("财务认领过的付款人")}
    return [
        _known_rows(taught, "account", account_key(taught.counterparty_account), **source),
        _known_rows(taught, "name", name_key(taught.counterparty_name), **source),
    ]


def known_payers(inputs: Prepared) -> ir.Table:
    """Every key a payer may be known by, one row a key, principal and span of dates.

    Columns kind (account, name, cut), key, principal_id, is_buyer, is_weak, valid_from, valid_to, source.
    """
    return inputs.once("known_payers", lambda: _known_payers(inputs, decide(inputs).pieces))


def _known_payers(inputs: Prepared, decided: ir.Table) -> ir.Table:
    own = inputs.own_accounts.select(key=account_key(inputs.own_accounts.account_no))
    # Kept before it is filtered: a key is worked out once, not once to filter and once to have.
    rows = union_of([*_masters(inputs), *_cut_names(inputs), *_buyers(inputs), *_learned(inputs, decided)])
    rows = inputs.keep("payers_listed", rows)
    rows = rows.filter(rows.key.notnull() & (rows.key != "")).anti_join(own, "key")
    # What the masters say beats what an order suggests.
    rows = rows.group_by("kind", "key", "principal_id", "valid_from", "valid_to").agg(
        is_buyer=rows.is_buyer.min(), is_weak=rows.is_weak.min(), source=rows.source.min()
    )
    return inputs.keep("known_payers", rows)


def _met(credits: ir.Table, known: ir.Table, most: int) -> ir.Table:
    """Credit x principal wherever an account or a name is known and valid on the day of booking."""
    crowd = known.group_by("kind", "key").agg(principals=known.principal_id.nunique())
    usable = known.anti_join(crowd.filter(crowd.principals > most), ["kind", "key"])
    looks = {"account": credits.payer_account, "name": credits.payer_key, "cut": credits.cut_key}
    asked = union_of([credits.select("txn_id", "booked_on", kind=text(kind), key=key) for kind, key in looks.items()])
    rows = asked.filter(asked.key.notnull()).inner_join(usable, ["kind", "key"])
    valid = (rows.valid_from.isnull() | (rows.booked_on >= rows.valid_from)) & (
        rows.valid_to.isnull() | (rows.booked_on <= rows.valid_to)
    )
    return rows.filter(valid)


def parties(inputs: Prepared, credits: ir.Table, known: ir.Table) -> Parties:
    """Who pays each of ``credits`` (``keyed_lines``), by what is known (``known_payers``).

    Where the account is known it decides, and a name known for other principals only is a conflict.
    """
    cut = inputs.limits.cut_length
    length = credits.counterparty_name.length()
    cut_key = ibis.cases(((length >= cut - 2) & (length <= cut), credits.payer_key), else_=text(None))
    met = _met(credits.mutate(cut_key=cut_key), known, inputs.limits.payer_principals_most)
    pairs = met.group_by("txn_id", "principal_id").agg(
        by_account=(met.kind == "account").max(),
        by_name=(met.kind != "account").max(),
        is_buyer=met.is_buyer.min(),
        is_weak=met.is_weak.min(),
        how=met.source.min(),
    )
    pairs = inputs.keep("payers_met", pairs)
    whole = pairs.group_by("txn_id").agg(
        accounts=pairs.by_account.sum(),
        names=pairs.by_name.sum(),
        both=(pairs.by_account & pairs.by_name).sum(),
    )
    odd = whole.filter((whole.accounts > 0) & (whole.names > 0) & (whole.both == 0)).select("txn_id")
    by_account = whole.filter(whole.accounts > 0).select("txn_id")
    scope = pairs.filter(pairs.by_account).union(pairs.anti_join(by_account, "txn_id"))
    scope = beside(scope, odd.mutate(is_conflict=True), "txn_id")
    scope = scope.select(
        "txn_id",
        "principal_id",
        "is_buyer",
        "how",
        is_weak=scope.is_weak & ~scope.by_account,
        is_conflict=scope.is_conflict.fill_null(False),
    )
    scope = inputs.keep("payer_scope", scope)
    return Parties(
        scope=scope, credits=inputs.keep("payers_of", _payers_of(inputs, credits, scope, known)), known=known
    )


def _payers_of(inputs: Prepared, credits: ir.Table, scope: ir.Table, known: ir.Table) -> ir.Table:
    summed = scope.group_by("txn_id").agg(
        principals=scope.count(),
        sole=scope.principal_id.min(),
        is_conflict=scope.is_conflict.max(),
        is_weak=scope.is_weak.min(),
        how=scope.how.min(),
    )
    crowd = known.group_by("kind", "key").agg(many=known.principal_id.nunique())
    crowd = crowd.filter(crowd.many > inputs.limits.payer_principals_most).select("key").distinct()
    crowded = credits.select("txn_id", key="payer_account").union(credits.select("txn_id", key="payer_key"))
    crowded = crowded.semi_join(crowd, "key").select("txn_id").distinct().mutate(is_many=True)
    rows = beside(beside(credits, summed, "txn_id"), crowded, "txn_id")
    bureau = rows.counterparty_name.re_search(BUREAU).fill_null(False)
    party = ibis.cases(
        (rows.principals.isnull() & rows.is_many.fill_null(False), "many"),
        (rows.principals.isnull(), ibis.ifelse(bureau, "bureau", "unknown")),
        (rows.is_conflict, "conflict"),
        (rows.is_weak, "weak"),
        else_="own",
    )
    principal = ibis.cases((rows.principals == 1, rows.sole), else_=text(None))
    return rows.mutate(party=party, principal_id=principal).drop(
        "principals", "sole", "is_conflict", "is_weak", "is_many"
    )


def with_parties(targets: ir.Table, parties: Parties, inputs: Prepared) -> ir.Table:
    """``targets`` (receipt x order) with the credit's columns and ``party``: what the payer is to the order's principal."""
    columns = ("txn_id", "currency", "booked_on", "amount", "payer_key", "payer_account", "bank_fee", "said")
    credits = parties.credits.select(*columns, payer="party")
    rows = targets.inner_join(credits, "txn_id")
    scope = parties.scope.select("txn_id", "principal_id", "is_buyer", "is_weak")
    rows = beside(rows, scope, ["txn_id", "principal_id"])
    rows = beside(rows, inputs.orders.select("order_no", order_buyer="buyer_key"), "order_no")
    rows = beside(rows, _crowd_members(rows, parties.known), ["txn_id", "principal_id"])
    stranger = rows.is_buyer & ~rows.order_buyer.startswith(rows.payer_key).fill_null(False)
    party = ibis.cases(
        (rows.payer.isin(["conflict", "bureau", "unknown"]), rows.payer),
        ((rows.payer == "many") & rows.is_member, "own"),
        (rows.is_buyer.isnull(), "other"),
        (rows.is_weak, "weak"),
        (stranger, "buyer"),
        else_="own",
    )
    return rows.mutate(party=party).drop("payer", "is_buyer", "is_weak", "order_buyer", "payer_account", "is_member")


def _crowd_members(rows: ir.Table, known: ir.Table) -> ir.Table:
    """For payers of too many principals to list: whether they are known for the principal of the order they name."""
    many = rows.filter(rows.payer == "many").select("txn_id", "principal_id", "payer_key", "payer_account")
    keys = known.select("key", "principal_id").distinct()
    met = [many.semi_join(keys, [(column, "key"), "principal_id"]) for column in ("payer_key", "payer_account")]
    members = union_of([table.select("txn_id", "principal_id") for table in met]).distinct()
    return members.mutate(is_member=True)
