"""Signs: + = we owe the principal; the seed's import sign is its reverse, the export sign is its own."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from settlement.rules import balances

amounts = st.decimals(Decimal("0.00"), Decimal("99999999.99"), places=2)


@given(received=amounts, charged=amounts, paid=amounts)
def test_signs_agree_whatever_the_amounts(received, charged, paid):
    canonical = balances.balance(received, charged, paid)
    assert balances.import_balance_seed(charged + paid, received) == -canonical
    assert balances.export_balance_seed(received - charged, paid) == canonical
    assert balances.displayed_balance("export", canonical) == canonical
    assert balances.displayed_balance("import", canonical) == -canonical
    assert balances.displayed_balance("logistics", canonical) == -canonical


@given(canonical=st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2))
def test_next_step_says_who_pays(canonical):
    for kind in ("export", "import", "logistics"):
        said = balances.next_step(kind, canonical)
        if canonical == 0:
            assert said.startswith("已结清")
        else:
            assert str(abs(canonical)) in said
            assert said.startswith(("应付委托方", "应退委托方")) == (canonical > 0)


def test_an_unknown_kind_shows_no_figure():
    assert balances.displayed_balance("barter", Decimal("1.00")) is None
