"""Faults of processes: closed streams, locks, signals, output that goes away, and text that is not plain."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from driver import TINY, Session

from grok_tui.process import SIGNALS
from grok_tui.store.jsonl import append_line
from grok_tui.store.rundir import RunDir

G = f"{sys.executable} -m grok_tui"
RUN = " ".join(TINY)


def until(is_so: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def the_run(runs: Path) -> RunDir | None:
    """The only run in a directory, once it trains."""
    found = [RunDir(path) for path in runs.iterdir()] if runs.is_dir() else []
    if not found or not found[0].run_json.exists():
        return None
    return found[0] if found[0].info()["status"] == "running" and rows(found[0]) > 2 else None


def rows(run: RunDir) -> int:
    return run.metrics_csv.read_text().count("\n") if run.metrics_csv.exists() else 0


@contextlib.contextmanager
def shells(*scripts: str, cwd: Path) -> Iterator[list["subprocess.Popen[str]"]]:
    """Run shell scripts at the same time."""
    options: dict[str, Any] = {"cwd": cwd, "stdin": subprocess.DEVNULL, "text": True}
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    started = [subprocess.Popen(["bash", "-c", script], **options) for script in scripts]
    try:
        yield started
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def outcomes(*scripts: str, cwd: Path) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each script."""
    with shells(*scripts, cwd=cwd) as started:
        output = [process.communicate(timeout=60) for process in started]
        return [(process.returncode, *texts) for process, texts in zip(started, output, strict=True)]


