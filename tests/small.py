"""Small runs of every kind, and the type of the fixture that runs the real program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from grok_tui.config import presets
from grok_tui.config.schema import RunConfig

GrokTui = Callable[..., "subprocess.CompletedProcess[str]"]

MLP = ["task.p=13", "model.d_embed=16", "model.d_hidden=24"]
TRANSFORMER = ["task.p=7", "model.d_embed=8", "model.d_hidden=12", "model.n_heads=2", "measure.probe=8"]
BATCHES = [*TRANSFORMER, "train.batch_size=10"]
WIDE = ["task.d=20", "task.n_train=30", "task.n_test=40", "model.d_hidden=16", "optim.lr=8"]
TEACHER = ["task.n_train=20", "task.n_test=20", "task.d_teacher=10", "model.d_hidden=10", "measure.probe=10"]
DIGITS = ["task.n_train=60", "task.n_test=40", "model.d_hidden=12", "train.batch_size=20", "measure.probe=10"]

SMALL = {
    "modadd-mlp": MLP,
    "modadd-fast": MLP,
    "modadd-wd-off": MLP,
    "modadd-no-decay": MLP,
    "modadd-clamp": MLP,
    "modadd-clamp-low": MLP,
    "modadd-clamp-high": MLP,
    "modadd-transformer": TRANSFORMER,
    "nanda": TRANSFORMER,
    "kumar-transformer": TRANSFORMER,
    "power-division": BATCHES,
    "delay-addition": BATCHES,
    "delay-multiplication": BATCHES,
    "delay-sgd": BATCHES,
    "delay-wd-off": BATCHES,
    "delay-freeze": BATCHES,
    "delay-rescale": BATCHES,
    "delay-parity": ["task.n=10", "task.n_train=400", "task.n_test=60", "model.d_hidden=16", "train.batch_size=20"],
    "parity": ["task.n=10", "task.n_train=40", "task.n_test=30", "model.d_hidden=20"],
    "parity-hinge": ["task.n=10", "task.n_train=40", "task.n_test=30", "model.d_hidden=20", "train.batch_size=8"],
    "kumar-poly": [],
    "kumar-alpha": WIDE,
    "kumar-eps": WIDE,
    "kumar-sigma": WIDE,
    "kumar-twin": WIDE,
    "kumar-momentum": WIDE,
    "kumar-goldilocks": ["task.n_train=30", "task.n_test=40", "model.d_hidden=16", "optim.lr=8"],
    "kumar-modadd": ["task.p=7", "model.d_hidden=16", "measure.probe=8", "optim.lr=30"],
    "kumar-eigenvector": ["task.d=20", "task.n_train=30", "task.n_test=30", "task.k=5"],
    "kumar-adamw": TEACHER,
    "teacher-student": TEACHER,
    "mnist-alpha": DIGITS,
    "omnigrok-mnist": DIGITS,
    "linear": ["task.d=30", "task.n_train=40", "task.n_test=40"],
    "rfm": ["task.p=13", "measure.probe=40"],
    "xor-cluster": ["task.d=60", "task.n_train=20", "task.n_test=20", "model.d_hidden=12", "measure.probe=10"],
}
"""Presets cut down to what trains in milliseconds a step; the networks stay what they are."""


def distinct() -> list[str]:
    """The first of those presets that differ only in numbers."""
    found = {}
    for name in SMALL:
        config = small(name)
        parts = (config.task.name, config.model.name, config.model.layer_norm, config.loss.name, config.optim.name)
        found.setdefault((*parts, *config.measure.also, bool(config.schedule), bool(config.train.batch_size)), name)
    return list(found.values())


def small(preset: str, *sets: str) -> RunConfig:
    """A preset, small, with overrides."""
    return presets.load_preset(preset, [*SMALL[preset], *sets])
