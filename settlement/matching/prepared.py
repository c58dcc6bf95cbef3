"""The inputs once prepared: what every stage asks of an order, and the decision table as a relation, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TypeVar

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import SCHEMA, Row, expanded, rows
from settlement.matching.inputs import MatchInputs
from settlement.matching.names import with_name_key
from settlement.matching.relations import text

# What matching asks of an order, of all that an order file holds.
ORDER = (
    "order_no", "principal_id", "services", "currency", "amount_fx", "declared_fx", "counterparty", "ordered_on", "sailed_on",
    "freight_treatment", "agency_fee", "agency_fee_rate", "other_fee", "contract_no", "pi_no", "bl_no", "declaration_no",
)  # fmt: skip
Made = TypeVar("Made")
EXPORT = "出口贸易代理"
IMPORT = "进口贸易代理"


@dataclass(frozen=True)
class Prepared(MatchInputs):
    """MatchInputs whose ``orders`` are ORDER with is_export, is_import, is_live and buyer_key (export orders only).

    ``decision_table``: every combination of facts with the row that fits it (``decision_table.expanded``); ``rows``:
    the same table as rows, for what is decided in Python.
    """

    decision_table: ir.Table
    rows: tuple[Row, ...]
    made: dict[str, object] = field(default_factory=dict, compare=False)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What both receipts and payments ask: made when it is asked for first."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


def prepared(inputs: MatchInputs, table: tuple[Row, ...] | None = None) -> Prepared:
    """``inputs`` with what all stages ask, kept; ``table`` in place of the decision table, to try something out.
    Given prepared inputs it changes nothing.

    An order is live while it is neither cancelled (取消) nor withdrawn (退载), C-43.
    """
    if isinstance(inputs, Prepared):
        return inputs
    orders = inputs.orders
    dropped = (orders.order_status == "取消") | (orders.shipment_status == "退载")
    is_export = orders.services.contains(EXPORT)
    orders = orders.select(
        *ORDER,
        is_export=is_export,
        is_import=orders.services.contains(IMPORT) & ~is_export,
        is_live=~dropped.fill_null(False),
    )
    orders = with_name_key(orders, "counterparty", "buyer_key")
    orders = orders.mutate(buyer_key=ibis.cases((orders.is_export, orders.buyer_key), else_=text(None)))
    given = {field.name: getattr(inputs, field.name) for field in fields(MatchInputs)}
    given["orders"] = inputs.keep("orders_prepared", orders)
    relation = inputs.keep("decision_table", inputs.load(list(expanded(table)), SCHEMA))
    return Prepared(**given, decision_table=relation, rows=table or rows())
