"""Checkpoints and kernel matrices as safetensors: tensors, and JSON beside them; nothing that can run.

Only engines import this module: it needs torch.
"""

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import UsageError
from .events import Event
from .files import sync_folder
from .rundir import RunDir

LOG_SPACED = ("log-spaced", "timed")
"""Why most checkpoints are saved. If the disk budget is full, these are removed first."""
OF_A_PHASE = ("memorized", "grokked", "marked")
"""Why the checkpoints are saved that are kept longest."""


@dataclass(frozen=True)
class Checkpoint:
    """All that the next step depends on: `tensors` by name, and numbers and names in `meta`."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint. A reader sees it whole or not at all, also after a power cut."""
    partial = path.with_suffix(".partial")
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    try:
        save_file(tensors, partial, metadata={"grok-tui": json.dumps(checkpoint.meta)})
        partial.chmod(0o644)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    except SafetensorError as error:  # a full disk, for instance
        partial.unlink(missing_ok=True)
        raise OSError(errno.EIO, str(error)) from error
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def load(path: Path) -> Checkpoint:
    """Read a checkpoint."""
    with safe_open(path, framework="pt") as file:
        meta = json.loads(file.metadata()["grok-tui"])
        names = file.keys()
        return Checkpoint({name: file.get_tensor(name) for name in names}, meta)


def read(run: RunDir, step: int) -> Checkpoint | None:
    """The checkpoint of a step; None if it is missing or damaged."""
    try:
        return load(run.checkpoint(step))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def newest_common(runs: Sequence[RunDir], name: str, up_to: int | None = None) -> tuple[int, list[Checkpoint]]:
    """The newest step, at most `up_to`, at which the checkpoint of every run can be read; and these checkpoints."""
    common = set.intersection(*(set(run.checkpoint_steps()) for run in runs)) if runs else set()
    for step in sorted(common, reverse=True):
        if up_to is not None and step > up_to:
            continue
        found = [checkpoint for run in runs if (checkpoint := read(run, step))]
        if len(found) == len(runs):
            return step, found
    where = "" if up_to is None else f" at or before step {up_to}"
    raise UsageError(f"{name} has no whole checkpoint{where}; start it again with grok-tui run --config")


def save_kernel(run: RunDir, step: int, kernel: Tensor) -> None:
    """Keep a kernel matrix, shape (probe, probe), for the heat map."""
    save(run.kernel_at(step), Checkpoint({"kernel": kernel}, {"step": step}))


class Kept:
    """The checkpoints of one run, held within a budget in bytes.

    If the budget is full, log-spaced ones are removed first, then those of pauses and stops, then those before a
    steering, last those of phases and marks; among equals the one whose neighbours are closest in log step. The two
    newest are always kept: the newest may be damaged by a crash.
    """

    def __init__(self, run: RunDir, budget: int, events: Sequence[Event]) -> None:
        """events: those of the run that are still true. Later checkpoints belong to a life that was given up."""
        self.run, self.budget = run, budget
        named = {event["step"]: str(event.get("why")) for event in events if event.get("type") == "checkpoint"}
        self.why: dict[int, str] = {}
        self.sizes: dict[int, int] = {}
        newest = max(named, default=-1)
        for step in run.checkpoint_steps():
            if step > newest and named:
                run.checkpoint(step).unlink(missing_ok=True)
                continue
            self.why[step] = named.get(step, "log-spaced")
            self.sizes[step] = run.checkpoint(step).stat().st_size

    def save(self, step: int, checkpoint: Checkpoint, why: str) -> str:
        """Save a checkpoint and thin out the others. Returns what went wrong, or nothing: training goes on without."""
        path = self.run.checkpoint(step)
        try:
            save(path, checkpoint)
            self.sizes[step] = path.stat().st_size
        except OSError as error:
            if not path.parent.is_dir():
                raise
            return f"the checkpoint at step {step} could not be saved: {error.strerror or error}"
        if self.why.get(step) not in OF_A_PHASE:
            self.why[step] = why
        while sum(self.sizes.values()) > self.budget and (victim := self.least_useful()) is not None:
            self.run.checkpoint(victim).unlink(missing_ok=True)
            del self.sizes[victim], self.why[victim]
        return ""

    def least_useful(self) -> int | None:
        """The step of the checkpoint to remove next; None if none may be removed."""
        steps = sorted(self.sizes)
        if len(steps) <= 2:
            return None

        def rank(i: int) -> tuple[int, float]:
            before, after = steps[i - 1] if i else 0, steps[i + 1]
            return importance(self.why[steps[i]]), log((1 + after) / (1 + before))

        return steps[min(range(len(steps) - 2), key=rank)]


def importance(why: str) -> int:
    """How long a checkpoint saved for this reason is kept: a higher number is kept longer."""
    if why in LOG_SPACED:
        return 0
    return 3 if why in OF_A_PHASE else 2 if why == "steered" else 1
