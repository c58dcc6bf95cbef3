"""The same month gives the same bytes; a changed fact touches only what shows it."""

from __future__ import annotations

import hashlib

import pytest

from settlement.io.workbooks import month_data, statement, statements

from . import september_ledger

pytestmark = pytest.mark.slow


def _digests(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_twice_the_same(write):
    first, _ = write("first")
    second, result = write("second")
    assert _digests(first) == _digests(second)
    assert len(result.written) == 5


def test_the_order_of_rows_in_the_tables_does_not_matter(write, month):
    first, _ = write("first")
    for rows in (*month[0].values(), *month[1].values()):
        rows.reverse()
    second, _ = write("second")
    assert _digests(first) == _digests(second)


def test_workers_write_what_one_process_writes(write, monkeypatch):
    alone, _ = write("alone", processes=1)
    monkeypatch.setattr(statements, "ALONE", 0)
    monkeypatch.setattr(statements, "BATCH", 1)
    counted = []
    shared, _ = write("shared", processes=2, progress=lambda done, total: counted.append((done, total)))
    assert _digests(alone) == _digests(shared)
    assert counted[-1] == (5, 5) and [done for done, _ in counted] == sorted(done for done, _ in counted)


def test_the_mode_for_big_statements_is_repeatable_and_says_the_same(write, monkeypatch):
    from .reading import dump

    small, _ = write("small")
    monkeypatch.setattr(statement, "BIG", 0)
    monkeypatch.setattr(month_data, "KEPT", 0)
    monkeypatch.setattr(month_data, "BATCH", 2)
    first, _ = write("first")
    second, _ = write("second")
    assert _digests(first) == _digests(second)
    for principal in ("P001", "P002", "P003"):
        name = f"对账单-{principal}-2023-09.xlsx"
        assert dump(small / name) == dump(first / name)


@pytest.mark.parametrize("in_place", [True, False])
def test_only_what_changed_is_rewritten(write, month, in_place):
    first, _ = write("first")
    before = _digests(first)
    month[0]["order_balances"][0]["next_step"] = "客户已选择退回原账户"
    folder, result = write("first" if in_place else "second", previous=first)
    assert {path.name for path in result.written} == {"对账单-P001-2023-09.xlsx", "月结汇总-2023-09.xlsx"}
    assert {path.name for path in result.unchanged} == {
        "对账单-P002-2023-09.xlsx",
        "对账单-P003-2023-09.xlsx",
        "异常清单-2023-09.xlsx",
    }
    after = _digests(folder)
    assert {name for name in before if before[name] != after[name]} == {
        "对账单-P001-2023-09.xlsx",
        "月结汇总-2023-09.xlsx",
        ".workbooks.json",
    }
    assert [(each.workbook, each.change) for each in result.differences] == [
        ("对账单-P001-2023-09.xlsx", "rewritten"), ("月结汇总-2023-09.xlsx", "rewritten"),
    ]  # fmt: skip


def test_a_difference_says_what_it_is(write, month):
    first, _ = write("first")
    posting = september_ledger._posting(90, "P002", 28, "货款", "收款", "100.00", "IM2309-002")
    month[0]["principal_ledger"].append(posting)
    for name in ("principal_balances", "principal_account_balances"):
        row = next(
            row for row in month[0][name] if row["principal_id"] == "P002" and row.get("account", "货款") == "货款"
        )
        row["movement"] += 100
        row["closing"] += 100
    _, result = write("second", previous=first)
    detail = next(each.detail for each in result.differences if "P002" in each.workbook)
    assert detail == "closing: 52707.71 → 52807.71; ledger: 6 → 7"


def test_a_file_that_somebody_typed_into_is_written_anew(write):
    first, _ = write("first")
    name = "对账单-P002-2023-09.xlsx"
    good = (first / name).read_bytes()
    (first / name).write_bytes(good + b"x")
    folder, _ = write("second", previous=first)
    assert (folder / name).read_bytes() == good
    (first / name).unlink()
    folder, _ = write("third", previous=first)
    assert (folder / name).read_bytes() == good


def test_a_principal_that_is_gone_is_told(write, month):
    first, _ = write("first")
    for name in (
        "principal_balances",
        "principal_account_balances",
        "principal_ledger",
        "receipt_allocations",
        "freight_charges",
        "freight_receivables",
    ):
        month[0][name][:] = [row for row in month[0][name] if row["principal_id"] != "P003"]
    folder, result = write("second", previous=first)
    assert ("对账单-P003-2023-09.xlsx", "gone") in [(each.workbook, each.change) for each in result.differences]
    assert not (folder / "对账单-P003-2023-09.xlsx").exists()


def test_everything_is_rewritten_on_request(write):
    first, _ = write("first")
    _, result = write("second", previous=first, only_changed=False)
    # The bytes are the same all the same: nothing to tell.
    assert result.differences == []
