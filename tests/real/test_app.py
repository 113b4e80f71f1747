"""The app as its user has it: in a terminal, on real training, with keys."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from terminal import Terminal, cpu_seconds, processes_on


def rows(run: RunDir) -> int:
    return len(run.metrics_csv.read_text().splitlines()) - 1 if run.metrics_csv.exists() else 0


def step(reader: RunReader) -> int:
    reader.refresh()
    return int(reader.steps[-1]) if len(reader) else 0


def end(run: RunDir) -> None:
    """Stop a run and wait until its engine is gone."""
    for pid in processes_on(run):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while processes_on(run):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_weight_decay_taken_away_and_given_back(tmp_path: Path) -> None:
    """Without weight decay it does not grok in 3,000 further steps; with it back, it does."""
    with Terminal(tmp_path, "--preset", "modadd-fast", columns=120, lines=36) as app:
        app.wait_until_memorized()
        run = app.run()
        reader = RunReader(run)
        app.press(*"w" * 13)
        app.wait(lambda: reader.refresh() and len(reader.of_type("steered")) == 13, "13 changes")
        off = reader.of_type("steered")[-1]
        assert off["optimizer"]["weight_decay"] < 1e-3
        app.wait_for("(13)")  # one label for the whole burst
        app.wait(lambda: step(reader) >= off["step"] + 3000, "3,000 steps without weight decay", 120)
        assert reader.info["result"]["t_grok"] is None
        app.press("=")
        app.press(*"wd = 1", "\r")
        app.wait_for("large change: enter again makes it")
        app.press("\r")
        app.wait(lambda: reader.refresh() and len(reader.of_type("steered")) == 14, "the change back")
        back = reader.of_type("steered")[-1]
        assert (back["new"], back["optimizer"]["weight_decay"]) == (1.0, 1.0)
        app.wait(lambda: (reader.refresh(), reader.info["result"].get("t_grok"))[1], "grokking", 120)
        assert reader.info["result"]["t_grok"] > back["step"]
        app.wait_for("grokked")
        end(run)


def test_hanging_up_leaves_the_engine_training(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast", "--set", "train.steps=5000") as app:
        run = app.run()
        app.wait(lambda: rows(run) > 20, "rows")
        before = run.metrics_csv.read_text()
        app.hang_up()
    (engine,) = processes_on(run)
    trained = rows(run)
    with Terminal(tmp_path, "attach", columns=120, lines=36) as again:
        again.wait_for("modadd-fast")
        again.wait(lambda: rows(run) > trained + 10, "the engine training on")
        again.wait_until_memorized()
        assert run.metrics_csv.read_text().startswith(before[: before.rfind("\n")])
        again.wait(lambda: not processes_on(run), "the engine's end", 240)
        reader = RunReader(run)
        assert (reader.info["status"], step(reader)) == ("finished", 5000)
        again.wait_for("5,000")
        time.sleep(1)
        spent = cpu_seconds(again.child.pid)
        time.sleep(2)
        assert cpu_seconds(again.child.pid) - spent < 0.6, "the app is busy though the run is over"
        again.press("q")
        again.wait(lambda: not again.child.isalive(), "the app's end", 5)
    assert not Path(f"/proc/{engine}").exists() or engine not in processes_on(run)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 48)])
def test_nothing_essential_is_cut(tmp_path: Path, columns: int, lines: int) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast", "--seed", "1", columns=columns, lines=lines) as app:
        app.wait_until_memorized()
        app.wait_for("test")
        for text in (
            "modadd-fast", "seed 1", "training", "loss", "accuracy", "train", "kernel distance", "weight norm",
            "phase", "wd", "lr", "space", "pause", "? help", "q quit",
        ):  # fmt: skip
            assert text in app.text, f"{text!r} is not on the screen:\n{app.text}"
        assert app.text.splitlines()[-1].strip()
        end(app.run())


def test_the_app_loads_no_torch(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast") as app:
        app.wait_until_memorized()
        assert "libtorch" not in Path(f"/proc/{app.child.pid}/maps").read_text()
        (engine,) = processes_on(app.run())
        assert "libtorch" in Path(f"/proc/{engine}/maps").read_text()
        end(app.run())


def test_bad_values_are_refused_on_screen_and_training_goes_on(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast", columns=100, lines=30) as app:
        app.wait_until_memorized()
        run = app.run()
        for typed, reason in (("wd = -1", "got -1"), ("lr = abc", "got abc")):
            app.press("=", *typed, "\r")
            app.wait_for(reason, 5)
            app.press("\x1b")
            time.sleep(0.3)
        before = rows(run)
        app.wait(lambda: rows(run) > before + 5, "training to go on")
        assert RunReader(run).of_type("steered", "refused") == []
        end(run)


def test_quitting_asks_and_stopping_saves(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast") as app:
        app.wait_until_memorized()
        app.press("q")
        app.wait_for("stop and save", 5)
        app.press("s")
        app.wait(lambda: not app.child.isalive(), "the app's end", 15)
        info = json.loads(app.run().run_json.read_text())
        assert info["status"] == "interrupted"
        assert app.run().checkpoint(info["progress"]["step"]).exists()
        app.wait(lambda: not processes_on(app.run()), "the engine's end", 10)


def test_leaving_says_how_to_come_back(tmp_path: Path) -> None:
    """The line stands in the terminal after the app has closed, and what it says works."""
    with Terminal(tmp_path, "--preset", "modadd-fast", columns=120) as app:
        app.wait_until_memorized()
        run = app.run()
        app.press("q", "q")
        app.wait(lambda: not app.child.isalive(), "the app's end", 15)
        app.wait_for(f"grok-tui attach {run.id}", 5)
        assert "modadd-fast seed 0 goes on training." in app.text
    assert len(processes_on(run)) == 1
    with Terminal(tmp_path, "attach", run.id, columns=120, lines=36) as again:
        again.wait_for("weight norm")
        again.press("s", "s")
        again.wait(lambda: run.info()["status"] == "interrupted", "the engine's end", 20)
        again.wait_for("■ stopped", 10)
        again.press(" ")
        again.wait_for("● training", 30)
        end(run)


def test_in_process_trains_in_the_app_and_saves_at_its_end(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--in-process", "--preset", "modadd-fast") as app:
        app.wait_until_memorized()
        assert processes_on(app.run()) == []
        assert app.run().info()["pid"] == app.child.pid
        app.press("q")
        app.wait_for("stop and save", 5)
        app.press("s")
        app.wait(lambda: not app.child.isalive(), "the app's end", 15)
        assert app.run().info()["status"] == "interrupted"


def test_in_tmux_the_engine_outlives_the_server(tmp_path: Path) -> None:
    """tmux draws the app in 256 colours; when its server is killed, training goes on."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    tmux = ["tmux", "-L", tmp_path.name]
    app = [sys.executable, "-m", "grok_tui", "--preset", "modadd-fast"]
    subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "24", "-c", str(tmp_path), *app], check=True)
    try:
        deadline = time.monotonic() + 60
        screen = ""
        while "kernel distance" not in screen or not re.search(r"memorised \d", screen):
            assert time.monotonic() < deadline, screen
            time.sleep(0.2)
            screen = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout
        assert "? help   q quit" in screen
        (run,) = [RunDir(path) for path in tmp_path.glob("runs/*")]
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
    before = rows(run)
    deadline = time.monotonic() + 20
    while rows(run) < before + 5:
        assert time.monotonic() < deadline, "training stopped with the terminal"
        time.sleep(0.1)
    assert len(processes_on(run)) == 1
    end(run)


def test_a_device_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with Terminal(tmp_path, "--preset", "modadd-fast", "--device", "cuda:99") as app:
        app.wait_for("--device cuda:99", 20)
        app.wait(lambda: not app.child.isalive(), "the end", 5)
        assert app.child.exitstatus == 2
    assert list(tmp_path.iterdir()) == []


def test_attach_needs_a_run(tmp_path: Path) -> None:
    with Terminal(tmp_path, "attach") as app:
        app.wait_for("no runs in runs", 10)
        app.wait(lambda: not app.child.isalive(), "the end", 5)
        assert app.child.exitstatus == 2
