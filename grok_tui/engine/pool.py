"""Many runs on worker processes. Imports no torch.

`python -m grok_tui.engine.pool` is a worker: it loads torch once, trains the run directories named on its input, one
JSON line each, and answers with a line whenever an engine has ended. When the input ends, because the worker is no
longer wanted or whoever wanted it has died, it saves what it trains and ends.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import GrokError, UsageError
from ..store.rundir import RunDir
from .thread import TrainerThread

TICK = 0.2
"""Seconds between two looks at whether to stop."""
AGAIN = 2
"""How often a run is begun again after its worker died."""


@dataclass(frozen=True)
class Task:
    """A run to train to its end."""

    run: RunDir
    prepare: Callable[[], bool]
    """makes the directory ready for an engine; returns whether the engine is to go on from a checkpoint"""


@dataclass(frozen=True)
class Report:
    """What became of a task; `again` and `given up` are said where its worker died, and `says` tells how."""

    what: Literal["started", "ended", "again", "given up"]
    task: Task
    says: str = ""


class Worker:
    """A worker process, seen from the pool."""

    def __init__(self, log: Path) -> None:
        """`-P`: a `random.py` in the user's directory must not become the engine's."""
        self.task: Task | None = None
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "grok_tui.engine.pool"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # the terminal's signals are for the pool
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    @property
    def is_free(self) -> bool:
        """Whether it can be given a task."""
        return self.task is None and not self.requests.closed

    def give(self, task: Task, resume: bool) -> None:
        """Have it train one more run. Where it has died, `hear` will say so."""
        self.task = task
        request = {"run": str(task.run.path.resolve()), "resume": resume}
        with suppress(OSError):
            self.requests.write(json.dumps(request).encode() + b"\n")
            self.requests.flush()

    def dismiss(self) -> None:
        """Have it save what it trains, and end."""
        with suppress(OSError):
            self.requests.close()

    def death(self) -> str:
        """How it ended."""
        self.dismiss()
        code = self.process.wait()
        self.answers.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Pool:
    """Trains runs on up to `size` processes at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.stopping = False
        """Once set, every run is saved and none begun, and `train` comes to its end."""
        self._waiting: deque[Task] = deque()
        self._workers: list[Worker] = []
        self._deaths: Counter[str] = Counter()
        self._selector = selectors.DefaultSelector()

    def train(self, tasks: Iterable[Task]) -> Generator[Report | None]:
        """Train the tasks in their order and tell what happens; none where nothing has for a `TICK`."""
        self._waiting.extend(tasks)
        try:
            yield from self._hand_out()
            while any(worker.task for worker in self._workers) or (self._waiting and not self.stopping):
                ready = [key.data for key, _ in self._selector.select(timeout=TICK)]
                ended = [report for worker in ready if (report := self._hear(worker))]
                yield from ended + self._hand_out()  # work first: no core waits for whoever is told
                if not ready:
                    yield None
        finally:
            for worker in self._workers:
                worker.dismiss()
            for worker in self._workers:
                worker.death()
            self._selector.close()

    def _hand_out(self) -> list[Report]:
        """Give tasks to workers, hire those that are wanted and dismiss those that are not."""
        started = []
        while self._waiting and not self.stopping:
            worker = next((worker for worker in self._workers if worker.is_free), None)
            if worker is None and len(self._workers) >= self.size:
                break
            task = self._waiting.popleft()
            resume = task.prepare()
            if worker is None:
                worker = Worker(task.run.log)
                self._workers.append(worker)
                self._selector.register(worker.answers, selectors.EVENT_READ, worker)
            worker.give(task, resume)
            started.append(Report("started", task))
        for worker in self._workers:
            if worker.is_free or self.stopping:
                worker.dismiss()
        return started

    def _hear(self, worker: Worker) -> Report | None:
        """Take a worker's answer, or its death."""
        task, worker.task = worker.task, None
        is_alive = bool(worker.answers.readline())
        reason = "was stopped by another hand"
        if not is_alive:
            self._selector.unregister(worker.answers)
            self._workers.remove(worker)
            reason = f"lost its worker, process {worker.process.pid}: {worker.death()}"
        if task is None:
            return None
        if self.stopping or status(task.run) in ("finished", "failed"):
            return Report("ended", task)
        worker.dismiss()
        self._deaths[task.run.id] += 1
        if self._deaths[task.run.id] > AGAIN:
            return Report("given up", task, f"{reason}, as before; tried {AGAIN + 1} times")
        self._waiting.appendleft(task)
        return Report("again", task, reason)


def status(run: RunDir) -> str:
    """How a run stands, or nothing where it is none."""
    try:
        return str(run.info()["status"])
    except UsageError:
        return ""


class Training(TrainerThread):
    """A trainer's thread that answers when it has ended."""

    answers = -1

    def run(self) -> None:
        """Train; the run's status and log say what went wrong."""
        super().run()
        if self.error is not None:
            traceback.print_exception(self.error)
        answer(self.answers)


def answer(answers: int) -> None:
    """Say that an engine has ended, to whoever still listens."""
    with suppress(OSError):
        os.write(answers, b"ended\n")


def work() -> None:
    """Train what is asked for until nothing more will be."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    answers = os.dup(1)
    thread = None
    with suppress(KeyboardInterrupt):
        for line in sys.stdin:
            request = json.loads(line)
            run = RunDir(Path(request["run"]))
            try:
                with run.log.open("ab") as log:
                    os.dup2(log.fileno(), 1)
                    os.dup2(log.fileno(), 2)
                thread = Training(run, resume=request["resume"])
            except (GrokError, OSError) as error:  # held by another engine, or gone
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
    work()
