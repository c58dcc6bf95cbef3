"""Containers (箱型): weight against the box, and the heavy surcharge of a 20-foot box.

Kilograms, gross weight of the cargo, spread evenly over the boxes of an order. Every function serves
``Decimal`` and columns. What does not belong here: reading ``1x40HQ,2x20GP`` (books/freight_orders.py).
"""

from __future__ import annotations

from settlement.rules.either import Truth, exact
from settlement.rules.money import Number
from settlement.rules.registry import rule


@rule(
    "S2-CNT-01", "FRT-01",
    inputs=("orders.gross_weight_kg", "orders.containers", "container_limit"), codes=("CNT_OVERWEIGHT",),
)  # fmt: skip
def is_overweight(gross_kg: Number, payload_kg: Number) -> Truth:
    """Whether cargo is heavier than the boxes can carry together.

    Formula: gross > Σ payload of the boxes. Units: kg. Rounding: none, equality fits. Errors: none.
    Source: S2 l.507; FRT-01.

    >>> is_overweight(Decimal("26700"), Decimal("26700")), is_overweight(Decimal("26700.01"), Decimal("26700"))
    (False, True)
    """
    return gross_kg > exact(payload_kg, among=(gross_kg,))


@rule(
    "S2-CNT-02", "C-31",
    inputs=("orders.gross_weight_kg", "orders.containers", "container_limit"), codes=("CNT_HEAVY_20",),
)  # fmt: skip
def is_heavy(gross_kg: Number, boxes: Number | int, heavy_kg: Number) -> Truth:
    """Whether the boxes of a type are heavy (超重柜): the carrier asks a surcharge, the client must know.

    Formula: gross > heavy × boxes, strictly. Units: kg, 1 t = 1000 kg. Rounding: none. Errors: none.
    Source: S2 l.512 (22 T); decision C-31.

    >>> is_heavy(Decimal("22000"), 1, Decimal("22000")), is_heavy(Decimal("22000.5"), 1, Decimal("22000"))
    (False, True)
    """
    among = (gross_kg, boxes, heavy_kg)
    return gross_kg > exact(boxes, among=among) * exact(heavy_kg, among=among)
