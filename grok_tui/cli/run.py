"""`grok-tui run`: training without a screen."""

import re
from typing import Annotated, Any, Literal

import typer

from ..config import presets
from ..config.load import load
from ..config.schema import RunConfig
from ..config.start import seed_range
from ..errors import UsageError
from ..store import lock
from ..store.rundir import RunDir, check_runs_dir, create
from . import options, output
from .foreground import Foreground

StopOn = Annotated[
    Literal["grok"] | None, typer.Option("--stop-on", help="grok: end when it groks, exit 3 if it does not.")
]


def run(
    preset: options.Preset = None,
    config: options.Config = None,
    set: options.Sets = None,
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    steps: options.Steps = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    backend: options.Backend = "fast",
    stop_on: StopOn = None,
    runs: options.Runs = options.RUNS,
    name: options.Name = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    detach: options.Detach = False,
) -> None:
    """Train a preset or a config to its end, without a screen."""
    if (preset is None) == (config is None):
        raise UsageError(f"give one of --preset and --config; presets are: {', '.join(presets.names())}")
    if name is not None and not re.fullmatch(r"\w[\w.-]{0,59}", name, re.ASCII):
        raise UsageError(f"--name {name}: expected letters, digits, '.', '_' and '-', at most 60, a letter first")
    sets = options.overrides(set, seed, steps)
    resolved = presets.load_preset(preset, sets) if preset else load(config, sets)  # type: ignore[arg-type]
    check_runs_dir(runs)
    check_device(device, resolved)
    together = range(0) if seeds is None else seed_range(resolved, seeds)
    label = preset or re.sub(r"[^\w.-]", "_", config.stem, flags=re.ASCII)[:60]  # type: ignore[union-attr]
    asked: dict[str, Any] = {"device": device, "threads": threads, "backend": backend, "seeds": together}
    made = create(runs, resolved, preset=label, name=name, stop_on=stop_on, **asked)
    raise typer.Exit(train(made, resolved, json=json, quiet=quiet, detach=detach))


def check_device(device: str, config: RunConfig) -> None:
    """Refuse a device that is not there, or cannot do what is asked, before anything is written."""
    from ..engine import prepare_process

    prepare_process()  # the next line loads torch
    from ..engine import devices

    devices.check_dtypes(config, devices.choose(device))


def train(run: RunDir, config: RunConfig, *, json: bool, quiet: bool, detach: bool = False, **engine: Any) -> int:
    """Train a run in this process or detached, and return the exit code; `engine`: resume, lock."""
    if not lock.works(run.path):
        output.note(f"{run.path}: this file system has no locks; a heartbeat shows that the run is held")
    if not detach:
        return Foreground(run, config, json=json, quiet=quiet, **engine).train()
    from ..engine.launch import spawn

    spawn(run, **engine)
    if json:
        output.json_line({"type": "detached", "run": run.id, "path": str(run.path)})
    else:
        output.data(str(run.path))
    return 0
