"""Small runs of every kind, and the type of the fixture that runs the real program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from grok_tui.config import presets
from grok_tui.config.schema import RunConfig

GrokTui = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL = {
    "modadd-mlp": ["task.p=13", "model.d_embed=16", "model.d_hidden=24"],
    "modadd-fast": ["task.p=13", "model.d_embed=16", "model.d_hidden=24"],
    "modadd-wd-off": ["task.p=13", "model.d_embed=16", "model.d_hidden=24"],
    "modadd-transformer": ["task.p=7", "model.d_embed=8", "model.d_hidden=12", "model.n_heads=2", "measure.probe=8"],
    "parity": ["task.n=10", "task.n_train=40", "task.n_test=30", "model.d_hidden=20"],
    "kumar-poly": [],
    "kumar-alpha": ["task.d=20", "task.n_train=30", "task.n_test=40", "model.d_hidden=16", "optim.lr=8"],
    "linear": ["task.d=30", "task.n_train=40", "task.n_test=40"],
}
"""Presets cut down to what trains in milliseconds a step; the networks stay what they are."""


def small(preset: str, *sets: str) -> RunConfig:
    """A preset, small, with overrides."""
    return presets.load_preset(preset, [*SMALL[preset], *sets])
