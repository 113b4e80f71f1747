"""What run.json holds. Every field has a type and a default: a damaged or hostile file cannot surprise a reader."""

import inspect
import json
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import UsageError
from .files import read_text

SCHEMA = 1
"""Version of the layout; a reader refuses a newer one."""
LARGEST = 1_000_000
"""Bytes of a run.json."""
ENDED = ("finished", "failed", "interrupted")

Step = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]


class Asked(msgspec.Struct):
    """What was asked for."""

    device: Text = "auto"
    backend: Literal["fast", "plain"] = "fast"
    threads: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    pace: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Used(msgspec.Struct):
    """What the engine uses; empty until it has started."""

    device: Text
    backend: dict[str, Text]
    threads: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


class Progress(msgspec.Struct):
    """How far and how fast."""

    step: Step = 0
    steps_per_second: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    measuring: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    skipped: dict[str, Step] | UnsetType = UNSET


class Result(msgspec.Struct):
    """When the run memorised and grokked. Of many seeds: medians, and how many seeds did."""

    t_mem: Step | UnsetType | None = UNSET
    t_grok: Step | UnsetType | None = UNSET
    delay: int | UnsetType | None = UNSET
    interval: dict[str, tuple[Step | None, Step | None]] | UnsetType = UNSET
    memorized: Step | UnsetType = UNSET
    grokked: Step | UnsetType = UNSET


class Parent(msgspec.Struct):
    """The run from whose checkpoint this one started."""

    run: Text
    step: Step
    root: Text = ""
    depth: Step = 0


class Info(msgspec.Struct):
    """run.json."""

    schema: int = SCHEMA
    id: Text = ""
    name: Text = ""
    preset: Text = ""
    status: Literal["starting", "running", "paused", "finished", "failed", "interrupted"] = "interrupted"
    pid: Annotated[int, msgspec.Meta(ge=0)] = 0
    host: Text = ""
    asked: Asked = msgspec.field(default_factory=Asked)
    used: Used | None = None
    started: Text = ""
    ended: Text | None = None
    parent: Parent | None = None
    root: Text = ""
    depth: Step = 0
    stop_on: Literal["grok"] | None = None
    steps: Annotated[int, msgspec.Meta(ge=1, le=2**53)] = 1
    seed: Step = 0
    seeds: Annotated[list[Step], msgspec.Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    versions: dict[str, Text] = {}
    command: list[Text] = []
    progress: Progress = msgspec.field(default_factory=Progress)
    result: Result = msgspec.field(default_factory=Result)
    error: Text | None = None
    parameters: Step | None = None


class Damaged(UsageError):
    """run.json is missing, cut or no JSON."""


def read(path: Path) -> dict[str, Any]:
    """The JSON object of a run.json as it stands there; UsageError if it is none of grok-tui's."""
    folder = path.parent
    try:
        info = json.loads(read_text(path, LARGEST), parse_constant=lambda _: None)
    except FileNotFoundError:
        raise Damaged(f"{folder}: not a run: it has no run.json") from None
    except OSError as error:
        raise UsageError(f"{folder}: not a run: its run.json cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Damaged(f"{folder}: not a run: its run.json is not JSON") from None
    if not isinstance(info, dict) or not isinstance(info.get("schema"), int) or "status" not in info:
        raise UsageError(f"{folder}: not a run: its run.json is not one of grok-tui's")
    if info["schema"] > SCHEMA:
        raise UsageError(f"{folder}: written by a newer grok-tui (schema {info['schema']}); update to read it")
    return info


def checked(raw: dict[str, Any]) -> dict[str, Any]:
    """run.json with a right value in every field: what is missing or has a wrong type gets its default."""
    info = lenient(Info, raw)
    info["used"] = info["used"] or {}
    if moment(info["started"]) is None:
        info["started"] = ""
    return info


def lenient(kind: type[msgspec.Struct], raw: Any) -> dict[str, Any]:
    """The fields of a record, each with its value or its default; fields that the record does not have stay."""
    found = dict(raw) if isinstance(raw, dict) else {}
    for field in fields(kind):
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        value = found.pop(field.name, default)
        if inspect.isclass(field.type) and issubclass(field.type, msgspec.Struct):
            found[field.name] = lenient(field.type, value)
            continue
        try:
            msgspec.convert(value, field.type)
        except (msgspec.ValidationError, RecursionError):
            value = default
        if isinstance(value, float) and not isfinite(value):
            value = default
        if value is not UNSET:
            found[field.name] = value
    return found


@cache
def fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a record; msgspec needs a millisecond to find them."""
    return msgspec.structs.fields(kind)


def now() -> str:
    """The time as it is written in every file: UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def moment(text: str | None) -> datetime | None:
    """A time in UTC from a file, also one with another offset; None if it is not a time."""
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def age(info: dict[str, Any]) -> float | None:
    """Seconds since a run started; 0 if its clock was ahead of this one; None if its start is unknown."""
    started = moment(info["started"])
    return None if started is None else max(0.0, (datetime.now(UTC) - started).total_seconds())


def to_json(info: dict[str, Any]) -> str:
    """The text of a run.json."""
    return json.dumps(info, indent=1) + "\n"
