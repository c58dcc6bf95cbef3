"""Finance answers in the exceptions workbook: what it types into a copy is applied by the next run, whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from datetime import datetime
from decimal import Decimal as D

import pytest
from openpyxl import load_workbook

from settlement.io.home import Home
from settlement.rules.export_check import export_digest
from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import PRINCIPAL, TinyHome, cny_line, export_line, export_order, usd_receipt

pytestmark = pytest.mark.slow

MONTH = "2023-09"
LIST = f"异常清单-{MONTH}.xlsx"
SECOND = PRINCIPAL | {
    "principal_id": "P002",
    "name": "杭州远山机电有限公司",
    "name_en": None,
    "bank_account": "3901000000000000022",
}
NOON = datetime.fromisoformat("2023-09-28 12:00:00")
OPEN = {
    "good": "8888.00",
    "two people": "1001.00",
    "over": "1002.00",
    "unknown order": "1003.00",
    "other principal": "1004.00",
    "half filled": "1005.00",
    "left": "1006.00",
    "changed": "1007.00",
}
CLAIM = {"委托方编号": "P001", "款项用途": "预收", "认领人": "张会计", "认领时间": NOON, "理由": "客户来电确认"}


def _home(root) -> TinyHome:
    made = TinyHome(root).add("orders", export_order()).add("goods", export_line()).add("bank", usd_receipt())
    made.refer("principals", SECOND).refer(
        "payers",
        {
            "principal_id": "P002",
            "payer_name": SECOND["name"],
            "payer_account": SECOND["bank_account"],
            "relation": "本人",
        },
    )
    made.add(
        "bank",
        cny_line("600.00", "往来款", counterparty_name=SECOND["name"], counterparty_account=SECOND["bank_account"]),
    )
    for what, amount in OPEN.items():
        # Each from an account of its own: a claim makes its payer known, and then the next one is placed by rule.
        made.add(
            "bank",
            cny_line(
                amount,
                "往来款",
                counterparty_name=f"不知名{what}",
                counterparty_account=f"62{amount}",
                bank_ref=f"A{amount}",
            ),
        )
    return made


@pytest.fixture(scope="module")
def settled(tmp_path_factory) -> Home:
    """The month as first settled, nobody having answered yet."""
    home = _home(tmp_path_factory.mktemp("answers")).write()
    status, said = run_month(home, MONTH, workbooks=True)
    assert status == 0, said
    return home


@pytest.fixture
def home(settled, tmp_path) -> Home:
    """A copy of it to answer in."""
    return Home(shutil.copytree(settled.root, tmp_path / "home"))


class Answer:
    """The month's exceptions workbook, typed into and handed back."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.book = load_workbook(home.statements(MONTH) / LIST)

    def type_in(self, sheet: str, row: int, values: dict) -> None:
        work = self.book[sheet]
        heads = {
            cell.value: cell.column
            for line in work.iter_rows(max_row=8)
            for cell in line
            if isinstance(cell.value, str)
        }
        for heading, value in values.items():
            work.cell(row, heads[heading]).value = value

    def row_of(self, sheet: str, key: str) -> int:
        return next(cell.row for (cell,) in self.book[sheet].iter_rows(max_col=1) if cell.value == key)

    def spare(self, sheet: str, number: int = 0) -> int:
        """A row that nobody has filled yet."""
        return [
            line[0].row for line in self.book[sheet].iter_rows(min_row=6) if all(cell.value is None for cell in line)
        ][number]

    def hand_in(self, name: str = "答复.xlsx") -> None:
        folder = self.home.inbox(MONTH) / "decisions"
        folder.mkdir(exist_ok=True)
        self.book.save(folder / name)


def txn_of(home: Home, what: str) -> str:
    return next(
        row["txn_id"] for row in rows(home, "bank_transactions", "txn_id", "amount") if row["amount"] == D(OPEN[what])
    )


