"""The labelled benchmark: hand-written receipts with their open items and the right answer, as one world.

Cases stand in ``tests/cases/matching/*.yaml``; how they are written, and how another system is scored on them, is told
in ``docs/matching-benchmark.md``. All cases of all files are matched in one run: no two cases share a number or a
payer unless a file says so on purpose (``firms``), and the loader refuses them where they do.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from .worlds import World

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "matching"
_ORDER_FIELDS = {
    "contract": "contract_no", "pi": "pi_no", "bl": "bl_no", "decl": "declaration_no", "buyer": "counterparty",
    "status": "order_status", "ordered": "ordered_on", "declared": "declared_fx", "fee": "agency_fee", "ship": "shipment_status",
}  # fmt: skip
_GOODS, _FREIGHT, _IMPORT, _TAX, _REFUND = "货款", "物流费", "进口", "税金", "退税款"


@dataclass(frozen=True)
class Expected:
    """The right answer of one receipt: pieces by order (None = on account) and principal, or nobody's purpose, or open."""

    pieces: dict[tuple[str | None, str | None], Decimal]
    sure: str | None
    purpose: str | None
    code: str | None


@dataclass
class Case:
    """One case: its id, what it is about, and the receipts with their answers (by txn_id)."""

    id: str
    about: str
    file: str
    expected: dict[str, Expected] = field(default_factory=dict)


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


def _add_firm(world: World, file: str, key: str, firm: dict) -> None:
    principal = f"{file}-{key}"
    world.principal(principal, firm["name"], name_en=firm.get("en"), bank_account=firm.get("account"))
    for buyer in firm.get("buyers", ()):
        world.add("payers", principal_id=principal, payer_name=buyer, relation="境外客商")
    for payer in firm.get("payers", ()):
        given = _pairs(shlex.split(payer))
        world.add(
            "payers", principal_id=principal, payer_name=given.get("name"), payer_account=given.get("account"),
            relation=given.get("relation", "代付"), is_person=given.get("person") == "是",
            valid_from=given.get("from"), valid_to=given.get("to"),
        )  # fmt: skip


def _add_item(world: World, file: str, written: str) -> str:
    """An open item: ``order firm currency amount key=value ...``; gives the order number."""
    order, firm, currency, amount, *rest = shlex.split(written)
    given = _pairs(rest)
    kind, principal = given.pop("kind", _GOODS), f"{file}-{firm}"
    fields = {_ORDER_FIELDS[name]: given[name] for name in given if name in _ORDER_FIELDS}
    strange = set(given) - set(_ORDER_FIELDS) - {"month", "vinv", "vat", "bill", "batch", "on", "more"}
    assert not strange, f"{file}: {written}: {strange}"
    if "month" in given:
        fields["sailed_on"] = f"{given['month']}-15"
    known = [row for row in world.rows["orders"] if row["order_no"] == order]
    assert all(row["principal_id"] == principal for row in known), f"{file}: {order} is another case's order"
    if not known:
        _add_order(world, order, principal, kind, currency, amount, fields)
    on = given.get("on", "2023-08-28")
    if kind == _FREIGHT:
        world.add(
            "freight_charges", order_no=order, principal_id=principal, vendor="中远海运", receivable_cny=amount,
            vendor_invoice_no=given.get("vinv"), charge_code="THC", payable=amount, currency="CNY", confirmed_on=on,
        )  # fmt: skip
    elif kind == _TAX:
        world.add(
            "tax_bills",
            order_no=order,
            bill_no=given.get("bill"),
            bill_kind="正本",
            consignee="甲",
            vat=amount,
            issued_on=on,
        )
    elif kind == _REFUND:
        world.add(
            "refund_notices", declaration_no=given["decl"], order_no=order, batch_no=given.get("batch"), amount=amount,
            result="核准", notified_on=on,
        )  # fmt: skip
    if "vat" in given:
        world.add(
            "vat_invoices", einvoice_no=given["vat"], seller_uscc="91330000MA0TE5T087", seller_name="宁波启航供应链管理有限公司",
            issued_on=on, ex_vat_amount=amount, order_no=order,
        )  # fmt: skip
    return order


