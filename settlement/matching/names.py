"""Names of companies and persons as keys that compare (BNK-08, C-27).

Two names are the same when their keys are: upper case, punctuation and spaces out, LIMITED = LTD,
COMPANY = CO. 有限责任公司 and 有限公司 stay two. Anything less than equal keys only proposes.
"""

from __future__ import annotations

import ibis.expr.types as ir

from settlement.rules.names import name_key


def with_name_key(table: ir.Table, column: str, into: str, listed: ir.Table | None = None) -> ir.Table:
    """``table`` with the key of the names in ``column``; NULL for an absent name or one without letters.

    Each distinct name is worked on once: a payer pays often. ``listed`` has all of them in the same column, where
    ``table`` is costly to compute twice.
    """
    listed = table if listed is None else listed
    names = listed.select(_name=listed[column]).filter(lambda t: t._name.notnull()).distinct()
    keys = names.mutate(**{into: name_key(names._name).nullif("")})
    return table.left_join(keys, [(column, "_name")]).drop("_name")


def account_key(account: ir.StringValue) -> ir.StringValue:
    """An account number without the blanks and hyphens it is printed with; NULL where nothing is left."""
    return account.upper().replace(" ", "").replace("-", "").nullif("")
