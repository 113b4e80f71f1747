"""A branch: a new run that goes on from a checkpoint of another one, with other values of its knobs."""

import shutil
from pathlib import Path
from typing import Any

from ..config.fields import replace
from ..config.steering import resolve
from ..errors import UsageError
from .requests import send
from .rundir import RunDir, create
from .timeline import history, number


def branch(
    parent: RunDir, runs: Path, changes: dict[str, Any], *, step: int | None = None, device: str | None = None
) -> RunDir:
    """Make the directory of a branch of `parent`, ready for an engine.

    changes: knobs and their new values, as in a request to steer; the branch is steered to them before its first step.
    step: the branch starts at the newest checkpoint at or before it; None: at the newest.

    UsageError if a change is no knob or out of range, or if there is no checkpoint; nothing is written then.
    """
    info, config = parent.info(), parent.config()
    seeds = info.get("seeds") or []
    parts = [parent.seed(seed) for seed in seeds] or [parent]
    common = set.intersection(*(set(part.checkpoint_steps()) for part in parts))
    usable = [at for at in common if step is None or at <= step]
    if not usable:
        where = "" if step is None else f" at or before step {step}"
        raise UsageError(f"{parent.id} has no checkpoint{where}; it has {sorted(common) or 'none'}")
    start = max(usable)
    now = replace(config, knobs_at(parts[0], start))
    for key, value in changes.items():
        resolve(now, key, value, None)
    asked = info["asked"]
    origin = {"run": parent.id, "step": start, "root": info.get("root", parent.id), "depth": info.get("depth", 0)}
    run = create(
        runs,
        now,
        preset=info["preset"],
        name=info["name"],
        device=device or asked["device"],
        backend=asked["backend"],
        threads=asked["threads"],
        stop_on=info["stop_on"],
        seeds=seeds,
        parent=origin,
    )
    for part in parts:
        own = run if part is parent else run.seed(int(part.path.name.removeprefix("seed_")))
        shutil.copyfile(part.checkpoint(start), own.checkpoint(start))
    if changes:
        send(run, "steer", set=changes)
    return run


def knobs_at(run: RunDir, step: int) -> dict[str, float]:
    """The steerable fields that were changed before the checkpoint of `step` was saved, with their values then."""
    events = history(run)
    saved = [number(e) for e in events if e.get("type") == "checkpoint" and e.get("step") == step]
    steered = [e for e in events if e.get("type") == "steered" and number(e) < max(saved, default=0)]
    return {event["key"]: event["new"] for event in steered if event["key"] != "norm"}
