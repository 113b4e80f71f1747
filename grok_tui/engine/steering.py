"""Requests to change a field: what they ask for, whether they may, and what the value then is."""

from __future__ import annotations

from math import inf
from typing import Any

from ..config.fields import check_value, field, steerable
from ..config.schema import RunConfig
from ..errors import UsageError, nearest


def resolve(config: RunConfig, key: str, value: Any) -> tuple[str, float]:
    """The full name and the new value that `key = value` asks for; refuse what the run cannot take.

    A value may be a number, its text, or relative to what the field now holds: `x2`, `/2`. Relative values
    are rounded to three digits, so that pressing a key up and down again comes back.
    """
    key = field(key).key
    current = steerable(config)
    if key not in current:
        raise UsageError(f"{key}: not steerable in this run; {nearest(key, current)}")
    return key, float(check_value(key, _number(key, value, current[key])))


SLOWEST = 5.0
"""Least steps a second that a run may be held to; slower, and requests would wait."""


def check_pace(pace: Any) -> float:
    """A pace in steps a second, 0 for full speed; refuse anything else."""
    if isinstance(pace, bool) or not isinstance(pace, (int, float)) or not (pace == 0 or SLOWEST <= pace < inf):
        raise UsageError(f"pace: expected {SLOWEST:g} steps a second or more, or 0 for full speed, got {pace}")
    return float(pace)


def _number(key: str, value: Any, current: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UsageError(f"{key}: expected a number, x2 or /2, got {value}")
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    relative = text[:1] in ("x", "*", "/")
    try:
        number = float(text[1:] if relative else text)
    except ValueError:
        raise UsageError(f"{key}: expected a number, x2 or /2, got {text or 'nothing'}") from None
    if not relative:
        return number
    if current == 0:
        raise UsageError(f"{key}: it is 0, and {text} of 0 is 0; give a number")
    if number <= 0:
        raise UsageError(f"{key}: {text}: expected a factor above 0")
    return float(f"{current / number if text[0] == '/' else current * number:.3g}")
