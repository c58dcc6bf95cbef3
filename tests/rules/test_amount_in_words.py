"""大写: words come back as the amount, in every official form, for values and columns; nonsense does not."""

from __future__ import annotations

from decimal import Decimal

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules.amount_in_words import LARGEST, amount_in_words, amount_of_words
from settlement.rules.rows import table_of

# Figures with many gaps: that is where words go wrong.
gappy = st.text("00012", min_size=1, max_size=14).map(lambda digits: Decimal(int(digits)).scaleb(-2))
AMOUNTS = st.one_of(gappy, st.decimals(Decimal("0.00"), LARGEST, places=2))


@given(AMOUNTS)
def test_words_come_back_as_the_amount(amount):
    words = amount_in_words(amount)
    assert amount_of_words(words) == amount
    assert "零零" not in words and words.startswith("人民币")
    assert amount_of_words(words.replace("元", "圆").replace("整", "正")) == amount


def test_columns_say_the_same(con):
    amounts = [Decimal(number**4 * 10_007 % 99_999_999_999_989).scaleb(-2) for number in range(300)]
    amounts += [Decimal(int(f"{number:b}")).scaleb(-2) for number in range(1, 4000, 13)]
    rows = [{"amount": amount, "words": amount_in_words(amount)} for amount in amounts]
    table = table_of(rows, ibis.schema({"amount": "decimal(18, 2)", "words": "string"}))
    table = table.mutate(said=amount_in_words(table.amount), read=amount_of_words(table.words))
    got = con.to_pyarrow(table).to_pylist()
    assert len(got) == len(rows)
    assert [row for row in got if row["said"] != row["words"] or row["read"] != row["amount"]] == []


NONSENSE = ["", "人民币", "元整", "人民币元", "壹佰", "整", "壹仟壹仟元整", "壹元壹元", "一百元整", "壹元贰", "abc"]


@pytest.mark.parametrize("words", NONSENSE)
def test_nonsense_is_no_amount(words):
    with pytest.raises(ValueError, match="no amount in words"):
        amount_of_words(words)


def test_nonsense_is_null_on_columns(con):
    table = table_of([{"words": words} for words in [*NONSENSE, None]], ibis.schema({"words": "string"}))
    got = con.to_pyarrow(table.mutate(read=amount_of_words(table.words))).to_pylist()
    assert [row for row in got if row["read"] is not None] == []


@pytest.mark.parametrize("amount", [Decimal("-0.01"), LARGEST + 1])
def test_what_cannot_be_written_is_refused(amount, con):
    with pytest.raises(ValueError, match="cannot be written"):
        amount_in_words(amount)
    table = table_of([{"amount": amount}], ibis.schema({"amount": "decimal(18, 2)"}))
    assert con.to_pyarrow(table.select(words=amount_in_words(table.amount))).to_pylist() == [{"words": None}]
