"""Starting an engine on a run directory: as a process of its own, or inside this one. Imports no torch."""

import os
import subprocess
import sys

from ..store.jsonl import Tail
from ..store.rundir import RunDir
from .thread import TrainerThread


def spawn(run: RunDir, resume: bool = False, lock: int | None = None) -> subprocess.Popen[bytes]:
    """Start the engine as a process in its own session, already holding the run; returns at once.

    It answers every request from now on. lock: the descriptor of the run's lock if this process holds it; it is closed.
    `-P`: a `random.py` in the user's directory must not become the engine's.
    """
    lock = run.acquire() if lock is None else lock
    command = [sys.executable, "-P", "-m", "grok_tui.engine.host", str(run.path.resolve()), "--lock", str(lock)]
    if resume:
        command += ["--resume", "--requests-from", str(Tail(run.commands_jsonl, from_end=True).offset)]
    try:
        with run.log.open("ab") as log:
            return subprocess.Popen(
                command,
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


def host_in_process(run: RunDir, resume: bool = False, lock: int | None = None) -> InProcess:
    """Start the engine as a thread of this process."""
    thread = TrainerThread(run, resume=resume, lock=lock)
    thread.start()
    return InProcess(thread)
