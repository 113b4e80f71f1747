"""A worker process: `python -m grok_tui.sweep.worker` loads torch once and trains the runs named on its input.

Input: one `Job` per line, as JSON. Output: one line when an engine has ended; the run directory says how. If the input
ends, because the launcher needs the worker no more or has died, the worker saves the run that it trains and ends.
"""

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import msgspec

from ..engine.thread import TrainerThread
from ..errors import GrokError
from ..store.rundir import RunDir


class Job(msgspec.Struct, frozen=True):
    """One run to train to its end."""

    run: str
    """path of its directory"""
    resume: bool


class Training(TrainerThread):
    """A trainer's thread that answers when it has ended."""

    answers = -1

    def run(self) -> None:
        super().run()
        if self.error is not None:
            traceback.print_exception(self.error)
        answer(self.answers)


def answer(answers: int) -> None:
    """Report that an engine has ended. The launcher may be dead."""
    with suppress(OSError):
        os.write(answers, b"ended\n")


def main() -> None:
    """Train one run after the other; SIGTERM, like the end of the input, saves the run and ends the process."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    answers = os.dup(1)
    thread = None
    with suppress(KeyboardInterrupt):
        for line in sys.stdin:
            job = msgspec.json.decode(line, type=Job)
            run = RunDir(Path(job.run))
            try:
                with run.log.open("ab") as log:
                    os.dup2(log.fileno(), 1)
                    os.dup2(log.fileno(), 2)
                thread = Training(run, resume=job.resume)
            except (GrokError, OSError) as error:  # another engine holds the run, or the directory is gone
                print(f"grok-tui: {error}", file=sys.stderr)
                answer(answers)
                continue
            thread.answers = answers
            thread.start()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)
    if thread is not None and thread.is_alive():
        thread.stop()
        thread.join()


if __name__ == "__main__":
    main()
