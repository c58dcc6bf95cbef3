"""Privacy (隐私, PRV-01): a natural person's account shows its last four digits everywhere but in 付款清单.

Who is a person is known from the masters (payers, payout documents) and from the applications themselves
(收款方类型 个人离岸账户). What is published is masked; a later month that must compare accounts again
restores them from the masters by name and last four digits.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

MASK = "****"


def last_four(account: ir.StringColumn) -> ir.StringColumn:
    """``****1234``; an account of four characters or fewer shows nothing but the mask (PRV-01)."""
    return ibis.literal(MASK) + ibis.cases((account.length() > 4, account.right(4)), else_="")


def persons(payers: ir.Table, documents: ir.Table, requests: ir.Table) -> ir.Table:
    """Accounts of natural persons: person_name, person_account, once each.

    ``payers`` and ``documents`` (payout_documents) by is_person, ``requests`` (payments) by payee_type.
    """
    parts = [
        payers.filter(payers.is_person).select(person_name="payer_name", person_account="payer_account"),
        documents.filter(documents.is_person).select(person_name="payee_name", person_account="payee_account"),
        requests.filter(requests.payee_type == "个人离岸账户").select(
            person_name="payee_name", person_account="payee_account"
        ),
    ]
    together = ibis.union(*parts)
    return together.filter(together.person_account.notnull() & ~together.person_account.startswith(MASK)).distinct()


def masked(rows: ir.Table, column: str, known: ir.Table) -> ir.Table:
    """``rows`` with the account in ``column`` masked where it is a person's. ``known`` as ``persons``."""
    accounts = known.select("person_account").distinct()
    joined = rows.left_join(accounts, rows[column] == accounts.person_account)
    shown = ibis.cases((joined.person_account.notnull(), last_four(joined[column])), else_=joined[column])
    return joined.mutate(**{column: shown}).drop("person_account")


def restored(rows: ir.Table, column: str, name: str, known: ir.Table) -> ir.Table:
    """``rows`` with masked accounts in ``column`` made whole where just one person of that ``name`` fits.

    What cannot be restored stays masked: then it is no evidence, and nothing is posted by it.
    """
    by_name = (
        known.mutate(_shown=last_four(known.person_account))
        .group_by("person_name", "_shown")
        .agg(_account=known.person_account.min(), _accounts=known.person_account.nunique())
    )
    only = by_name.filter(by_name._accounts == 1).select("person_name", "_shown", "_account")
    joined = rows.left_join(only, [rows[name] == only.person_name, rows[column] == only._shown])
    whole = ibis.coalesce(joined._account, joined[column])
    return joined.mutate(**{column: whole}).drop("person_name", "_shown", "_account")