def _add_order(world: World, order: str, principal: str, kind: str, currency: str, amount: str, fields: dict) -> None:
    services = {_GOODS: "出口贸易代理", _REFUND: "出口贸易代理", _IMPORT: "进口贸易代理", _TAX: "进口贸易代理"}.get(
        kind, "出口国际物流"
    )
    if kind in (_FREIGHT, _TAX, _REFUND):
        currency, amount = ("USD", "0") if kind != _FREIGHT else ("CNY", "0")
    given = {"services": services, "ordered_on": "2023-08-15", "amount_fx": amount} | fields
    world.add("orders", order_no=order, principal_id=principal, currency=currency, **given)


def _expected(file: str, answer: dict, amount: Decimal) -> Expected:
    pieces: dict[tuple[str | None, str | None], Decimal] = {}
    for word in str(answer.get("to", "")).split():
        order, _, piece = word.partition("=")
        pieces[order, None] = Decimal(piece) if piece else amount
    for word in str(answer.get("account", "")).split():
        firm, _, piece = word.partition("=")
        pieces[None, f"{file}-{firm}"] = Decimal(piece) if piece else amount
    if "nobody" in answer:
        pieces[None, None] = amount
    assert pieces or answer.get("open"), f"{file}: no answer in {answer}"
    sure = answer.get("sure", "certain" if answer.get("to") else None)
    return Expected(pieces, sure, answer.get("nobody"), answer.get("code"))


def _add_receipt(world: World, file: str, given: dict) -> tuple[str, Expected | None]:
    currency, amount = str(given["pay"]).split()
    columns = {
        "counterparty_name": given.get("from"), "counterparty_account": given.get("account_no"), "remark": given.get("text"),
        "summary": given.get("summary"), "booked_on": str(given.get("day", "2023-09-12")), "bank_fee": given.get("fee"),
    }  # fmt: skip
    for name in ("is_reversal", "bank_ref"):
        if name in given:
            columns[name] = given[name]
    if "own" in given:
        columns["account_no"] = given["own"]
    txn_id = world.line(amount, currency, **columns)
    if Decimal(amount) < 0:
        return txn_id, None
    answer = {key: given[key] for key in ("to", "account", "open", "nobody", "sure", "code") if key in given}
    return txn_id, _expected(file, answer, Decimal(amount))


def _cases(world: World, path: Path) -> Iterator[Case]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, firm in content.get("firms", {}).items():
        _add_firm(world, path.stem, key, firm)
    for given in content["cases"]:
        case = Case(id=f"{path.stem}/{given['id']}", about=given["about"], file=path.stem)
        for key, firm in given.get("firms", {}).items():
            _add_firm(world, path.stem, key, firm)
        for item in given.get("items", ()):
            _add_item(world, path.stem, item)
        for receipt in given.get("receipts", [given]):
            txn_id, expected = _add_receipt(world, path.stem, receipt)
            if expected:
                case.expected[txn_id] = expected
        yield case


@cache
def benchmark() -> tuple[World, tuple[Case, ...]]:
    """All cases of all files in one world. Raises ``AssertionError`` where two cases share what they must not."""
    world = World()
    cases = tuple(case for path in sorted(FOLDER.glob("*.yaml")) for case in _cases(world, path))
    doubles = [number for number, count in Counter(case.id for case in cases).items() if count > 1]
    assert not doubles, f"two cases of one id: {doubles}"
    owners: dict[str, set[str]] = {}
    for row in world.rows["orders"]:
        for name in ("order_no", "pi_no", "bl_no"):
            if row.get(name):
                owners.setdefault(row[name], set()).add(row["principal_id"])
    shared = {number: who for number, who in owners.items() if len(who) > 1}
    assert not shared, f"numbers that two firms share: {shared}"
    names = Counter(row["name"] for row in world.rows["principals"])
    assert max(names.values()) == 1, f"two firms of one name: {names.most_common(3)}"
    return world, cases
