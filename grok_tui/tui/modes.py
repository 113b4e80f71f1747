"""What the chart can show. A mode reads a run and returns panels; a new one is a function and a line in `MODES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..store.reader import RunReader
from ..verdict.series import is_kernel_machine
from . import theme

Array = NDArray[np.float64]
Stroke = Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True)
class Line:
    """One curve. Its stroke and its label tell it apart where colours cannot."""

    label: str
    steps: Array
    values: Array
    colour: str
    stroke: Stroke = "solid"
    is_quiet: bool = False
    """Drawn behind the others, and named where they leave room."""
    band: tuple[Array, Array] | None = None
    """Of many seeds, between which values most of them lie at each step."""


@dataclass(frozen=True)
class Panel:
    """Curves that share a y axis. Panels of one mode stand above one another and share the steps."""

    lines: list[Line]
    limits: tuple[float, float] | None = None
    """What a linear y axis spans at least."""
    is_optional: bool = False
    """Left out where there is little room."""


@dataclass(frozen=True)
class Mode:
    """A way to look at a run."""

    name: str
    short: str
    """The name where there is little room."""
    needs: tuple[str, ...]
    """Columns without which there is nothing to show."""
    read: Callable[[RunReader], list[Panel]]
    log_y: bool
    """Whether the y axis starts out logarithmic."""


def line(reader: RunReader, column: str, label: str, colour: str, stroke: Stroke = "solid") -> Line:
    """The curve of one metric, without what is not finite."""
    steps, values = reader.series(column)
    finite = np.isfinite(values)
    edges = [reader.series(f"{column}@{edge}")[1] for edge in ("low", "high")]
    band = (edges[0][finite], edges[1][finite]) if all(len(edge) == len(values) for edge in edges) else None
    return Line(label, steps[finite], values[finite], colour, stroke, band=band if len(values) else None)


def panel(*lines: Line, limits: tuple[float, float] | None = None, is_optional: bool = False) -> Panel:
    """The curves that this run has, as a panel."""
    return Panel([one for one in lines if len(one.steps)], limits, is_optional)


def level(reader: RunReader, column: str, label: str, colour: str) -> Line:
    """A metric that never changes, as a line over all steps."""
    flat = line(reader, column, label, colour, "dotted")
    if not len(flat.steps):
        return flat
    return replace(flat, steps=reader.steps, values=np.full(len(reader), flat.values[-1]))


def loss(reader: RunReader) -> list[Panel]:
    """Train and test loss; behind them those of the linearised network, and of kernel regression with K_0."""
    behind = (
        line(reader, "twin/train_loss", "lin. train", theme.QUIET_TRAIN, "dashed"),
        line(reader, "twin/test_loss", "lin. test", theme.QUIET_TEST),
        level(reader, "k0/test_loss", "K₀ test", theme.DIM),
    )
    return [
        panel(
            *(replace(one, is_quiet=True) for one in behind),
            line(reader, "train/loss", "train", theme.TRAIN, "dashed"),
            line(reader, "test/loss", "test", theme.TEST),
        )
    ]


def accuracies(reader: RunReader) -> tuple[Line, Line]:
    """Train and test accuracy."""
    return (
        line(reader, "train/acc", "train", theme.TRAIN, "dashed"),
        line(reader, "test/acc", "test", theme.TEST),
    )


def accuracy(reader: RunReader) -> list[Panel]:
    """Train and test accuracy, nothing else."""
    return [panel(*accuracies(reader), limits=(0.0, 1.0))]


def norm_and_drift(reader: RunReader) -> list[Panel]:
    """The norm above, how far the kernel has turned below; its plain drift and its speed where there is room."""
    panels = [
        panel(line(reader, "norm/weight", "‖M‖" if is_kernel_machine(reader.config) else "norm", theme.THIRD)),
        panel(
            line(reader, "kernel/alignment", "alignment", theme.STEER, "dashed"),
            line(reader, "kernel/distance", "distance", theme.TRAIN),
        ),
        panel(line(reader, "kernel/drift", "drift", theme.DIM), is_optional=True),
        panel(line(reader, "kernel/velocity", "velocity", theme.DIM), is_optional=True),
    ]
    return [one for one in panels if one.lines]


def error_terms(reader: RunReader) -> list[Panel]:
    """The test loss of a committee machine and the three errors that it is made of."""
    return [
        panel(
            line(reader, "error/variance", "variance", theme.TRAIN, "dashed"),
            line(reader, "error/linear", "linear", theme.THIRD, "dotted"),
            line(reader, "error/alignment", "alignment", theme.STEER),
            line(reader, "test/loss", "test", theme.TEST),
        )
    ]


def spectrum(reader: RunReader) -> list[Panel]:
    """How many directions the kernel has, and its largest eigenvalues."""
    return [
        panel(line(reader, "kernel/rank", "rank", theme.THIRD)),
        panel(
            line(reader, "kernel/top3", "λ₃", theme.DIM, "dotted"),
            line(reader, "kernel/top2", "λ₂", theme.QUIET_TRAIN, "dashed"),
            line(reader, "kernel/top1", "λ₁", theme.TRAIN),
        ),
    ]


def fourier(reader: RunReader) -> list[Panel]:
    """How few frequencies the embedding lives on."""
    return [
        panel(
            line(reader, "fourier/energy", "energy", theme.THIRD, "dashed"),
            line(reader, "fourier/gini", "gini", theme.STEER),
            limits=(0.0, 1.0),
        )
    ]


def angle(reader: RunReader) -> list[Panel]:
    """How far the weights have turned, in degrees."""
    return [
        panel(
            line(reader, "angle/init", "° init", theme.TRAIN, "dashed"),
            line(reader, "angle/mem", "° t_mem", theme.STEER),
        )
    ]


def bits(reader: RunReader) -> list[Panel]:
    """The share of the first layer's weight on the bits that matter, and what it is good for."""
    return [panel(*accuracies(reader), line(reader, "bits/share", "share", theme.STEER), limits=(0.0, 1.0))]


MODES = (
    Mode("loss", "loss", (), loss, log_y=True),
    Mode("accuracy", "acc", ("test/acc",), accuracy, log_y=False),
    Mode("norm & drift", "norm", ("norm/weight",), norm_and_drift, log_y=False),
    Mode("error terms", "errors", ("error/variance",), error_terms, log_y=True),
    Mode("spectrum", "spectrum", ("kernel/rank",), spectrum, log_y=True),
    Mode("Fourier", "Fourier", ("fourier/gini",), fourier, log_y=False),
    Mode("angle", "angle", ("angle/init",), angle, log_y=False),
    Mode("bits", "bits", ("bits/share",), bits, log_y=False),
)


def modes_of(reader: RunReader) -> list[Mode]:
    """The modes that this run has something for."""
    return [mode for mode in MODES if set(mode.needs) <= set(reader.columns)]
