"""One picture per claim: curves against the step, or a point per run. Matplotlib is imported only to draw."""

import textwrap
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numbers import figure
from ..store.reader import Array
from .claim import SOURCES, Curves, Judged, Points
from .criteria import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Of Okabe and Ito: people with any colour vision can tell them apart."""
STYLES = ("-", "--", ":", "-.")
INK, QUIET, GRID = "#222222", "#666666", "#e4e4e4"
LOOK: Any = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET, "axes.labelcolor": INK,
    "axes.labelsize": 9.5, "axes.grid": True, "axes.axisbelow": True, "axes.titlelocation": "left",
    "axes.titlesize": 12, "axes.titleweight": "bold", "grid.color": GRID, "grid.linewidth": 0.7,
    "xtick.color": QUIET, "ytick.color": QUIET, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "figure.figsize": (8.0, 4.4), "figure.constrained_layout.use": True, "savefig.dpi": 150,
}  # fmt: skip
HEADING = 108
"""characters per line"""


def draw(judged: Judged, path: Path) -> str:
    """Draw the plot of a claim into a PNG; returns what went wrong."""
    if not judged.runs.all():
        with suppress(FileNotFoundError):
            path.unlink()  # of an earlier command
        return ""
    try:
        _draw(judged, path)
    except Exception as error:
        return f"{judged.claim.id}: no plot: {type(error).__name__}: {error}"
    return ""


def _draw(judged: Judged, path: Path) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(LOOK):
        picture = Figure()
        axes = picture.add_subplot()
        match judged.claim.plot:
            case Curves() as curves:
                draw_curves(axes, curves, judged.runs)
            case Points() as points:
                draw_points(axes, points, judged.runs)
        add_texts(axes, judged)
        partial = path.with_suffix(".partial")
        picture.savefig(partial, format="png")
    partial.replace(path)


def drawable(x: Array, y: Array, plot: Curves | Points) -> tuple[Array, Array]:
    """The points that these axes can hold."""
    kept = np.isfinite(x) & np.isfinite(y)
    kept &= (x > 0) | (not plot.log_x)
    kept &= (y > 0) | (not plot.log_y)
    return x[kept], y[kept]


def draw_curves(axes: "Axes", plot: Curves, runs: Runs) -> None:
    for label, colour in zip(runs, cycle(COLOURS), strict=False):
        name: str | None = label
        for run in runs[label]:
            for column, style in zip(plot.columns, cycle(STYLES), strict=False):
                x, y = drawable(*run.series(column), plot)
                if len(x):
                    axes.plot(x, y, style, color=colour, lw=1.3, alpha=0.85, label=name)
                    name = None
    if len(plot.columns) > 1:
        for column, style in zip(plot.columns, cycle(STYLES), strict=False):
            axes.plot([], [], style, color=QUIET, lw=1.3, label=column)
    set_scales(axes, plot)
    axes.set(xlabel="step", ylabel=", ".join(plot.columns))


def draw_points(axes: "Axes", plot: Points, runs: Runs) -> None:
    all_x, all_y = [], []
    for label, colour, marker in zip(runs, cycle(COLOURS), cycle("os^Dvp"), strict=False):
        pairs = np.array([(plot.x(run), plot.y(run)) for run in runs[label]], dtype=float).reshape(-1, 2)
        x, y = drawable(pairs[:, 0], pairs[:, 1], plot)
        if len(x):
            axes.scatter(x, y, s=38, color=colour, marker=marker, label=label, zorder=3, ec="white", lw=0.6)
        all_x.append(x)
        all_y.append(y)
    set_scales(axes, plot)
    if plot.line:
        draw_line(axes, plot, np.concatenate(all_x), np.concatenate(all_y))
    axes.set(xlabel=plot.x.text, ylabel=plot.y.text)


def draw_line(axes: "Axes", plot: Points, x: Array, y: Array) -> None:
    """A straight line by least squares, straight as the axes show it."""
    if len(np.unique(x)) < 2:
        return
    u, v = np.log10(x) if plot.log_x else x, np.log10(y) if plot.log_y else y
    slope, offset = np.polyfit(u, v, 1)
    ends = np.linspace(u.min(), u.max(), 2)
    line = slope * ends + offset
    label = f"slope {figure(slope, 4)}" if plot.log_x == plot.log_y else "straight line"
    x, y = 10**ends if plot.log_x else ends, 10**line if plot.log_y else line
    axes.plot(x, y, "--", color=QUIET, lw=1.1, label=label)


def set_scales(axes: "Axes", plot: Curves | Points) -> None:
    """Log axes if they are asked for and there is something on them."""
    from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.margins(0.03, 0.05)
    sides = ((axes.xaxis, plot.log_x, axes.set_xscale), (axes.yaxis, plot.log_y, axes.set_yscale))
    for axis, is_log, set_scale in sides:
        if is_log and axes.has_data():
            set_scale("log")
            low, high = axis.get_view_interval()
            is_narrow = high < 10 * low  # less than a decade: ticks at powers of 10 would be too few
            axis.set_major_locator(AutoLocator() if is_narrow else LogLocator(numticks=9))
            axis.set_minor_locator(NullLocator() if is_narrow else LogLocator(subs=range(2, 10), numticks=9))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _: figure(value, 6)))


def add_texts(axes: "Axes", judged: Judged) -> None:
    """Title, verdict, and the legend beside the data."""
    from matplotlib.transforms import ScaledTranslation

    handles, names = axes.get_legend_handles_labels()
    if handles:
        names = [textwrap.fill(name, 26) for name in names]
        size = min(8.5, 170 / sum(1 + name.count("\n") for name in names))
        axes.legend(handles, names, fontsize=size, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    else:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing to draw: no value fits these axes", transform=axes.transAxes, ha="center")
    lines = heading(judged)
    above = axes.transAxes + ScaledTranslation(0, 8 / 72, axes.figure.dpi_scale_trans)
    axes.text(0, 1, "\n".join(lines), transform=above, fontsize=8.5, color=QUIET, linespacing=1.4, va="bottom")
    axes.set_title(judged.claim.title, color=INK, pad=14 + 12.5 * len(lines))


def heading(judged: Judged) -> list[str]:
    """Where it was published, the verdict and the measured values, in a few lines."""
    claim, finding = judged.claim, judged.finding
    place = ", ".join(part for part in (SOURCES[claim.source].paper, claim.figure) if part)
    lines = textwrap.wrap(f"{finding.verdict}: measured {finding.measured}; published {claim.published}", HEADING)
    if len(lines) > 3:
        lines = [*lines[:2], textwrap.shorten(" ".join(lines[2:]), HEADING, placeholder=" ...")]
    return [place, *lines]
