"""What watching costs: training attached and headless, a key until it is answered, the first paint."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter, sleep, time

from ...store.requests import send
from ...store.run_writer import read_events
from ...store.rundir import ENDED, RunDir
from ..compare import alternate, ratios
from ..records import Bench, Measured, Note, Record, at_least, at_most
from ..sides import environment
from ..terminal import Terminal
from .cli import command

PRESETS = ("modadd-fast", "kumar-alpha")
WINDOW, SETTLING = 8.0, 1.5
"""Seconds over which the engine's own record is read; before them, seconds in which the app takes in what it missed."""
PRESSES = 40


def run(bench: Bench) -> Iterator[Record]:
    """All three."""
    rounds = 3 if bench.quick else 8
    yield Note("an engine at full speed in a process of its own; the app, in a terminal of 160 x 48,")
    yield Note(f"runs for {WINDOW:g} s and is halted for as long, in turn")
    for preset in PRESETS[: 1 if bench.quick else None]:
        bench.say(f"attached: {rounds} rounds of {preset}")
        found = in_turn(bench, preset, rounds)
        yield Measured(f"headless, {preset}", found["headless"], "steps/s")
        yield Measured(f"attached, {preset}", found["attached"], "steps/s")
        yield Measured("attached / headless", ratios(found["attached"], found["headless"]), target=at_least(0.97))
        yield Measured("what the app takes of one core", found["app"])
    bench.say(f"attached: {PRESSES} keys")
    waits = sorted(key_waits(bench))
    yield Measured("key to event, of all", waits, "s")
    yield Measured("key to event, 95th percentile", [waits[int(0.95 * len(waits))]], "s", at_most(0.3))
    paints = []
    for _ in range(3 if bench.quick else 7):
        with Terminal(empty(bench)) as app:
            app.wait(lambda app=app: app.painted, "the first paint")  # type: ignore[misc]
            paints.append(app.painted or 0.0)
    yield Measured("start to first text on the screen", paints, "s")


def empty(bench: Bench) -> Path:
    """A new directory."""
    return Path(mkdtemp(dir=bench.folder))


def in_turn(bench: Bench, preset: str, rounds: int) -> dict[str, list[float]]:
    """Steps a second of one run, with and without the app."""
    folder = empty(bench)
    options = ["--preset", preset, "--steps", "10_000_000", "--set", "train.pace=0", "--detach"]
    start = [*command("grok_tui"), "run", *options]
    said = subprocess.run(start, cwd=folder, capture_output=True, text=True, check=True, env=environment())
    run, shares = RunDir(folder / said.stdout.strip()), []

    progress(run)
    with Terminal(folder, "attach", run.id) as app:
        app.wait(lambda: app.painted, "the first paint")

        def attached() -> float:
            app.go_on()
            sleep(SETTLING)
            busy, begin = app.processor_seconds(), perf_counter()
            found = speed(run)
            shares.append((app.processor_seconds() - busy) / (perf_counter() - begin))
            return found

        def headless() -> float:
            app.halt()
            return speed(run)

        found = alternate({"headless": headless, "attached": attached}, rounds)
    send(run, "stop")
    while run.info()["status"] not in ENDED:
        sleep(0.05)
    return found | {"app": shares}


def speed(run: RunDir) -> float:
    """Steps a second, as the engine records its progress."""
    begin, before = progress(run)
    sleep(WINDOW)
    end, step = progress(run)
    return (step - before) / (end - begin)


def progress(run: RunDir) -> tuple[float, int]:
    """When the engine tells its progress next, and the step."""
    told = run.run_json.stat().st_mtime
    while (now := run.run_json.stat().st_mtime) == told or run.info()["status"] == "starting":
        sleep(0.02)
    return now, run.info()["progress"]["step"]


def key_waits(bench: Bench) -> list[float]:
    """Seconds from a key press to the time in the event that answers it, while training."""
    with Terminal(empty(bench), "--preset", "modadd-fast") as app:
        run = app.run()
        app.wait(lambda: '"memorized"' in run.events_jsonl.read_text(), "memorising")
        pressed = []
        for i in range(PRESSES):
            pressed.append(time())
            app.press("wW"[i % 2])
            sleep(0.25)

        def steered() -> list[float]:
            events = (event for event in read_events(run) if event["type"] == "steered")
            return [datetime.fromisoformat(event["time"]).timestamp() for event in events]

        app.wait(lambda: len(steered()) >= PRESSES, "an event for every key")
        send(run, "stop")
    return [event - press for event, press in zip(steered(), pressed, strict=True)]
