"""Events of a run: which lines of events.jsonl count as events, and what each event says."""

from math import isfinite
from typing import Annotated, Any

import msgspec

from ..numbers import figure, grouped
from .jsonl import Tail

Event = dict[str, Any]
Step = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]

PHASES = {"memorized": "memorised", "grokked": "grokked"}


class Known(msgspec.Struct):
    """The fields that readers use. A line whose fields have other types is damaged and is not an event."""

    type: Text
    step: Step
    seq: int = 0
    time: Text = ""
    phase: Text | None = None
    after: Step | None = None
    key: Text | None = None
    old: float | None = None
    new: float | None = None
    optimizer: dict[str, Any] | None = None
    by: Text | None = None
    request: Text | None = None
    reason: Text | None = None
    message: Text | None = None
    label: Text | None = None
    why: Text | None = None
    pace: float | None = None
    steps: int | None = None
    checkpoint_seq: int | None = None
    used: dict[str, Any] | None = None
    parent: dict[str, Any] | None = None
    repeat: list["Known"] | None = None


REQUIRED = {
    "phase": ("phase",),
    "steered": ("key", "old", "new"),
    "refused": ("reason",),
    "failed": ("reason",),
    "warning": ("message",),
    "checkpoint": ("why",),
    "paced": ("pace",),
    "extended": ("old", "new"),
}
"""Fields without which an event of a type says nothing."""


def is_whole(record: Event) -> bool:
    """Whether a line of events.jsonl is an event that readers can use."""
    try:
        known = msgspec.convert(record, Known)
    except msgspec.ValidationError:
        return False
    numbers = [known.old, known.new, known.pace]
    is_finite = all(isfinite(number) for number in numbers if number is not None)
    return is_finite and all(record.get(name) is not None for name in REQUIRED.get(known.type, ()))


class EventTail(Tail):
    """The events appended to an events.jsonl since the last look; damaged lines are left out."""

    def __call__(self) -> list[Event]:
        """Return the events that became whole since the last call."""
        return [record for record in super().__call__() if is_whole(record)]


def describe(event: Event) -> str:
    """What happened, in a few words without the step; empty if nobody needs to know."""
    match event["type"]:
        case "phase":
            return PHASES.get(event["phase"], str(event["phase"]))
        case "steered":
            by = " by the schedule" if event.get("by") == "schedule" else ""
            return f"{event['key']} {figure(event['old'])} -> {figure(event['new'])}{by}"
        case "refused":
            return f"refused: {event['reason']}"
        case "failed":
            return f"failed: {event['reason']}"
        case "warning":
            return str(event["message"])
        case "marked":
            return f"mark {event.get('label') or ''}".strip()
        case "checkpoint":
            return "" if event["why"] in ("log-spaced", "timed") else f"saved: {event['why']}"
        case "paced":
            return f"pace {event['pace']:g} steps per second" if event["pace"] else "full speed"
        case "stepped":
            return f"{event.get('steps') or 0} steps, then paused again"
        case "extended":
            return f"train.steps {grouped(event['old'])} -> {grouped(event['new'])}"
        case "branched":
            parent = event.get("parent") or {}
            return f"branched from {parent.get('run')} at step {parent.get('step')}"
        case "started" | "resumed":
            device = (event.get("used") or {}).get("device")
            return event["type"] + (f" on {device}" if isinstance(device, str) else "")
    return str(event["type"])
