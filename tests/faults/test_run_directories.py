"""Faults of run directories: damaged, hostile, of other users, of dead hosts, with links, and resumed in other ways."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pexpect
import pytest
from driver import TINY, Session

from grok_tui.cli import output
from grok_tui.config.presets import load_preset
from grok_tui.errors import RunHeld, plain
from grok_tui.store import runs as store_runs
from grok_tui.store.info import LARGEST, Info
from grok_tui.store.jsonl import Tail, append_line
from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir, create
from grok_tui.store.timeline import history
from small import GrokTui

WRONG: list[Any] = [None, True, -1, 10**400, 1.5, float("nan"), "text", "\x1b]52;c;aGk=\x07", [], [1], {}, {"a": [1]}]


def copy(run: RunDir, folder: Path, name: str) -> RunDir:
    """A copy of a run under another name."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(run.path, folder / name, symlinks=True)
    return RunDir(folder / name)


def change(run: RunDir, **fields: Any) -> None:
    """Change run.json."""
    run.run_json.write_text(json.dumps(json.loads(run.run_json.read_text()) | fields))


def replace_by(kind: str, path: Path) -> None:
    """Put something else in the place of a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "zero":
            path.symlink_to("/dev/zero")
        case "outside":
            path.symlink_to("/etc/passwd")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
        case "empty":
            path.touch()
        case "binary":
            path.write_bytes(bytes(range(256)) * 100)
        case "deep":
            path.write_text("[" * 100_000)
        case "line":
            path.write_bytes(b'{"type": "' + b"a" * 20_000_000)


KINDS = ["missing", "fifo", "zero", "outside", "folder", "loop", "empty", "binary", "deep", "line"]
FILES = ["run.json", "config.toml", "events.jsonl", "metrics.csv", "engine.lock", "commands.jsonl", "checkpoints"]


@pytest.mark.faults("hostile run directories")
@pytest.mark.parametrize("file", FILES)
def test_no_file_of_a_run_can_hang_or_crash_a_reader(
    session: Session, tmp_path: Path, finished: RunDir, file: str
) -> None:
    runs = tmp_path / "runs"
    for kind in KINDS:
        run = copy(finished, runs, kind)
        change(run, status="running", started="2026-01-01T00:00:00+00:00")
        replace_by(kind, run.path / file)
    commands = [["runs", "list"], ["runs", "list", "--json"]]
    for kind in KINDS:
        commands += [["runs", "show", kind], ["runs", "show", kind, "--json"], ["steer", kind, "lr=1"], ["stop", kind]]
        commands += [["attach", kind], ["resume", kind, "--set", "lr=x", "--quiet"]]
    commands += [["runs", "rm", kind, "--yes"] for kind in KINDS]
    for done in session(commands, tmp_path):
        assert done.seconds < 5, done
        assert done.code in (0, 1, 2), done
        assert "\x1b" not in done.out + done.err
        assert done.code == 0 or done.err.count("\n") == 1, done
        assert "root:" not in done.out + done.err, "a link was followed to the outside"
    left = {path.name for path in runs.iterdir()}
    assert left == ({"fifo", "zero", "outside", "folder", "loop", "line"} if file == "run.json" else set())


@pytest.mark.faults("hostile run directories")
def test_wrong_types_in_every_field_are_survived(session: Session, tmp_path: Path, finished: RunDir) -> None:
    info = json.loads(finished.run_json.read_text())
    names = [*Info.__struct_fields__, "nobody's"]
    for name in names:
        for i, value in enumerate(WRONG):
            change(copy(finished, tmp_path / "runs", f"{name}-{i}"), **{name: value})
    for part in ("asked", "used", "progress", "result"):
        for name in info[part]:
            for i, value in enumerate(WRONG):
                change(copy(finished, tmp_path / "runs", f"{part}-{name}-{i}"), **{part: info[part] | {name: value}})
    found, skipped = store_runs.listed(tmp_path / "runs")
    assert len(found) > 250
    assert all(line.split(": ")[0].rpartition("/")[2].startswith("schema-") for line in skipped)
    for run, read in found:
        assert set(Info.__struct_fields__) - {"seeds"} <= set(read)
        assert isinstance(read["progress"]["step"], int)
        assert isinstance(read["asked"]["pace"], float | int)
        assert RunReader(run).info == read
    every = [["runs", "list"], ["runs", "list", "--json"], ["runs", "show", "result-t_mem-6"]]
    every += [["runs", "show", f"{name}-{i}"] for name in ("seeds", "result", "progress", "error") for i in range(12)]
    for done in session(every, tmp_path):
        assert done.code == 0
        assert "\x1b" not in done.out + done.err


EVENTS = ["type", "step", "seq", "phase", "after", "key", "old", "new", "optimizer", "by", "request", "reason",
          "message", "label", "why", "pace", "steps", "checkpoint_seq", "used", "parent", "repeat"]  # fmt: skip


@pytest.mark.faults("hostile run directories")
def test_events_of_wrong_types_are_no_events(session: Session, tmp_path: Path, finished: RunDir) -> None:
    types = ["resumed", "phase", "steered", "refused", "failed", "warning", "checkpoint", "paced", "stepped", "started",
             "branched", "extended", "finished", "\x1b[31m", "marked"]  # fmt: skip
    run = copy(finished, tmp_path, "run")
    whole = {"step": 3, "key": "optim.lr", "old": 1.0, "new": 2.0, "phase": "grokked", "reason": "r", "message": "m",
             "why": "w", "pace": 1.0, "label": "\x1b[1mlabel\x07"}  # fmt: skip
    with run.events_jsonl.open("a") as file:
        for type in types:
            for name in EVENTS:
                for value in WRONG:
                    file.write(json.dumps({"type": type, **whole, name: value}) + "\n")
            file.write(json.dumps({"type": type}) + "\n" + json.dumps({"type": type, **whole}) + "\n")
    events = history(run)
    assert all(isinstance(event["type"], str) and isinstance(event["step"], int) for event in events)
    (done,) = session([["runs", "show", str(run.path)]], tmp_path)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert r"mark \x1b[1mlabel\x07" in done.out


@pytest.mark.faults("parser limits")
def test_long_lines_are_passed_over_and_large_files_bounded(tmp_path: Path, finished: RunDir) -> None:
    run = copy(finished, tmp_path, "run")
    before = len(Tail(run.events_jsonl)())
    with run.events_jsonl.open("ab") as file:
        for _ in range(5):
            file.write(b'{"type": "' + b"a" * 20_000_000)
        file.write(b'"}\n{"type": "marked", "step": 7}\n' + b'{"deep": ' + b"[" * 500_000 + b"\n")
        file.write(b'{"type": "marked", "step": 8}\n{"type": "mar')
    begun, tail = time.monotonic(), Tail(run.events_jsonl)
    records = [record for _ in range(4) for record in tail()]
    assert [record.get("step") for record in records[before:]] == [7, 8]
    assert time.monotonic() - begun < 30
    change(run, name="x" * LARGEST)
    assert "larger than" in store_runs.listed(tmp_path)[1][0]
    with run.metrics_csv.open("wb") as file:
        file.write(b"step" + b",a" * 2_000_000 + b"\n" + b"0" + b",1" * 2_000_000 + b"\n")
    change(run, name="")
    assert len(RunReader(run)) == 0


@pytest.mark.faults("files emptied or cut by a crash")
@pytest.mark.parametrize("content", [b"", b"12,0.5,0.25\n13,0.5,0.25\n", b"\n", b"step", b"\xff\xfe\n1\n"])
def test_a_table_that_lost_its_header_has_no_columns(tmp_path: Path, finished: RunDir, content: bytes) -> None:
    run = copy(finished, tmp_path, "run")
    run.metrics_csv.write_bytes(content)
    reader = RunReader(run)
    assert (reader.columns, len(reader)) == ([], 0)


@pytest.mark.faults("files emptied or cut by a crash")
def test_a_damaged_run_json_is_rebuilt(grok_tui: GrokTui, tmp_path: Path, finished: RunDir) -> None:
    run = copy(finished, tmp_path / "runs", "run")
    for content in (b"", run.run_json.read_bytes()[:100], b"\x00" * 4096, None):
        run.run_json.unlink() if content is None else run.run_json.write_bytes(content)
        info = run.info()
        assert (info["status"], info["progress"]["step"], info["steps"]) == ("finished", 40, 40)
        assert "was damaged" in info["error"]
    done = grok_tui("resume", "run", "--steps", "45", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(run.run_json.read_text())["status"] == "finished"
    assert run.info()["error"] is None


@pytest.mark.faults("control characters and markup")
def test_text_from_files_is_printed_literally(session: Session, tmp_path: Path, finished: RunDir) -> None:
    evil = "\x1b[31mred\x1b]52;c;aGk=\x07\x9b2J\u202ertl\u2028[bold]\ud800\r\n."
    name = evil.replace("\ud800", "").replace("\n", "")
    run = copy(finished, tmp_path / "runs", name)
    change(run, error=evil, status="failed", preset=evil, command=["--set", f"a={evil}"])
    (tmp_path / "runs" / f"no {name}").mkdir()
    run.metrics_csv.write_text(f"step,train/loss,{evil.encode('utf-8', 'replace').decode()[:-3]}\n1,2,3\n")
    commands = [["runs", "list"], ["runs", "show", name], ["runs", "show", f"no {name}"], ["resume", f"{name}{name}"],
                ["steer", name, "lr=1"], ["runs", "rm", name], ["run", "--preset", name],
                ["run", "--preset", "nanda", "--set", name], ["run", "--config", name], ["presets", "show", name],
                ["presets", "check", name], ["verify", name], ["bench", name], [name], [f"--{name}"], ["runs", name],
                ["run", "--preset", "nanda", "--device", name], ["run", "--preset", "nanda", "--name", name],
                ["run", "--preset", "nanda", "--runs", f"/proc/{name}"]]  # fmt: skip
    for done in session(commands, tmp_path):
        text = done.out + done.err
        assert not [c for c in text if c != "\n" and plain(c) != c], done
        assert done.code == 0 or done.err.count("\n") == 1, done


@pytest.mark.faults("control characters and markup")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_terminals_without_unicode(grok_tui: GrokTui, encoding: str) -> None:
    done = grok_tui("presets", "list", env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.faults("control characters and markup")
def test_the_app_shows_hostile_runs(tmp_path: Path, finished: RunDir) -> None:
    evil = "\x1b]52;c;aGk=\x07[bold]\x9b2J"
    run = copy(finished, tmp_path / "runs", f"2026-11-25_{evil}")
    change(run, name=evil, preset=evil, error=evil, status="failed")
    parts = [{"type": "marked", "label": evil}, {"type": "failed", "reason": evil}, {"type": evil},
             {"type": "warning", "message": evil}, {"type": "refused", "reason": evil},
             {"type": "steered", "key": evil, "old": 1, "new": 2}]  # fmt: skip
    for part in parts:
        append_line(run.events_jsonl, {"step": 3, **part})
    for kind in ("fifo", "zero", "deep", "folder"):
        for file in FILES[:5]:
            replace_by(kind, copy(finished, tmp_path / "runs", f"2026-11-26_{kind}_{file}").path / file)
    env = {**os.environ, "TERM": "xterm-256color"}
    for arguments, keys in (([], "Gjk"), (["attach", str(run.path)], "2345")):
        command = ["-m", "grok_tui", *arguments]
        child = pexpect.spawn(sys.executable, command, cwd=str(tmp_path), env=env, dimensions=(40, 140), timeout=20)
        child.expect("quit")
        shown = child.before
        for key in [*keys, "q"]:
            child.send(key)
            time.sleep(0.4)
        child.expect(pexpect.EOF)
        child.close()
        shown += child.before
        assert (child.exitstatus, b"Traceback" in shown) == (0, False)
        assert b"\x1b]52" not in shown
        assert "\x9b".encode() not in shown


@pytest.mark.faults("stale status of dead hosts")
def test_a_run_of_a_dead_host_is_interrupted_and_can_be_removed(
    session: Session, tmp_path: Path, finished: RunDir
) -> None:
    runs = [copy(finished, tmp_path / "runs", name) for name in ("dead", "alive", "unlocked")]
    for run in runs:
        change(run, status="running", host="node17")
    long_ago = time.time() - 100
    os.utime(runs[0].lock, (long_ago, long_ago))
    os.utime(runs[1].lock)
    runs[2].lock.unlink()
    assert [run.info()["status"] for run in runs] == ["interrupted", "running", "interrupted"]
    assert "lost: no sign of life from node17 since 20" in runs[0].info()["error"]
    lines = session(
        [["runs", "show", "dead"], ["runs", "rm", "dead", "unlocked", "--yes"], ["runs", "rm", "alive", "--yes"],
         ["resume", "alive"], ["runs", "rm", "alive", "--yes", "--force"]], tmp_path,
    )  # fmt: skip
    assert "no sign of life from node17" in lines[0].out
    assert [line.code for line in lines] == [0, 0, 4, 4, 0]
    assert "node17" in lines[3].err
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.faults("stale status of dead hosts")
def test_a_held_run_is_not_removed_by_force(tmp_path: Path, finished: RunDir) -> None:
    run = copy(finished, tmp_path, "held")
    lock = run.acquire()
    change(run, status="running", host="node17")
    for force in (False, True):
        with pytest.raises(RunHeld, match="still training"):
            store_runs.remove(run, force=force)
    os.close(lock)
    assert run.metrics_csv.exists()


NO_LOCKS = """
import errno, fcntl, os
def flock(file, how):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = flock
"""


@pytest.mark.faults("file systems without locks")
def test_a_run_trains_where_locks_do_not_work(grok_tui: GrokTui, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_LOCKS)
    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = grok_tui(*TINY, "--steps", "5", "--runs", "runs", env=env)
    assert done.returncode == 0
    assert "has no locks" in done.stderr
    (path,) = (tmp_path / "runs").iterdir()
    assert RunDir(path).info()["status"] == "finished"
    doctor = grok_tui("doctor", "--runs", "runs", env=env)
    assert "has no locks" in doctor.stdout
    assert grok_tui("runs", "rm", "latest", "--yes", "--runs", "runs", env=env).returncode == 0


@pytest.mark.faults("file systems without locks")
def test_without_locks_the_heartbeat_tells_whether_a_run_is_held(
    tmp_path: Path, finished: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: int, how: int) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    run = copy(finished, tmp_path, "run")
    change(run, status="running")
    os.utime(run.lock)
    assert run.info()["status"] == "running"
    with pytest.raises(RunHeld):
        run.acquire()
    os.utime(run.lock, (0, 0))
    assert run.info()["status"] == "interrupted"
    os.close(run.acquire())
    assert run.info()["status"] == "running", "the lock was touched"
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    os.utime(run.lock, (0, 0))
    assert run.info()["status"] == "interrupted"


@pytest.mark.faults("clocks and time zones")
def test_latest_and_ages_survive_clocks_and_time_zones(tmp_path: Path, finished: RunDir) -> None:
    started = {
        "a": "2026-10-25T02:30:00.000+02:00",  # an hour that comes twice: daylight saving time ends
        "b": "2026-10-25T02:10:00.000+01:00",
        "c": "2026-10-24T23:59:00.000-01:30",
        "d": "not a time",
        "e": "2026-10-25T01:20:00Z",
        "f": "2026-10-25T00:00:00",
        "g": 7,
    }
    for name, text in started.items():
        change(copy(finished, tmp_path, name), started=text)
    order = [run.id for run, _ in store_runs.listed(tmp_path)[0]]
    assert sorted(order[:2]) == ["d", "g"]
    assert order[-4:] == ["a", "b", "e", "c"]
    assert store_runs.find("latest", tmp_path).id == "c"
    change(RunDir(tmp_path / "c"), started=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    for zone in ("Pacific/Kiritimati", "America/St_Johns"):
        done = subprocess.run(
            [sys.executable, "-m", "grok_tui", "runs", "list", "--runs", str(tmp_path)],
            env={**os.environ, "TZ": zone}, capture_output=True, text=True,
        )  # fmt: skip
        assert [line.split()[0] for line in done.stdout.splitlines()[1:]][-1] == "c"
        assert "0.0 s" in done.stdout.splitlines()[-1]


@pytest.mark.faults("clocks and time zones")
def test_times_are_in_utc_and_names_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    run = create(tmp_path, load_preset("kumar-poly"), preset="kumar-poly")
    monkeypatch.undo()
    time.tzset()
    assert run.info()["started"].endswith("+00:00")
    assert run.id[:13] == f"{datetime.now(UTC):%Y-%m-%d_%H}"


@pytest.mark.faults("links, . and deletion")
def test_removing_touches_nothing_but_the_run(session: Session, tmp_path: Path, finished: RunDir) -> None:
    runs = tmp_path / "runs"
    for name in ("x", "y", "z", "linked"):
        copy(finished, runs, name)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (runs / "pinned").symlink_to("x")
    (runs / "foreign").symlink_to(outside)
    (runs / "folder").mkdir()
    shutil.rmtree(runs / "linked" / "checkpoints")
    (runs / "linked" / "checkpoints").symlink_to(outside)
    commands = [
        ["runs", "rm", "folder", "--yes"], ["runs", "rm", "foreign", "--yes"], ["runs", "rm", str(outside), "--yes"],
        ["runs", "rm", "x", "foreign", "--yes"],
        ["cd", runs / "x"], ["runs", "rm", ".", "--yes"], ["runs", "rm", "..", "--yes"],
        ["runs", "rm", "../x", "--yes"], ["cd", runs / "x" / "checkpoints"], ["runs", "rm", "..", "--yes"],
        ["runs", "rm", "../../x/", "--yes"], ["runs", "rm", "", "--yes"], ["cd", tmp_path],
        ["resume", "linked", "--set", "lr=1"], ["resume", "linked", "--steps", "100"],
    ]  # fmt: skip
    for done in session(commands, tmp_path):
        assert done.is_refused(), done
    assert sorted(path.name for path in runs.iterdir()) == ["folder", "foreign", "linked", "pinned", "x", "y", "z"]
    done = session(
        [["runs", "rm", "pinned/", "--yes", "--runs", runs], ["runs", "rm", "runs/pinned/", "--yes"],
         ["runs", "rm", "y", "y", "runs/y", "--yes"], ["runs", "rm", "runs/z/../z/.", "linked", "--yes"]], tmp_path,
    )  # fmt: skip
    assert [one.code for one in done] == [2, 0, 0, 0]
    assert "the run stays" in done[1].err
    assert sorted(path.name for path in runs.iterdir()) == ["folder", "foreign", "x"]
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert len(list((runs / "x").iterdir())) == len(list(finished.path.iterdir()))


@pytest.mark.faults("other users' files")
def test_directories_of_other_users_are_one_line(session: Session, tmp_path: Path, finished: RunDir) -> None:
    shared = tmp_path / "shared"
    closed, readable = copy(finished, shared, "closed"), copy(finished, shared, "readable")
    change(copy(finished, shared, "running"), status="running", host="node17")
    copy(finished, tmp_path / "private" / "runs", "x")
    for path in (closed.path, tmp_path / "private"):
        path.chmod(0)
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == os.geteuid() and os.geteuid() == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    (tmp_path / "private").chmod(0)
    closed.path.chmod(0)
    warm = [["runs", "show", "readable", "--runs", shared], ["doctor"], ["resume", "readable", "--runs", shared]]
    user = [["setuid", 65534]] if os.geteuid() == 0 else []
    names = ["closed", *(["readable", "running"] if user else [])]
    commands: list[list[Any]] = [["runs", "list", "--runs", shared], ["runs", "show", "readable", "--runs", shared]]
    commands += [["doctor", "--runs", tmp_path / "private" / "runs"]]
    refused: list[list[Any]] = [
        [*verb, name, *more, "--runs", shared]
        for name in names
        for verb, more in (
            (["resume"], ["--steps", 99]),
            (["steer"], ["lr=1"]),
            (["runs", "rm"], ["--yes"]),
            (["stop"], []),
        )
    ]
    refused += [
        ["runs", "list", "--runs", tmp_path / "private" / "runs"],
        ["runs", "show", tmp_path / "private/runs/x"],
    ]
    refused += [["resume", "latest", "--runs", tmp_path / "private" / "runs"]]
    refused += [[*TINY, "--runs", tmp_path / "private" / "runs"], ["run", "--config", closed.config_toml]]
    try:
        done = session([*warm, *user, *commands, *refused], tmp_path)[len(warm) :]
    finally:
        (tmp_path / "private").chmod(0o700)
        closed.path.chmod(0o700)
    listed, shown, doctor = done[:3]
    assert (listed.code, shown.code, doctor.code) == (0, 0, 0)
    assert "readable" in listed.out
    assert "closed" in listed.err
    assert "cannot be" in doctor.out
    for one in done[3:]:
        assert one.code in (1, 2, 4), one
        assert one.err.count("\n") == 1, one
    assert len(list(readable.path.iterdir())) == len(list(closed.path.iterdir()))


@pytest.mark.faults("the current directory")
def test_a_deleted_current_directory_is_one_line(session: Session, tmp_path: Path) -> None:
    commands = ["", "run --preset kumar-poly", f"--runs {tmp_path}", "runs list", f"runs list --runs {tmp_path}",
                "doctor", "presets check", "resume", "verify --list"]  # fmt: skip
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone}; rmdir {gone}; " + "; ".join(
        f"{sys.executable} -P -m grok_tui {command}; echo $?" for command in commands[:3]
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["2"] * 3
    assert done.stderr == "grok-tui: the current directory does not exist any more; cd to another one\n" * 3


@pytest.mark.faults("resume")
def test_a_resume_that_is_refused_writes_nothing(session: Session, tmp_path: Path, finished: RunDir) -> None:
    cases: dict[str, tuple[dict[str, Any], list[str], str]] = {
        "device": ({"asked": {"device": "cuda:0"}}, [], "--device"),
        "finished": ({"status": "finished"}, [], "--steps"),
        "less": ({}, ["--steps", "39"], "already at step 40"),
        "zero": ({}, ["--steps", "0"], "--steps 0"),
        "no-knob": ({}, ["--set", "model.d_hidden=7", "--steps", "99"], "d_hidden cannot be changed"),
        "range": ({}, ["--set", "lr=-1", "--steps", "99"], "optim.lr"),
        "at-end": ({}, ["--set", "lr=/2"], "--steps"),
        "no-value": ({}, ["--set", "lr"], "expected KEY=VALUE"),
        "twice": ({}, ["--set", "lr=1", "--set", "lr=2", "--steps", "99"], "twice"),
        "newer": ({"schema": 99}, [], "newer grok-tui"),
        "checkpoints": ({}, ["--steps", "99"], "no whole checkpoint"),
        "config": ({}, ["--steps", "99"], "config.toml"),
        "digits": ({}, ["--steps", "99"], "task.path"),
    }
    runs = {}
    for name, (fields, _, _) in cases.items():
        runs[name] = copy(finished, tmp_path / "runs", name)
        change(runs[name], **({"status": "interrupted"} | fields))
    for step in runs["checkpoints"].checkpoint_steps():
        runs["checkpoints"].checkpoint(step).write_bytes(b"damaged")
    runs["config"].config_toml.write_text("[[[")
    text = subprocess.run([sys.executable, "-m", "grok_tui", "presets", "show", "mnist-alpha"], capture_output=True)
    runs["digits"].config_toml.write_bytes(text.stdout.replace(b'path = ""', b'path = "/none/here"'))
    before = {name: {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} for name, run in runs.items()}
    done = session([["resume", name, *more] for name, (_, more, _) in cases.items()], tmp_path)
    for one, (name, (_, _, part)) in zip(done, cases.items(), strict=True):
        assert one.is_refused(part), one
        assert {p: p.read_bytes() for p in runs[name].path.rglob("*") if p.is_file()} == before[name], name
    assert {path.name for path in (tmp_path / "runs").iterdir()} == set(cases)


@pytest.mark.faults("resume")
def test_a_run_goes_on_elsewhere_further_and_as_a_branch(grok_tui: GrokTui, tmp_path: Path, finished: RunDir) -> None:
    run = copy(finished, tmp_path / "runs", "run")
    change(run, asked={"device": "cuda:0", "pace": 5.0}, used={"device": "cuda:0", "backend": {}, "threads": 1})
    done = grok_tui("resume", "run", "--device", "cpu", "--steps", "60", "--json")
    assert done.returncode == 0, done.stderr
    assert "trained on cuda:0 and goes on on cpu" in done.stderr
    info = run.info()
    assert (info["status"], info["progress"]["step"], info["steps"], info["asked"]["pace"]) == ("finished", 60, 60, 0)
    assert run.config().train.steps == 60
    steps = RunReader(run).steps.tolist()
    assert steps == sorted(set(steps))
    assert steps[-1] == 60
    assert any(event["type"] == "extended" for event in Tail(run.events_jsonl)())
    done = grok_tui("resume", "run", "--set", "lr=/2", "--set", "train.steps=80", "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    made = RunDir(tmp_path / last["path"])
    assert (last["status"], last["step"], made.info()["parent"]["run"]) == ("finished", 80, "run")
    (steered,) = RunReader(made).of_type("steered")
    assert (steered["step"], steered["new"]) == (60, steered["old"] / 2)
    assert run.info()["progress"]["step"] == 60


@pytest.mark.faults("many seeds")
def test_one_seed_of_a_run_is_not_asked_for_the_whole(session: Session, tmp_path: Path) -> None:
    run = create(tmp_path / "runs", load_preset("kumar-poly"), preset="kumar-poly", seeds=[0, 1])
    lock = run.acquire()
    for part in (run, run.seed(0)):
        part.update_info(status="running")
    commands = [["steer", run.seed(0).path, "lr=0.5"], ["stop", run.seed(1).path], ["resume", run.seed(0).path],
                ["runs", "rm", run.seed(0).path, "--yes"]]  # fmt: skip
    for done in session(commands, tmp_path):
        assert done.is_refused(f"one seed of {run.id}"), done
        assert done.seconds < 5
    os.close(lock)
    assert run.seed(0).info()["status"] == "interrupted"
    shutil.rmtree(run.seed(1).path)
    run.seed(1).path.symlink_to("/tmp")
    with pytest.raises(Exception, match="is a link"):
        run.acquire()


@pytest.mark.faults("exit codes")
def test_stopping_what_does_not_train(session: Session, tmp_path: Path, finished: RunDir) -> None:
    copy(finished, tmp_path / "runs", "run")
    for done in session([["stop", "run"], ["stop", "nothing"], ["steer", "run", "lr=1"]], tmp_path):
        assert done.is_refused("finished" if "run" in done.arguments else "nothing")


@pytest.mark.faults("outputs that go away")
def test_a_note_nobody_can_read_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as unwritable:
        monkeypatch.setattr(sys, "stderr", unwritable)
        output.note("hello")
