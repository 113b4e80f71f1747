"""`grok-tui steer` and `grok-tui stop`: the same requests that the app's keys make, from a script."""

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Annotated

import typer

from ..config.steering import parse_change
from ..errors import FAILED, GrokError, UsageError
from ..store import info, requests
from ..store import runs as store_runs
from ..store.events import Event, describe
from ..store.info import ENDED
from ..store.reader import RunReader
from ..store.rundir import RunDir
from . import options, output

Changes = Annotated[list[str], typer.Argument(help="KEY=VALUE, for instance wd=0.1, optim.lr=x2 or lr=/2.")]

PATIENCE_SECONDS = 30.0
"""How long to wait for the engine's answer; an engine that is still starting takes seconds."""
SAVING_SECONDS = 120.0


class NoAnswer(GrokError):
    """The engine is alive and does not answer."""

    exit_code = FAILED


def steer(
    run: options.Run,
    changes: Changes,
    runs: options.Runs = options.RUNS,
    json: options.Json = False,
) -> None:
    """Change knobs of a run while it trains; returns when the engine has answered."""
    found = live(store_runs.find(run, runs))
    config = found.config()
    wanted: dict[str, str] = {}
    for key, value in options.changes(changes):
        change = parse_change(config, key, value)
        if change.key in wanted:
            raise UsageError(f"{key}={value}: {change.key} is there twice")
        wanted[change.key] = str(change)
    reader = RunReader(found)
    request = requests.send(found, "steer", set=wanted)
    for event in answers(found, reader, request, len(wanted)):
        if json:
            output.json_line(event)
        if event["type"] == "refused":
            raise UsageError(event["reason"])
        if not json:
            output.data(f"step {event['step']}: {describe(event)}")


def stop(run: options.Run, runs: options.Runs = options.RUNS, json: options.Json = False) -> None:
    """Have a run saved and stopped; returns when it has. grok-tui resume goes on from there."""
    found = live(store_runs.find(run, runs))
    reader = RunReader(found)
    request = requests.send(found, "stop")
    for _ in waiting(SAVING_SECONDS, f"{found.id} has not stopped within {SAVING_SECONDS:g} s"):
        reader.refresh()
        if reader.info["status"] in ENDED:
            break
        if refused(reader, request):  # the engine was still starting
            request = requests.send(found, "stop")
    status, step = str(info.read(found.run_json)["status"]), reader.info["progress"]["step"]
    if json:
        output.json_line({"type": "result", "run": found.id, "status": status, "step": step})
    if status not in ENDED or status == "failed":
        raise GrokError(f"{found.id} ended before it could be saved: {reader.info['error'] or 'its engine died'}")
    if not json:
        output.data(f"{found.id}  {'stopped and saved' if status == 'interrupted' else status} at {step}")


def live(run: RunDir) -> RunDir:
    """The run, if it has an engine that can be asked."""
    if whole := run.whole():
        raise UsageError(f"{run.id} is one seed of {whole.id}, which has the engine for all seeds; name {whole.id}")
    status = run.info()["status"]
    if status in ENDED:
        raise UsageError(f"{run.id} does not train any more: it is {status}")
    return run


def answers(run: RunDir, reader: RunReader, request: str, count: int) -> list[Event]:
    """The events that answer a request: `count` changes, or one refusal."""
    for _ in waiting(PATIENCE_SECONDS, f"{run.id} did not answer within {PATIENCE_SECONDS:g} s"):
        reader.refresh()
        found = [event for event in reader.events if event.get("request") == request]
        if len(found) >= count or refused(reader, request):
            return found
        if reader.info["status"] in ENDED:
            raise UsageError(f"{run.id} ended before it could be steered")
    return []


def refused(reader: RunReader, request: str) -> bool:
    """Whether the engine has refused a request."""
    return any(event.get("request") == request for event in reader.of_type("refused"))


def waiting(seconds: float, message: str) -> Iterator[None]:
    """Yield every 20 ms; NoAnswer after so many seconds."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        yield
        sleep(0.02)
    raise NoAnswer(message)
