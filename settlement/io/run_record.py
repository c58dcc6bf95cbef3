"""The run record: what was read, by which program, and in which state each month is.

The only place that reads the wall clock. Tables ``runs`` and ``months`` are all that carries it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import settlement
from settlement.io.home import Home

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPEN, INCOMPLETE, SETTLED, STALE, CLOSED = "open", "incomplete", "settled", "stale", "closed"
_CHUNK = 1 << 20


def now() -> datetime:
    """The wall clock in Shanghai, without zone, to the second: for ``runs`` and ``months`` only."""
    return datetime.now(SHANGHAI).replace(tzinfo=None, microsecond=0)


def input_digest(home: Home, month: str) -> str:
    """sha256 over names and bytes of every regular file under raw/reference and raw/<month>, in order of name."""
    digest = hashlib.sha256()
    for folder in (home.reference, home.inbox(month)):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.is_symlink() or not path.is_file():
                continue
            digest.update(home.shown(path).encode())
            digest.update(_file_digest(path))
    return digest.hexdigest()


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def code_version() -> str:
    """Version and digest of the program's own sources: same version, same result on the same input."""
    root = Path(settlement.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".yaml", ".csv") and path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{settlement.__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class MonthState:
    """One row of ``months``."""

    month: str
    state: str
    by: str
    at: datetime
    reason: str | None


REOPENED, BEFORE = "反关账：", "；此前"
PROGRAM = "settle_month"


def reopenings(row: dict | None) -> str:
    """What a month's row still tells of its reopenings, who included; empty where it never was reopened."""
    reason = (row or {}).get("reason") or ""
    if REOPENED not in reason:
        return ""
    told = reason[reason.index(REOPENED) :]
    # Until the month is run or closed again its own row says who reopened it.
    is_fresh = reason.startswith(REOPENED) and row["by"] != PROGRAM and BEFORE not in reason
    return f"{told}（{row['by']}）" if is_fresh else told


def after_run(states: list[dict], month: str, complete: bool, at: datetime, missing: str | None) -> list[dict]:
    """The states after ``month`` was settled: it is settled or incomplete, later settled months are stale.

    ``states``: rows of ``months``. A closed month is never run, and no month after an open one is closed. That a month
    was reopened, by whom and why stays in its reason.
    """
    before = next((each for each in states if each["month"] == month), None)
    reason = "；".join(text for text in (missing, reopenings(before)) if text) or None
    state = SETTLED if complete else INCOMPLETE
    row = {"month": month, "state": state, "by": PROGRAM, "at": at, "reason": reason}
    kept = [dict(each) for each in states if each["month"] != month]
    for each in kept:
        if each["month"] > month and each["state"] in (SETTLED, INCOMPLETE):
            history = reopenings(each)
            stale = f"{month} 已重新结算"
            each.update(state=STALE, by=PROGRAM, at=at, reason=f"{stale}；{history}" if history else stale)
    return sorted([*kept, row], key=lambda each: each["month"])


def refusal(states: dict[str, str], folders: list[str], month: str) -> str | None:
    """Why ``month`` may not be settled now (English), or None.

    ``states``: month -> state of what is published. ``folders``: months that have a folder.
    """
    if states.get(month) == CLOSED:
        return f"{month} is closed; reopen it first: settlement reopen --month {month} --by NAME --reason TEXT"
    if month not in folders:
        return f"there is no folder raw/{month}"
    settled = {SETTLED, INCOMPLETE, CLOSED}
    waiting = [each for each in folders if each < month and states.get(each) not in settled]
    if waiting:
        why = "is stale" if states.get(waiting[0]) == STALE else "is not settled yet"
        return f"{waiting[0]} {why}, and {month} begins with what it ends with: settle {waiting[0]} first"
    return None
