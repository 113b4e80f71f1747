"""From a run directory to what trains it: one trainer or an ensemble, from the start or from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from ..errors import UsageError
from ..store import checkpoints
from ..store.checkpoints import Checkpoint
from ..store.run_writer import read_events
from ..store.rundir import RunDir
from . import backend as backends
from . import devices
from .ensemble import Ensemble
from .recorder import Training
from .records import Record
from .trainer import Request, Trainer


@dataclass
class Begun:
    """A run about to train. records: each with its seed, or with none where it speaks for the run."""

    training: Training
    records: Iterator[tuple[int | None, Record]]
    resumed_at: int | None
    seeds: dict[int, Trainer] = field(default_factory=dict)


def begin(run: RunDir, requests: Callable[[], list[Request]], *, resume: bool) -> Begun:
    """Make ready what trains `run`, on the device, the threads and the path that its run.json names."""
    info, config = run.info(), run.config()
    devices.make_deterministic()
    device = devices.choose(info["asked"]["device"])
    devices.check_dtypes(config, device)
    asked, used = info["asked"], info["used"]
    threads = used.get("threads") or asked["threads"]
    if threads:
        torch.set_num_threads(threads)
    backend = backends.again(used["backend"]) if used else backends.choose(device, asked["backend"])
    options: dict[str, Any] = {"requests": requests, "stop_on": info["stop_on"], "pace": asked["pace"]}
    if "seeds" in info:
        return ensemble(
            run, info["seeds"], options | {"config": config, "device": device, "backend": backend}, resume=resume
        )
    step, checkpoint = checkpoints.newest(run) if resume else (None, None)
    told = [] if step is None else requests_told(run, step)
    trainer = Trainer(config, device, backend, told=told, checkpoint=checkpoint, **options)
    if not threads and device.type == "cpu":
        torch.set_num_threads(devices.threads_for(trainer.schedule.step_cost))
    return Begun(trainer, ((None, record) for record in trainer), step)


def ensemble(run: RunDir, numbers: list[int], options: dict[str, Any], *, resume: bool) -> Begun:
    """All seeds that have not failed, from the newest step that every one of them has a checkpoint of."""
    if not resume:
        training = Ensemble(seeds=numbers, **options)
        return Begun(training, iter(training), None, training.trainers)
    numbers = [seed for seed in numbers if run.seed(seed).info()["status"] != "failed"]
    step, kept = newest_common([run.seed(seed) for seed in numbers], run.id)
    told = [requests_told(run.seed(seed), step) for seed in numbers]
    training = Ensemble(seeds=numbers, told=told, checkpoints=kept, **options)
    return Begun(training, iter(training), step, training.trainers)


def newest_common(seeds: list[RunDir], name: str) -> tuple[int, list[Checkpoint]]:
    """The newest step at which every seed's checkpoint can be read, and those."""
    common = set.intersection(*(set(seed.checkpoint_steps()) for seed in seeds)) if seeds else set()
    for step in sorted(common, reverse=True):
        read = [checkpoints.read(seed, step) for seed in seeds]
        if all(read):
            return step, [checkpoint for checkpoint in read if checkpoint]
    raise UsageError(f"{name} has no checkpoint to go on from; start it again with grok-tui run --config")


def requests_told(run: RunDir, step: int) -> list[dict[str, Any]]:
    """The requests that an earlier life of the run was steered by, from `step` on."""
    events = read_events(run)
    return [e for e in events if e.get("type") == "steered" and e.get("by") == "request" and e["step"] >= step]
