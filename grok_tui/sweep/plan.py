"""Which runs a sweep needs: a directory per config and seed, whose name follows from what is computed in it.

So a run that has ended is not trained again, and one that was interrupted goes on from its checkpoint.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..config.fields import TEXT_FIELDS, replace
from ..config.load import to_toml
from ..config.schema import RunConfig
from ..config.start import check_start
from ..errors import RunHeld, UsageError
from ..store.rundir import RunDir, create
from ..store.timeline import history

COMPUTATION = 2
"""Version of what the engine computes. It is part of every directory's name: raise it when the same config gives
other numbers, so that old runs are not taken for new ones."""

Outcome = Literal["missing", "finished", "diverged", "failed", "interrupted", "running"]


@dataclass(frozen=True)
class Cell:
    """One config of a sweep, to be trained with every seed."""

    label: str
    config: RunConfig
    preset: str
    stop_on: str | None = None
    """`grok`: a run ends when it groks"""


@dataclass(frozen=True)
class Asked:
    """How runs are to be trained; the fields are those of `grok-tui run`."""

    device: str = "cpu"
    backend: str = "fast"
    threads: int | None = 1


ONE_CORE = Asked()


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep, whether its directory exists or not."""

    run: RunDir
    cell: Cell
    config: RunConfig
    """the cell's config with the first seed"""
    seeds: tuple[int, ...]
    asked: Asked

    @property
    def name(self) -> str:
        """The run's name in messages: preset, label and seeds."""
        label = "" if self.cell.label == self.cell.preset else f" {self.cell.label}"
        seeds = ", ".join(map(str, self.seeds))
        return f"{self.cell.preset}{label} seed{'s' * (len(self.seeds) > 1)} {seeds}"

    def outcome(self) -> Outcome:
        """How far the run is. A run that failed for another reason than a diverging loss is `failed`."""
        try:
            status = self.run.info()["status"]
        except UsageError:
            return "missing"
        if status == "failed" and any(event.get("type") == "failed" for event in history(self.run)):
            return "diverged"
        return status if status in ("finished", "failed", "interrupted") else "running"

    @property
    def has_ended(self) -> bool:
        """Whether training has nothing to add: the run has finished or its loss has diverged."""
        return self.outcome() in ("finished", "diverged")

    def can_resume(self) -> bool:
        """Whether the run can go on from a checkpoint. A run that failed starts again instead."""
        first = self.run if len(self.seeds) == 1 else self.run.seed(self.seeds[0])
        return self.outcome() not in ("missing", "failed") and bool(first.checkpoint_steps())

    def prepare(self) -> bool:
        """Make the directory ready for an engine; returns whether the engine is to resume.

        RunHeld: another engine trains the run.
        """
        if self.run.path.exists():
            if self.run.is_held():
                raise self.held()
            if self.can_resume():
                return True
            shutil.rmtree(self.run.path)
        many: dict[str, Any] = {"seeds": self.seeds} if len(self.seeds) > 1 else {}
        about = {"preset": self.cell.preset, "stop_on": self.cell.stop_on, "id": self.run.id}
        create(self.run.path.parent, self.config, **about, **vars(self.asked), **many)  # type: ignore[arg-type]
        return False

    def held(self) -> RunHeld:
        """The error if another engine trains the run."""
        return RunHeld(f"{self.run.path} is held by another engine; let it end, or stop it first")


def plan(
    cells: Iterable[Cell], seeds: Sequence[int], folder: Path, asked: Asked = ONE_CORE, *, together: bool = False
) -> list[PlannedRun]:
    """The runs of every cell with every seed, below `folder`, cell by cell.

    together: one run trains all seeds of a cell, as `grok-tui run --seeds` does.
    UsageError: a config that cannot be trained on this machine.
    """
    found = []
    for cell in cells:
        check_start(cell.config)
        for group in [tuple(seeds)] if together else [(seed,) for seed in seeds]:
            config = replace(cell.config, {"train.seed": group[0]})
            name = f"{cell.preset}_{digest(config, group, cell.stop_on, asked)}_s{group[0]}"
            found.append(PlannedRun(RunDir(folder / name), cell, config, group, asked))
    return found


def digest(config: RunConfig, seeds: Sequence[int], stop_on: str | None, asked: Asked) -> str:
    """Ten characters that differ if the runs compute something else; texts for people, pace and disk do not count."""
    bare = msgspec.structs.replace(config, **{name: "" for name in TEXT_FIELDS})
    bare = replace(bare, {"train.pace": 0.0, "measure.disk": 1})
    parts = (to_toml(bare), *seeds, stop_on, *vars(asked).values(), COMPUTATION)
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:10]
