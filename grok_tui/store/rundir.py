"""Where everything of a run lies on disk, and who holds it. The only place that knows a file's name."""

import os
import platform
import random
import re
import shutil
import socket
import stat
import string
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..config.fields import replace
from ..config.load import load, to_toml
from ..config.schema import RunConfig
from ..config.start import check_start
from ..errors import RunHeld, UsageError
from . import info as info_file
from . import lock
from .events import EventTail
from .files import write_atomically
from .info import ENDED, SCHEMA, now


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

    def seed(self, number: int) -> "RunDir":
        """The run of one seed, if this is a run of many."""
        return RunDir(self.path / f"seed_{number}")

    def whole(self) -> "RunDir | None":
        """The run of many seeds that this one belongs to, if it is one seed of it; only the whole has an engine."""
        match = re.fullmatch(r"seed_(\d+)", self.id)
        whole = RunDir(self.path.parent)
        try:
            return whole if match and int(match[1]) in whole.info().get("seeds", ()) else None
        except UsageError:
            return None

    def checkpoint(self, step: int) -> Path:
        """The file of the checkpoint taken at `step`."""
        return self.checkpoints / f"step_{step:09d}.safetensors"

    def kernel_at(self, step: int) -> Path:
        """The file of the kernel matrix measured at `step`."""
        return self.kernel / f"step_{step:09d}.safetensors"

    def checkpoint_steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        files = self.checkpoints.glob("step_*.safetensors")
        names = [file.name for file in files if not file.is_symlink()]
        return sorted(int(match[1]) for name in names if (match := re.fullmatch(r"step_(\d+)\.safetensors", name)))

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_size
                except OSError:
                    continue
        return total

    def config(self) -> RunConfig:
        """Read the config that this run was started with; the environment does not reach it."""
        return self.config_with([])

    def config_with(self, sets: list[str]) -> RunConfig:
        """The run's config, changed by each KEY=VALUE of `sets`."""
        if self.config_toml.is_symlink():
            raise UsageError(f"{self.config_toml}: is a link; links inside a run are not followed")
        return load(self.config_toml, sets, env={})

    def info(self) -> dict[str, Any]:
        """Read run.json, every field of it checked. Its status is `interrupted` if the engine died without a word."""
        info = info_file.checked(self._read())
        if info["status"] not in ENDED and not self.is_live(info):
            info["status"] = "interrupted"
            info["error"] = self._lost(info["host"])
        return info

    def _read(self) -> dict[str, Any]:
        """run.json as it is; if a crash has damaged it, what the other files of the run tell."""
        try:
            return info_file.read(self.run_json)
        except info_file.Damaged:
            if not (self.config_toml.is_file() and self.events_jsonl.is_file()):
                raise
        config, events = self.config(), EventTail(self.events_jsonl)()
        last = events[-1] if events else {"type": "", "step": 0}
        phases = {event["phase"]: event["step"] for event in events if event["type"] == "phase"}
        seeds = sorted(int(path.name[5:]) for path in self.path.glob("seed_*") if path.name[5:].isdecimal())
        return new_info() | {
            "id": self.id,
            "name": self.id,
            "status": last["type"] if last["type"] in ENDED else "interrupted",
            "error": "run.json was damaged; this was found in the other files",
            "host": "",
            "started": events[0].get("time", "") if events else "",
            "steps": config.train.steps,
            "seed": config.train.seed,
            "progress": {"step": last["step"]},
            "result": {"t_mem": phases.get("memorized"), "t_grok": phases.get("grokked")},
            **({"seeds": seeds} if seeds else {}),
        }

    def update_info(self, **changes: Any) -> None:
        """Change fields of run.json; readers see the old file or the new one, never half of one."""
        text = info_file.to_json(self._read() | changes)
        write_atomically(self.run_json, text, at_once="status" in changes)

    def is_held(self) -> bool:
        """Whether an engine, or the process that is starting one, holds this run."""
        held = lock.probe(self.lock)
        return lock.is_fresh(self.lock) if held is None else held

    def is_live(self, info: dict[str, Any]) -> bool:
        """Whether a run that has not ended has an engine: it holds the lock, or, on a host whose locks cannot be
        seen here, it has shown a sign of life within the last minute."""
        if self.is_held():
            return True
        return info["host"] not in ("", socket.gethostname()) and lock.is_fresh(self.lock)

    def _lost(self, host: str) -> str | None:
        """What is known of an engine that died on another host."""
        if host in ("", socket.gethostname()):
            return None
        sign = lock.last_sign(self.lock)
        since = "" if sign is None else f" since {datetime.fromtimestamp(sign, UTC).isoformat(timespec='seconds')}"
        return f"lost: no sign of life from {host}{since}"

    def acquire(self, patience: float = 0.5) -> int:
        """Become the run's only engine: returns the descriptor of its lock, to be closed with `os.close`.

        A child process that inherits the descriptor holds the run as well.
        """
        self.check_inside()
        info = info_file.checked(self._read())
        seems_live = info["status"] not in ENDED and lock.is_fresh(self.lock)
        if seems_live and info["host"] not in ("", socket.gethostname()) and not lock.probe(self.lock):
            raise RunHeld(f"{self.id} is held by an engine on {info['host']}, which was alive within the last minute")
        return lock.acquire(self.lock, self.id, patience, is_live=seems_live)

    def check_inside(self) -> None:
        """Refuse to write a run if something in it is a link, which may lead outside, or is not what it should be."""
        folders = (self.checkpoints, self.kernel, *self.path.glob("seed_*"))
        for path in {*vars(self).values(), *folders} - {self.path}:
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISLNK(mode):
                if lock.file_of(path) == path:
                    raise UsageError(f"{path}: is a link; links inside a run are not followed")
            elif not (stat.S_ISDIR(mode) if path in folders else stat.S_ISREG(mode)):
                raise UsageError(f"{path}: is not a {'directory' if path in folders else 'file'}")


