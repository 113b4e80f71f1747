"""What watching costs: `python tests/real/bench_app.py`, about 6 minutes on a quiet machine.

Training attached and headless, alternately, as a ratio of steps per second; key press to event; time to first paint.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from grok_tui.store.read import RunReader
from grok_tui.store.rundir import RunDir
from terminal import Terminal, processes_on

ROUNDS = 6
STEPS = 3200
PRESETS = ("modadd-fast", "kumar-alpha")
BETWEEN = (562, 3162)
"""Checkpoints that every run takes; speed is measured between them."""


def speed(run: RunDir) -> float:
    """Steps a second between the two checkpoints."""
    times = {e["step"]: datetime.fromisoformat(e["time"]) for e in RunReader(run).of_type("checkpoint")}
    first, last = BETWEEN
    return (last - first) / (times[last] - times[first]).total_seconds()


def options(preset: str) -> list[str]:
    return ["--preset", preset, "--set", f"train.steps={STEPS}", "--set", "train.pace=0"]


def headless(preset: str, folder: Path) -> RunDir:
    """The engine alone, in its own process."""
    command = [sys.executable, "-m", "grok_tui", "run", *options(preset), "--detach"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return RunDir(folder / done.stdout.strip())


def attached(preset: str, folder: Path) -> float:
    """The same engine, started and watched by the app in a terminal of 160x48."""
    with Terminal(folder, *options(preset), columns=160, lines=48, reads=False) as app:
        run = app.run()
        app.wait(lambda: run.info()["status"] == "finished", "the end", 120)
        return speed(run)


def attached_over_headless(preset: str) -> list[float]:
    """The ratio, once a round; who goes first alternates."""
    ratios = []
    for i in range(ROUNDS):
        speeds: dict[str, float] = {}
        for kind in ("headless", "attached") if i % 2 else ("attached", "headless"):
            with tempfile.TemporaryDirectory() as folder:
                if kind == "attached":
                    speeds[kind] = attached(preset, Path(folder))
                else:
                    run = headless(preset, Path(folder))
                    while run.info()["status"] != "finished":
                        time.sleep(0.25)
                    speeds[kind] = speed(run)
        ratios.append(speeds["attached"] / speeds["headless"])
        print(f"  {preset}: {speeds['attached']:.0f} / {speeds['headless']:.0f} steps/s = {ratios[-1]:.3f}", flush=True)
    return ratios


def key_latencies(presses: int = 60) -> list[float]:
    """Seconds from a key press to the time in the event that answers it, while training."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Terminal(Path(folder), "--preset", "modadd-fast", columns=160, lines=48) as app,
    ):
        app.wait_until_memorized()
        reader = RunReader(app.run())
        pressed = []
        for i in range(presses):
            pressed.append(time.time())
            app.child.send("wW"[i % 2])
            time.sleep(0.23)
        app.wait(lambda: reader.refresh() and len(reader.of_type("steered")) >= presses, "all changes")
        told = [datetime.fromisoformat(e["time"]).timestamp() for e in reader.of_type("steered")]
        for pid in processes_on(app.run()):
            os.kill(pid, 15)
    return [event - press for event, press in zip(told, pressed, strict=True)]


def first_paints(times: int = 7) -> list[float]:
    """Seconds from starting the program to the first text on its screen."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder, Terminal(Path(folder)) as app:
            app.wait(lambda: app.painted_at, "the first paint")
            assert app.painted_at
            found.append(app.painted_at - app.started_at)
    return found


def main() -> None:
    """Run all three and print one line of JSON each."""
    for preset in PRESETS:
        ratios = attached_over_headless(preset)
        say(f"attached / headless, {preset}", median=statistics.median(ratios), low=min(ratios), high=max(ratios))
    latencies = sorted(key_latencies())
    say("key to event, s", median=statistics.median(latencies), p95=latencies[int(0.95 * len(latencies))])
    paints = first_paints()
    say("first paint, s", median=statistics.median(paints), high=max(paints))


def say(what: str, **numbers: float) -> None:
    print(json.dumps({"what": what, **{name: round(value, 3) for name, value in numbers.items()}}), flush=True)


if __name__ == "__main__":
    main()
