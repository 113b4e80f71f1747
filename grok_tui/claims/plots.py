"""One picture a claim: curves against the step, or a point a run. Matplotlib is imported when a picture is drawn."""

from __future__ import annotations

import textwrap
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..store.reader import Array
from .claim import SOURCES, Curves, Points, Runs, verdict
from .report import Judged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart; more cells than these are a scale, and get one."""
STYLES = ("-", "--", ":", "-.")
INK, QUIET, GRID = "#222222", "#666666", "#e4e4e4"
SIZE = (8.0, 4.4)
"""of the picture, in inches"""
HEADING = 108
"""characters a line"""


def draw(judged: Judged, path: Path) -> None:
    """Draw the plot of a claim into a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    match judged.claim.plot:
        case Curves() as curves:
            draw_curves(axes, curves, judged.runs)
        case Points() as points:
            draw_points(axes, points, judged.runs)
    finish(axes, judged)
    partial = path.with_suffix(".partial")
    figure.savefig(partial, format="png", dpi=150)
    partial.replace(path)


def colours(n: int) -> list[str]:
    """A colour for each of `n` cells."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if n <= len(COLOURS):
        return list(COLOURS[:n])
    return [to_hex(colormaps["viridis"](x)) for x in np.linspace(0, 0.92, n)]


def shown(x: Array, y: Array, log_x: bool, log_y: bool) -> tuple[Array, Array]:
    """The points that these axes can hold."""
    kept = np.isfinite(x) & np.isfinite(y)
    kept &= (x > 0) | (not log_x)
    kept &= (y > 0) | (not log_y)
    return x[kept], y[kept]


def draw_curves(axes: Axes, plot: Curves, runs: Runs) -> None:
    """Columns against the step: a colour a cell, a line a seed, a style a column."""
    labels = list(runs)
    for label, colour in zip(labels, colours(len(labels)), strict=True):
        named = False
        for run in runs[label]:
            for column, style in zip(plot.columns, cycle(STYLES), strict=False):
                x, y = shown(*run.series(column), plot.log_x, plot.log_y)
                if len(x):
                    axes.plot(x, y, style, color=colour, lw=1.3, alpha=0.85, label=None if named else label)
                    named = True
    if len(plot.columns) > 1:
        for column, style in zip(plot.columns, cycle(STYLES), strict=False):
            axes.plot([], [], style, color=QUIET, lw=1.3, label=column)
    set_scales(axes, plot.log_x, plot.log_y)
    axes.set_xlabel("step")
    axes.set_ylabel(plot.y_label or ", ".join(plot.columns))


def draw_points(axes: Axes, plot: Points, runs: Runs) -> None:
    """A point a run, a colour a label, and the line through all of them."""
    points = plot.points(runs)
    labels = list(dict.fromkeys(label for label, _, _ in points))
    every_x, every_y = [], []
    for label, colour, marker in zip(labels, colours(len(labels)), cycle("os^Dvp"), strict=False):
        pairs = np.array([(x, y) for name, x, y in points if name == label], dtype=float).reshape(-1, 2)
        x, y = shown(pairs[:, 0], pairs[:, 1], plot.log_x, plot.log_y)
        if len(x):
            axes.scatter(
                x, y, s=38, color=colour, marker=marker, edgecolors="white", linewidths=0.6, label=label, zorder=3
            )
        every_x.append(x)
        every_y.append(y)
    set_scales(axes, plot.log_x, plot.log_y)
    if plot.line and labels:
        draw_line(axes, plot, np.concatenate(every_x), np.concatenate(every_y))
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)


def draw_line(axes: Axes, plot: Points, x: Array, y: Array) -> None:
    """A straight line by least squares, straight as the axes show it."""
    if len(np.unique(x)) < 2:
        return
    u, v = np.log10(x) if plot.log_x else x, np.log10(y) if plot.log_y else y
    slope, offset = np.polyfit(u, v, 1)
    ends = np.linspace(u.min(), u.max(), 2)
    line = slope * ends + offset
    said = f"slope {number(float(f'{slope:.4g}'))}" if plot.log_x == plot.log_y else "straight line"
    x, y = 10**ends if plot.log_x else ends, 10**line if plot.log_y else line
    axes.plot(x, y, "--", color=QUIET, lw=1.1, label=said)


def set_scales(axes: Axes, log_x: bool, log_y: bool) -> None:
    """Log axes where they are asked for and there is something on them."""
    from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.margins(0.03, 0.05)
    for axis, is_log, set_scale in ((axes.xaxis, log_x, axes.set_xscale), (axes.yaxis, log_y, axes.set_yscale)):
        if is_log and axes.has_data():
            set_scale("log")
            low, high = axis.get_view_interval()
            is_narrow = high < 10 * low  # too few decades for their ticks
            axis.set_major_locator(AutoLocator() if is_narrow else LogLocator(numticks=9))
            axis.set_minor_locator(NullLocator() if is_narrow else LogLocator(subs=range(2, 10), numticks=9))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def number(value: float) -> str:
    """A tick as people write it."""
    if value and not 1e-4 < abs(value) < 1e6:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def finish(axes: Axes, judged: Judged) -> None:
    """Title, verdict, legend beside the data, and quiet axes."""
    from matplotlib.transforms import ScaledTranslation

    claim = judged.claim
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(QUIET)
    axes.tick_params(colors=QUIET, which="both", labelsize=8.5)
    axes.grid(True, which="major", color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
        label.set_fontsize(9.5)
    add_legend(axes)
    lines = heading(judged)
    above = axes.transAxes + ScaledTranslation(0, 8 / 72, axes.figure.dpi_scale_trans)
    axes.text(0, 1, "\n".join(lines), transform=above, fontsize=8.5, color=QUIET, linespacing=1.4, va="bottom")
    axes.set_title(claim.title, loc="left", fontsize=12, fontweight="bold", color=INK, pad=14 + 12.5 * len(lines))


def add_legend(axes: Axes) -> None:
    """The legend beside the data; or a word where there is nothing."""
    handles, names = axes.get_legend_handles_labels()
    if not handles:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing to draw: no value fits these axes", transform=axes.transAxes, ha="center")
        return
    names = [textwrap.fill(name, 26) for name in names]
    size = min(8.5, 170 / sum(1 + name.count("\n") for name in names))
    axes.legend(
        handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=size, borderaxespad=0
    )


def heading(judged: Judged) -> list[str]:
    """Where it was published, the verdict and the figures, in a few lines."""
    claim, finding = judged.claim, judged.finding
    where = ", ".join(part for part in (SOURCES[claim.source].paper, claim.figure) if part)
    said = f"{verdict(finding)}: measured {finding.measured}; published {claim.published}"
    lines = textwrap.wrap(said, HEADING)
    if len(lines) > 3:
        lines = [*lines[:2], textwrap.shorten(" ".join(lines[2:]), HEADING, placeholder=" ...")]
    return [where, *lines]
