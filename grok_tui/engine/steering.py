"""Requests to change a field: what they ask for, whether they may, and what the value then is."""

from __future__ import annotations

from math import inf
from typing import Any

from ..config.fields import NORM, asked, field, has_norm, steerable
from ..config.schema import RunConfig
from ..errors import UsageError, nearest


def resolve(config: RunConfig, key: str, value: Any, norm: float | None = None) -> tuple[str, float]:
    """The full name and the new value that `key = value` asks for; refuse what the run cannot take.

    A value may be a number, its text, or relative to what is now in force: `x2`, `/2`. For `norm` and
    `optim.hold_norm` that is the weight norm itself, so `hold_norm = x1` freezes it; without `norm` given a
    relative value of these is only checked.
    """
    current = steerable(config)
    if has_norm(config):
        current |= {NORM: norm or 1.0}
        current["optim.hold_norm"] = current["optim.hold_norm"] or current[NORM]
    key = key if key == NORM else field(key).key
    if key not in current:
        raise UsageError(f"{key}: not steerable in this run; {nearest(key, current)}")
    return key, asked(key, value, current[key])


SLOWEST = 5.0
"""Least steps a second that a run may be held to; slower, and requests would wait."""


def check_pace(pace: Any) -> float:
    """A pace in steps a second, 0 for full speed; refuse anything else."""
    if isinstance(pace, bool) or not isinstance(pace, (int, float)) or not (pace == 0 or SLOWEST <= pace < inf):
        raise UsageError(f"pace: expected {SLOWEST:g} steps a second or more, or 0 for full speed, got {pace}")
    return float(pace)