def type_in_conflicts(answer: Answer, txns: dict[str, str]) -> None:
    """One claim of each kind that may not move anything."""
    answer.type_in("认领", answer.row_of("认领", txns["two people"]), CLAIM | {"认领金额": 1001})
    answer.type_in(
        "认领",
        answer.spare("认领"),
        CLAIM | {"流水标识": txns["two people"], "认领金额": 1001, "认领人": "李会计", "委托方编号": "P002"},
    )
    answer.type_in("认领", answer.row_of("认领", txns["over"]), CLAIM | {"认领金额": 1002.01})
    answer.type_in("认领", answer.row_of("认领", txns["unknown order"]), CLAIM | {"认领金额": 1003, "订单号": "SO9999"})
    answer.type_in(
        "认领",
        answer.row_of("认领", txns["other principal"]),
        CLAIM | {"认领金额": 1004, "订单号": "SO0001", "委托方编号": "P002"},
    )
    answer.type_in("认领", answer.row_of("认领", txns["half filled"]), CLAIM | {"认领金额": 1005, "理由": None})
    # Exported when 2,000.00 was open of it; split over a row of the form and a spare one.
    changed = answer.row_of("认领", txns["changed"])
    answer.type_in("认领", changed, CLAIM | {"认领金额": 500, "导出校验": export_digest(txns["changed"], D("2000.00"))})
    answer.type_in("认领", answer.spare("认领"), CLAIM | {"流水标识": txns["changed"], "认领金额": 507})
    # Exported before the rules posted it to its order.
    answer.type_in("认领", answer.spare("认领"), CLAIM | {
        "流水标识": txns["posted"], "认领金额": 100000, "委托方编号": "P002", "导出校验": export_digest(txns["posted"], D("100000.00")),
    })  # fmt: skip


def problem_of(home: Home, txn: str) -> str:
    """exception_id of the receipt's RCV_UNIDENTIFIED."""
    found = (row for row in rows(home, "exceptions") if row["txn_id"] == txn and row["code"] == "RCV_UNIDENTIFIED")
    return next(found)["exception_id"]


def type_in_answers(answer: Answer, txns: dict[str, str]) -> None:
    """A split claim, a set-off and an approval that are right; an approval of another amount than what is at risk."""
    good = answer.row_of("认领", txns["good"])
    answer.type_in("认领", good, CLAIM | {"订单号": "SO0001", "款项用途": "货款", "认领金额": 5000})
    answer.type_in("认领", answer.spare("认领"), CLAIM | {"流水标识": txns["good"], "认领金额": 3888})
    answer.type_in("调整", answer.spare("调整"), {
        "类型": "抵账", "委托方编号": "P002", "转出账户": "预收", "转入账户": "物流费", "币种": "CNY", "金额": 100,
        "决定人": "王主管", "决定时间": NOON, "理由": "客户书面同意",
    })  # fmt: skip
    answer.type_in("审批", answer.row_of("审批", problem_of(answer.home, txns["left"])), {
        "处理": "批准", "有效期至": datetime.fromisoformat("2023-10-31"), "审批人": "赵总", "审批时间": NOON, "理由": "等客户回函",
    })  # fmt: skip
    grown = problem_of(answer.home, txns["over"])
    answer.type_in("审批", answer.row_of("审批", grown), {
        "处理": "批准", "审批人": "钱总", "审批时间": NOON, "理由": "金额不大", "导出校验": export_digest(grown, D("2.00")),
    })  # fmt: skip


def assert_audit_columns(home: Home, txns: dict[str, str]) -> None:
    """Who, when and why are kept beside what each decision did."""
    outcomes = {(row["subject"], row["decided_by"]): row for row in rows(home, "decision_outcomes")}
    done = outcomes[txns["good"], "张会计"]
    assert (done["outcome"], done["decided_at"], done["reason"]) == ("已执行", NOON, "客户来电确认")
    did = {
        (what, who): outcomes[txns[what], who]["outcome"]
        for what in txns
        for who in ("张会计", "李会计")
        if (txns[what], who) in outcomes
    }
    assert did == {
        ("good", "张会计"): "已执行", ("two people", "张会计"): "冲突", ("two people", "李会计"): "冲突", ("over", "张会计"): "未执行",
        ("unknown order", "张会计"): "未执行", ("other principal", "张会计"): "冲突", ("changed", "张会计"): "冲突", ("posted", "张会计"): "冲突",
    }  # fmt: skip
    decided = {who: row["outcome"] for (_, who), row in outcomes.items() if who in ("王主管", "赵总", "钱总")}
    assert decided == {"王主管": "已执行", "赵总": "已执行", "钱总": "冲突"}


