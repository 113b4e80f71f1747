"""The app in a terminal of its own, seen from the other end."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter, sleep
from types import TracebackType

from ..errors import GrokError
from ..store.rundir import RunDir
from .sides import environment

ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[\]P_^X].*?(\x1b\\|\x07)|[ -/]*[0-Z\\^-~])", re.DOTALL)
"""What moves, colours or asks; the rest is text."""


class Terminal:
    """`grok-tui ARGUMENTS` in a directory and in a terminal, which takes its output away unread."""

    def __init__(self, folder: Path, *arguments: str, until: str = "", columns: int = 160, lines: int = 48) -> None:
        self.folder = folder
        self.until = until.encode()
        self.painted: float | None = None
        """Seconds until the text `until` stood on the screen, or any text at all."""
        self._end, other = pty.openpty()
        termios.tcsetwinsize(other, (lines, columns))
        env = environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}
        self._began = perf_counter()
        command = [sys.executable, "-P", "-m", "grok_tui", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self._closing = False
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self) -> None:
        seen = b""
        while not self._closing:
            if not select.select([self._end], [], [], 0.05)[0]:
                continue
            try:
                output = os.read(self._end, 65536)
            except OSError:  # nothing holds the terminal any more
                return
            if self.painted is None:
                seen += output
                text = ESCAPES.sub(b"", seen).strip()
                if text and self.until in text:
                    self.painted = perf_counter() - self._began

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self._end, key.encode())

    def wait(self, until: Callable[[], object], what: str, seconds: float = 120) -> None:
        """Wait for something."""
        deadline = monotonic() + seconds
        while not until():
            if monotonic() > deadline or self.process.poll() is not None:
                raise GrokError(f"bench: the app in its terminal: {what} did not come about")
            sleep(0.02)

    def halt(self) -> None:
        """Let it do nothing until it is to go on."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After a halt, or not."""
        self.process.send_signal(signal.SIGCONT)

    def processor_seconds(self) -> float:
        """How long it has kept a processor busy so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def most_memory(self) -> int:
        """Bytes that it held at its peak."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    def run(self) -> RunDir:
        """The run below the directory."""
        self.wait(lambda: list(self.folder.glob("runs/*/run.json")), "a run directory")
        return RunDir(next(self.folder.glob("runs/*")))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on()
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._closing = True
        self._reader.join()
        os.close(self._end)