@pytest.mark.faults("descriptors and locks")
def test_a_detached_engine_keeps_its_lock_whatever_streams_its_parent_had(tmp_path: Path) -> None:
    closed = {"a": "<&-", "b": "<&- >&- 2>&-"}
    outcomes(*(f"{G} {RUN} --steps 5000000 --detach --runs {runs} {how}" for runs, how in closed.items()), cwd=tmp_path)
    found = [until(lambda runs=runs: the_run(tmp_path / runs)) for runs in closed]
    for run in found:
        pid = run.info()["pid"]
        links = {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        assert next(fd for fd, target in links.items() if target == str(run.lock)) > 2
        assert all(fd in links for fd in (0, 1, 2))
        assert run.is_held()
    resumed = outcomes(*(f"{G} resume --runs {runs} {how}" for runs, how in closed.items()), cwd=tmp_path)
    assert [code for code, *_ in resumed] == [4, 4]
    stopped = outcomes(*(f"{G} stop latest --runs {runs}" for runs in closed), cwd=tmp_path)
    assert [code for code, *_ in stopped] == [0, 0]
    for run, (_, out, _) in zip(found, stopped, strict=True):
        step = run.info()["progress"]["step"]
        assert (run.info()["status"], out) == ("interrupted", f"{run.id}  stopped and saved at {step}\n")
        assert run.checkpoint(step).exists()


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.faults("closed streams")
def test_every_command_works_with_streams_closed(tmp_path: Path) -> None:
    quick = [f"{G} {command} {how}" for how in CLOSED for command in ("runs list", "runs rm x", "")]
    for i in range(0, len(quick), 7):
        for script, (code, out, err) in zip(quick[i:], outcomes(*quick[i : i + 7], cwd=tmp_path), strict=False):
            assert (code, out) == (0 if " runs list" in script else 2, ""), script
            assert err.count("\n") == (0 if "2>&-" in script else 1), err
    slow = [f"{G} doctor <&-", f"{G} {RUN} --steps 5 --runs a 2>&-", f"{G} {RUN} --steps 5 --runs b <&- >&- 2>&-"]
    for code, _, err in outcomes(*slow, cwd=tmp_path):
        assert (code, err) == (0, "")
    for name in ("a", "b"):
        (path,) = (tmp_path / name).iterdir()
        assert RunDir(path).info()["status"] == "finished"


@pytest.mark.faults("outputs that go away")
def test_output_that_goes_away_does_not_end_training(tmp_path: Path) -> None:
    run = f"{G} {RUN} --steps 3000"
    gone = {
        "a": f"{run} --json --runs a > >(head -2 >/dev/null); wait $!",
        "b": f"{run} --json --runs b > /dev/full",
        "c": f"{run} --runs c 2> /dev/full",
        "d": f"{run} --runs d > /dev/full",
    }
    found = dict(zip(gone, outcomes(*gone.values(), cwd=tmp_path), strict=True))
    for name, (code, out, err) in found.items():
        (path,) = (tmp_path / name).iterdir()
        info = RunDir(path).info()
        assert (info["status"], info["progress"]["step"]) == ("finished", 3000), name
        assert (code if name != "a" else 0, "Traceback" in err) == (0, False), name
        warned = RunDir(path).events_jsonl.read_text().count('"warning"')
        assert warned == (0 if name == "d" else 1), name
        assert err.count("No space left") == (name in "bd")
        assert err.count("Broken pipe") == (name == "a")
        assert ("finished at 3000" in out) == (name == "c")


@pytest.mark.faults("outputs that go away")
def test_quick_commands_end_quietly_if_their_reader_goes(tmp_path: Path) -> None:
    script = "set -o pipefail; {} | true; echo $?"
    commands = [f"(sleep 0.5; {G} presets fields)", f"(sleep 0.5; {G} presets list --json)", f"(sleep 0.5; {G} --help)"]
    for _, _, err in outcomes(*map(script.format, commands), cwd=tmp_path):
        assert err == ""
    for code, _, err in outcomes(
        f"{G} presets fields > /dev/full", f"{G} presets list --json >/dev/full", cwd=tmp_path
    ):
        assert (code, err) == (1, "grok-tui: stdout: No space left on device\n")


@pytest.mark.faults("signals")
def test_every_signal_that_schedulers_send_saves_first(tmp_path: Path) -> None:
    run = f"exec {G} {RUN} --steps 50000000 --quiet --runs "
    with shells(*(f"{run}{signum}" for signum in SIGNALS), cwd=tmp_path) as processes:
        for signum, process in zip(SIGNALS, processes, strict=True):
            found = until(lambda signum=signum: the_run(tmp_path / str(int(signum))), 60)
            process.send_signal(signum)
            _, err = process.communicate(timeout=30)
            step = found.info()["progress"]["step"]
            assert (process.returncode, err) == (128 + signum, "")
            assert found.info()["status"] == "interrupted"
            assert found.checkpoint(step).exists()


@pytest.mark.faults("signals")
def test_ignored_signals_stay_ignored_and_the_second_one_ends_at_once(tmp_path: Path) -> None:
    script = f"trap '' HUP USR1; exec {G} {RUN} --steps 50000000 --quiet --runs a"
    detached = f"{G} {RUN} --steps 50000000 --detach --runs b"
    with shells(script, detached, cwd=tmp_path) as (process, _):
        run, engine = (until(lambda name=name: the_run(tmp_path / name)) for name in "ab")
        for signum in (signal.SIGHUP, signal.SIGUSR1):
            process.send_signal(signum)
        os.kill(engine.info()["pid"], signal.SIGHUP)
        before = rows(run), rows(engine)
        until(lambda: rows(run) > before[0] and rows(engine) > before[1])
        os.kill(engine.info()["pid"], signal.SIGUSR2)
        until(lambda: engine.info()["status"] == "interrupted" and not engine.is_held())
        os.kill(process.pid, signal.SIGSTOP)  # both signals arrive before a chunk of steps ends
        for signum in (signal.SIGUSR2, signal.SIGTERM):
            process.send_signal(signum)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=20) in (128 + signal.SIGUSR2, 128 + signal.SIGTERM)


@pytest.mark.faults("control characters and markup")
def test_a_progress_bar_prints_markup_literally_and_survives_its_terminal(tmp_path: Path) -> None:
    config = tmp_path / "lr[red]0.1 [b].toml"
    text = subprocess.run(f"{G} presets show kumar-poly", shell=True, capture_output=True, text=True).stdout
    config.write_text(text)
    arguments = ["run", "--config", config.name, "--steps", "5000000", "--name", "a.b"]
    child = pexpect.spawn(sys.executable, ["-m", "grok_tui", *arguments], cwd=str(tmp_path), encoding="utf-8")
    run = until(lambda: the_run(tmp_path / "runs"))
    append_line(run.commands_jsonl, {"id": "a", "op": "steer", "set": {"[/x]": "x2"}})
    append_line(run.commands_jsonl, {"id": "b", "op": "mark", "label": "\x1b]52;c;aGk=\x07[bold]"})
    child.expect_exact("refused: [/x]")
    child.expect("steps")
    child.close(force=False)  # the terminal goes, and the kernel sends SIGHUP
    until(lambda: run.info()["status"] == "interrupted" and not run.is_held())
    step = run.info()["progress"]["step"]
    assert run.checkpoint(step).exists()
    until(lambda: not child.isalive())
    assert (child.exitstatus, child.signalstatus) in ((129, None), (None, signal.SIGHUP))


