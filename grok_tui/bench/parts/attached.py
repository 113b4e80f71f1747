"""What watching costs: training attached and headless, a key until it is answered, the first paint."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from time import sleep, time

from ...store.commands import append
from ...store.rundir import ENDED, RunDir
from ...store.write import read_events
from ..compare import alternate, ratios
from ..records import Bench, Measured, Note, Record, at_least, at_most
from ..sides import environment
from ..terminal import Terminal
from .cli import command

FROM = 562
TO = {"modadd-fast": 5623, "kumar-alpha": 31623}
"""Speed is taken between two checkpoints that every run of a preset writes, by the times of their events."""
PRESSES = 40


def run(bench: Bench) -> Iterator[Record]:
    """All three."""
    rounds = 2 if bench.quick else 5
    yield Note("the app in a terminal of 160 x 48, the engine in a process of its own")
    for preset in list(TO)[: 1 if bench.quick else None]:
        bench.say(f"attached: {rounds} rounds of {preset}")
        sides = {
            "headless": lambda preset=preset: headless(bench, preset),
            "attached": lambda preset=preset: attached(bench, preset),
        }
        found = alternate(sides, rounds)
        yield Measured(f"headless, {preset}", found["headless"], "steps/s")
        yield Measured(f"attached, {preset}", found["attached"], "steps/s")
        yield Measured("attached / headless", ratios(found["attached"], found["headless"]), target=at_least(0.97))
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


def options(preset: str) -> list[str]:
    """A run of a preset at full speed, just past the second checkpoint."""
    return ["--preset", preset, "--set", f"train.steps={TO[preset] + 10}", "--set", "train.pace=0"]


def speed(run: RunDir, preset: str) -> float:
    """Steps a second between the two checkpoints, once the run has ended."""
    while run.info()["status"] not in ENDED:
        sleep(0.25)
    taken = {e["step"]: datetime.fromisoformat(e["time"]) for e in read_events(run) if e["type"] == "checkpoint"}
    return (TO[preset] - FROM) / (taken[TO[preset]] - taken[FROM]).total_seconds()


def headless(bench: Bench, preset: str) -> float:
    """The engine alone."""
    folder = empty(bench)
    run = [*command("grok_tui"), "run", *options(preset), "--detach"]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True, env=environment())
    return speed(RunDir(folder / done.stdout.strip()), preset)


def attached(bench: Bench, preset: str) -> float:
    """The same engine, started and watched by the app."""
    with Terminal(empty(bench), *options(preset)) as app:
        return speed(app.run(), preset)


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
        append(run, "stop")
    return [event - press for event, press in zip(steered(), pressed, strict=True)]
