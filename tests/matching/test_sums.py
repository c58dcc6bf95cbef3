"""The search for sums: exact within what it says it looked at, and it says so; receipts of several orders in turn."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.matching.reading import Anchor, candidates
from settlement.matching.sequence import Item, Receipt, Target, settle
from settlement.matching.sums import Reach, solutions

from .worlds import shipped_limits

WIDE = Reach(items=60, terms=8, shown=5, chance=Decimal(10) ** 9)
money = st.integers(1, 2_000).map(lambda fen: Decimal(fen) / 100)


def every_sum(amounts: list[Decimal], target: Decimal, most: int) -> set[tuple[int, ...]]:
    """All sets of two to ``most`` places that sum to the target, by trying each."""
    return {
        places
        for terms in range(2, most + 1)
        for places in combinations(range(len(amounts)), terms)
        if sum(amounts[place] for place in places) == target
    }


@given(st.lists(money, min_size=2, max_size=9), st.data())
def test_the_search_finds_every_sum_up_to_the_terms_it_names(amounts, data):
    picked = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=2))
    target = sum(amounts[place] for place in picked)
    search = solutions(amounts, target, WIDE)
    expected = every_sum(amounts, target, search.terms)
    assert set(search.found) <= expected
    assert len(search.found) == min(len(expected), WIDE.shown + 1)


@settings(max_examples=25)
@given(st.lists(money, min_size=13, max_size=18), st.data())
def test_larger_groups_are_searched_as_exactly_up_to_four_terms(amounts, data):
    places = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=2, max_size=4))
    target = sum(amounts[place] for place in places)
    search = solutions(amounts, target, WIDE)
    # Only what is less than the target can be part of it; up to twelve of these every combination is tried.
    assert search.terms <= 4 or sum(amount < target for amount in amounts) <= 12
    assert len(search.found) == min(len(every_sum(amounts, target, search.terms)), WIDE.shown + 1)


def test_a_group_over_the_bound_is_not_searched_and_says_so():
    amounts = [Decimal(n) + Decimal("0.01") for n in range(61)]
    search = solutions(amounts, Decimal("9999.02"), WIDE)
    assert (search.found, search.terms, search.tried) == ((), 0, 0)


def test_sums_that_chance_would_make_are_not_sought():
    round_ones = [Decimal(1000 * n) for n in range(1, 9)]
    limits = shipped_limits()
    assert solutions(round_ones, Decimal(12000), Reach.of(limits)).terms < 2


items = st.lists(st.tuples(st.sampled_from("ABCD"), money), min_size=1, max_size=6)
receipts = st.lists(st.tuples(st.sets(st.sampled_from("ABCD"), min_size=1), money), min_size=1, max_size=6)


@settings(max_examples=60)
@given(items, receipts)
def test_in_turn_no_item_is_overpaid_and_no_receipt_overspent(owed, paying):
    held: dict[tuple[str, str], list[Item]] = {}
    for place, (order, amount) in enumerate(owed):
        held.setdefault((order, "USD"), []).append(Item(order, f"项{place}", "P1", amount, amount))
    total = {id(item): item.room for group in held.values() for item in group}
    made = [
        Receipt(
            txn_id=place, booked_on=date(2023, 9, 1), amount=amount, currency="USD", said="", text=" ".join(sorted(orders)),
            bank_fee=Decimal(0), small=Decimal(50), is_alike=False, is_unclear=False,
            targets=tuple(Target(order, "P1", order, "own", False, True, True, True) for order in sorted(orders)),
        )
        for place, (orders, amount) in enumerate(paying)
    ]  # fmt: skip
    put: dict[int, Decimal] = {}
    for outcome in settle(made, held, shipped_limits()):
        assert sum((amount for _, amount in outcome.pieces), Decimal(0)) <= outcome.receipt.amount
        for item, amount in outcome.pieces:
            assert amount > 0
            put[id(item)] = put.get(id(item), Decimal(0)) + amount
    assert all(put[key] <= total[key] for key in put)


@given(st.text(alphabet="SO0123456789-/、，至到 A和TUSD.,:()", max_size=40))
def test_reading_proposes_only_numbers_of_the_known_form_and_never_fails(tail):
    text = f"SO0156{tail}"
    found = candidates(text, [Anchor("SO0156", "SO0156")], 50, "5000")
    assert all(one.key.startswith("SO") and len(one.key) == 6 for one in found if one.how in ("range", "list"))
    assert all(one.members <= 50 for one in found)
