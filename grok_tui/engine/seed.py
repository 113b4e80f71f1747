"""One seed of a run: its learner, its knobs as they are now, its phases."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..config.fields import NORM, get, replace, steerable
from ..config.schema import RunConfig
from ..config.steering import resolve
from ..science.phases import GROKKED, MEMORIZED, PHASES, PhaseDetector
from .learner import Learner
from .records import Event

LOW, HIGH = 10, 90
"""Percentiles over seeds between which the band of a run of many seeds lies."""


class Seed:
    """One seed of a run. All seeds of a run take the same steps; each has its own weights, norm and phases."""

    def __init__(self, config: RunConfig, learner: Learner) -> None:
        self.number = config.train.seed
        self.config = config
        """The config with the knobs as they are now."""
        self.learner = learner
        self.phases = PhaseDetector(**{name: getattr(config.phase, name) for name in config.phase.__struct_fields__})
        self.scheduled = list(range(len(config.schedule)))
        """Entries of the config's schedule that are still to come."""
        self.repeated: list[dict[str, Any]] = []
        """Steering and marks of an earlier life of the run that are still to come."""
        self.is_alive = True
        """False once its loss has diverged."""
        self.last_row: dict[str, float] = {}

    def resolve(self, key: str, value: Any) -> tuple[str, float]:
        """The full name and the new value of a change; UsageError if this seed cannot take it now."""
        return resolve(self.config, key, value, self.learner.norm())

    def change(self, key: str, new: float, step: int, **about: Any) -> Event:
        """Set one knob, or rescale the weights to a norm."""
        if key == NORM:
            old = self.learner.norm()
            optimizer = self.learner.set_knobs(self.config, norm=new)
        else:
            old = get(self.config, key)
            self.config = replace(self.config, {key: new})
            optimizer = self.learner.set_knobs(self.config)
        return Event("steered", step, {"key": key, "old": old, "new": new, "optimizer": optimizer, **about})

    def due_entries(self, step: int) -> list[int]:
        """Entries of the schedule whose step or phase has come."""
        due = []
        for i in self.scheduled:
            entry = self.config.schedule[i]
            start = self.phases.reached.get(entry.on) if entry.on else entry.step
            if start is not None and step >= start:
                due.append(i)
        return due

    def next_steps(self) -> list[int]:
        """The steps at which the schedule or an earlier life of the run changes something."""
        scheduled = [step for i in self.scheduled if (step := self.config.schedule[i].step) is not None]
        return scheduled + [event["step"] for event in self.repeated]

    def diverged(self, row: dict[str, float], last_step: int) -> str:
        """What is not finite in a row, and the last row before it; empty if the row is fine."""
        bad = [name for name in ("train/loss", "norm/weight") if not isfinite(row[name])]
        if not bad:
            return ""
        names = {"train/loss": "train loss", "norm/weight": "weight norm"}
        what = " and ".join(f"the {names[name]} is {row[name]}" for name in bad)
        before = self.last_row.get("train/loss")
        return what + (f"; at step {last_step} the train loss was {before:.4g}" if before is not None else "")

    def result(self) -> dict[str, Any]:
        """t_mem, t_grok and delay in steps, None if not reached, each with the interval in which it lies."""
        phases = self.phases
        times = {"t_mem": phases.t_mem, "t_grok": phases.t_grok, "delay": phases.delay}
        return times | {"interval": phases.intervals()}

    def meta(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the learner's tensors."""
        return {
            "reached": dict(self.phases.reached),
            "after": dict(self.phases.after),
            "scheduled": list(self.scheduled),
            "steered": steerable(self.config),
            "last_row": {name: self.last_row[name] for name in ("train/loss",) if name in self.last_row},
        }

    def restore(self, meta: dict[str, Any]) -> None:
        """Take over what `meta` gave. The learner's tensors are loaded after this: they belong to the knobs."""
        self.phases.reached, self.phases.after = dict(meta["reached"]), dict(meta["after"])
        self.scheduled, self.last_row = list(meta["scheduled"]), dict(meta["last_row"])
        self.config = replace(self.config, meta["steered"])
        self.learner.set_knobs(self.config)

    def restore_failed(self, result: dict[str, Any]) -> None:
        """This seed diverged in an earlier life of the run: it keeps its phases and takes no part any more."""
        self.is_alive = False
        for phase, name in ((MEMORIZED, "t_mem"), (GROKKED, "t_grok")):
            if result.get(name) is not None:
                after, step = result.get("interval", {}).get(name) or (result[name], result[name])
                self.phases.enter(phase, after, step)


def median(steps: Sequence[int | None]) -> int | None:
    """The median. A seed that has not reached its step counts as later than all others; None if that is the median."""
    middle = np.median([np.inf if step is None else step for step in steps])
    return int(middle) if middle < np.inf else None


def joint_result(seeds: Sequence[Seed]) -> dict[str, Any]:
    """Medians over all seeds of t_mem, t_grok and delay with their intervals, and how many seeds got there."""
    results = [seed.result() for seed in seeds]
    found: dict[str, Any] = {
        name: median([result[name] for result in results]) for name in ("t_mem", "t_grok", "delay")
    }
    found["interval"] = {
        name: [median([r["interval"].get(name, (None, None))[end] for r in results]) for end in (0, 1)]
        for name in ("t_mem", "t_grok", "delay")
        if found[name] is not None
    }
    counts = {name: sum(name in seed.phases.reached for seed in seeds) for name in PHASES}
    return found | counts


def band(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Median, 10th and 90th percentile per column over the seeds' rows: X, X@low, X@high.

    A column that only some of the seeds have in this row is left out.
    """
    values: dict[str, float] = {}
    for name in rows[0]:
        if all(name in row for row in rows):
            low, middle, high = np.percentile([row[name] for row in rows], [LOW, 50, HIGH])
            values |= {name: float(middle), f"{name}@low": float(low), f"{name}@high": float(high)}
    return values
