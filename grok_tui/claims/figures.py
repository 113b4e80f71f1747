"""What rules are made of: figures read off an ended run, and how they scatter over seeds. Numpy only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import inf, isfinite
from statistics import median

import numpy as np

from ..science.fits import Line, straight_line
from ..store.reader import RunReader
from .claim import Runs

Figure = Callable[[RunReader], float]

EVERY_STEP = ("measure.budget=0.5",)
"""Of a run of tens of steps, each is looked at."""


def t_mem(run: RunReader) -> float:
    """The step that memorised; infinite where it did not."""
    return _step(run, "t_mem")


def t_grok(run: RunReader) -> float:
    """The step that grokked; infinite where it did not."""
    return _step(run, "t_grok")


def delay(run: RunReader) -> float:
    """t_grok - t_mem; infinite where one of them is not there."""
    return t_grok(run) - t_mem(run) if isfinite(t_mem(run)) else inf


def is_late(run: RunReader, times: float = 1.0) -> bool:
    """Whether it groks, and after more than `times` the steps that it took to memorise."""
    return times * t_mem(run) < t_grok(run) < inf


def _step(run: RunReader, name: str) -> float:
    value = (run.info.get("result") or {}).get(name)
    return float(value) if isinstance(value, int | float) else inf


def first(run: RunReader, column: str) -> float:
    """The first value of a column."""
    return float(run.series(column)[1][0])


def last(run: RunReader, column: str) -> float:
    """The last value of a column."""
    return float(run.series(column)[1][-1])


def largest(run: RunReader, column: str) -> float:
    """The largest value of a column."""
    return float(run.series(column)[1].max())


def at(run: RunReader, column: str, step: float) -> float:
    """The value of a column at the last row up to `step`; nan where there is none."""
    value = run.at(column, step)
    return float("nan") if value is None else value


def when_below(run: RunReader, column: str, level: float) -> float:
    """The first step from which on the column stays below `level`; infinite where it does not."""
    steps, values = run.series(column)
    above = (values >= level) | (values != values)
    if not above.any():
        return float(steps[0])
    i = int(above.nonzero()[0][-1]) + 1
    return float(steps[i]) if i < len(steps) else inf


def lag(run: RunReader, share: float = 0.5) -> float:
    """Steps by which the test loss falls below `share` of its start later than the train loss does; infinite: never."""
    test = when_below(run, "test/loss", share * first(run, "test/loss"))
    train = when_below(run, "train/loss", share * first(run, "train/loss"))
    return test - train if isfinite(train) else inf


def over(runs: Iterable[RunReader], figure: Figure) -> list[float]:
    """A figure of every run."""
    return [figure(run) for run in runs]


def medians(runs: Runs, figure: Figure) -> dict[str, float]:
    """Label -> median of a figure over its seeds."""
    return {label: median(over(runs[label], figure)) for label in runs}


def ordered(values: Sequence[float], *, falling: bool = False) -> bool:
    """Whether each value is larger than the one before; two infinite ones in a row pass, for both mean never."""
    pairs = pairwise(values)
    return all((a > b if falling else a < b) or (a == b == inf) for a, b in pairs)


def number(value: float) -> str:
    """A figure as the table writes it."""
    if not isfinite(value):
        return "never" if value == inf else str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def listed(values: Iterable[float]) -> str:
    """Figures side by side."""
    return ", ".join(number(value) for value in values)


def by_label(values: dict[str, float]) -> str:
    """`alpha 1: 2,100; alpha 4: never`."""
    return "; ".join(f"{label}: {number(value)}" for label, value in values.items())


def spread(runs: Runs, figure: Figure) -> str:
    """Smallest and largest of a figure over seeds, by label."""
    found = {label: over(runs[label], figure) for label in runs}
    if max(len(values) for values in found.values()) < 2:
        return "one seed"
    return "; ".join(f"{label}: {number(min(v))}-{number(max(v))}" for label, v in found.items())


def fitted(points: Iterable[tuple[float, float]]) -> Line:
    """The straight line through what is finite."""
    kept = [(x, y) for x, y in points if isfinite(x) and isfinite(y)]
    return straight_line([x for x, _ in kept], [y for _, y in kept])


def of_line(line: Line) -> str:
    """`slope 1,180 [1,080, 1,270], R2 0.971, n 12`."""
    low, high = line.interval
    interval = f" [{number(low)}, {number(high)}]" if isfinite(high) else ""
    return f"slope {number(line.slope)}{interval}, R² {line.r2:.3f}, n {line.n}"


def correlation(points: Sequence[tuple[float, float]]) -> float:
    """Pearson's r of pairs."""
    return float(np.corrcoef(np.array(points).T)[0, 1])
