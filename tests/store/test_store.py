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
from grok_tui.store import checkpoints, requests, runs
from grok_tui.store.checkpoints import Checkpoint
from grok_tui.store.jsonl import Tail
from grok_tui.store.reader import RunReader
from grok_tui.store.run_writer import RunWriter
from grok_tui.store.rundir import RunDir, check_runs_dir, create

COLUMNS = ["step", "train/loss", "test/loss", "kernel/drift"]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return create(tmp_path / "runs", presets.load_preset("modadd-fast"), preset="modadd-fast")


def test_a_new_run_says_what_it_is(run: RunDir) -> None:
    info = run.info()
    assert run.id.split("_", 2)[2].startswith("modadd-fast_s0_")
    assert (info["preset"], info["seed"], info["depth"], info["root"]) == ("modadd-fast", 0, 0, run.id)
    assert run.config() == presets.load_preset("modadd-fast")


def test_rows_are_read_as_they_grow(run: RunDir) -> None:
    writer, reader = RunWriter(run, COLUMNS), RunReader(run)
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
    writer = RunWriter(run, COLUMNS)
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
    RunWriter(run, COLUMNS).row(0, {"train/loss": 1.0})
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
    writer = RunWriter(run, COLUMNS)
    for step in (0, 1, 5, 9):
        writer.row(step, {"train/loss": float(step)})
    reader = RunReader(run)
    writer.close()
    with run.metrics_csv.open("a") as metrics:
        metrics.write("12,0.")
    again = RunWriter(run, COLUMNS, resume_step=5)
    again.event("resumed", 5)
    again.row(9, {"train/loss": 99.0})
    assert run.metrics_csv.read_text().splitlines()[1:] == ["0,0.0,,", "1,1.0,,", "5,5.0,,", "9,99.0,,"]
    assert reader.refresh()
    assert reader.series("train/loss")[1].tolist() == [0, 1, 5, 99]


def test_resuming_tells_nothing_twice(run: RunDir) -> None:
    writer = RunWriter(run, COLUMNS)
    writer.event("phase", 3, phase="memorized")
    writer.event("steered", 4, key="optim.lr", old=1.0, new=0.5, request="a")
    with run.events_jsonl.open("a") as events:
        events.write('{"seq": 3, "type": "che')
    again = RunWriter(run, COLUMNS, resume_step=2)
    again.event("resumed", 2)
    again.event("phase", 3, phase="memorized")
    again.event("steered", 4, key="optim.lr", old=1.0, new=0.5)
    again.event("phase", 7, phase="grokked")
    events = [(event["type"], event["step"]) for event in RunReader(run).events]
    assert events == [("phase", 3), ("steered", 4), ("resumed", 2), ("phase", 7)]


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
    step, loaded = checkpoints.newest(run)
    assert (step, loaded.meta) == (12, {"step": 12, "steered": {"optim.lr": 0.1}})
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("damage", [b"", b"garbage" * 100, None])
def test_a_damaged_checkpoint_is_passed_over(run: RunDir, damage: bytes | None) -> None:
    for step in (3, 12):
        checkpoints.save(run.checkpoint(step), Checkpoint({"w": torch.ones(100)}, {"step": step}))
    whole = run.checkpoint(12).read_bytes()
    run.checkpoint(12).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert checkpoints.newest(run)[0] == 3


def test_no_checkpoint_is_said(run: RunDir) -> None:
    with pytest.raises(UsageError, match="no checkpoint to go on from"):
        checkpoints.newest(run)


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


def test_a_run_that_trains_is_not_removed(run: RunDir) -> None:
    lock = run.acquire()
    run.update_info(status="running")
    with pytest.raises(UsageError, match="still training"):
        runs.remove(run)
    os.close(lock)
    runs.remove(run)
    assert not run.path.exists()


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
