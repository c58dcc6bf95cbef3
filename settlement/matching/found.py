"""Exceptions that matching raises, as rows of one schema."""

from __future__ import annotations

import ibis.expr.types as ir

from settlement.matching.relations import NIL, in_schema
from settlement.rules.exceptions import FOUND

# What an exception is about: the columns every source of exceptions fills, the rest is NULL.
_OPTIONAL = ("field", "found", "order_no", "principal_id", "amount_at_risk_cny", "rule_id", "source_file", "source_row")


def found_rows(table: ir.Table, code: str | ir.StringValue, message: ir.StringValue, **columns: object) -> ir.Table:
    """One exception a row of ``table`` in the schema FOUND.

    ``table`` gives txn_id, and where it has them source_file, source_row, order_no, principal_id,
    amount_at_risk_cny (0.00 without the column, NULL where it is not known) and booked_on (arisen_on); ``columns``
    overrides. ``subject`` defaults to the txn_id.
    """
    values: dict[str, object] = {"amount_at_risk_cny": NIL}
    values |= {name: table[name] for name in _OPTIONAL if name in table.columns}
    values |= {"txn_id": table.txn_id, "subject": table.txn_id, "code": code, "message": message}
    if "booked_on" in table.columns:
        values["arisen_on"] = table.booked_on
    values |= columns
    return in_schema(table, values, FOUND)
