"""Leaving because of a signal from outside: one that ends programs, or the hang-up of the terminal."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from ..process import SIGNALS


def watch_signals(detach: Callable[[], None], leave: Callable[[int], None]) -> None:
    """Leave at once, even if the terminal takes no output. A signal that the parent ignores stays ignored.

    `detach` sees to it that training can go on without the app; `leave` restores the terminal and ends with a code.
    """
    loop = asyncio.get_running_loop()

    def handle(signum: int, frame: FrameType | None) -> None:
        code = 128 + signum
        detach()
        if signum == signal.SIGHUP:
            os._exit(code)  # no terminal is left to restore
        fallback = threading.Timer(1.0, os._exit, [code])
        fallback.daemon = True
        fallback.start()
        loop.call_soon_threadsafe(leave, code)

    for signum in SIGNALS:
        if signum != signal.SIGINT and signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, handle)
