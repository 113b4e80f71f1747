"""From a run directory to its trainer: a new run, one that goes on, or a branch of another run."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError
from ..store import checkpoints
from ..store.checkpoints import Checkpoint
from ..store.events import EventTail
from ..store.rundir import RunDir
from ..store.timeline import answered, to_repeat
from . import backend as backends
from . import devices
from .run_state import BACK, Back, RunState
from .schedule import Schedule
from .steering import Request
from .trainer import Trainer


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
    runs = {number: run.seed(number) if len(seeds) > 1 else run for number in seeds}
    goes_on = resume or info.get("parent") is not None
    # killed before its first checkpoint: nothing is lost by starting again
    start = Start(run, runs) if goes_on and any(one.checkpoint_steps() for one in runs.values()) else None
    trainer = Trainer(config, device, backend, **options)
    if start is not None:
        restore(trainer, start.checkpoints, start.repeat, start.failed)
    if not threads and device.type == "cpu" and trainer.stepper_name != "threads":
        at_once = len(trainer.seeds) if trainer.stepper_name == "batched" else 1
        torch.set_num_threads(devices.threads_for(at_once * trainer.schedule.costs.step))
    return trainer, {} if start is None else {n: c.meta for n, c in start.checkpoints.items()}


class Start:
    """What a run goes on from: the newest whole checkpoint of every seed that has not diverged."""

    def __init__(self, run: RunDir, runs: Mapping[int, RunDir]) -> None:
        """runs: the directory of each seed by its number; `run` itself, if it has one seed."""
        infos = {number: one.info() for number, one in runs.items()}
        has_many = len(runs) > 1
        self.failed = {n: info["result"] for n, info in infos.items() if has_many and info["status"] == "failed"}
        alive = {number: one for number, one in runs.items() if number not in self.failed}
        if not alive:
            raise UsageError(
                f"{run.id}: every seed has diverged; branch it with resume --set, for instance optim.lr=/2"
            )
        _, found = checkpoints.newest_common(list(alive.values()), run.id)
        self.checkpoints = dict(zip(alive, found, strict=True))
        known = answered(run)
        self.repeat = {
            n: [
                e
                for e in to_repeat(EventTail(one.events_jsonl)(), self.checkpoints[n].meta["seq"])
                if e["request"] in known
            ]
            for n, one in alive.items()
        }


def restore(
    run: RunState,
    checkpoints: Mapping[int, Checkpoint],
    repeat: Mapping[int, list[dict[str, Any]]] | None = None,
    failed: Mapping[int, dict[str, Any]] | None = None,
) -> None:
    """Have a new run go on from checkpoints, one per seed by its number.

    It then yields the records that a run never stopped would have yielded. Knobs come first, then the tensors: an
    optimizer's state belongs to its knobs.

    repeat: by number, `steered` and `marked` events of an earlier life of the run, repeated at their steps.
    failed: by number, the results of seeds that diverged in an earlier life.
    """
    for seed in run.seeds:
        if seed.number in checkpoints:
            seed.restore(checkpoints[seed.number].meta)
            seed.repeated = list((repeat or {}).get(seed.number, []))
        else:
            seed.restore_failed((failed or {}).get(seed.number, {}))
    run.stepper.set_knobs(run.seeds)
    back: list[dict[str, Tensor]] = []
    for seed in run.seeds:
        kept = checkpoints[seed.number].tensors if seed.is_alive else {}
        back.append({name.removeprefix(BACK): t for name, t in kept.items() if name.startswith(BACK)})
        if seed.is_alive:
            seed.learner.load({name: t for name, t in kept.items() if not name.startswith(BACK)})
    meta = next(iter(checkpoints.values())).meta
    run.is_new = False
    run.step = run.snapshot_step = meta["step"]
    run.wait_until = meta["wait_until"]
    run.schedule = Schedule.from_state(meta["schedule"])
    run.schedule.steps = run.config.train.steps  # a finished run may be given more steps
    if "back" in meta:
        run.back = Back(meta["back"]["step"], meta["back"]["schedule"], back)
    run.next_checkpoint, run.next_kept_kernel = meta["next_checkpoint"], meta["next_kept_kernel"]
    run.clock.restart(run.step)
