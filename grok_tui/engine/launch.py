"""Starting an engine on a run directory: as a process of its own, or inside this one. Imports no torch."""

from __future__ import annotations

import os
import subprocess
import sys

from ..store.rundir import RunDir
from .thread import TrainerThread


def spawn(run: RunDir, resume: bool = False) -> subprocess.Popen[bytes]:
    """Start the engine as a process in its own session, already holding the run; returns at once.

    `-P`: a `random.py` in the user's directory must not become the engine's.
    """
    lock = run.acquire()
    earlier = run.commands_jsonl.stat().st_size if run.commands_jsonl.exists() else 0  # later requests are for it
    try:
        with run.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "grok_tui.engine.host", str(run.path.resolve()), "--lock", str(lock)]
                + (["--resume", str(earlier)] if resume else []),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,
            )
    finally:
        os.close(lock)


class InProcess:
    """An engine inside this process; it ends with it."""

    def __init__(self, thread: TrainerThread) -> None:
        self.thread = thread

    def is_alive(self) -> bool:
        """Whether it still trains."""
        return self.thread.is_alive()

    def stop(self) -> None:
        """Save, stop and wait until it has."""
        if self.is_alive():
            self.thread.stop()
        self.thread.join()


def host_in_process(run: RunDir, resume: bool = False) -> InProcess:
    """Start the engine as a thread of this process."""
    thread = TrainerThread(run, resume=resume)
    thread.start()
    return InProcess(thread)