@pytest.mark.faults("missing programs")
def test_programs_that_are_not_there(tmp_path: Path) -> None:
    env = {**os.environ, "PATH": str(tmp_path), "TMUX": "/tmp/tmux-0/default,1,0"}
    command = [sys.executable, "-m", "grok_tui", "doctor", "--runs", "none/at/all", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    found = {item["what"]: item["found"] for item in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, found["tmux"]) == (0, "tmux is not on PATH here")
    assert "GB free" in found["runs"]


@pytest.mark.faults("exit codes")
def test_a_crash_of_the_app_is_never_exit_0(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from grok_tui import __main__
    from grok_tui.tui import app

    class Crashing(app.GrokApp):
        def on_mount(self) -> None:
            raise ZeroDivisionError

        def run(self, **options: Any) -> int | None:
            return super().run(headless=True)

    monkeypatch.setattr(app, "GrokApp", Crashing)
    assert __main__.open_screen(tmp_path) == 1


PLACES = {
    "--seed 7 run --preset kumar-poly": "goes behind the command: grok-tui run --seed 7",
    "--set lr=9 run --preset kumar-poly": "goes behind the command: grok-tui run --set lr=9",
    "--device bogus run --preset kumar-poly": "goes behind the command: grok-tui run --device bogus",
    "--preset kumar-poly run": "goes behind the command: grok-tui run --preset kumar-poly",
    "--in-process run --preset kumar-poly": "grok-tui run has no such option",
    "--steps 5 run --preset kumar-poly": "goes behind the command: grok-tui run --steps",
    "--json runs list": "goes behind the command: grok-tui runs list --json",
    "runs --json list": "goes behind the command: grok-tui runs list --json",
    "runs --runs a list": "goes behind the command: grok-tui runs list --runs",
    "runs --yes rm x": "goes behind the command: grok-tui runs rm --yes",
    "presets --set lr=1 show nanda": "goes behind the command: grok-tui presets show --set",
    "--set lr=1 presets show nanda": "goes behind the command: grok-tui presets show --set lr=1",
    "--seed 1 presets list": "grok-tui presets has no such option",
    "--quick verify": "goes behind the command: grok-tui verify --quick",
    "--runs a verify --list": "grok-tui verify has no such option",
    "--runs a presets list": "grok-tui presets has no such option",
    "--in-process resume": "grok-tui resume has no such option",
    "--device cpu steer latest lr=1": "grok-tui steer has no such option",
    "--seed 3": "--set and --seed need --preset",
}


@pytest.mark.faults("options before a subcommand")
def test_an_option_before_its_command_is_refused_with_its_right_place(session: Session, tmp_path: Path) -> None:
    for done in session([text.split() for text in PLACES], tmp_path):
        assert done.is_refused(PLACES[" ".join(done.arguments)]), done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults("options before a subcommand")
def test_runs_before_a_command_is_honoured(session: Session, tmp_path: Path) -> None:
    commands = ["runs list", "resume", "stop latest", "steer latest lr=1", "runs show", "attach", "runs rm latest"]
    found = session(
        [["--runs", "else where", *command.split()] for command in commands], tmp_path, env={"GROK_TUI_RUNS": "other"}
    )
    assert all("no runs in else where" in done.err for done in found)


@pytest.mark.faults("environment variables")
def test_an_option_from_the_environment_is_named(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {"GROK_TUI_RUNS": "file/runs", "GROK_TUI_DEVICE": "cuda:01"}
    commands = [["run", "--preset", "kumar-poly"], ["run", "--preset", "kumar-poly", "--runs", "a"]]
    first, second = session(commands, tmp_path, env)
    assert first.is_refused("--runs comes from the environment variable GROK_TUI_RUNS")
    assert second.is_refused("GROK_TUI_DEVICE")


@pytest.mark.faults("device names")
def test_a_wrong_device_is_one_line(session: Session, tmp_path: Path) -> None:
    names = ["cuda:01", "cuda:99999999999", "cuda:-1", "cuda:", "cpu:0", "CUDA", "cuda:0:1", "cuda:٣", " cpu", "a\nb",
             "meta", "xla", "cuda:1000", "mps:0", "[red]"]  # fmt: skip
    for done in session([["run", "--preset", "kumar-poly", "--device", name] for name in names], tmp_path):
        assert done.is_refused("--device"), done
    assert list(tmp_path.iterdir()) == []
