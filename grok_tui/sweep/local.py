"""Trains planned runs in worker processes on this machine. Imports no torch."""

import signal
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from select import select

import msgspec

from .launcher import Report
from .plan import PlannedRun
from .worker import Job

TICK = 0.2
"""Longest time in seconds until the launcher notices that it is to stop."""
RETRIES = 2
"""How often a run is started again after its worker died."""


class Worker:
    """A worker process, as the launcher sees it."""

    def __init__(self, log: Path) -> None:
        """`-P`: Python does not import a file `random.py` in the user's directory. In its own session the process
        does not get the signals of the terminal."""
        self.run: PlannedRun | None = None
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "grok_tui.sweep.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.jobs, self.answers = self.process.stdin, self.process.stdout

    @property
    def is_free(self) -> bool:
        return self.run is None and not self.jobs.closed

    def train(self, run: PlannedRun, resume: bool) -> None:
        """Send the worker a run. If the worker has died, its answers end."""
        self.run = run
        with suppress(OSError):
            self.jobs.write(msgspec.json.encode(Job(str(run.run.path.resolve()), resume)) + b"\n")
            self.jobs.flush()

    def dismiss(self) -> None:
        """Let the worker save what it trains, and end."""
        with suppress(OSError):
            self.jobs.close()

    def wait(self) -> str:
        """Wait for the end of the process; returns how it ended."""
        self.dismiss()
        code = self.process.wait()
        self.answers.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Local:
    """The launcher for this machine: up to `size` workers, each with one run at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_stopping = False
        self._waiting: deque[PlannedRun] = deque()
        self._workers: list[Worker] = []
        self._deaths: Counter[str] = Counter()

    def stop(self) -> None:
        self.is_stopping = True

    def train(self, runs: Iterable[PlannedRun]) -> Generator[Report | None]:
        self._waiting.extend(runs)
        try:
            yield from self._start()
            while any(worker.run for worker in self._workers) or (self._waiting and not self.is_stopping):
                answers, _, _ = select([worker.answers for worker in self._workers], [], [], TICK)
                ready = [worker for worker in self._workers if worker.answers in answers]
                ended = [report for worker in ready if (report := self._answer(worker))]
                yield from ended + self._start()  # start first: no core is idle while the caller handles a report
                if not ready:
                    yield None
        finally:
            for worker in self._workers:
                worker.dismiss()
            for worker in self._workers:
                worker.wait()

    def _start(self) -> list[Report]:
        """Give runs to free workers and to new ones; dismiss the workers that are not needed."""
        started = []
        while self._waiting and not self.is_stopping:
            worker = next((worker for worker in self._workers if worker.is_free), None)
            if worker is None and len(self._workers) >= self.size:
                break
            run = self._waiting.popleft()
            resume = run.prepare()
            if worker is None:
                worker = Worker(run.run.log)
                self._workers.append(worker)
            worker.train(run, resume)
            started.append(Report("started", run))
        for worker in self._workers:
            if worker.is_free or self.is_stopping:
                worker.dismiss()
        return started

    def _answer(self, worker: Worker) -> Report | None:
        """Read an answer of a worker, or notice its death."""
        run, worker.run = worker.run, None
        is_alive = bool(worker.answers.readline())
        reason = "another process stopped it"
        if not is_alive:
            self._workers.remove(worker)
            reason = f"its worker, process {worker.process.pid}, died: {worker.wait()}"
        if run is None:
            return None
        if self.is_stopping or run.outcome() in ("finished", "diverged", "failed"):
            return Report("ended", run)
        worker.dismiss()
        self._deaths[run.run.id] += 1
        if self._deaths[run.run.id] > RETRIES:
            return Report("given up", run, f"{reason}; the run was tried {RETRIES + 1} times")
        self._waiting.appendleft(run)
        return Report("retried", run, reason)
