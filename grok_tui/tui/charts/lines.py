"""Curves, and the panels in which they are drawn."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from ...store.reader import RunReader
from .. import theme

Array = NDArray[np.float64]
Stroke = Literal["solid", "dashed", "dotted"]
SAMPLES = {"solid": "──", "dashed": "╌╌", "dotted": "┈┈"}
"""Strokes as the legend shows them."""


@dataclass(frozen=True)
class Line:
    """One curve. Its stroke and its label tell it apart if there are no colours."""

    label: str
    steps: Array
    values: Array
    colour: str
    stroke: Stroke = "solid"
    short: str = ""
    """The label if there is little room; empty: the label itself."""
    is_quiet: bool = False
    """Drawn behind the others, and named if they leave room."""
    band: tuple[Array, Array] | None = None
    """The 10th and the 90th percentile of many seeds at each step."""


@dataclass(frozen=True)
class Panel:
    """Curves that share a y axis. Panels of one mode stand above one another and share the step axis."""

    lines: list[Line]
    limits: tuple[float, float] | None = None
    """What a linear y axis spans at least."""
    is_optional: bool = False
    """Left out if there is little room."""


Panels = Callable[[RunReader], list[Panel]]
"""Reads the panels of a mode from a run: always the same number of them, also if some are empty."""


def line(run: RunReader, column: str, label: str, colour: str, stroke: Stroke = "solid", short: str = "") -> Line:
    """The curve of one column, without values that are not finite."""
    steps, values = run.series(column)
    finite = np.isfinite(values)
    edges = [run.series(f"{column}@{edge}")[1] for edge in ("low", "high")]
    band = (edges[0][finite], edges[1][finite]) if all(len(edge) == len(values) for edge in edges) else None
    return Line(label, steps[finite], values[finite], colour, stroke, short, band=band if len(values) else None)


def level(run: RunReader, column: str, label: str, colour: str) -> Line:
    """A column that never changes, as a line over all steps."""
    flat = line(run, column, label, colour, "dotted")
    if not len(flat.steps):
        return flat
    return replace(flat, steps=run.steps, values=np.full(len(run), flat.values[-1]))


def panel(*lines: Line, limits: tuple[float, float] | None = None, is_optional: bool = False) -> Panel:
    return Panel([one for one in lines if len(one.steps)], limits, is_optional)


def dimmed(line: Line, run: str) -> Line:
    """A curve of another run: darker, without a band, and named after its run."""
    name = f"{run} {line.short or line.label}"
    return replace(
        line, label=name, short=name, colour=theme.DARKER.get(line.colour, theme.DIM), is_quiet=True, band=None
    )


def legend(panels: Iterable[Panel]) -> list[Text]:
    """How the curves are told apart, an entry per curve, and what the shade around them is."""
    lines = [line for panel in panels for line in panel.lines]
    entries = [Text(f"{SAMPLES[line.stroke]} {line.label}", line.colour) for line in lines]
    if any(line.band for line in lines):
        entries.append(Text("⣿ 10–90 % of seeds", theme.DIM))
    return entries
