"""The tasks, models, losses and optimizers by name, and which fields of the config each of them reads."""

from collections.abc import Sequence
from typing import NamedTuple

from ..science.operations import OPERATIONS


class Takes(NamedTuple):
    """What a task or a model reads, and how they fit together."""

    fields: tuple[str, ...]
    """fields of its section that it reads; every other field is refused"""
    inputs: tuple[str, ...]
    """what the task gives, or the model takes: `tokens` or `vectors`"""
    targets: tuple[str, ...]
    """what the task asks for, or the model can answer: `classes`, `binary` (two classes), `scalar` or `vector`"""


ANY = ("classes", "binary", "scalar", "vector")

MODULAR = tuple(f"modular-{name}" for name in OPERATIONS)

TASKS = {name: Takes(("p", "frac_train", "n_tokens"), ("tokens",), ("classes",)) for name in MODULAR} | {
    "parity": Takes(("n", "k", "n_train", "n_test"), ("vectors",), ("binary",)),
    "xor-cluster": Takes(("d", "n_train", "n_test", "separation", "label_noise"), ("vectors",), ("binary",)),
    "mnist": Takes(("path", "n_train", "n_test"), ("vectors",), ("classes",)),
    "polynomial": Takes(("d", "n_train", "n_test", "target_scale", "tolerance"), ("vectors",), ("scalar",)),
    "eigenvector": Takes(("d", "k", "n_train", "n_test"), ("vectors",), ("scalar",)),
    "linear-teacher": Takes(("d", "n_train", "n_test", "tolerance"), ("vectors",), ("scalar",)),
    "teacher-student": Takes(
        ("d", "d_teacher", "n_outputs", "n_train", "n_test", "tolerance"), ("vectors",), ("vector",)
    ),
}

MODELS = {
    "embedding-mlp": Takes(("d_embed", "d_hidden", "activation"), ("tokens",), ("classes",)),
    "quadratic-mlp": Takes(("d_hidden",), ("tokens",), ("classes",)),
    "transformer": Takes(
        ("d_embed", "n_heads", "d_hidden", "n_layers", "layer_norm", "activation", "init"), ("tokens",), ("classes",)
    ),
    "mlp": Takes(("d_hidden", "n_layers", "activation", "init"), ("vectors",), ANY),
    "committee": Takes(("d_hidden", "eps"), ("vectors",), ("scalar",)),
    "signed-committee": Takes(("d_hidden",), ("vectors",), ("binary", "scalar")),
    "linear": Takes((), ("vectors",), ANY),
    "kernel-machine": Takes(("kernel", "bandwidth"), ("tokens", "vectors"), ANY),
}

NETWORKS = tuple(name for name in MODELS if name != "kernel-machine")
"""Models that are trained by gradient; they also read alpha, init_scale and centered."""

LOSSES: dict[str, tuple[str, ...]] = {"cross-entropy": ("dtype",), "mse": (), "hinge": (), "logistic": ()}

BINARY_LOSSES = ("hinge", "logistic")
"""Losses of one output whose sign is the class."""

OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "gd": ("lr", "weight_decay", "momentum", "decay", "lr_over_alpha2", "hold_norm"),
    "adam": ("lr", "weight_decay", "beta1", "beta2", "decay", "lr_over_alpha2", "hold_norm"),
    "adamw": ("lr", "weight_decay", "beta1", "beta2", "decay", "lr_over_alpha2", "hold_norm"),
    "rfm": ("ridge",),
}

NAMED: dict[str, dict[str, tuple[str, ...]]] = {
    "task": {name: takes.fields for name, takes in TASKS.items()},
    "model": {
        name: (*takes.fields, "alpha", "init_scale", "centered") if name in NETWORKS else takes.fields
        for name, takes in MODELS.items()
    },
    "loss": LOSSES,
    "optim": OPTIMIZERS,
}
"""Section -> name -> the fields that this name reads. A field that it does not read is an error."""


def shortened(names: Sequence[str]) -> list[str]:
    """The names, with `modular-*` for all modular tasks."""
    others = [name for name in names if name not in MODULAR]
    return ["modular-*", *others] if set(MODULAR) <= set(names) else list(names)
