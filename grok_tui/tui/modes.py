"""What the chart can show. A mode reads a run and returns panels; a new one is a function and a line in `MODES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..store.read import RunReader
from . import theme

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One curve. `dashed` and the label tell it apart where colours cannot."""

    label: str
    steps: Array
    values: Array
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share a y axis. Panels of one mode stand above one another and share the steps."""

    lines: list[Line]
    limits: tuple[float, float] | None = None
    """What a linear y axis spans at least."""
    optional: bool = False
    """Left out where there is little room."""


@dataclass(frozen=True)
class Mode:
    """A way to look at a run."""

    name: str
    read: Callable[[RunReader], list[Panel]]
    log_y: bool
    """Whether the y axis starts out logarithmic."""
    lacks: str = "nothing measured yet"
    """What to say where there is nothing to draw."""


def line(reader: RunReader, column: str, label: str, colour: str, dashed: bool = False) -> Line:
    """The curve of one metric, without what is not finite."""
    steps, values = reader.series(column)
    finite = np.isfinite(values)
    return Line(label, steps[finite], values[finite], colour, dashed)


def loss(reader: RunReader) -> list[Panel]:
    """Train and test loss."""
    return [
        Panel(
            [
                line(reader, "train/loss", "train", theme.TRAIN, dashed=True),
                line(reader, "test/loss", "test", theme.TEST),
            ]
        )
    ]


def accuracy(reader: RunReader) -> list[Panel]:
    """Train and test accuracy."""
    return [
        Panel(
            [
                line(reader, "train/acc", "train", theme.TRAIN, dashed=True),
                line(reader, "test/acc", "test", theme.TEST),
            ],
            limits=(0.0, 1.0),
        )
    ]


def norm_and_drift(reader: RunReader) -> list[Panel]:
    """Weight norm above, how far the kernel has turned below; its plain drift where there is room."""
    return [
        Panel([line(reader, "norm/weight", "norm", theme.THIRD)]),
        Panel(
            [
                line(reader, "kernel/alignment", "alignment", theme.STEER, dashed=True),
                line(reader, "kernel/distance", "distance", theme.TRAIN),
            ],
        ),
        Panel([line(reader, "kernel/drift", "drift", theme.DIM)], optional=True),
    ]


MODES = (
    Mode("loss", loss, log_y=True),
    Mode("accuracy", accuracy, log_y=False, lacks="this task has no accuracy: its answers are real numbers"),
    Mode("norm & drift", norm_and_drift, log_y=False),
)
