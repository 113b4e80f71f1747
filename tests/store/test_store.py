"""The run directory: what is written is read back, also torn, cut, foreign or while it grows."""

from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_tui.config import presets
from grok_tui.errors import RunHeld, UsageError
from grok_tui.store import checkpoints, requests, rundir, runs
from grok_tui.store.checkpoints import Checkpoint
from grok_tui.store.events import describe
from grok_tui.store.jsonl import Tail
from grok_tui.store.reader import RunReader
from grok_tui.store.run_writer import RunWriter
from grok_tui.store.rundir import RunDir, check_runs_dir, create

COLUMNS = ["step", "train/loss", "test/loss", "kernel/drift"]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return create(tmp_path / "runs", presets.load_preset("modadd-fast"), preset="modadd-fast")


def new_writer(run: RunDir) -> RunWriter:
    return RunWriter(run, COLUMNS, checkpoint=None)


def test_a_new_run_says_what_it_is(run: RunDir) -> None:
    info = run.info()
    assert run.id.split("_", 2)[2].startswith("modadd-fast_s0_")
    assert (info["preset"], info["seed"], info["depth"], info["root"]) == ("modadd-fast", 0, 0, run.id)
    assert run.config() == presets.load_preset("modadd-fast")


def test_rows_are_read_as_they_grow(run: RunDir) -> None:
    writer, reader = new_writer(run), RunReader(run)
    assert len(reader) == 0
    writer.row(0, {"train/loss": 4.0, "test/loss": 4.5, "kernel/drift": 0.0})
    assert reader.refresh()
    writer.row(1, {"train/loss": 3.0, "test/loss": math.inf})
    assert reader.refresh()
    assert not reader.refresh()
    assert reader.steps.tolist() == [0, 1]
    assert reader.series("kernel/drift")[0].tolist() == [0]
    assert reader.last("test/loss") == math.inf
    assert reader.at("train/loss", 0.5) == 4.0
    assert reader.last("no such column") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(COLUMNS[1:]), st.floats(allow_nan=False), min_size=0), min_size=1, max_size=40
    )
)
def test_whatever_is_written_is_read_back(run: RunDir, rows: list[dict[str, float]]) -> None:
    writer = new_writer(run)
    for step, row in enumerate(rows):
        writer.row(step, row)
    reader = RunReader(run)
    assert len(reader) == len(rows)
    for name in COLUMNS[1:]:
        steps, values = reader.series(name)
        assert [(i, row[name]) for i, row in enumerate(rows) if name in row] == list(
            zip(steps.astype(int).tolist(), values.tolist(), strict=True)
        )


def test_torn_last_lines_wait_until_they_are_whole(run: RunDir) -> None:
    new_writer(run).row(0, {"train/loss": 1.0})
    with run.metrics_csv.open("a") as metrics, run.events_jsonl.open("a") as events:
        metrics.write("1,0.5,")
        events.write('{"type": "mar')
        metrics.flush(), events.flush()
        reader = RunReader(run)
        assert (len(reader), reader.events) == (1, [])
        metrics.write("0.25,\n")
        events.write('ked", "step": 1}\n')
    assert reader.refresh()
    assert reader.series("test/loss")[1].tolist() == [0.25]
    assert reader.of_type("marked") == [{"type": "marked", "step": 1}]


def test_resuming_cuts_rows_past_the_checkpoint(run: RunDir) -> None:
    writer = new_writer(run)
    writer.begin(0, {})
    for step in (0, 1, 5, 9):
        writer.row(step, {"train/loss": float(step)})
    reader = RunReader(run)
    writer.close()
    with run.metrics_csv.open("a") as metrics:
        metrics.write("12,0.")
    again = RunWriter(run, COLUMNS, checkpoint={"step": 5, "seq": 1})
    again.begin(5, {})
    again.row(9, {"train/loss": 99.0})
    assert run.metrics_csv.read_text().splitlines()[1:] == ["0,0.0,,", "1,1.0,,", "5,5.0,,", "9,99.0,,"]
    assert reader.refresh()
    assert reader.series("train/loss")[1].tolist() == [0, 1, 5, 99]


