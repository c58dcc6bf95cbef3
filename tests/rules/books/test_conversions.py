"""Which sale fixes which receipt: by the serial it quotes, by the only equal amount, never by guess."""

from decimal import Decimal as D

import ibis
import pytest

from settlement.rules.books.conversions import conversions
from settlement.rules.rows import table_of
from tests.rules.books.tables import rows_of

LINES = ibis.schema(
    {"txn_id": "string", "account_no": "string", "currency": "string", "booked_on": "date", "amount": "decimal(18,2)",
     "bank_ref": "string", "summary": "string", "purpose": "string", "remark": "string", "cny_amount": "decimal(18,2)",
     "fx_rate": "decimal(18,8)"}
)  # fmt: skip
ID = ibis.schema({"txn_id": "string"})


def receipt(txn, amount="100.00", ref=None, **more):
    return {
        "txn_id": txn,
        "account_no": "U",
        "currency": "USD",
        "booked_on": "2023-09-04",
        "amount": amount,
        "bank_ref": ref or f"R{txn}",
    } | more


def sale(txn, amount="-100.00", cny="731.00", **more):
    return {
        "txn_id": txn,
        "account_no": "U",
        "currency": "USD",
        "booked_on": "2023-09-06",
        "amount": amount,
        "bank_ref": f"X{txn}",
        "cny_amount": cny,
    } | more


KNOWN = ibis.schema(
    {"receipt_txn_id": "string", "conversion_txn_id": "string", "amount_fx": "decimal(18,2)", "amount_cny": "decimal(18,2)", "found_by": "string"}
)  # fmt: skip


def fixed(*lines, bought=(), known=()):
    sold = [line["txn_id"] for line in lines if line["amount"].startswith("-")]
    found = conversions(
        table_of(lines, LINES),
        table_of([{"txn_id": each} for each in bought], ID),
        table_of([{"txn_id": each} for each in sold], ID),
        table_of(list(known), KNOWN),
    )
    return rows_of(found, "receipt_txn_id", "amount_fx", "amount_cny", order="receipt_txn_id")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([receipt("A"), sale("S")], [("A", D("100.00"), D("731.00"))]),
        # Two equal receipts, one sale: nobody knows which.
        ([receipt("A"), receipt("B"), sale("S")], []),
        # ... unless the sale quotes one, however the serial is run into the Chinese text.
        ([receipt("A"), receipt("B"), sale("S", remark="结汇USD100 原流水RB")], [("B", D("100.00"), D("731.00"))]),
        ([receipt("A"), receipt("B"), sale("S", "-200.00", "1462.01", remark="原流水RA、RB")], [("A", D("100.00"), D("731.01")), ("B", D("100.00"), D("731.00"))]),
        ([receipt("A"), sale("S", "-40.00", "292.40", remark="RA")], [("A", D("40.00"), D("292.40"))]),
        # A sale before the receipt, in another account, or whose CNY nobody knows fixes nothing.
        ([receipt("A", booked_on="2023-09-07"), sale("S")], []),
        ([receipt("A", account_no="V"), sale("S")], []),
        ([receipt("A"), sale("S", cny=None)], []),
        # A sale that quotes an advised receipt is of that one, and the other sale of its amount is the only one left.
        ([receipt("A"), sale("S"), receipt("B", fx_rate="7.3"), sale("T", cny="730.00", remark="原流水RB")], [("A", D("100.00"), D("731.00"))]),
        ([receipt("A"), receipt("B", fx_rate="7.3"), sale("S", cny="730.00", remark="原流水RB")], []),
        # An advised receipt needs none.
        ([receipt("A", fx_rate="7.3"), sale("S")], []),
    ],
)  # fmt: skip
def test_what_a_sale_fixes(lines, expected):
    assert fixed(*lines) == expected


def test_the_cny_of_a_sale_is_the_one_credit_with_its_serial():
    credit = {
        "txn_id": "C",
        "account_no": "Y",
        "currency": "CNY",
        "booked_on": "2023-09-06",
        "amount": "731.00",
        "bank_ref": "XS",
    }
    lines = [receipt("A"), sale("S", cny=None), credit]
    assert fixed(*lines, bought=["C"]) == [("A", D("100.00"), D("731.00"))]
    twin = credit | {"txn_id": "C2"}
    assert fixed(*lines, twin, bought=["C", "C2"]) == []


def test_what_a_month_fixed_stays_fixed_when_the_same_amount_comes_again():
    first, second = (
        (receipt("A"), sale("S")),
        (receipt("B", booked_on="2023-10-09"), sale("T", cny="729.00", booked_on="2023-10-11")),
    )
    # All seen at once, the second sale could be of either receipt, and nothing of it is certain.
    assert fixed(*first, *second) == []
    known = {
        "receipt_txn_id": "A",
        "conversion_txn_id": "S",
        "amount_fx": "100.00",
        "amount_cny": "731.00",
        "found_by": "唯一等额",
    }
    assert fixed(*first, *second, known=[known]) == [("B", D("100.00"), D("729.00"))]


def test_the_rest_of_a_receipt_sold_in_part_is_fixed_by_its_next_sale_alone():
    known = {
        "receipt_txn_id": "A",
        "conversion_txn_id": "S",
        "amount_fx": "40.00",
        "amount_cny": "292.40",
        "found_by": "流水号",
    }
    lines = [receipt("A"), sale("S", "-40.00", "292.40", remark="RA"), sale("T", "-60.00", "437.00", remark="RA")]
    assert fixed(*lines, known=[known]) == [("A", D("60.00"), D("437.00"))]
    assert fixed(*lines[:2], known=[known]) == []
