"""An engine killed at any moment: the resumed run is, byte for byte, one that was never killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from small import GrokTui


def detached(grok_tui: GrokTui, tmp_path: Path, *arguments: str) -> RunDir:
    done = grok_tui("run", *arguments, "--detach")
    assert done.returncode == 0, done.stderr
    return RunDir(tmp_path / done.stdout.strip())


def wait_for_step(run: RunDir, step: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        rows = run.metrics_csv.read_text().splitlines()[1:] if run.metrics_csv.exists() else []
        if rows and int(rows[-1].split(",")[0] or 0) >= step:
            return
        assert time.monotonic() < deadline, f"step {step} was not reached: {run.log.read_text()}"
        time.sleep(0.01)


def kill(run: RunDir) -> None:
    pid = json.loads(run.run_json.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    while run.is_held():
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("preset", ["modadd-fast", "modadd-wd-off"])
def test_killed_twice_and_resumed_is_the_same_run(grok_tui: GrokTui, tmp_path: Path, preset: str) -> None:
    arguments = ["--preset", preset, "--steps", "420", "--seed", "2"]
    whole = json.loads(grok_tui("run", *arguments, "--json").stdout.splitlines()[-1])
    run = detached(grok_tui, tmp_path, *arguments)
    for step in (60, 250):
        wait_for_step(run, step)
        kill(run)
        assert run.info()["status"] == "interrupted"
        assert grok_tui("resume", run.id, "--detach").returncode == 0
    wait_for_step(run, 420)
    while run.is_held():
        time.sleep(0.02)
    assert run.info()["status"] == "finished"
    assert run.metrics_csv.read_bytes() == (tmp_path / whole["path"] / "metrics.csv").read_bytes()
    told = [(e["type"], e["step"]) for e in RunReader(run).events if e["type"] in ("phase", "steered")]
    expected = RunReader(RunDir(tmp_path / whole["path"])).events
    assert told == [(e["type"], e["step"]) for e in expected if e["type"] in ("phase", "steered")]


def test_steering_survives_a_kill(grok_tui: GrokTui, tmp_path: Path) -> None:
    """A steered run, killed after the change and resumed from before it, is steered at the same step again."""
    run = detached(grok_tui, tmp_path, "--preset", "modadd-fast", "--steps", "600")
    wait_for_step(run, 50)
    assert grok_tui("steer", run.id, "wd=0.01").returncode == 0
    (steered,) = RunReader(run).of_type("steered")
    wait_for_step(run, steered["step"] + 40)
    kill(run)
    for newer in [step for step in run.checkpoint_steps() if step > steered["step"]]:
        run.checkpoint(newer).unlink()
    before = run.metrics_csv.read_text().splitlines()
    assert grok_tui("resume", run.id, "--quiet").returncode == 0
    after = run.metrics_csv.read_text().splitlines()
    whole = before[:-1]  # the last line may have been torn
    assert after[: len(whole)] == whole
    assert len(RunReader(run).of_type("steered")) == 1
    assert int(after[-1].split(",")[0]) == 600


def test_modules_lying_about_do_not_become_the_engines(grok_tui: GrokTui, tmp_path: Path) -> None:
    """People start runs in directories full of scripts."""
    (tmp_path / "random.py").write_text('raise SystemExit("mine")\n')
    run = detached(
        lambda *a: grok_tui(*a, env={"PYTHONSAFEPATH": "1"}), tmp_path, "--preset", "linear", "--steps", "50"
    )
    wait_for_step(run, 50)


def test_hanging_up_ends_no_detached_run(grok_tui: GrokTui, tmp_path: Path) -> None:
    run = detached(grok_tui, tmp_path, "--preset", "modadd-fast", "--steps", "100000")
    wait_for_step(run, 20)
    pid = json.loads(run.run_json.read_text())["pid"]
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGHUP)
    step = int(run.metrics_csv.read_text().splitlines()[-1].split(",")[0])
    wait_for_step(run, step + 20)
    os.kill(pid, signal.SIGTERM)
    while run.is_held():
        time.sleep(0.02)
    assert run.info()["status"] == "interrupted"
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, "the engine's process is still there"
        time.sleep(0.02)


@pytest.mark.parametrize(("limit", "ending"), [(300_000, "finished"), (5000, "failed")])
def test_a_full_disk(tmp_path: Path, limit: int, ending: str) -> None:
    """Files cannot grow past a limit. A checkpoint that does not fit is a warning; rows that do not fit end the run."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from grok_tui.__main__ import main; sys.argv = ['grok-tui', *sys.argv[1:]]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--preset", "modadd-fast", "--steps", "200", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    (path,) = (tmp_path / "runs").iterdir()
    reader = RunReader(RunDir(path))
    assert reader.info["status"] == ending
    if ending == "failed":
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "cannot be written any more" in done.stderr
        assert "cannot be written any more" in reader.info["error"]
    else:
        assert (done.returncode, done.stderr) == (0, "")
        assert any("could not be saved" in event["message"] for event in reader.of_type("warning"))


@pytest.mark.parametrize("preset", ["modadd-fast", "kumar-poly"])
def test_many_seeds_killed_and_resumed_are_the_same_runs(grok_tui: GrokTui, tmp_path: Path, preset: str) -> None:
    """In threads and stacked; steered once, at the same step for all."""
    arguments = ["--preset", preset, "--steps", {"modadd-fast": "260", "kumar-poly": "20000"}[preset], "--seeds", "3"]
    whole = json.loads(grok_tui("run", *arguments, "--json").stdout.splitlines()[-1])
    run = detached(grok_tui, tmp_path, *arguments)
    wait_for_step(run, 60)
    kill(run)
    assert {one.info()["status"] for one in (run, run.seed(0), run.seed(2))} == {"interrupted"}
    assert grok_tui("resume", run.id, "--quiet").returncode == 0
    other = RunDir(tmp_path / whole["path"])
    for one, expected in [(run, other), *((run.seed(seed), other.seed(seed)) for seed in range(3))]:
        assert one.info()["status"] == "finished"
        assert one.metrics_csv.read_bytes() == expected.metrics_csv.read_bytes()
