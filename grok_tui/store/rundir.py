"""Where everything of a run lies on disk, and who holds it. The only place that knows a file's name."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import random
import socket
import string
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..config.fields import replace
from ..config.load import load, to_toml
from ..config.schema import RunConfig
from ..config.start import check_start
from ..errors import RunHeld, UsageError

SCHEMA = 1
"""Version of the layout; a reader refuses a newer one."""

ENDED = ("finished", "failed", "interrupted")


class RunDir:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_json = path / "run.json"
        self.config_toml = path / "config.toml"
        self.metrics_csv = path / "metrics.csv"
        self.events_jsonl = path / "events.jsonl"
        self.commands_jsonl = path / "commands.jsonl"
        self.checkpoints = path / "checkpoints"
        self.kernel = path / "kernel"
        self.log = path / "engine.log"
        self.lock = path / "engine.lock"

    @property
    def id(self) -> str:
        """The directory's name is the run's id."""
        return self.path.name

    def seed(self, number: int) -> RunDir:
        """The run of one seed, where this is a run of many."""
        return RunDir(self.path / f"seed_{number}")

    def checkpoint(self, step: int) -> Path:
        """The file of the checkpoint taken at `step`."""
        return self.checkpoints / f"step_{step:09d}.safetensors"

    def kernel_at(self, step: int) -> Path:
        """The file of the kernel matrix measured at `step`."""
        return self.kernel / f"step_{step:09d}.safetensors"

    def checkpoint_steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        return sorted(int(file.stem.removeprefix("step_")) for file in self.checkpoints.glob("step_*.safetensors"))

    def config(self) -> RunConfig:
        """Read the config that this run was started with; the environment does not reach it."""
        return load(self.config_toml, env={})

    def info(self) -> dict[str, Any]:
        """Read run.json; its status is `interrupted` where an engine died without saying so."""
        try:
            info = json.loads(self.run_json.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"{self.path}: not a run: it has no run.json") from None
        except (OSError, ValueError):
            raise UsageError(f"{self.path}: not a run: its run.json cannot be read") from None
        if not isinstance(info, dict) or not isinstance(info.get("schema"), int) or "status" not in info:
            raise UsageError(f"{self.path}: not a run: its run.json is not one of grok-tui's")
        if info["schema"] > SCHEMA:
            raise UsageError(f"{self.path}: written by a newer grok-tui (schema {info['schema']}); update to read it")
        if info["status"] not in ENDED and info.get("host") == socket.gethostname() and not self.is_held():
            info["status"] = "interrupted"
        return info

    def update_info(self, **changes: Any) -> None:
        """Change fields of run.json; readers see the old file or the new one, never half of one."""
        info = json.loads(self.run_json.read_text(encoding="utf-8")) | changes
        write_atomically(self.run_json, json.dumps(info, indent=1) + "\n")

    def is_held(self) -> bool:
        """Whether an engine, or the process that is starting one, holds this run."""
        try:
            with self.lock.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def acquire(self, patience: float = 0.5) -> int:
        """Become the run's only engine: returns the descriptor of its lock, to be closed with `os.close`.

        A child process that inherits the descriptor holds the run as well. A reader that asks `is_held` has
        the lock for a moment, hence the patience, in seconds.
        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except OSError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise RunHeld(f"{self.id} is held by another engine; attach to it, or stop it first") from None
                time.sleep(0.02)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's whole content in one step."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def now() -> str:
    """The local time as it is written in every file."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def check_runs_dir(runs: Path) -> None:
    """Refuse a runs directory that cannot be made or written, leaving nothing behind."""
    parent = runs
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise UsageError(f"--runs {runs}: {parent} is not a directory")
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise UsageError(f"--runs {runs}: cannot be written: {error.strerror}") from None


def new_id(label: str, seed: int) -> str:
    """A directory's name that no other run has: time, name, seed, and four characters by chance."""
    suffix = "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=4))
    return f"{datetime.now():%Y-%m-%d_%H%M%S}_{label}_s{seed}_{suffix}"


def make_empty(run: RunDir, config: RunConfig) -> None:
    """All of a run's directory but its run.json."""
    run.path.mkdir(parents=True)
    run.checkpoints.mkdir()
    run.kernel.mkdir()
    run.config_toml.write_text(to_toml(config), encoding="utf-8")
    run.events_jsonl.touch()
    run.commands_jsonl.touch()


def create(
    runs: Path,
    config: RunConfig,
    *,
    preset: str,
    device: str = "auto",
    name: str | None = None,
    stop_on: str | None = None,
    pace: float = 0.0,
    parent: dict[str, Any] | None = None,
    id: str | None = None,
    threads: int | None = None,
    backend: str = "fast",
    seeds: Sequence[int] = (),
) -> RunDir:
    """Make a new run's directory, ready for an engine.

    id: the directory's name; none: made of the time, the name and the seed.
    threads: CPU threads to train on; none: as many as its steps can feed.
    seeds: of a run of many seeds: each becomes an ordinary run directory inside, held by the same lock.
    device, backend, threads, pace: what was asked for; run.json keeps them in `asked`. The engine puts what it
        uses into `used`.
    """
    check_start(config)
    check_runs_dir(runs)
    label = name or preset
    run = RunDir(runs / (id or new_id(label, config.train.seed)))
    make_empty(run, config)
    info: dict[str, Any] = {
        "schema": SCHEMA,
        "id": run.id,
        "name": label,
        "preset": preset,
        "status": "starting",
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "asked": {"device": device, "backend": backend, "threads": threads, "pace": pace},
        "used": {},
        "started": now(),
        "ended": None,
        "parent": parent,
        "root": parent["root"] if parent else run.id,
        "depth": parent["depth"] + 1 if parent else 0,
        "stop_on": stop_on,
        "steps": config.train.steps,
        "seed": config.train.seed,
        "versions": {"grok_tui": __version__, "python": platform.python_version()},
        "command": sys.argv,
        "progress": {"step": 0, "steps_per_second": 0.0, "measuring": 0.0},
        "result": {},
    }
    info |= {"seeds": list(seeds)} if seeds else {}
    write_atomically(run.run_json, json.dumps(info, indent=1) + "\n")
    for seed in seeds:
        of_seed = replace(config, {"train.seed": seed})
        one = create(run.path, of_seed, preset=preset, device=device, name=name, backend=backend, id=run.seed(seed).id)
        one.lock.symlink_to(Path("..") / run.lock.name)
    return run
