"""Requests about one run: everything that a key can ask of the engine, and every reason why not."""

from collections.abc import Iterable
from typing import Any

from ..config.fields import NORM, replace
from ..config.steering import KEY_FACTOR, SLOWEST, knob_of, knobs, parse_change, resolve, short_name, split_change
from ..errors import UsageError
from ..numbers import short
from ..store import requests
from ..store.reader import RunReader
from ..verdict.series import knobs_of
from .run_view import ending_of, is_live, pace_of, settable, speed_of

FULL = 0.0
LARGE = 1000.0
"""A knob that changes by more than this factor is asked for twice."""
WAYS_ON = {
    "interrupted": "space goes on from the last checkpoint",
    "failed": "r runs it again",
    "finished": "r runs it again",
}


class Doubt(UsageError):
    """A change that may be a slip: it is made if it is asked for again."""


class RunControl:
    """Sends requests about one run. A request that makes no sense raises UsageError, and nothing is sent.

    While the engine starts, requests wait in their file until it reads them.
    """

    def __init__(self, reader: RunReader) -> None:
        self.reader = reader
        self.run = reader.run
        self.waiting: dict[str, str] = {}
        """Requests that no event has answered yet: id -> what was asked."""
        self._pace: float | None = None

    def send(self, op: str, **what: Any) -> None:
        try:
            self.waiting[requests.send(self.run, op, **what)] = op
        except OSError as error:
            raise UsageError(f"{self.run.path}: cannot be written: {error.strerror}") from None

    def take_answers(self, events: Iterable[dict[str, Any]]) -> bool:
        """Tick off the requests that these events answer; true if there were any."""
        answered = {event["request"] for event in events if event.get("request") in self.waiting}
        self.waiting = {id: op for id, op in self.waiting.items() if id not in answered}
        return bool(answered)

    def check_live(self, what: str) -> None:
        """Refuse a request that no engine would read."""
        info = self.reader.info
        if not is_live(info):
            way_on = WAYS_ON.get(info["status"], "r runs it again")
            raise UsageError(f"nothing to {what}: this run has {PERFECT.get(ending_of(info), 'ended')}; {way_on}")

    @property
    def is_paused(self) -> bool:
        """Whether the run is paused, or will be once the engine has read what was asked."""
        asked = [op for op in self.waiting.values() if op in ("pause", "continue")]
        return asked[-1] == "pause" if asked else self.reader.info["status"] == "paused"

    def turn(self, key: str, up: bool) -> None:
        """A quarter of a decade up or down, by a factor, so that quick presses add up."""
        self.check_live("change")
        name, now = short_name(key), knobs_of(self.reader)
        if key not in now:
            raise UsageError(f"{name} cannot be changed in this run; = lists what can")
        if now[key] == 0:
            raise UsageError(f"{name} is 0, and times any factor it stays 0; = sets it, for instance {name} 1")
        self.send("steer", set={key: f"{'x' if up else '/'}{KEY_FACTOR}"})

    def read_change(self, text: str, confirmed: bool = False) -> tuple[str, float | str]:
        """Read `wd 1e-3`, `wd = x2` or `lr /2`; refuse what the run would refuse.

        A value without a name is for the knob, if there is only one. Raises Doubt if the knob changes by more than a
        factor of 1,000, unless it was confirmed.
        """
        can_be_set = settable(self.reader)
        name, value = split_change(text)
        if not name and len(can_be_set) > 1:
            first = [f"{short_name(key)} {value or 1}" for key in can_be_set]
            raise UsageError(f"which knob? write {' or '.join(first[:2])}")
        key = knob_of(name, can_be_set) if name else next(iter(can_be_set))
        if not value:
            raise UsageError(f"{short_name(key)} what? a number, x2 or /2")
        config = replace(self.reader.config, knobs_of(self.reader))
        norm = can_be_set.get(NORM)
        change = parse_change(config, key, value)
        new, old = resolve(config, key, value, norm)[1], knobs(config, norm)[key]
        if not confirmed and old and new and not 1 / LARGE <= new / old <= LARGE:
            raise Doubt(f"{short_name(key)} {short(old)} → {short(new)} is a large change: enter again makes it")
        return key, change.number if change.kind == "to" else str(change)

    def set(self, key: str, value: float | str) -> None:
        self.check_live("change")
        self.send("steer", set={key: value})

    def pause(self) -> None:
        self.check_live("pause")
        self.send("continue" if self.is_paused else "pause")

    def chunk(self) -> None:
        """Train to the next row, and pause again."""
        self.check_live("train")
        if not self.is_paused:
            raise UsageError("one row at a time works while paused: space pauses")
        self.send("chunk")

    def mark(self, label: str) -> None:
        self.check_live("mark")
        self.send("mark", label=label)

    def stop(self) -> None:
        self.check_live("stop")
        self.send("stop")

    def pace(self, faster: bool) -> None:
        """Twice or half the pace; from full speed, half of the speed now."""
        self.check_live("change")
        now = self.pace_asked()
        if now == FULL and faster:
            raise UsageError("already at full speed")
        if now == FULL:
            now = speed_of(self.reader) or 100.0
        if now <= SLOWEST and not faster:
            raise UsageError(f"{short(SLOWEST)} steps per second is the slowest pace; space pauses")
        wanted = float(short(now * 2 if faster else max(now / 2, SLOWEST), 2))
        self._send_pace(wanted)

    def full_speed(self) -> None:
        self.check_live("change")
        if self.pace_asked() == FULL:
            raise UsageError("already at full speed")
        self._send_pace(FULL)

    def pace_asked(self) -> float:
        """The pace as last asked for, which the engine may not have read yet."""
        return pace_of(self.reader) if self._pace is None else self._pace

    def _send_pace(self, pace: float) -> None:
        self.send("pace", pace=pace)
        self._pace = pace


PERFECT = {"finished": "finished", "failed": "failed", "stopped": "been stopped", "interrupted": "been interrupted"}
