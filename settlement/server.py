"""``settlement ui``: Dagster's webserver and daemon for a home, on 127.0.0.1 only.

Whoever must reach it from another machine puts a login before it (README, "Before others may reach it").
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from settlement.io.home import Home
from settlement.launch import prepared_instance

HOST = "127.0.0.1"
WORKSPACE = Path(__file__).resolve().parent.parent / "workspace.yaml"
_PATIENCE_SECONDS = 10


def serve(home: Home, *, port: int) -> int:
    """Run webserver and daemon until interrupted or one of them ends; the exit status."""
    prepared_instance(home)
    workspace = ["-w", str(WORKSPACE)]
    # The same interpreter's modules: nothing is looked up on a PATH somebody else may have changed.
    commands = [
        [sys.executable, "-m", "dagster_webserver", *workspace, "-h", HOST, "-p", str(port)],
        [sys.executable, "-m", "dagster._daemon", "run", *workspace],
    ]
    running = [subprocess.Popen(command) for command in commands]
    print(f"打开 http://{HOST}:{port} （按 Ctrl+C 结束）", flush=True)
    try:
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
        return next((process.returncode for process in running if process.returncode), 0)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


def _stop(running: list[subprocess.Popen]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
