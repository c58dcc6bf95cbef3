"""Files being read, several at a time: most in threads, a big workbook in a process of its own.

What belongs here: where a reader runs. What does not: what it reads (`tables.py`, `bank/reading.py`).
"""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from settlement.io.sheets import OLE_MAGIC, ZIP_MAGIC

# Arrow's readers let go of Python's lock; more than two at once only costs memory.
_AT_A_TIME = 2
# From this size on a workbook takes longer to read than a process to begin (some 100,000 cells a second and MB).
_APART_FROM_BYTES = 4_000_000

Reader = Callable[..., Any]


class ReaderDied(RuntimeError):
    """The process that read a file ended without an answer: out of memory, or killed."""


class Readers:
    """Whoever reads files: ``read`` returns at once, what it gives comes when it is asked for.

    Readers of text run in threads. Those of workbooks hold Python's lock while they run: big ones are read in a
    process each, one after the other, beside everything else.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="reader")
        self._apart = ThreadPoolExecutor(1, thread_name_prefix="reader-apart")

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is being read; what has not begun is not read."""
        for pool in (self._threads, self._apart):
            pool.shutdown(cancel_futures=True)

    def read(self, reader: Reader, path: Path, *given: object, **more: object) -> Future[Any]:
        """``reader(path, *given, **more)``, soon. It is a function of a module, and what it is given can be pickled.

        The result raises what the reader raises, and ``ReaderDied``.
        """
        if is_big_workbook(path):
            return self._apart.submit(_in_a_process, reader, path, *given, **more)
        return self._threads.submit(reader, path, *given, **more)


def is_big_workbook(path: Path) -> bool:
    """Whether a file is read apart, by its size and first bytes."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size < _APART_FROM_BYTES:
        return False
    with path.open("rb") as stream:
        return stream.read(4).startswith((ZIP_MAGIC, OLE_MAGIC))


def _in_a_process(reader: Reader, path: Path, *given: object, **more: object) -> Any:
    # Begun anew, not forked, for this process has threads; and not by multiprocessing, which would import again whatever
    # program this is. It ends with its answer, also when nobody is left to hear it.
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=pickle.dumps((reader, path, given, more)),
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise ReaderDied(f"{path.name}: the process that read it ended with status {done.returncode}")
    return pickle.loads(done.stdout)


def _answer() -> None:
    gc.disable()  # a sheet is millions of cells that all stay until the end, which is near
    reader, path, given, more = pickle.load(sys.stdin.buffer)
    pickle.dump(reader(path, *given, **more), sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    _answer()
