"""The real program in a real pseudo-terminal, and the screen that it draws there."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pexpect
import pyte

from grok_tui.store.rundir import RunDir


class Terminal:
    """`grok-tui ARGUMENTS` in a terminal of a given size; drained all the time, like a real one."""

    def __init__(self, cwd: Path, *arguments: str, columns: int = 80, lines: int = 24, reads: bool = True) -> None:
        """`reads=False` takes the output away unread: over ssh, reading it is another machine's work."""
        self.cwd = cwd
        self.reads = reads
        self.screen = pyte.Screen(columns, lines)
        self.painted_at: float | None = None
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "", "LINES": ""}
        self.started_at = time.perf_counter()
        command = ["-m", "grok_tui", *arguments]
        self.child = pexpect.spawn(sys.executable, command, cwd=str(cwd), env=env, dimensions=(lines, columns))
        self._stream = pyte.ByteStream(self.screen)
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self) -> None:
        while not self._closing.is_set():
            try:
                if not select.select([self.child.child_fd], [], [], 0.05)[0]:
                    continue
                data = os.read(self.child.child_fd, 65536)
            except OSError:
                return
            if not data:
                return
            if not self.reads:
                continue
            self._stream.feed(data)
            if self.painted_at is None and any(line.strip() for line in self.screen.display):
                self.painted_at = time.perf_counter()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._reader.join()
        self.child.close(force=True)

    def hang_up(self) -> None:
        """Close the terminal's other end, as a dropped link does; the kernel then tells the program."""
        self._closing.set()
        self._reader.join()
        process = self.child.ptyproc
        process.fileobj.close()
        process.closed = self.child.closed = True
        deadline = time.monotonic() + 5
        while process.isalive():
            assert time.monotonic() < deadline, "the app outlived its terminal"
            time.sleep(0.05)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.screen.display)

    def press(self, *keys: str) -> None:
        """Type keys, one at a time, as fast as a person."""
        for key in keys:
            self.child.send(key)
            time.sleep(0.05)

    def wait(self, until: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait until something holds; fail with the screen if it does not."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"{what} did not come about; the screen:\n{self.text}"
            time.sleep(0.02)

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Wait until a text stands on the screen."""
        self.wait(lambda: text in self.text, repr(text), seconds)

    def wait_until_memorized(self) -> None:
        """Wait until the newest run has memorised its train data."""
        self.wait(lambda: '"memorized"' in self.run().events_jsonl.read_text(), "memorising")

    def run(self) -> RunDir:
        """The newest run below the working directory."""
        self.wait(lambda: list(self.cwd.glob("runs/*/run.json")), "a run directory")
        return RunDir(max(self.cwd.glob("runs/*"), key=lambda path: path.stat().st_mtime))


def processes_on(run: RunDir) -> list[int]:
    """Living processes whose command line names the run."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if run.id.encode() in command and state != "Z":
            found.append(int(entry.name))
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
