"""Checkpoints and kernel matrices as safetensors: tensors, and JSON beside them; nothing that can run.

Only engines import this module: it needs torch.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import UsageError
from .rundir import RunDir


@dataclass(frozen=True)
class Checkpoint:
    """All that the next step depends on: `tensors` by name, and numbers and names in `meta`."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a reader sees it whole or not at all, also after a power cut."""
    partial = path.with_suffix(".partial")
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    try:
        save_file(tensors, partial, metadata={"grok-tui": json.dumps(checkpoint.meta)})
    except SafetensorError as error:  # a full disk, for instance
        partial.unlink(missing_ok=True)
        raise OSError(errno.EIO, str(error)) from error
    partial.chmod(0o644)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint."""
    with safe_open(path, framework="pt") as file:
        meta = json.loads(file.metadata()["grok-tui"])
        names = file.keys()
        return Checkpoint({name: file.get_tensor(name) for name in names}, meta)


def read(run: RunDir, step: int) -> Checkpoint | None:
    """The checkpoint of a step, or none where it is damaged."""
    try:
        return load(run.checkpoint(step))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def newest(run: RunDir) -> tuple[int, Checkpoint]:
    """The last checkpoint that can be read, and its step; a damaged one is passed over."""
    for step in reversed(run.checkpoint_steps()):
        if checkpoint := read(run, step):
            return step, checkpoint
    raise UsageError(f"{run.id} has no checkpoint to go on from; start it again with grok-tui run --config")


def save_kernel(run: RunDir, step: int, kernel: Tensor) -> None:
    """Keep a kernel matrix, shape (probe, probe), for the heat map."""
    save(run.kernel_at(step), Checkpoint({"kernel": kernel}, {"step": step}))