def test_a_reader_shows_only_what_is_still_true(run: RunDir) -> None:
    writer, reader = new_writer(run), RunReader(run)
    writer.event("phase", 3, phase="memorized", after=2)
    kept = writer.seq
    writer.event("steered", 4, key="optim.lr", old=1.0, new=0.5, request="a")
    reader.refresh()
    assert [event["type"] for event in reader.events] == ["phase", "steered"]
    with run.events_jsonl.open("a") as events:
        events.write('{"seq": 3, "type": "che')
    again = RunWriter(run, COLUMNS, checkpoint={"step": 3, "seq": kept})
    again.begin(3, {})
    again.event("phase", 7, phase="grokked", after=6)
    reader.refresh()
    expected = [("phase", 3), ("resumed", 3), ("phase", 7)]
    assert [(event["type"], event["step"]) for event in reader.events] == expected
    assert [(event["type"], event["step"]) for event in RunReader(run).events] == expected


def test_requests_are_seen_once_and_in_order(run: RunDir) -> None:
    tail = Tail(run.commands_jsonl, from_end=True)
    first = requests.send(run, "steer", set={"optim.lr": 0.1})
    requests.send(run, "mark", label="here")
    assert [request["op"] for request in tail()] == ["steer", "mark"]
    assert tail() == []
    assert Tail(run.commands_jsonl)()[0]["id"] == first


def test_lines_that_are_no_objects_are_passed_over(run: RunDir) -> None:
    run.commands_jsonl.write_text('nonsense\n[1]\n{"op": "stop"}\n')
    assert Tail(run.commands_jsonl)() == [{"op": "stop"}]


def test_run_json_is_never_half_written(run: RunDir) -> None:
    for i in range(20):
        run.update_info(progress={"step": i})
        assert json.loads(run.run_json.read_text())["progress"] == {"step": i}
    assert [path.name for path in run.path.iterdir() if path.name.startswith(".run")] == []
    assert stat.S_IMODE(run.run_json.stat().st_mode) == 0o644


def test_only_one_engine_holds_a_run(run: RunDir) -> None:
    lock = run.acquire()
    assert run.is_held()
    with pytest.raises(RunHeld, match="held by another engine"):
        run.acquire(patience=0.05)
    os.close(lock)
    assert not run.is_held()


def test_a_run_whose_engine_died_reads_as_interrupted(run: RunDir) -> None:
    holder = "import sys; from pathlib import Path; from grok_tui.store.rundir import RunDir\n"
    holder += "lock = RunDir(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        run.update_info(status="running")
        assert run.info()["status"] == "running"
        process.kill()
        process.wait()
    assert run.info()["status"] == "interrupted"


def test_checkpoints_come_back_exactly(run: RunDir) -> None:
    tensors = {"weights/W": torch.randn(3, 4), "rng": torch.arange(5, dtype=torch.uint8)}
    for step in (3, 12):
        checkpoints.save(run.checkpoint(step), Checkpoint(tensors, {"step": step, "steered": {"optim.lr": 0.1}}))
    step, (loaded,) = checkpoints.newest_common([run], run.id)
    assert (step, loaded.meta) == (12, {"step": 12, "steered": {"optim.lr": 0.1}})
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("damage", [b"", b"garbage", None], ids=["empty", "garbage", "cut"])
def test_a_damaged_checkpoint_is_passed_over(run: RunDir, damage: bytes | None) -> None:
    for step in (3, 12):
        checkpoints.save(run.checkpoint(step), Checkpoint({"w": torch.ones(100)}, {"step": step}))
    whole = run.checkpoint(12).read_bytes()
    run.checkpoint(12).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert checkpoints.newest_common([run], run.id)[0] == 3


def test_a_checkpoint_that_is_a_link_is_none(run: RunDir, tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "outside", Checkpoint({"w": torch.ones(1)}, {"step": 5}))
    run.checkpoint(5).symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="no whole checkpoint"):
        checkpoints.newest_common([run], run.id)


def test_listing_names_and_skips_what_is_no_run(run: RunDir) -> None:
    root = run.path.parent
    (root / "empty").mkdir()
    for name, text in (
        ("torn", '{"schema": 1, "st'),
        ("foreign", "[1, 2]"),
        ("newer", '{"schema": 99, "status": "x"}'),
    ):
        (root / name).mkdir()
        (root / name / "run.json").write_text(text)
    (root / "file.txt").write_text("hello")
    found, skipped = runs.listed(root)
    assert [item.id for item, _ in found] == [run.id]
    assert len(skipped) == 4
    assert all(any(name in line for line in skipped) for name in ("empty", "torn", "foreign", "newer"))


