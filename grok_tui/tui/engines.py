"""Engines of the runs that the app starts: each in a process of its own, or all in this one. Knows no screen."""

import asyncio
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..config.schema import RunConfig
from ..errors import GrokError
from ..store import requests, rundir
from ..store.branch import branch
from ..store.rundir import RunDir
from .run_view import training_info

if TYPE_CHECKING:
    from ..engine.launch import InProcess

STOPPING = 60.0
"""Most seconds that an engine is waited for to save and stop."""


class Engines:
    """Starts and stops engines. What cannot be started raises GrokError."""

    def __init__(self, runs: Path, device: str, in_process: bool) -> None:
        self.runs = runs
        self.device = device
        self.in_process = in_process
        self._hosts: list[InProcess] = []
        self._processes: list[Popen[bytes]] = []

    def start(self, config: RunConfig, preset: str) -> RunDir:
        """Train a new run."""
        try:
            run = rundir.create(self.runs, config, preset=preset, device=self.device, pace=config.train.pace)
        except OSError as error:
            raise GrokError(f"--runs {self.runs}: cannot be written: {error.strerror}") from None
        return self._launch(run)

    def branch(self, run: RunDir, changes: dict[str, Any]) -> RunDir:
        """Go on from the last checkpoint of a run, in a new run and with other knobs."""
        return self._launch(branch(run, self.runs, changes))

    def resume(self, run: RunDir) -> RunDir:
        """Go on with a run from its last checkpoint."""
        try:
            lock = run.acquire()
            run.update_info(status="starting", ended=None, error=None)
        except OSError as error:
            raise GrokError(f"{run.path}: cannot be written: {error.strerror}") from None
        return self._launch(run, resume=True, lock=lock)

    def _launch(self, run: RunDir, **options: Any) -> RunDir:
        from ..engine import launch

        try:
            if self.in_process:
                self._hosts.append(launch.host_in_process(run, **options))
            else:
                self._processes.append(launch.spawn(run, **options))
        except OSError as error:
            raise GrokError(f"the engine did not start: {error.strerror}") from None
        return run

    @property
    def is_training_here(self) -> bool:
        """Whether training lives in this process."""
        return any(host.is_alive() for host in self._hosts)

    def reap(self) -> None:
        """Collect engines that have ended, so that none stays behind as a zombie."""
        self._processes = [process for process in self._processes if process.poll() is None]

    async def stop(self, runs: list[RunDir]) -> bool:
        """Ask engines to save and stop, and wait until they have; false if they take too long."""
        deadline = monotonic() + STOPPING
        for run in runs:
            with suppress(OSError):
                requests.send(run, "stop")
        while any(training_info(run) for run in runs) and monotonic() < deadline:
            await asyncio.sleep(0.1)
        return not any(training_info(run) for run in runs)

    def drop_pace(self, run: RunDir | None) -> None:
        """Nobody watches the run any more: it need not keep to a pace."""
        info = training_info(run)
        if run is not None and info is not None and info["asked"].get("pace"):
            with suppress(OSError):
                requests.send(run, "pace", pace=0.0)

    def detach(self, run: RunDir | None) -> None:
        """See to it that training can go on without the app: at full speed; in this process it is saved and stopped."""
        if not self._hosts:
            self.drop_pace(run)
        for host in self._hosts:
            host.stop()
