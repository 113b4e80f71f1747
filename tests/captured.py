"""Optimizers as they are on a device whose steps are captured."""

from __future__ import annotations

import torch

from grok_tui.science.optimizers import Adam, Optimizer


def hold_knobs_in_tensors(optimizer: Optimizer) -> None:
    """As on a device whose steps are captured."""
    optimizer.knobs = {name: torch.tensor(value, dtype=torch.float64) for name, value in optimizer.knobs.items()}
    optimizer.steps = optimizer.steps.double()
    if isinstance(optimizer, Adam):
        optimizer.update = optimizer.update_by_tensors  # type: ignore[method-assign]
