"""The month the books begin with: in it, and once, the opening (期初) is posted. Joins the run to nothing else."""

from __future__ import annotations

from settlement.assets.run import SettlementRun


def first_month(run: SettlementRun) -> str:
    """The first month that was ever settled, else this one (``YYYY-MM``)."""
    begun = [
        run.past(name).month.min().to_pyarrow().as_py()
        for name in ("principal_ledger", "control_totals")
        if run.warehouse.has_books("mart", name)
    ]
    return min([each for each in begun if each] or [run.month])
