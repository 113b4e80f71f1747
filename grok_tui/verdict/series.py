"""Numbers about a run that are computed from its config, its events and its columns."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from ..config.fields import steerable
from ..config.schema import RunConfig
from ..store.reader import RunReader

STEADY = 0.005
"""A relative change below this is not called rising or falling: rows of a settled norm differ by so much."""


@dataclass(frozen=True)
class Time:
    """The step at which a phase began; `after` is the step of the last row before it, None if unknown."""

    step: int
    after: int | None = None

    @property
    def width(self) -> int:
        """How many steps earlier the phase may have begun."""
        return 0 if self.after is None else max(self.step - self.after - 1, 0)


@dataclass(frozen=True)
class Phases:
    """When the run memorised and grokked; None if it has not."""

    mem: Time | None = None
    grok: Time | None = None

    @property
    def t_mem(self) -> int | None:
        """The step of the first row that counts as memorised."""
        return self.mem.step if self.mem else None

    @property
    def t_grok(self) -> int | None:
        """The step of the first row that counts as grokked."""
        return self.grok.step if self.grok else None

    @property
    def delay(self) -> int | None:
        """t_grok - t_mem."""
        return self.grok.step - self.mem.step if self.mem and self.grok else None


def phases_of(reader: RunReader) -> Phases:
    """When the run memorised and grokked, from its events."""
    times: dict[str, Time] = {}
    for event in whole(reader, "phase"):
        after = event.get("after")
        times.setdefault(str(event.get("phase")), Time(event["step"], after if isinstance(after, int) else None))
    return Phases(times.get("memorized"), times.get("grokked"))


def is_kernel_machine(config: RunConfig) -> bool:
    """Whether the run is a recursive feature machine: no gradient descent, and the weights are the matrix M."""
    return config.optim.name == "rfm"


def unit_of(config: RunConfig) -> str:
    """What a step is called."""
    return "iteration" if is_kernel_machine(config) else "step"


def step_of(reader: RunReader) -> int:
    """The newest known step: run.json is up to a second older than the rows."""
    progress = reader.info.get("progress") or {}
    rows = reader.steps
    return max(int(progress.get("step", 0)), int(rows[-1]) if len(rows) else 0)


def knobs_of(reader: RunReader, before: float = inf) -> dict[str, float]:
    """Every steerable field with the value that the optimizer holds now, or held just before a step."""
    knobs = dict(steerable(reader.config))
    for event in whole(reader, "steered"):
        if event["step"] < before:
            knobs |= held(event, reader.config)
    return knobs


def whole(reader: RunReader, type: str) -> list[dict[str, Any]]:
    """The events of one type; damaged ones, which do not say their step, are left out."""
    return [event for event in reader.of_type(type) if isinstance(event.get("step"), int)]


def held(event: dict[str, Any], config: RunConfig) -> dict[str, float]:
    """The steerable fields as the optimizer held them after a steering.

    Seven digits are kept: some devices hold float32. The optimizer's lr is already divided by alpha^2 if the config
    says so; the field's lr is not.
    """
    optimizer = event["optimizer"] if isinstance(event.get("optimizer"), dict) else {}
    found = {str(event.get("key")): event.get("new")}
    found |= {key: optimizer.get(name) for key in steerable(config) if (name := key.rpartition(".")[2]) in optimizer}
    knobs = {key: float(f"{value:.7g}") for key, value in found.items() if is_number(value)}
    if config.optim.lr_over_alpha2 and is_number(optimizer.get("lr")):
        knobs["optim.lr"] = float(f"{optimizer['lr'] * knobs.get('model.alpha', config.model.alpha) ** 2:.7g}")
    return {key: value for key, value in knobs.items() if key in steerable(config)}


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def near(reader: RunReader, name: str, step: float) -> float | None:
    """The value of a column at the row nearest to `step` on a log axis; None if no row is near.

    Row 0 does not count: nothing has changed there. Rows after 3 (step + 1) are too late to say something about `step`.
    """
    steps, values = reader.series(name)
    close = (steps > 0) & (steps < 3 * (step + 1))
    if not close.any():
        return None
    return float(values[close][np.argmin(np.abs(np.log1p(steps[close]) - np.log1p(step)))])


def trend(reader: RunReader, name: str, since: float | None = None) -> float:
    """The relative change of a column since a step, or over the last fifth of the steps."""
    steps, values = reader.series(name)
    if len(values) < 3:
        return 0.0
    before = reader.at(name, since if since is not None else 0.8 * float(steps[-1]))
    return float(values[-1] / before - 1) if before else 0.0


def direction(change: float) -> str:
    """`rising`, `falling` or `steady`: what a relative change amounts to."""
    return "steady" if abs(change) < STEADY else "rising" if change > 0 else "falling"
