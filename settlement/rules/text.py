"""Text that people read: joining the parts of a remittance text."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def joined(*parts: ir.StringColumn) -> ir.StringColumn:
    """Remittance text (附言): the parts that are there, in order, with a blank between; NULL where none is."""
    whole = ibis.literal("")
    for part in parts:
        whole = whole + ibis.cases(
            (ibis.coalesce(part, "") == "", ""), else_=ibis.literal(" ") + ibis.coalesce(part, "")
        )
    return whole.strip().nullif("")
