"""The engine's own process: `python -m grok_tui.engine.host RUN_DIR [--resume] [--lock FD] [--requests-from BYTES]`.

It runs in its own session, so that training outlives the terminal, the link and a crash of the screen.
"""

import signal
import sys
import traceback
from pathlib import Path

from ..errors import INTERRUPTED, GrokError
from ..process import open_standard_streams, saving_signals
from ..store.rundir import RunDir
from .thread import TrainerThread


def main(arguments: list[str]) -> int:
    """Train the run to its end; a signal saves it first."""
    open_standard_streams()
    numbers = {arguments[i]: int(arguments[i + 1]) for i in range(1, len(arguments) - 1) if arguments[i] in OPTIONS}
    run = RunDir(Path(arguments[0]))
    try:
        thread = TrainerThread(
            run,
            resume="--resume" in arguments,
            lock=numbers.get("--lock"),
            requests_from=numbers.get("--requests-from"),
        )
    except GrokError as error:
        print(f"grok-tui: {error}", file=sys.stderr)
        return error.exit_code
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal from which it was started may go
    with saving_signals(thread.stop) as signals:
        thread.start()
        while thread.is_alive():
            thread.join(timeout=0.5)  # with a timeout, so that signals are handled
    if thread.error is not None:
        traceback.print_exception(thread.error)
    return 128 + signals[0] if signals and thread.exit_code == INTERRUPTED else thread.exit_code


OPTIONS = ("--lock", "--requests-from")
"""Options with a number."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
