"""Leaving when told to from outside: SIGTERM, and the hang-up of the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


def watch_signals(forsake: Callable[[], None], leave: Callable[[int], None]) -> None:
    """Leave at once, also while the terminal takes no output.

    `forsake` sees to it that training is in good hands; `leave` restores the terminal and ends with a code.
    """
    loop = asyncio.get_running_loop()

    def heard(signum: int, frame: FrameType | None) -> None:
        code = 128 + signum
        forsake()
        if signum == signal.SIGHUP:
            os._exit(code)  # no terminal is left to restore
        fallback = threading.Timer(1.0, os._exit, [code])
        fallback.daemon = True
        fallback.start()
        loop.call_soon_threadsafe(leave, code)

    signal.signal(signal.SIGTERM, heard)
    signal.signal(signal.SIGHUP, heard)