def write_info(run: RunDir, info: dict[str, Any]) -> None:
    """Write run.json."""
    write_atomically(run.run_json, info_file.to_json(info))


def check_runs_dir(runs: Path) -> None:
    """Refuse a runs directory that cannot be made or written, leaving nothing behind."""
    try:
        parent = runs
        while not parent.exists() and parent != parent.parent:
            parent = parent.parent
        if not parent.is_dir():
            raise UsageError(f"--runs {runs}: {parent} is not a directory")
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise UsageError(f"--runs {runs}: cannot be written: {error.strerror}") from None


def new_id(label: str, seed: int) -> str:
    """A directory's name that no other run has: time in UTC, name, seed, and four characters by chance."""
    suffix = "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=4))
    return f"{datetime.now(UTC):%Y-%m-%d_%H%M%S}_{label}_s{seed}_{suffix}"


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
    """Make a new run's directory, ready for an engine; if that fails, nothing is left behind.

    id: the directory's name; None: made of the time, the name and the seed.
    threads: CPU threads to train on; None: as many as its steps can feed.
    parent: run, step, root and depth of the run from whose checkpoint this one starts.
    seeds: of a run of many seeds: each becomes an ordinary run directory inside, held by the same lock.
    device, backend, threads, pace: what was asked for; run.json keeps them in `asked`. The engine puts what it
        uses into `used`.
    """
    check_start(config)
    check_runs_dir(runs)
    label = name or preset
    run = RunDir(runs / (id or new_id(label, config.train.seed)))
    info = new_info() | {
        "id": run.id,
        "name": label,
        "preset": preset,
        "asked": {"device": device, "backend": backend, "threads": threads, "pace": pace},
        "parent": parent,
        "root": parent["root"] if parent else run.id,
        "depth": parent["depth"] + 1 if parent else 0,
        "stop_on": stop_on,
        "steps": config.train.steps,
        "seed": config.train.seed,
    }
    runs.mkdir(parents=True, exist_ok=True)
    run.path.mkdir()
    try:
        fill(run, config, info | ({"seeds": list(seeds)} if seeds else {}))
        for seed in seeds:
            one = run.seed(seed)
            one.path.mkdir()
            of_seed = info | {"id": one.id, "seed": seed, "stop_on": None}
            fill(one, replace(config, {"train.seed": seed}), of_seed)
            one.lock.symlink_to(lock.OF_WHOLE)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def new_info() -> dict[str, Any]:
    """The part of run.json that is the same for every run that starts here and now."""
    return {
        "schema": SCHEMA,
        "status": "starting",
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "used": {},
        "started": now(),
        "ended": None,
        "versions": {"grok_tui": __version__, "python": platform.python_version()},
        "command": sys.argv,
        "progress": {"step": 0, "steps_per_second": 0.0, "measuring": 0.0},
        "result": {},
    }


def fill(run: RunDir, config: RunConfig, info: dict[str, Any]) -> None:
    """Everything in a new run's directory."""
    run.checkpoints.mkdir()
    run.kernel.mkdir()
    run.config_toml.write_text(to_toml(config), encoding="utf-8")
    run.events_jsonl.touch()
    run.commands_jsonl.touch()
    write_info(run, info)
