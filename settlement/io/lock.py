"""One run at a time in a home: the second waits, and says who holds the lock.

The lock is a kernel lock on a file (flock): it dies with its process, so a killed run never leaves one behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class LockHeld(RuntimeError):
    """Another run holds the home and did not let go in time."""


@contextmanager
def holding(path: Path, *, who: str, wait_seconds: float, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs.

    ``who`` is written into it for others to read. Waits up to ``wait_seconds``, telling once who
    holds it; raises ``LockHeld`` with that name afterwards.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as handle:
        _acquire(handle, path, wait_seconds, tell)
        try:
            handle.seek(0)
            handle.truncate()
            handle.write(json.dumps({"who": who, "process": os.getpid()}, ensure_ascii=False))
            handle.flush()
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            fcntl.flock(handle, fcntl.LOCK_UN)


def _acquire(handle, path: Path, wait_seconds: float, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8") or "another run"
            if not told:
                tell(f"另一次月结正在进行，等待其完成：{holder}（another run holds this home; waiting）")
                told = True
            if time.monotonic() >= deadline:
                raise LockHeld(f"the home is held by {holder}; waited {wait_seconds:.0f} s") from None
            time.sleep(0.2)
