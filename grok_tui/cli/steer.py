"""`grok-tui steer`: the same requests that the app's keys make, from a script."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Annotated, Any

import typer

from ..config.steering import parse_change
from ..errors import FAILED, GrokError, UsageError
from ..store import requests
from ..store import runs as store_runs
from ..store.reader import RunReader
from ..store.rundir import ENDED, RunDir
from . import options, output

Changes = Annotated[list[str], typer.Argument(help="KEY=VALUE, for instance wd=0.1, optim.lr=x2 or lr=/2.")]

PATIENCE_SECONDS = 30.0
"""How long to wait for the engine's answer; one that is still starting takes seconds."""


def steer(
    run: options.Run,
    changes: Changes,
    runs: options.Runs = options.RUNS,
    json: options.Json = False,
) -> None:
    """Change fields of a run while it trains; returns when the engine has answered."""
    found = store_runs.find(run, runs)
    if found.info()["status"] in ENDED:
        raise UsageError(f"{found.id} does not train any more (it is {found.info()['status']})")
    config = found.config()
    wanted: dict[str, Any] = {}
    for text in changes:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text}: expected KEY=VALUE, for instance wd=0.1")
        change = parse_change(config, key.strip(), value)
        if change.key in wanted:
            raise UsageError(f"{text}: {change.key} is there twice")
        wanted[change.key] = str(change)
    reader = RunReader(found)
    request = requests.send(found, "steer", set=wanted)
    for event in answers(found, reader, request, len(wanted)):
        if json:
            output.json_line(event)
        if event["type"] == "refused":
            raise UsageError(event["reason"])
        if not json:
            output.data(f"step {event['step']}: {event['key']} {event['old']:g} -> {event['new']:g}")


def answers(run: RunDir, reader: RunReader, request: str, count: int) -> list[dict[str, Any]]:
    """The events that answer a request: `count` changes, or one refusal."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        reader.refresh()
        found = [event for event in reader.events if event.get("request") == request]
        if len(found) == count or any(event["type"] == "refused" for event in found):
            return found
        if reader.info["status"] in ENDED:
            raise UsageError(f"{run.id} ended before it could be steered")
        sleep(0.02)
    raise NoAnswer(f"{run.id} did not answer within {PATIENCE_SECONDS:g} s; the request stays in its commands.jsonl")


class NoAnswer(GrokError):
    """The engine is alive and silent."""

    exit_code = FAILED
