"""What a run's directory says about it, in the terms the screens use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config.fields import ALIASES, NORM, has_norm, steerable
from ..config.schema import RunConfig
from ..store.reader import RunReader
from ..store.rundir import ENDED
from . import theme

HOLD = "optim.hold_norm"

SHORT = {key: alias for alias, key in ALIASES.items()}
"""Field -> the short name that screens use for it."""

STATUS = {
    "starting": ("○", "starting", theme.DIM),
    "running": ("●", "training", theme.GOOD),
    "paused": ("‖", "paused", theme.WARN),
    "finished": ("✓", "finished", theme.TEXT),
    "failed": ("✗", "failed", theme.BAD),
    "interrupted": ("!", "interrupted", theme.WARN),
}
"""Status of run.json -> sign, word and colour; the sign and the word tell it without the colour."""


@dataclass(frozen=True)
class Phases:
    """The steps at which the run memorised and grokked; none where it has not."""

    t_mem: int | None
    t_grok: int | None

    @property
    def delay(self) -> int | None:
        """t_grok - t_mem."""
        return None if self.t_mem is None or self.t_grok is None else self.t_grok - self.t_mem


def is_kernel_machine(config: RunConfig) -> bool:
    """Whether it learns features without a gradient: its weights are the metric M of a kernel."""
    return config.optim.name == "rfm"


def unit_of(config: RunConfig) -> str:
    """What a step is called."""
    return "iteration" if is_kernel_machine(config) else "step"


def is_live(info: dict[str, Any]) -> bool:
    """Whether an engine has this run in hand."""
    return info["status"] not in ENDED


def status_of(info: dict[str, Any]) -> tuple[str, str, str]:
    """Sign, word and colour of a run's status."""
    return STATUS.get(info["status"], ("?", str(info["status"]), theme.DIM))


def short_name(key: str) -> str:
    """`wd` for optim.weight_decay; the bare field name where there is no short one."""
    return SHORT.get(key, key.rpartition(".")[2])


def step_of(reader: RunReader) -> int:
    """The newest step that is known: run.json lags up to a second behind the rows."""
    progress = reader.info.get("progress") or {}
    rows = reader.steps
    return max(int(progress.get("step", 0)), int(rows[-1]) if len(rows) else 0)


def speed_of(reader: RunReader) -> float:
    """Steps per second as the engine counts them."""
    return float((reader.info.get("progress") or {}).get("steps_per_second") or 0.0)


def seeds_of(info: dict[str, Any]) -> str:
    """Its seed; or how many there are, and how many of them have grokked."""
    if "seeds" not in info:
        return f"seed {info.get('seed')}"
    grokked = (info.get("result") or {}).get("grokked", 0)
    return f"{len(info['seeds'])} seeds" + (f", {grokked} grokked" if grokked else "")


def measuring_of(info: dict[str, Any]) -> str:
    """What measuring takes of the computing, and what was skipped to keep it small."""
    progress = info.get("progress") or {}
    skipped = progress.get("skipped") or info.get("skipped") or {}
    told = [f"{count} {name}" for name, count in skipped.items() if count]
    share = f"measuring {100 * float(progress.get('measuring') or 0):.0f} %"
    return f"{share}, skipped {' and '.join(told)}" if told else share


def knobs_of(reader: RunReader) -> dict[str, float]:
    """Every steerable field with the value that the optimizer holds now."""
    knobs = dict(steerable(reader.config))
    for event in reader.of_type("steered"):
        if event.get("key") in knobs and isinstance(event.get("new"), int | float):
            knobs[event["key"]] = event["new"]
    return knobs


FIRST = ("optim.weight_decay", "optim.lr", "optim.ridge", HOLD)
"""The knobs that matter most."""


def knobs_shown(reader: RunReader) -> dict[str, float]:
    """The knobs in the order in which they matter; a norm that is free is none."""
    return {key: value for key, value in ordered(reader).items() if key != HOLD or value}


def ordered(reader: RunReader) -> dict[str, float]:
    """All knobs, those first that matter most."""
    knobs = knobs_of(reader)
    return {key: knobs[key] for key in (*FIRST, *knobs) if key in knobs}


def settable(reader: RunReader) -> dict[str, float]:
    """All that can be set while the run trains: its knobs, and the norm of its weights."""
    return ordered(reader) | ({NORM: reader.last("norm/weight") or 1.0} if has_norm(reader.config) else {})


def pace_of(reader: RunReader) -> float:
    """Steps per second that the engine keeps to; 0: full speed."""
    paced = reader.of_type("paced")
    return float((paced[-1].get("pace") if paced else reader.info["asked"].get("pace")) or 0.0)


def takes_every_core(reader: RunReader) -> bool:
    """Whether training keeps every core here busy: at full speed, on as many threads as there are cores."""
    return not pace_of(reader) and reader.info["used"].get("threads", 1) >= (os.cpu_count() or 1)


def phases_of(reader: RunReader) -> Phases:
    """When the run memorised and grokked, by its events."""
    steps: dict[str, int] = {}
    for event in reader.of_type("phase"):
        steps.setdefault(str(event.get("phase")), int(event["step"]))
    return Phases(steps.get("memorized"), steps.get("grokked"))


def near(reader: RunReader, name: str, step: float) -> float | None:
    """The value of a column that was measured nearest to a step, on the log axis on which rows are spaced.

    Not that of step 0, where nothing has changed yet, nor one from so late that it says little of the step.
    """
    steps, values = reader.series(name)
    close = (steps > 0) & (steps < 3 * (step + 1))
    if not close.any():
        return None
    return float(values[close][np.argmin(np.abs(np.log1p(steps[close]) - np.log1p(step)))])


def trend(reader: RunReader, name: str, since: float | None = None) -> float:
    """The relative change of a column over the last fifth of the steps, or since a step."""
    steps, values = reader.series(name)
    if len(values) < 3:
        return 0.0
    before = reader.at(name, since if since is not None else 0.8 * float(steps[-1]))
    return float(values[-1] / before - 1) if before else 0.0


def direction(change: float) -> str:
    """`rising`, `falling` or `steady`: what a relative change amounts to."""
    return "steady" if abs(change) < 0.005 else "rising" if change > 0 else "falling"
