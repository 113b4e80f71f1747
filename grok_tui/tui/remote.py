"""From keys to requests. Everything a key can ask of the engine, and every reason why not."""

from __future__ import annotations

from typing import Any

from ..config.steering import KEY_FACTOR, SLOWEST
from ..errors import UsageError
from ..numbers import short
from ..store import requests
from ..store.reader import RunReader
from ..verdict.series import knobs_of
from .run_view import is_live, ordered, pace_of, short_name, speed_of

FULL = 0.0


class RunControl:
    """Sends requests about one run. A request that makes no sense raises UsageError, and nothing is sent."""

    def __init__(self, reader: RunReader) -> None:
        self.reader = reader
        self.run = reader.run
        self.waiting: set[str] = set()
        """Requests that no event has answered yet."""
        self.last_knob = next(iter(ordered(reader)))
        """The knob that a bare number means."""
        self._pace: float | None = None

    @property
    def status(self) -> str:
        """The run's status when it was last read."""
        return str(self.reader.info["status"])

    def send(self, op: str, **what: Any) -> None:
        """Append a request at once."""
        try:
            self.waiting.add(requests.send(self.run, op, **what))
        except OSError as error:
            raise UsageError(f"{self.run.path}: cannot be written: {error.strerror}") from None

    def heard(self, events: list[dict[str, Any]]) -> bool:
        """Tick off the requests that these events answer; true where there were any."""
        answered = {event["request"] for event in events if "request" in event} & self.waiting
        self.waiting -= answered
        return bool(answered)

    def check_listening(self, what: str) -> None:
        """Refuse a request that no engine would hear."""
        if (
            self.status == "starting" and self.run.info()["status"] == "starting"
        ):  # it may have begun since the last look
            raise UsageError(f"the engine is still starting: {what} in a moment")
        if not is_live(self.reader.info):
            again = "space goes on from the last checkpoint" if self.status == "interrupted" else "r runs it again"
            raise UsageError(f"this run has {ENDINGS.get(self.status, 'ended')}: nothing to {what}; {again}")

    def turn(self, key: str, up: bool) -> None:
        """A quarter decade up or down, by a relative request, so that quick presses add up."""
        self.check_listening("steer")
        name, knobs = short_name(key), knobs_of(self.reader)
        if key not in knobs:
            raise UsageError(f"{name} cannot be changed in this run; = lists what can")
        if knobs[key] == 0:
            raise UsageError(
                f"{name} is 0, and stays 0 however often it is multiplied; = sets it, for instance {name} 1"
            )
        self.last_knob = key
        self.send("steer", set={key: f"{'x' if up else '/'}{KEY_FACTOR}"})

    def set(self, key: str, value: float | str) -> None:
        """A value that the prompt has read and checked."""
        self.check_listening("steer")
        self.last_knob = key
        self.send("steer", set={key: value})

    def pause(self) -> None:
        """Pause, or go on."""
        self.check_listening("pause")
        self.send("continue" if self.status == "paused" else "pause")

    def chunk(self) -> None:
        """One chunk of steps."""
        self.check_listening("step")
        if self.status != "paused":
            raise UsageError("one chunk at a time works while paused: space pauses")
        self.send("chunk")

    def mark(self, label: str) -> None:
        """Mark the step at which the engine hears of it."""
        self.check_listening("mark")
        self.send("mark", label=label)

    def pace(self, faster: bool) -> None:
        """Twice or half the pace; from full speed, half of what it makes now."""
        self.check_listening("pace")
        now = self.pace_asked()
        if now == FULL and faster:
            raise UsageError("already at full speed")
        if now == FULL:
            now = speed_of(self.reader) or 100.0
        if now <= SLOWEST and not faster:
            raise UsageError(f"slower than {short(SLOWEST)} steps a second, and keys would wait; space pauses")
        wanted = float(short(now * 2 if faster else max(now / 2, SLOWEST), 2))
        self._send_pace(wanted)

    def full_speed(self) -> None:
        """Let it go."""
        self.check_listening("pace")
        if self.pace_asked() == FULL:
            raise UsageError("already at full speed")
        self._send_pace(FULL)

    def pace_asked(self) -> float:
        """The pace as last asked for, which the engine may not have heard yet."""
        return pace_of(self.reader) if self._pace is None else self._pace

    def _send_pace(self, pace: float) -> None:
        self.send("pace", pace=pace)
        self._pace = pace


ENDINGS = {"finished": "finished", "failed": "failed", "interrupted": "stopped"}
