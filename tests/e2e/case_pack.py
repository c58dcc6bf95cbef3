"""Exception cases as an accountant writes them (tests/cases/exceptions/*.yaml), packed into one home and settled once.

Each case names a code, the facts that raise it, and its twin: the same facts with one difference, which must not raise it.
Both sides get a principal, orders, numbers and names of their own, so that a home can hold all of them; the rows then lie
in the ordinary files of the contract. ``like: export`` in a row takes the usual row of that name from ``usual.yaml``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from string import Template

import yaml

from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import ACCOUNTS, CNY_ACCOUNT, COMPANY, USD_ACCOUNT, TinyHome
from tests.rules.books.tables import layouts

CASES = Path(__file__).parents[1] / "cases" / "exceptions"
MONTH, LATER = "2023-09", "2023-10"
RAISES, TWIN = "raises", "twin"
_SYLLABLES = "海川江河山林石金木水火土东南西北春夏秋冬"
_REFERENCE = ("principals", "payers", "own_accounts", "fx_mid_rates", "refund_rates", "vendor_quotes", "client_quotes",
              "payout_documents", "credit_limits", "opening_balances", "opening_items")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One code, what raises it, and the one difference that does not."""

    number: int
    code: str
    why: str
    facts: dict
    twin: dict
    files: dict = field(default_factory=dict)
    expect: dict = field(default_factory=dict)
    month: str = MONTH

    @property
    def name(self) -> str:
        return f"{self.code}-{self.number}"


@cache
def cases() -> list[Case]:
    """Every case of every file, numbered in the order of files and places."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        if path.stem in ("usual", "not_shown"):
            continue
        for written in yaml.safe_load(path.read_text("utf-8")):
            found.append(Case(number=len(found) + 1, **written))
    return found


@cache
def usual() -> dict:
    return yaml.safe_load((CASES / "usual.yaml").read_text("utf-8"))


def not_shown() -> dict[str, str]:
    """Codes that no data of the contract can show, with the reason."""
    return yaml.safe_load((CASES / "not_shown.yaml").read_text("utf-8")) or {}


class Side:
    """The raising side of a case or its twin: its names and numbers, and its rows."""

    def __init__(self, case: Case, which: str):
        self.case, self.which = case, which
        n = 2 * case.number + (which == TWIN)
        letter = "R" if which == RAISES else "T"
        syllables = "".join(_SYLLABLES[(n // 20**place) % 20] for place in range(3))
        self.words = {
            "order": f"SO{case.number:03d}{letter}1", "second": f"SO{case.number:03d}{letter}2",
            "principal": f"P{n:04d}", "principal2": f"Q{n:04d}",
            "name": f"宁波{syllables}贸易有限公司", "name2": f"杭州{syllables}实业有限公司",
            "buyer": f"BUYER {letter}{case.number:03d}X TRADING INC", "seller": f"SELLER {letter}{case.number:03d}X GMBH",
            "key": f"K{n:04d}Z", "account": f"3901{n:015d}", "account2": f"3902{n:015d}",
            "decl": f"31012023{0}{n:09d}", "idecl": f"31012023{1}{n:09d}", "serial": f"{n:09d}", "hs": f"84{n:08d}",
            "own": f"3300161678305{n:07d}", "cny": CNY_ACCOUNT, "usd": USD_ACCOUNT, "company": COMPANY["name"],
            "uscc": COMPANY["uscc"],
        }  # fmt: skip

    @property
    def tokens(self) -> tuple[str, ...]:
        """What a row of the exceptions table that is about this side bears."""
        return tuple(
            self.words[name] for name in ("order", "second", "principal", "principal2", "name", "key", "own", "serial")
        )

    def about(self, row: dict) -> bool:
        columns = ("order_no", "principal_id", "source_file", "found", "message", "bank_ref")
        texts = [str(row[column] or "").lower() for column in columns]
        return any(token.lower() in text for token in self.tokens for text in texts)

    def rows(self) -> dict[str, list[dict]]:
        """table -> rows with their words filled in; the twin's difference applied."""
        facts = copy.deepcopy(self.case.facts)
        if self.which == TWIN:
            for table, patches in self.case.twin.items():
                if table != "files":
                    _patch(facts.setdefault(table, []), patches)
        filled = {table: [self._filled(row) for row in rows if row is not None] for table, rows in facts.items()}
        stated = facts.get("principals") or [{}]
        filled["principals"] = [self._filled({"like": "principal"} | stated[0]), *filled.get("principals", [])[1:]]
        filled.setdefault("payers", []).append(
            {"principal_id": self.words["principal"], "payer_name": self.words["buyer"], "relation": "境外客商"}
        )
        return filled

    def files(self) -> dict[str, bytes]:
        """Raw files of the side: path below the month's folder -> content."""
        files = copy.deepcopy(self.case.files)
        if self.which == TWIN:
            files |= self.case.twin.get("files", {})
        return {
            self.filled(name): _bytes(self.filled(content)) for name, content in files.items() if content is not None
        }

    def _filled(self, row: dict) -> dict:
        whole = dict(usual()[row["like"]]) if "like" in row else {}
        whole |= {key: value for key, value in row.items() if key != "like"}
        return {key: self.filled(value) for key, value in whole.items() if value is not None}

    def filled(self, value):
        return Template(value).safe_substitute(self.words) if isinstance(value, str) else value


