"""The engine's own process: `python -m grok_tui.engine.host RUN_DIR [--resume N] [--lock FD]`.

N: bytes of commands.jsonl that were asked of an earlier engine.

It runs in its own session, so that training outlives the terminal, the link and a crash of the screen.
"""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from ..errors import GrokError
from ..store.rundir import RunDir
from .thread import TrainerThread


def main(arguments: list[str]) -> int:
    """Train the run to its end; SIGTERM and SIGINT save it first."""
    run = RunDir(Path(arguments[0]))
    lock, earlier = (int(arguments[arguments.index(o) + 1]) if o in arguments else None for o in ("--lock", "--resume"))
    try:
        thread = TrainerThread(run, resume=earlier is not None, lock=lock, requests_from=earlier)
    except GrokError as error:
        print(f"grok-tui: {error}", file=sys.stderr)
        return error.exit_code

    def stop(signum: int, frame: FrameType | None) -> None:
        thread.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    thread.start()
    while thread.is_alive():
        thread.join(timeout=0.5)  # with a timeout, so that signals are heard
    if thread.error is not None:
        traceback.print_exception(thread.error)
    return thread.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
