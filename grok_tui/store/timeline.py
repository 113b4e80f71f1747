"""The history of a run: those of its events that are still true.

An engine that goes on from a checkpoint writes an event `resumed` with `checkpoint_seq`, the sequence number of the
last event that the checkpoint includes. Later events up to `resumed` belong to a life of the run that was given up;
they are superseded. `started` supersedes all: the run was killed before its first checkpoint. Every reader, resume and
branch use this rule and no other.
"""

from typing import Any

from .events import Event, EventTail
from .rundir import RunDir

RETURNS = ("resumed",)
"""Types of events after which earlier ones may be superseded."""


def history(run: RunDir) -> list[Event]:
    """The events of `run` that are still true, in their order."""
    return still_true([], EventTail(run.events_jsonl)())


def still_true(known: list[Event], new: list[Event]) -> list[Event]:
    """`known`, which is true so far, continued by `new` events."""
    true = list(known)
    for event in new:
        if event.get("type") in RETURNS and isinstance(event.get("checkpoint_seq"), int):
            kept = event["checkpoint_seq"]
            true = [earlier for earlier in true if number(earlier) <= kept or earlier.get("type") == "extended"]
        elif event.get("type") == "started":
            true = []
        true.append(event)
    return true


def number(event: Event) -> int:
    """The sequence number of an event; 0 if it has none."""
    seq = event.get("seq")
    return seq if isinstance(seq, int) else 0


def to_repeat(events: list[Event], checkpoint_seq: int) -> list[Event]:
    """The steering and the marks of a user that a checkpoint does not include, in the order of their steps.

    events: all events of the run, superseded ones included. An engine that goes on from the checkpoint repeats these at
    their steps. It names them in `repeat` of its event `resumed`, so that they outlive it if it dies before that.
    """
    waiting: list[Event] = []
    for event in events:
        if event.get("type") in RETURNS:
            waiting = list(event.get("repeat", ()))
        waiting = [earlier for earlier in waiting if _user_act(earlier) != _user_act(event)]
    later = [e for e in still_true([], events) if number(e) > checkpoint_seq and _user_act(e)]
    return sorted(later + waiting, key=lambda event: event["step"])


def _user_act(event: Event) -> tuple[Any, ...] | None:
    """What a user did with a request, as far as it tells two acts apart; None if the event is nothing of the kind."""
    type, request = event.get("type"), event.get("request")
    if not isinstance(request, str):
        return None
    if type == "steered" and event.get("by") == "request":
        return (type, request, event.get("key"))
    return (type, request) if type == "marked" else None


def answered(run: RunDir) -> set[str]:
    """The ids of all requests that an event has ever answered."""
    ids = (event.get("request") for event in EventTail(run.events_jsonl)())
    return {id for id in ids if isinstance(id, str)}