def test_finding_a_run(run: RunDir) -> None:
    root = run.path.parent
    other = create(root, presets.load_preset("linear"), preset="linear", name="second")
    other.update_info(started="2999-01-01")
    assert runs.find("latest", root).id == other.id
    assert runs.find(run.id, root).id == run.id
    assert runs.find(run.id[-4:], root).id == run.id
    assert runs.find(str(run.path), Path("elsewhere")).id == run.id
    with pytest.raises(UsageError, match="names 2 runs"):
        runs.find("20", root)
    with pytest.raises(UsageError, match="no such run"):
        runs.find("zzz", root)
    with pytest.raises(UsageError, match="no runs in"):
        runs.find("latest", root / "none")


def test_only_the_newest_are_read(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    root = run.path.parent
    for i in range(1, 8):
        (root / f"2020-01-0{i}_000000_old").mkdir()
        (root / "1-no-date").mkdir(exist_ok=True)
    found, skipped = runs.listed(root, newest=1)
    assert ([one.id for one, _ in found], skipped) == ([run.id], [])


def test_a_run_that_trains_is_not_removed(run: RunDir) -> None:
    lock = run.acquire()
    run.update_info(status="running")
    with pytest.raises(RunHeld, match="still training"):
        runs.remove(run)
    os.close(lock)
    assert runs.remove(run) == run.id
    assert not run.path.exists()


def test_a_seed_knows_its_whole_run(tmp_path: Path) -> None:
    run = create(tmp_path, presets.load_preset("kumar-poly"), preset="kumar-poly", seeds=[3, 4])
    assert (run.whole(), run.seed(5).whole()) == (None, None)
    whole = run.seed(4).whole()
    assert whole is not None
    assert whole.path == run.path
    lock = run.acquire()
    assert run.seed(3).is_held()
    os.close(lock)
    assert not run.seed(3).is_held()
    assert run.size() > run.seed(3).size() > 1000


def test_nothing_is_left_of_a_run_that_could_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "write_info", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        create(tmp_path / "runs", presets.load_preset("kumar-poly"), preset="kumar-poly", seeds=[3, 4])
    assert list((tmp_path / "runs").iterdir()) == []


def test_events_in_words() -> None:
    said = {
        "memorised": {"type": "phase", "phase": "memorized"},
        "optim.lr 0.008 -> 1.6e-5 by the schedule": {
            "type": "steered", "key": "optim.lr", "old": 0.008, "new": 1.6e-5, "by": "schedule",
        },
        "pace 20 steps per second": {"type": "paced", "pace": 20.0},
        "full speed": {"type": "paced", "pace": 0.0},
        "": {"type": "checkpoint", "why": "log-spaced"},
        "saved: marked": {"type": "checkpoint", "why": "marked"},
        "resumed on cpu": {"type": "resumed", "used": {"device": "cpu"}},
        "branched from x at step 7": {"type": "branched", "parent": {"run": "x", "step": 7}},
        "train.steps 1,000 -> 20,000": {"type": "extended", "old": 1000, "new": 20000},
        "stopped": {"type": "stopped"},
    }  # fmt: skip
    for text, event in said.items():
        assert describe({"step": 3, **event}) == text


def test_runs_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not a directory"):
        check_runs_dir(tmp_path / "file" / "runs")
    with pytest.raises(UsageError, match="cannot be written"):
        check_runs_dir(Path("/proc/runs"))
    check_runs_dir(tmp_path / "a" / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_rows_that_are_no_numbers_are_passed_over(run: RunDir) -> None:
    run.metrics_csv.write_text(",".join(COLUMNS) + "\n0,1.0,2.0,\n1,what,2.0,\n2,3.0,,\n3,4.0\n")
    assert RunReader(run).series("train/loss")[1].tolist() == [1.0, 3.0]


def test_a_large_run_opens(run: RunDir) -> None:
    lines = "\n".join(f"{i},{1 / (i + 1)!r},{2 / (i + 1)!r}," for i in range(50_000))
    run.metrics_csv.write_text(",".join(COLUMNS) + "\n" + lines + "\n")
    reader = RunReader(run)
    assert len(reader) == 50_000
    assert reader.series("test/loss")[1][-1] == 2 / 50_000
    assert reader.series("kernel/drift")[0].size == 0