def assert_conflicts_are_told(home: Home, txns: dict[str, str], grown: str) -> None:
    """Each conflict is an exception of its own; what was answered well is none any more."""
    listed = rows(home, "exceptions", month=MONTH)
    told = {(row["code"], row["txn_id"]) for row in listed if row["state"] in ("new", "open")}
    conflicts = {("DECISION_CONFLICT", txns[what]) for what in ("two people", "other principal", "changed", "posted")}
    assert conflicts | {("DECISION_OVER", txns["over"]), ("DECISION_ORPHAN", txns["unknown order"])} <= told
    assert ("RCV_UNIDENTIFIED", txns["good"]) not in told and ("RCV_UNIDENTIFIED", txns["left"]) not in told
    assert ("RCV_UNIDENTIFIED", txns["over"]) in told, "approved on another amount than what is at risk"
    messages = "\n".join(row["message"] for row in listed if row["code"] == "DECISION_CONFLICT")
    assert "未认领金额已变为 CNY 1007.00" in messages and "已全部入账" in messages
    assert f"异常 {grown} 的涉及金额在导出后已变为 1002.00 元" in messages
    assert any(row["code"] == "ROW_REJECTED" and "答复" in (row["source_file"] or "") for row in listed)


def test_answers_are_applied_kept_and_shown_and_conflicts_move_nothing(home):
    answer = Answer(home)
    txns = {what: txn_of(home, what) for what in OPEN}
    txns["posted"] = next(row["txn_id"] for row in rows(home, "receipt_allocations") if row["order_no"] == "SO0001")
    listed = {cell.value for (cell,) in answer.book["认领"].iter_rows(max_col=1)}
    assert {txns[what] for what in OPEN} <= listed and txns["posted"] not in listed
    grown = problem_of(home, txns["over"])
    type_in_answers(answer, txns)
    type_in_conflicts(answer, txns)
    answer.hand_in()
    status, said = run_month(home, MONTH, workbooks=True)
    assert status == 0, said

    placed = {
        (row["txn_id"], row["order_no"], row["principal_id"], row["amount"])
        for row in rows(home, "receipt_allocations")
        if row["rule"] == "DECISION"
    }
    assert placed == {(txns["good"], "SO0001", "P001", D("5000.00")), (txns["good"], None, "P001", D("3888.00"))}
    still_open = {row["txn_id"]: row["amount"] for row in rows(home, "unmatched_receipts")}
    assert still_open == {txns[what]: D(amount) for what, amount in OPEN.items() if what != "good"}
    assert_audit_columns(home, txns)
    assert_conflicts_are_told(home, txns, grown)

    book = load_workbook(home.statements(MONTH) / LIST, data_only=True)
    open_now = {
        line[0].value: line[3].value for line in book["认领"].iter_rows(min_row=5) if line[0].value in txns.values()
    }
    # What was claimed for no order lies on account and is offered until an order has it.
    assert open_now == {txns[what]: float(amount) for what, amount in OPEN.items()} | {txns["good"]: 3888}
    results = [[cell.value for cell in line] for line in book["决定结果"].iter_rows(min_row=4)]
    assert ["认领", txns["good"], 5000, "已执行"] in [line[:4] for line in results]
    assert sum(line[3] == "冲突" for line in results) == 7


def test_the_next_run_says_the_same_again(home):
    answer = Answer(home)
    answer.type_in("认领", answer.row_of("认领", txn_of(home, "good")), CLAIM | {"认领金额": 8888})
    answer.hand_in()
    assert run_month(home, MONTH, workbooks=True)[0] == 0
    first = rows(home, "receipt_allocations"), rows(home, "decision_outcomes")
    answer.hand_in("答复再交.xlsx")  # the same workbook twice decides once
    assert run_month(home, MONTH, workbooks=True)[0] == 0
    assert (rows(home, "receipt_allocations"), rows(home, "decision_outcomes")) == first
    assert [row["outcome"] for row in first[1]] == ["已执行"]


def _digests(home: Home) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.statements(MONTH).glob("*.xlsx")}


def test_one_changed_fact_rewrites_the_workbooks_it_touches(home, settled):
    before = _digests(home)
    assert run_month(home, MONTH, workbooks=True)[0] == 0
    assert _digests(home) == before
    made = _home(home.root)
    made.months[MONTH]["orders"] = [export_order(agency_fee="3200.00")]
    made.write()
    assert run_month(home, MONTH, workbooks=True)[0] == 0
    after = _digests(home)
    changed = {name for name in before if before[name] != after[name]}
    assert f"对账单-P001-{MONTH}.xlsx" in changed and f"月结汇总-{MONTH}.xlsx" in changed
    assert f"对账单-P002-{MONTH}.xlsx" not in changed
    book = load_workbook(home.statements(MONTH) / f"月结汇总-{MONTH}.xlsx", data_only=True)
    told = [[cell.value for cell in line] for line in book["重跑差异"].iter_rows(min_row=4)]
    assert ["委托方余额", "P001", "变更", "期末", "704,000.00", "703,900.00"] in [line[:6] for line in told], told
