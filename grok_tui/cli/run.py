"""`grok-tui run` and `grok-tui resume`: training without a screen."""

from __future__ import annotations

import os
import queue
import re
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..config import presets
from ..config.load import load
from ..config.schema import RunConfig
from ..config.start import seed_range
from ..errors import INTERRUPTED, TERMINATED, GrokError, UsageError, nearest
from ..store import runs as store_runs
from ..store.rundir import RunDir, check_runs_dir, create
from . import options, output

if TYPE_CHECKING:
    from ..engine.records import Record

BACKENDS = ("fast", "plain")
PHASES = {"memorized": "memorised", "grokked": "grokked"}
"""The phases as people are told of them."""

StopOn = Annotated[str | None, typer.Option("--stop-on", help="grok: end when it groks, exit 3 if it does not.")]


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
    if stop_on not in (None, "grok"):
        raise UsageError(f"--stop-on {stop_on}: {nearest(stop_on, ['grok'])}")
    if name is not None and not re.fullmatch(r"[\w.-]{1,60}", name):
        raise UsageError(f"--name {name}: expected letters, digits, '.', '_' and '-', at most 60")
    sets = options.overrides(set, seed, steps)
    resolved = presets.load_preset(preset, sets) if preset else load(config, sets)  # type: ignore[arg-type]
    check_runs_dir(runs)
    check_device(device, resolved)
    check_threads(threads)
    check_backend(backend)
    together = range(0) if seeds is None else seed_range(resolved, seeds)
    label = preset or config.stem  # type: ignore[union-attr]
    ways: dict[str, Any] = {"device": device, "threads": threads, "backend": backend, "seeds": together}
    made = create(runs, resolved, preset=label, name=name, stop_on=stop_on, **ways)
    raise typer.Exit(train(made, resolved, json=json, quiet=quiet, detach=detach))


def resume(
    run: options.Run = "latest",
    runs: options.Runs = options.RUNS,
    json: options.Json = False,
    quiet: options.Quiet = False,
    detach: options.Detach = False,
) -> None:
    """Go on from a run's last checkpoint, as if it had never stopped."""
    found = store_runs.find(run, runs)
    if found.info()["status"] == "finished":
        raise UsageError(f"{found.id} has finished; start it again with grok-tui run --config {found.config_toml}")
    of = [found.seed(seed) for seed in found.info().get("seeds", [])] or [found]
    if not any(one.checkpoint_steps() for one in of):
        raise UsageError(f"{found.id} has no checkpoint to go on from; start again with run --config")
    config = found.config()
    check_device(found.info()["asked"]["device"], config)
    raise typer.Exit(train(found, config, json=json, quiet=quiet, detach=detach, resume=True))


def check_device(device: str, config: RunConfig) -> None:
    """Refuse a device that is not there, or cannot do what is asked, before anything is written."""
    from ..engine import devices

    devices.check_dtypes(config, devices.choose(device))


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that makes no sense here."""
    cpus = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= cpus:
        raise UsageError(f"--threads {threads}: expected 1 to {cpus}, the CPUs here")


def check_backend(backend: str) -> None:
    """Refuse a backend that does not exist."""
    if backend not in BACKENDS:
        raise UsageError(f"--backend {backend}: {nearest(backend, BACKENDS)}")


def train(
    run: RunDir, config: RunConfig, *, json: bool, quiet: bool, detach: bool = False, resume: bool = False
) -> int:
    """Run the engine, in this process or detached, and return the exit code."""
    if detach:
        from ..engine.launch import spawn

        spawn(run, resume=resume)
        output.json_line({"type": "detached", "run": run.id, "path": str(run.path)}) if json else output.data(
            str(run.path)
        )
        return 0
    return Foreground(run, config, json=json, quiet=quiet, resume=resume).train()


class Foreground:
    """A run in this process: the trainer in its thread, this thread printing and hearing signals."""

    def __init__(self, run: RunDir, config: RunConfig, *, json: bool, quiet: bool, resume: bool) -> None:
        from ..engine.thread import TrainerThread

        self.run = run
        self.json = json
        self.signal: int | None = None
        self._records: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self.thread = TrainerThread(run, resume=resume, observe=self._records.put)
        self.progress = output.TrainingProgress(run.info()["name"], config.train.steps, quiet=quiet or json)

    def train(self) -> int:
        """Train to the end or to a signal; print what happens and, last, the result."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        self.thread.start()
        while self.thread.is_alive() or not self._records.empty():
            try:
                self._show(self._records.get(timeout=0.1))
            except queue.Empty:
                continue
        self.progress.close()
        error = self.thread.error
        if error is not None and not isinstance(error, GrokError):
            raise error
        self._show_result()
        if isinstance(error, GrokError):
            raise error
        if self.signal is not None:
            return INTERRUPTED if self.signal == signal.SIGINT else TERMINATED
        return self.thread.exit_code

    def _on_signal(self, signum: int, frame: Any) -> None:
        if self.signal is not None:
            os._exit(128 + signum)
        self.signal = signum
        self.thread.stop()

    def _show(self, record: Record) -> None:
        from ..engine.records import Event, Progress, Row

        match record:
            case Row(step, values) if self.json:
                output.json_line({"type": "row", "step": step, **values})
            case Event(type, step, data):
                if self.json:
                    output.json_line({"type": type, "step": step, **data})
                if said := sentence(type, step, data):
                    self.progress.say(said)
            case Progress(step, speed, _):
                self.progress.move(step, speed)

    def _show_result(self) -> None:
        info = self.run.info()
        result = {"t_mem": None, "t_grok": None, "delay": None} | info["result"]
        step = info["progress"]["step"]
        if self.json:
            about = {"run": self.run.id, "path": str(self.run.path), "status": info["status"], "step": step}
            output.json_line({"type": "result", **about, **result})
            return
        said = "  ".join(f"{key} {'-' if value is None else value}" for key, value in result.items())
        output.data(f"{self.run.path}  {info['status']} at {step}  {said}")


def sentence(type: str, step: int, data: dict[str, Any]) -> str | None:
    """What to say of an event to somebody who watches the log."""
    match type:
        case "phase":
            return f"{PHASES[data['phase']]} at step {step:,}"
        case "steered":
            return f"step {step:,}: {data['key']} {data['old']:g} -> {data['new']:g}"
        case "refused":
            return f"step {step:,}: refused: {data['reason']}"
        case "failed":
            return f"step {step:,}: {data['reason']}; the last finite checkpoint is kept"
        case "paused" | "continued" | "stopped":
            return f"{type} at step {step:,}"
    return None
