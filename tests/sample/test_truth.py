"""The answers agree with the files: references that decide are in the text, silence is not called decided."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from decimal import Decimal

from tests.sample.reading import good, months_of, truth
from tests.sample.test_statements import statement

REF = {"icbc": "凭证号", "cmb": "流水号", "boc": "交易流水号[ Transaction reference number ]"}
TEXT = {
    "icbc": ["摘要", "用途", "(回单)个性化信息"],
    "cmb": ["摘要", "用途"],
    "boc": ["用途[ Purpose ]", "交易附言[ Remark ]"],
}


def texts_by_ref(home):
    found = {}
    for month in months_of(home):
        for path in sorted((home / "raw" / month / "bank").iterdir()):
            layout, rows, _, _ = statement(path)
            for row in rows:
                if row[REF[layout]]:
                    found[row[REF[layout]]] = " ".join(row.get(name, "") for name in TEXT[layout])
    return found


def plain(text):
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text).upper()).replace("O", "0")


def test_a_decided_reference_is_in_the_text(home):
    orders = {row["order_no"]: row for row in good(home, "orders", months_of(home))}
    texts = texts_by_ref(home)
    checked = 0
    answers = truth(home, "receipts.csv")
    pieces = Counter(row["bank_ref"] for row in answers)
    for row in answers:
        if (
            row["bank_ref"]
            and pieces[row["bank_ref"]] == 1
            and row["why"] in ("reference", "reference by an unknown payer")
        ):
            order, text = orders[row["order_no"]], plain(texts[row["bank_ref"]])
            names = [order[name] for name in ("order_no", "contract_no", "pi_no", "bl_no") if order[name]]
            assert any(plain(name) in text for name in names), (row, text)
            checked += 1
    assert checked > 20


def test_nothing_is_called_decided_without_a_name_unless_the_amount_is_alone(home):
    rows = [row for row in truth(home, "receipts.csv") if row["why"] == "only open item of this amount"]
    open_twins = [row for row in truth(home, "receipts.csv") if row["why"] == "several open items of this amount"]
    twins = {(row["world_principal_id"], row["amount"]) for row in open_twins}
    assert rows and not {(row["principal_id"], row["amount"]) for row in rows} & twins
    assert all(not row["order_no"] and row["verdict"] == "open" for row in open_twins)


def test_what_contradicts_must_stay_open(home):
    rows = [row for row in truth(home, "receipts.csv") if row["why"] == "reference of an order that is not the payer's"]
    assert rows
    assert all(
        (row["verdict"], row["decidable"], row["order_no"], row["principal_id"]) == ("open", "no", "", "")
        for row in rows
    )


def test_orders_of_the_answers_are_known_by_then(home):
    known = set()
    answers = truth(home, "receipts.csv")
    for month in months_of(home):
        known |= {row["order_no"] for row in good(home, "orders", [month])}
        assert {row["order_no"] for row in answers if row["month"] == month} <= known | {""}


def test_every_kind_of_mess_happens(hard_home):
    whys = Counter(row["why"] for row in truth(hard_home, "receipts.csv"))
    assert len(whys) >= 16, whys
    pieces = Counter(
        (row["bank_ref"], row["account_no"]) for row in truth(hard_home, "receipts.csv") if row["bank_ref"]
    )
    assert max(pieces.values()) >= 3
    orders = Counter(
        row["order_no"] for row in truth(hard_home, "receipts.csv") if row["purpose"] == "货款" and row["order_no"]
    )
    assert max(orders.values()) >= 2


def test_foreign_receipts_are_converted_once(home):
    """A conversion leaves one account and arrives in another: the CNY credit is nobody's."""
    rows = [row for row in truth(home, "receipts.csv") if row["purpose"] == "结汇"]
    assert rows and all(not row["principal_id"] and not row["order_no"] for row in rows)
    out = [row for row in truth(home, "payments.csv") if row["kind"] == "结汇"]
    assert Counter(row["bank_ref"] for row in rows) == Counter(row["bank_ref"] for row in out)


def test_the_mess_is_worse_when_hard(hard_home, easy_home):
    def share(home):
        rows = [row for row in truth(home, "receipts.csv") if row["purpose"] in ("货款", "物流费", "税金")]
        return Decimal(sum(row["verdict"] != "post" for row in rows)) / len(rows)

    assert share(hard_home) > share(easy_home)
