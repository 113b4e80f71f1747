"""`grok-tui resume`: going on from a checkpoint, as it was, with more steps, or as a branch with other knobs."""

import os
from collections.abc import Sequence

import typer

from ..config.fields import field
from ..config.load import to_toml
from ..config.schema import RunConfig
from ..config.start import check_start
from ..errors import UsageError
from ..store import runs as store_runs
from ..store.branch import branch
from ..store.files import write_atomically
from ..store.info import now
from ..store.jsonl import Tail, append_line
from ..store.rundir import RunDir
from ..store.timeline import number
from . import options, output
from .run import check_device, train

STEPS = "train.steps"


def resume(
    run: options.Run = "latest",
    set: options.Knobs = None,
    steps: options.Steps = None,
    device: options.OtherDevice = None,
    runs: options.Runs = options.RUNS,
    json: options.Json = False,
    quiet: options.Quiet = False,
    detach: options.Detach = False,
) -> None:
    """Go on from a run's last checkpoint, as if it had never stopped.

    --steps gives it a new end, also if it has finished. --set changes knobs and makes a new run, a branch.
    """
    found = store_runs.find(run, runs)
    if whole := found.whole():
        raise UsageError(f"{found.id} is one seed of {whole.id}; resume {whole.id}")
    changes = dict(options.changes(set or []))
    if STEPS in changes:
        steps = field(STEPS).parse(changes.pop(STEPS))
    if changes:
        made, config = make_branch(found, changes, steps, device)
        raise typer.Exit(train(made, config, json=json, quiet=quiet, detach=detach))
    lock = found.acquire()
    try:
        config = prepare(found, steps, device)
    except BaseException:
        os.close(lock)
        raise
    raise typer.Exit(train(found, config, json=json, quiet=quiet, detach=detach, resume=True, lock=lock))


def prepare(run: RunDir, steps: int | None, device: str | None) -> RunConfig:
    """Check that a run can go on, and only then write to it: its new end, its device, its status."""
    info = run.info()
    config = with_steps(run, steps, info["progress"]["step"])
    if info["status"] == "finished" and steps is None:
        raise UsageError(
            f"{run.id} has finished; give it more steps with --steps, or start it again with "
            f"grok-tui run --config {run.config_toml}"
        )
    last = newest_checkpoint(run)
    if steps is not None and steps <= last:
        raise UsageError(f"--steps {steps}: {run.id} is already at step {last}")
    device = device or info["asked"]["device"]
    check_start(config, len(info.get("seeds", [0])))
    check_device(device, config)
    used = info["used"].get("device")
    if used and device not in (used, "auto"):
        output.note(f"{run.id} trained on {used} and goes on on {device}: its numbers may differ in the last digits")
    for part in (run, *parts(run)):
        if steps is not None:
            extend(part, steps, last)
        asked = part.info()["asked"] | {"device": device, "pace": 0.0}
        part.update_info(asked=asked, steps=config.train.steps, status="starting", ended=None, error=None)
    return config


def parts(run: RunDir) -> Sequence[RunDir]:
    """The seeds of a run of many seeds that have not diverged."""
    seeds = [run.seed(seed) for seed in run.info().get("seeds", [])]
    return [one for one in seeds if one.info()["status"] != "failed"]


def newest_checkpoint(run: RunDir) -> int:
    """The step of the newest checkpoint that can be read, of all seeds."""
    from ..store.checkpoints import newest_common

    return newest_common(parts(run) or [run], run.id)[0]


def with_steps(run: RunDir, steps: int | None, step: int) -> RunConfig:
    """The run's config with a new number of steps."""
    if steps is not None and steps <= step:
        raise UsageError(f"--steps {steps}: {run.id} is already at step {step}")
    return run.config_with([] if steps is None else [f"{STEPS}={steps}"])


def extend(run: RunDir, steps: int, at: int) -> None:
    """Give a run a new end; called while its lock is held."""
    old, new = run.config(), run.config_with([f"{STEPS}={steps}"])
    write_atomically(run.config_toml, to_toml(new))
    seq = 1 + max((number(event) for event in Tail(run.events_jsonl)()), default=0)
    change = {"old": old.train.steps, "new": steps}
    append_line(run.events_jsonl, {"seq": seq, "time": now(), "type": "extended", "step": at, **change})


def make_branch(
    parent: RunDir, changes: dict[str, str], steps: int | None, device: str | None
) -> tuple[RunDir, RunConfig]:
    """A new run beside `parent` that goes on from its newest checkpoint with other knobs."""
    info = parent.info()
    parent.check_inside()
    step = newest_checkpoint(parent)
    config = with_steps(parent, steps, step)
    if step >= config.train.steps:
        raise UsageError(f"{parent.id} is at its last step, {step}; give the branch more with --steps")
    device = device or info["asked"]["device"]
    check_device(device, config)
    made = branch(parent, parent.path.parent, changes, step=step, device=device)
    if steps is not None:
        for part in (made, *parts(made)):
            write_atomically(part.config_toml, to_toml(part.config_with([f"{STEPS}={steps}"])))
            part.update_info(steps=steps)
    output.note(f"{made.id} goes on from {parent.id} at step {step:,}")
    return made, made.config()
