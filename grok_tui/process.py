"""The standard streams of a process and its signals, the same for every command and every engine."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that save and stop. Schedulers send the last two before a time limit."""
SHOW_CURSOR = b"\x1b[?25h"


def open_standard_streams() -> None:
    """Open /dev/null for each of the descriptors 0 to 2 that the parent has closed.

    Otherwise the next file to be opened would get its number, and what is printed would go into that file. Characters
    that the encoding of the terminal lacks are printed as escapes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def saving_signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Call `stop` at the first signal that asks to save and stop; the next one ends the process at once.

    Gives the list of signals that came: the exit code of the process is 128 plus the first. A signal that the parent
    ignores, as nohup does, stays ignored.
    """
    came: list[int] = []

    def handle(signum: int, frame: FrameType | None) -> None:
        if came:
            if sys.stderr.isatty():
                with suppress(OSError):
                    os.write(2, SHOW_CURSOR)
            os._exit(128 + signum)
        came.append(signum)
        with suppress(Exception):  # if that cannot be asked for, the next signal still ends the process
            stop()

    asked = [signum for signum in SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
    before = {signum: signal.signal(signum, handle) for signum in asked}
    try:
        yield came
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
