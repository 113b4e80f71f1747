"""Fields by their dotted name: what they are, what they may be, and which may be steered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf, isfinite
from typing import Any, get_args, get_origin

import msgspec

from ..errors import UsageError, nearest
from .schema import NAMED, SECTIONS, RunConfig, Section

NORM = "norm"
"""What `norm = x0.7` steers: no field, but the weights themselves, those that decay, rescaled once to this norm."""

ALIASES = {"wd": "optim.weight_decay", "lr": "optim.lr", "alpha": "model.alpha", "momentum": "optim.momentum"}
"""Short names that keys and the command line may use."""


@dataclass(frozen=True)
class Field:
    """One config field, as `doc` described it."""

    key: str
    type: Any
    text: str
    steerable: bool
    default: Any


@cache
def fields() -> dict[str, Field]:
    """Every field of every section by its dotted name, in the order of the schema."""
    found = {}
    for section, struct in SECTIONS.items():
        described = msgspec.inspect.type_info(struct)
        assert isinstance(described, msgspec.inspect.StructType)
        for item, raw in zip(described.fields, msgspec.structs.fields(struct), strict=True):
            meta = raw.type.__metadata__[0]
            key = f"{section}.{item.name}"
            found[key] = Field(key, raw.type, meta.description, meta.extra["steerable"], raw.default)
    return found


def field(key: str) -> Field:
    """Return the field called `key`, which may be a short name; refuse an unknown one with the nearest match."""
    key = ALIASES.get(key, key)
    if key not in fields():
        bare = [name for name in fields() if name.split(".")[1] == key]
        if len(bare) == 1:
            return fields()[bare[0]]
        raise UsageError(f"{key}: no such field; {nearest(key, [*fields(), *ALIASES])}")
    return fields()[key]


def used(section: str, name: str) -> list[str]:
    """The fields that `name` reads in `section`, in the order of the schema."""
    wanted = {"name", *NAMED[section][name]}
    return [f for f in SECTIONS[section].__struct_fields__ if f in wanted]


def values(config: RunConfig, section: str) -> dict[str, Any]:
    """The fields of a section that its `name` reads, without the name: keyword arguments for what is built."""
    part: Section = getattr(config, section)
    names = used(section, part.name) if section in NAMED else part.__struct_fields__  # type: ignore[attr-defined]
    return {name: getattr(part, name) for name in names if name != "name"}


def steerable(config: RunConfig) -> dict[str, float]:
    """The fields of `config` that may be changed while it trains, with their values."""
    return {
        f.key: values(config, section)[name]
        for f in fields().values()
        for section, _, name in [f.key.partition(".")]
        if f.steerable and name in values(config, section)
    }


def has_norm(config: RunConfig) -> bool:
    """Whether the run has weights whose norm can be set."""
    return "optim.hold_norm" in steerable(config)


def get(config: RunConfig, key: str) -> Any:
    """The value of a dotted field."""
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def replace(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """A copy of `config` with dotted fields changed; the values must have been checked."""
    for key, value in changes.items():
        section, _, name = key.partition(".")
        part = msgspec.structs.replace(getattr(config, section), **{name: value})
        config = msgspec.structs.replace(config, **{section: part})
    return config


def parse(key: str, text: str) -> Any:
    """Read the text of a `KEY=VALUE`: a TOML-like value of the field's type; a list is words between commas."""
    if get_origin(get_args(field(key).type)[0]) is list:
        return _convert(
            field(key), [word.strip() for word in text.strip("[] ").split(",") if word.strip()], strict=True
        )
    return _convert(field(key), text, strict=False)


def check_value(key: str, value: Any) -> Any:
    """Return `value` as the field's type; refuse what the field does not allow."""
    return _convert(field(key), value, strict=True)


def asked(key: str, value: Any, current: float) -> float:
    """The number that steering `key` asks for: itself, its text, or relative to `current`: `x2`, `/2`.

    Relative values are rounded to three digits, so that pressing a key up and down again comes back.
    """
    number = _number(key, value, current)
    if key == NORM:
        if not 0 < number < inf:
            raise UsageError(f"{NORM}: expected a finite number > 0, got {value}")
        return number
    return float(check_value(key, number))


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


def _convert(kind: Field, value: Any, *, strict: bool) -> Any:
    try:
        converted = msgspec.convert(value, kind.type, strict=strict)
    except msgspec.ValidationError as error:
        raise UsageError(f"{kind.key}: {expected(error, kind.key)}, got {value}") from None
    if isinstance(converted, float) and not isfinite(converted):
        raise UsageError(f"{kind.key}: expected a finite number, got {value}")
    return converted


PLAIN = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}


def expected(error: msgspec.ValidationError, key: str) -> str:
    """Say in plain words what msgspec expected of the field `key`."""
    if key in fields() and "enum value" in str(error):
        kind = get_args(fields()[key].type)[0]
        allowed = get_args(get_args(kind)[0] if get_origin(kind) is list else kind)
        return "expected " + " or ".join(str(name) for name in allowed)
    text = str(error).split(" - at ")[0].split(", got ")[0]
    if text.startswith("Expected "):
        for name, plain in PLAIN.items():
            text = text.replace(f"`{name}`", plain)
        return "expected " + text.removeprefix("Expected ")
    return text[0].lower() + text[1:]
