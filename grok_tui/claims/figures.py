"""Numbers read off one run. Each has a text, which rules, tables and axes show."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from ..store.reader import Array, RunReader

NAMES = {
    "train/acc": "train accuracy", "test/acc": "test accuracy", "norm/weight": "weight norm", "norm/V": "V",
    "kernel/column_alignment": "alignment of the kernel", "twin/test_loss": "test loss of the twin",
    "k0/test_loss": "test loss of K₀ regression", "error/alignment": "alignment error",
}  # fmt: skip
"""Texts of the columns whose names do not say enough."""

WIDEST = 0.02
"""A rule may use t_mem or t_grok if it is known to one step or to this share of itself."""


class Undecided(Exception):
    """The runs do not decide the rule; the text says why."""


@dataclass(frozen=True)
class Figure:
    """A number of one run: inf if it never comes, NaN if it is not defined."""

    text: str
    of: Callable[[RunReader], float]
    meaning: str = ""
    """a sentence that rules add if the text alone does not say what it is"""

    def __call__(self, run: RunReader) -> float:
        return self.of(run)

    def __truediv__(self, other: "Figure") -> "Figure":
        return Figure(f"{self.text} / {other.text}", lambda run: ratio(self(run), other(run)))

    def named(self, text: str) -> "Figure":
        return Figure(text, self.of)


def ratio(a: float, b: float) -> float:
    """a / b; inf if only b is 0."""
    return a / b if b else (inf if a > 0 else nan)


def time(name: str) -> Figure:
    """t_mem or t_grok. Undecided: its interval is wider than one step and than `WIDEST` of it."""

    def of(run: RunReader) -> float:
        result = run.info.get("result") or {}
        value = result.get(name)
        if not isinstance(value, int | float):
            return inf
        interval = (result.get("interval") or {}).get(name)
        if interval and None not in interval and interval[1] - interval[0] > max(1, WIDEST * value):
            raise Undecided(f"{run.run.id}: {name} is only known to lie after {interval[0]:,}, up to {interval[1]:,}")
        return float(value)

    return Figure(name, of)


t_mem, t_grok = time("t_mem"), time("t_grok")
delay = Figure("delay", lambda run: t_grok(run) - t_mem(run) if isfinite(t_mem(run)) else inf)
weight_decay = Figure("weight decay", lambda run: run.config.optim.weight_decay)
lr = Figure("learning rate", lambda run: run.config.optim.lr)
last_step = Figure("last step", lambda run: float(run.steps[-1]))


def first(column: str) -> Figure:
    return over(column, "first", lambda values: values[0])


def last(column: str) -> Figure:
    return over(column, "last", lambda values: values[-1])


def largest(column: str) -> Figure:
    return over(column, "largest", np.max)


def least(column: str) -> Figure:
    return over(column, "smallest", np.min)


def over(column: str, text: str, pick: Callable[[Array], Any]) -> Figure:
    """One of the measured values of a column. LookupError: there is none."""

    def of(run: RunReader) -> float:
        values = run.series(column)[1]
        if not len(values):
            raise LookupError(f"no column {column}")
        return float(pick(values))

    return Figure(f"{text} {named(column)}", of)


def named(column: str) -> str:
    return NAMES.get(column, column.replace("/", " "))


def at(column: str, when: Figure | int) -> Figure:
    """The value of a column at the last row up to a step; NaN if the step never comes or no row is before it."""

    def of(run: RunReader) -> float:
        step = when(run) if isinstance(when, Figure) else when
        value = run.at(column, step) if isfinite(step) else None
        return nan if value is None else value

    return Figure(f"{named(column)} at {when.text if isinstance(when, Figure) else f'step {when}'}", of)


def when_below(run: RunReader, column: str, level: float) -> float:
    """The first step from which on the column stays below `level`; inf if it does not."""
    steps, found = run.series(column)
    above = (found >= level) | (found != found)
    if not above.any():
        return float(steps[0])
    i = int(above.nonzero()[0][-1]) + 1
    return float(steps[i]) if i < len(steps) else inf


def lag_at(share: float, text: str) -> Figure:

    def of(run: RunReader) -> float:
        test, train = (when_below(run, column, share * first(column)(run)) for column in ("test/loss", "train/loss"))
        return test - train if isfinite(train) else inf

    stays = f"the test loss stays below {100 * share:g} % of its start"
    return Figure(text, of, f"The {text} is the step from which on {stays}, minus that step of the train loss.")


lag = lag_at(0.5, "lag at half the loss")