def _bytes(content: str) -> bytes:
    # A case about encodings writes bytes as hex.
    return bytes.fromhex(content[4:]) if content.startswith("hex:") else content.encode("utf-8")


def _patch(rows: list, patches: list) -> None:
    """Apply a twin's difference in place: a mapping changes a row, ``absent`` removes it, beyond the end it is added."""
    for place, patch in enumerate(patches):
        if patch == "absent":
            rows[place] = None
        elif place >= len(rows):
            rows.append(patch)
        else:
            rows[place] = rows[place] | (patch or {})


def differences(case: Case) -> int:
    """How many facts the twin differs in: cells changed, rows added or taken away, files replaced."""
    count = len(case.twin.get("files", {}))
    for table, patches in case.twin.items():
        if table == "files":
            continue
        for place, patch in enumerate(patches):
            is_row = patch == "absent" or place >= len(case.facts.get(table, []))
            count += 1 if is_row else len(patch or {})
    return count


def pack(root: Path, chosen: list[Case]) -> TinyHome:
    """A home with both sides of the cases in its ordinary files. Raw files lie beside them."""
    home = TinyHome(root)
    home.reference |= {"principals": [], "payers": [], "own_accounts": [dict(row) for row in ACCOUNTS]}
    home.reference["own_accounts"] += usual()["more_accounts"]
    home.reference["fx_mid_rates"] += usual()["more_rates"]
    for month in (MONTH, LATER):
        home.months[month] = {}
    for case in chosen:
        for which in (RAISES, TWIN):
            add_side(home, Side(case, which))
    for table in layouts():
        if (
            layouts()[table].get("folder") not in (None, "reference")
            and table in home.months[MONTH]
            and not home.months[MONTH][table]
        ):
            del home.months[MONTH][table]
    return home


def add_side(home: TinyHome, side: Side) -> None:
    """Rows into the home's tables, raw files to disk."""
    for table, given in side.rows().items():
        for row in given:
            month = row.pop("in_month", side.case.month)
            if table in _REFERENCE:
                home.refer(table, row)
            else:
                home.add(table, row, month=month)
    for name, content in side.files().items():
        path = home.root / "raw" / side.case.month / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


# What finance decides in October about exceptions of September: code of the raising case -> rows of 审批.
APPROVALS = {
    "CNT_HEAVY_20": [{"action": "批准", "decided_at": "2023-10-09 10:00"}],
    "CNT_OVERWEIGHT": [{"action": "批准", "decided_at": "2023-10-09 10:00", "valid_to": "2023-10-30"}],
    "BKG_MISMATCH": [{"action": "驳回", "decided_at": "2023-10-09 10:00"}],
    "BL_MISMATCH": [
        {"action": "批准", "decided_at": "2023-10-09 10:00"},
        {"action": "驳回", "decided_at": "2023-10-10 10:00"},
    ],
}


def approvals(listed: list[dict]) -> list[dict]:
    """Rows of 审批 that name the exceptions of the raising cases by their identity."""
    decided = []
    for case in cases():
        side = Side(case, RAISES)
        for row in listed:
            if case.code in APPROVALS and row["code"] == case.code and side.about(row | {"bank_ref": None}):
                said = {"exception_id": row["exception_id"], "decided_by": "王会计", "reason": "已与客户核对"}
                decided += [said | decision for decision in APPROVALS[case.code]]
    return decided


def settled_cases(root: Path, as_of: date) -> dict[str, list[dict]]:
    """Every case in one home, settled: September on ``as_of``, October on its last day. Month -> its exceptions."""
    home = pack(root, cases())
    claims = home.months[LATER].pop("claims", [])
    written = home.write()
    status, said = run_month(written, MONTH, as_of=as_of)
    assert status == 0, said
    identities = {row["bank_ref"]: row["txn_id"] for row in rows(written, "bank_transactions", "bank_ref", "txn_id")}
    # Finance names transactions by the identity that the first month's workbook shows.
    home.months[LATER]["claims"] = [
        row | {"txn_id": identities.get(row["txn_id"].removeprefix("txn:"), row["txn_id"])} for row in claims
    ]
    home.add("approvals", *approvals(rows(written, "exceptions", month=MONTH)), month=LATER)
    written = home.write()
    status, said = run_month(written, LATER)
    assert status == 0, said
    references = {row["txn_id"]: row["bank_ref"] for row in rows(written, "bank_transactions", "bank_ref", "txn_id")}
    return {
        month: [row | {"bank_ref": references.get(row["txn_id"])} for row in rows(written, "exceptions", month=month)]
        for month in (MONTH, LATER)
    }
