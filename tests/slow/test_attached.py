"""What watching costs: training attached and headless, a key until it is answered, the first paint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep, time

import pytest

from grok_tui.bench.records import alternate, ratios
from grok_tui.config.presets import DEFAULT
from grok_tui.store.info import ENDED
from grok_tui.store.requests import send
from grok_tui.store.rundir import RunDir
from grok_tui.store.timeline import history
from measured import figure
from terminal import Terminal, cpu_seconds

pytestmark = pytest.mark.slow
SCREEN = {"columns": 160, "lines": 48}
WINDOW, SETTLING = 8.0, 1.5
"""Seconds over which the engine's own record is read; before them, seconds in which the app catches up."""
ROUNDS, PRESSES, PAINTS = 5, 40, 5


def next_progress(run: RunDir) -> tuple[float, int]:
    """(when the engine records its progress next, the step)."""
    before = run.run_json.stat().st_mtime
    while (written := run.run_json.stat().st_mtime) == before or run.info()["status"] == "starting":
        sleep(0.02)
    return written, run.info()["progress"]["step"]


def speed(run: RunDir) -> float:
    """Steps per second, from the engine's own record."""
    begin, before = next_progress(run)
    sleep(WINDOW)
    end, step = next_progress(run)
    return (step - before) / (end - begin)


@pytest.mark.parametrize("preset", ["modadd-fast", "kumar-alpha"])
def test_watching_does_not_slow_training(preset: str, tmp_path: Path) -> None:
    """The app runs and is halted in turn; over ssh, drawing what it sends is another machine's work."""
    options = ["--preset", preset, "--steps", "10_000_000", "--set", "train.pace=0", "--detach"]
    start = [sys.executable, "-m", "grok_tui", "run", *options]
    printed = subprocess.run(start, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    run, busy_shares = RunDir(tmp_path / printed.strip()), []
    next_progress(run)
    with Terminal(tmp_path, "attach", run.id, **SCREEN) as app:
        app.wait(lambda: app.painted_at, "the first paint")
        app.reads = False

        def attached() -> float:
            os.kill(app.child.pid, signal.SIGCONT)
            sleep(SETTLING)
            busy, begin = cpu_seconds(app.child.pid), perf_counter()
            found = speed(run)
            busy_shares.append((cpu_seconds(app.child.pid) - busy) / (perf_counter() - begin))
            return found

        def headless() -> float:
            os.kill(app.child.pid, signal.SIGSTOP)
            return speed(run)

        try:
            speeds = alternate({"headless": headless, "attached": attached}, ROUNDS)
        finally:
            os.kill(app.child.pid, signal.SIGCONT)
            send(run, "stop")
    while run.info()["status"] not in ENDED:
        sleep(0.05)
    figure(f"headless, {preset}", speeds["headless"], "steps/s")
    figure(f"attached, {preset}", speeds["attached"], "steps/s")
    figure("share of one core that the app takes", busy_shares)
    figure("attached / headless", ratios(speeds["attached"], speeds["headless"]), at_least=0.97)


def test_a_key_is_answered_at_once(tmp_path: Path) -> None:
    """Seconds from a key press to the event that answers it, while training."""
    with Terminal(tmp_path, "--preset", "modadd-fast", **SCREEN) as app:
        run = app.run()
        app.wait_until_memorized()
        pressed = []
        for i in range(PRESSES):
            pressed.append(time())
            app.child.send("wW"[i % 2])
            sleep(0.25)

        def answers() -> list[float]:
            steered = (event for event in history(run) if event["type"] == "steered")
            return [datetime.fromisoformat(event["time"]).timestamp() for event in steered]

        app.wait(lambda: len(answers()) >= PRESSES, "an event per key")
        waits = sorted(answer - press for answer, press in zip(answers(), pressed, strict=True))
        send(run, "stop")
        app.wait(lambda: run.info()["status"] in ENDED, "the end of the run")
    figure("key to event", waits, "s")
    figure("key to event, 95th percentile", [waits[int(0.95 * len(waits))]], "s", at_most=0.3)


def test_the_first_paint_is_soon(tmp_path: Path) -> None:
    paints = []
    for _ in range(PAINTS):
        with Terminal(tmp_path, **SCREEN) as app:
            app.wait_for(DEFAULT)  # the gallery
            assert app.painted_at is not None
            paints.append(app.painted_at - app.started_at)
    figure("start to first text on the screen", paints, "s")
