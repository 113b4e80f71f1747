"""From a run directory to its trainer: a new run, one that goes on, or a branch of another run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..errors import UsageError
from ..store import checkpoints
from ..store.rundir import RunDir
from ..store.timeline import history, to_repeat
from . import backend as backends
from . import devices
from .trainer import Request, Trainer


def open_trainer(
    run: RunDir, requests: Callable[[], list[Request]], *, resume: bool
) -> tuple[Trainer, dict[int, dict[str, Any]]]:
    """The trainer of `run`, on the device, threads and backend that its run.json names.

    Also returns, by seed, the meta of the checkpoint from which it goes on; empty if it starts.
    """
    info, config = run.info(), run.config()
    asked, used = info["asked"], info["used"]
    devices.make_deterministic()
    device = devices.choose(asked["device"])
    devices.check_dtypes(config, device)
    threads = used.get("threads") or asked["threads"]
    torch.set_num_threads(threads or devices.MACHINE_THREADS)
    old = used.get("backend")
    backend = (
        backends.again(old) if old and used["device"] == str(device) else backends.choose(device, asked["backend"])
    )
    options: dict[str, Any] = {"requests": requests, "stop_on": info["stop_on"], "pace": asked["pace"]}
    seeds: list[int] = info.get("seeds") or [config.train.seed]
    options |= {"seeds": seeds, "stepper": (old or {}).get("seeds")}
    going_on = resume or (info.get("parent") is not None)
    state = Start(run, seeds, has_many=len(seeds) > 1) if going_on else None
    trainer = Trainer(config, device, backend, **options, **(state.options() if state else {}))
    if not threads and device.type == "cpu" and not trainer.has_many:
        torch.set_num_threads(devices.threads_for(trainer.schedule.costs.step))
    return trainer, {} if state is None else {n: c.meta for n, c in state.checkpoints.items()}


class Start:
    """What a run goes on from: the newest whole checkpoint of every seed that has not diverged."""

    def __init__(self, run: RunDir, seeds: list[int], *, has_many: bool) -> None:
        runs = {number: run.seed(number) if has_many else run for number in seeds}
        infos = {number: one.info() for number, one in runs.items()}
        self.failed = {n: info["result"] for n, info in infos.items() if has_many and info["status"] == "failed"}
        alive = {number: one for number, one in runs.items() if number not in self.failed}
        if not alive:
            raise UsageError(
                f"{run.id}: every seed has diverged; branch it with resume --set, for instance optim.lr=/2"
            )
        self.step, found = checkpoints.newest_common(list(alive.values()), run.id)
        self.checkpoints = dict(zip(alive, found, strict=True))
        self.repeat = {n: to_repeat(history(one), self.checkpoints[n].meta["seq"]) for n, one in alive.items()}

    def options(self) -> dict[str, Any]:
        """What the trainer is given."""
        return {"checkpoints": self.checkpoints, "failed": self.failed, "repeat": self.repeat}
