"""Changes of a run's knobs: one grammar for config files, keys, the prompt, the command line and the engine.

`1e-3` sets a value. `x2`, `*2` and `×2` multiply it; `/2` and `÷2` divide it. `hold_norm x1` holds the norm as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

from ..errors import UsageError, nearest
from .fields import ALIASES, NORM, Field, brief, field, fields, has_norm, steerable
from .schema import Doc, RunConfig

HOLD = "optim.hold_norm"
NORM_FIELD = Field(
    NORM, float, Doc("norm to which the decaying weights are rescaled once", True, ge=1e-12, le=1e12), None
)
"""The square of a norm must be a normal number in float32."""
KEY_FACTOR = 1.7783
"""What one key press multiplies or divides by: 10^(1/4), to five digits."""
RELATIVE = re.compile(r"([x*×/÷])\s*(.*)", re.DOTALL)
SHORT_NAMES = {key: alias for alias, key in ALIASES.items()}


def short_name(key: str) -> str:
    """`wd` for optim.weight_decay; the name without its section if there is no short one."""
    return SHORT_NAMES.get(key, key.rpartition(".")[2])


@dataclass(frozen=True)
class Change:
    """A change of one knob: `to` a number, or by a factor: `times` or `over` a number."""

    key: str
    kind: Literal["to", "times", "over"]
    number: float

    @classmethod
    def parse(cls, key: str, value: Any) -> "Change":
        """Read a number, or a text of the grammar above; refuse a number that the field cannot have."""
        text = value.strip() if isinstance(value, str) else None
        relative = RELATIVE.fullmatch(text) if text else None
        number = _number(relative[2] if relative else value)
        if number is None:
            raise UsageError(f"{key}: expected a number, x2 or /2, got {brief(value)}")
        if relative is None:
            return cls(key, "to", _checked(key, number))
        if not 0 < number < inf:
            raise UsageError(f"{key}: {brief(text)}: expected a factor > 0")
        return cls(key, "over" if relative[1] in "/÷" else "times", number)

    def of(self, current: float) -> float:
        """The value that this change makes of `current`; UsageError if there is none or the field cannot have it.

        The factor of a key press gives three digits, so that four presses are a factor of 10 and presses up and down
        come back. Every other factor is exact, and x1 changes nothing.
        """
        if self.kind == "to":
            return self.number
        if current == 0:
            raise UsageError(f"{self.key}: {self} of 0 is 0; give a number")
        if self.number == 1:
            return current
        try:
            number = current * self.number if self.kind == "times" else current / self.number
        except OverflowError:
            number = inf
        if self.number == KEY_FACTOR and isfinite(number):
            number = float(f"{number:.3g}")
        try:
            return _checked(self.key, number)
        except UsageError as error:
            raise UsageError(f"{error}, which is {self} of {current:.6g}") from None

    def __str__(self) -> str:
        short = f"{self.number:g}"
        sign = {"to": "", "times": "x", "over": "/"}[self.kind]
        return sign + (short if float(short) == self.number else repr(self.number))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _checked(key: str, number: float) -> float:
    return float((NORM_FIELD if key == NORM else field(key)).convert(number))


def split_change(text: str) -> tuple[str, str]:
    """The knob's name and the value in `wd 1e-3`, `wd = x2` or `lr/2`; the name is empty in `x2` or `1e-3`."""
    name, equals, value = text.partition("=")
    if equals:
        return name.strip(), value.strip()
    text = text.strip()
    if not text or re.match(r"[-+.\d]|[x*×/÷]\s*[-+.\d]", text):
        return "", text
    match = re.match(r"([\w.]+)\s*(.*)", text, re.DOTALL)
    return (match[1], match[2]) if match else (text, "")


def knob_of(key: str, knobs: Mapping[str, Any]) -> str:
    """The full name of a knob of this run; refuse what is none with the nearest match."""
    names = [short_name(one) for one in knobs]
    try:
        full = key if key == NORM else field(key).key
    except UsageError:
        raise UsageError(f"{brief(key)}: no such knob; {nearest(key[:60], names)}") from None
    if full not in knobs:
        raise UsageError(
            f"{short_name(full)} cannot be changed in this run while it trains; these can: {', '.join(names)}"
        )
    return full


def knobs(config: RunConfig, norm: float | None = None) -> dict[str, float]:
    """What a run can change while it trains, with the value that a factor multiplies; `norm`: the norm now.

    A norm that is not held is held at its value now by `hold_norm x1`.
    """
    current = steerable(config)
    if has_norm(config):
        current[NORM] = norm or 0.0
        current[HOLD] = current[HOLD] or current[NORM]
    return current


def parse_change(config: RunConfig, key: str, value: Any) -> Change:
    """The change that is asked for, as far as it can be checked without the run's state."""
    return Change.parse(knob_of(key, knobs(config)), value)


def resolve(config: RunConfig, key: str, value: Any, norm: float | None) -> tuple[str, float]:
    """The full name and the new value of a change; refuse what the run cannot do now.

    config: with the knobs as they are now; norm: the norm of the decaying weights now.
    """
    change = parse_change(config, key, value)
    if change.key == NORM and config.optim.hold_norm:
        raise UsageError(
            f"norm: it is held at {config.optim.hold_norm:.6g}; change hold_norm, or set hold_norm to 0 first"
        )
    return change.key, change.of(knobs(config, norm)[change.key])


def check_pace(pace: Any) -> float:
    """A pace in steps per second, 0 for full speed; refuse anything else."""
    return float(fields()["train.pace"].convert(pace))


SLOWEST = fields()["train.pace"].doc.least or 0.0
"""Lowest pace in steps per second; at a lower one requests would wait."""


def check_schedule(config: RunConfig) -> None:
    """Refuse a scheduled change that has no moment or two, or that must fail when its moment comes.

    Each knob is followed from its value in the config through the entries in the order of their steps. A knob that
    changes at several kinds of moments (a step, memorized, grokked) is not followed, since their order is open.
    """
    moments: dict[str, set[str]] = {}
    current: dict[str, float | None] = {**knobs(config)}
    for i, entry in enumerate(config.schedule):
        at = f"schedule[{i}]"
        if (entry.step is None) == (entry.on is None):
            raise UsageError(f"{at}: give either step = N or on = 'memorized' | 'grokked'")
        if not entry.set:
            raise UsageError(f"{at}.set: it changes nothing; name a field, for instance optim.weight_decay")
        for key in entry.set:
            full = ALIASES.get(key, key)
            if full not in current:
                raise UsageError(f"{at}.set: {brief(key)} cannot be steered; {nearest(key[:60], current)}")
            moments.setdefault(full, set()).add(entry.on or "step")
    if has_norm(config):  # the norm depends on the training
        current |= {NORM: None, HOLD: config.optim.hold_norm or None}
    unknown = {NORM, *(key for key, kinds in moments.items() if len(kinds) > 1)}
    current |= dict.fromkeys(unknown & current.keys())
    for i, entry in sorted(enumerate(config.schedule), key=lambda item: (item[1].step is None, item[1].step)):
        for key, value in entry.set.items():
            full = ALIASES.get(key, key)
            try:
                change, now = Change.parse(full, value), current[full]
                if full == NORM and current[HOLD] and moments.get(HOLD) in (None, moments[NORM]):
                    raise UsageError(f"norm: it is held at {current[HOLD]:.6g} then; change hold_norm")
                new = change.of(now) if now is not None else change.number if change.kind == "to" else None
            except UsageError as error:
                raise UsageError(f"schedule[{i}].set: {error}") from None
            if full not in unknown:
                current[full] = None if full == HOLD and not new else new
