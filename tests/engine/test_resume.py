"""Going on after a crash, through the files of a run directory: nothing differs from a run never stopped."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from grok_tui.engine import resume as resume_module
from grok_tui.engine.thread import TrainerThread
from grok_tui.errors import FINISHED, UsageError
from grok_tui.store.branch import branch
from grok_tui.store.jsonl import append_line
from grok_tui.store.requests import send
from grok_tui.store.rundir import RunDir, create
from grok_tui.store.timeline import answered, history, still_true
from small import small

STEERING = [
    {"lr": "/2"}, {"wd": 0.0}, {"wd": 2.0}, {"hold_norm": "x1"}, {"alpha": 1.5}, {"hold_norm": 0}, {"norm": "x0.9"},
    {"lr": "x2"}, {"beta1": 0.8}, {"wd": "/4"},
]  # fmt: skip


ASKED = {11 + 9 * i: {"id": f"r{i}", "op": "steer", "set": change} for i, change in enumerate(STEERING)}
ASKED[60] = {"id": "mark", "op": "mark", "label": "here"}


def ask_at_fixed_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine is asked, at its step, for what no engine of the run has answered yet."""
    monkeypatch.setattr("grok_tui.engine.clock.CHUNK_SECONDS", 0.0)  # one step per chunk: requests act at their step
    open_trainer = resume_module.open_trainer

    def opened(run: RunDir, requests: Any, *, resume: bool) -> Any:
        trainer, metas = open_trainer(run, requests, resume=resume)
        known = answered(run)
        left = {step: request for step, request in ASKED.items() if request["id"] not in known}
        trainer.requests = lambda: [left.pop(step) for step in list(left) if step <= trainer.step]
        return trainer, metas

    monkeypatch.setattr(resume_module, "open_trainer", opened)


def steered_run(runs: Path, monkeypatch: pytest.MonkeyPatch, seeds: int, stepper: str | None) -> RunDir:
    """A run steered ten times and marked."""
    config = small("modadd-fast", "train.steps=140", "measure.kernel_per_decade=6")
    if stepper:
        monkeypatch.setattr("grok_tui.engine.run_state.choose_stepper", lambda *args: stepper)
    run = create(runs, config, preset="modadd-fast", device="cpu", seeds=range(seeds) if seeds > 1 else ())
    ask_at_fixed_steps(monkeypatch)
    assert train(run) == FINISHED
    return run


def train(run: RunDir, *, resume: bool = False) -> int:
    thread = TrainerThread(run, resume=resume)
    thread.run()
    if thread.error:
        raise thread.error
    return thread.exit_code


def parts(run: RunDir, seeds: int) -> list[RunDir]:
    return [run, *(run.seed(number) for number in range(seeds))] if seeds > 1 else [run]


def relative(file: Path) -> Path:
    """A file's path inside its run."""
    return Path(file.parent.name, file.name) if file.parent.name.startswith("seed_") else Path(file.name)


def crashed(run: RunDir, path: Path, appended: list[tuple[Path, Any]]) -> RunDir:
    """A copy of `run` as a crash leaves it after these events were appended; a row and an event are torn."""
    shutil.copytree(run.path, path, symlinks=True)
    copy = RunDir(path)
    for part in [copy, *(RunDir(seed) for seed in sorted(path.glob("seed_*")))]:
        events = [event for file, event in appended if path / relative(file) == part.events_jsonl]
        part.events_jsonl.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"seq": 9')
        saved = {event["step"] for event in still_true([], events) if event["type"] == "checkpoint"}
        for step in set(part.checkpoint_steps()) - saved:
            part.checkpoint(step).unlink()
        with part.metrics_csv.open("a") as file:
            file.write("141,0.1,0.")
        part.update_info(status="running")
    return copy


@pytest.mark.parametrize(("seeds", "stepper"), [(1, None), (3, "one by one"), (3, "threads"), (3, "batched")])
@pytest.mark.parametrize("coarse", [False, True])
def test_a_crash_after_any_event_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: int, stepper: str | None, coarse: bool
) -> None:
    """Crashed twice: the second time soon after the first resume."""
    if coarse:
        monkeypatch.setattr("grok_tui.engine.schedule.choose_spacing", lambda steps, costs: "coarse")
        monkeypatch.setattr("grok_tui.engine.schedule.ROWS_SHARE", 0.0)
    appended: list[tuple[Path, Any]] = []

    def append(path: Path, record: dict[str, Any]) -> None:
        appended.append((path, json.loads(json.dumps(record))))
        append_line(path, record)

    monkeypatch.setattr("grok_tui.store.run_writer.append_line", append)
    run = steered_run(tmp_path / "runs", monkeypatch, seeds, stepper)
    whole = {part.id: (part.metrics_csv.read_bytes(), told(part), part.info()["result"]) for part in parts(run, seeds)}
    steered = [event for event in history(run) if event["type"] == "steered"]
    assert len(steered) == len(STEERING)
    first_saved = next(i for i, (_, event) in enumerate(appended) if event["type"] == "checkpoint")
    log = list(appended)
    moments = random.Random(seeds).sample(range(first_saved + 2 * seeds, len(log)), 3)
    for at in moments:
        appended.clear()
        copy = crashed(run, tmp_path / f"at_{at}", log[:at])
        assert train(copy, resume=True) == FINISHED
        soon = min(7 * seeds, len(appended) // 2)
        before = appended[:soon]
        again = crashed(copy, tmp_path / f"again_{at}", log[:at] + before)
        assert train(again, resume=True) == FINISHED
        for crash in (copy, again):
            for part in parts(crash, seeds):
                rows, events, result = whole[part.id if part.id in whole else run.id]
                assert part.metrics_csv.read_bytes() == rows, (at, part.path)
                assert part.info()["result"] == result
                assert told(part) == events


def told(run: RunDir) -> list[Any]:
    """What is true of a run, without what belongs to the lives of its engines."""
    kinds = ("phase", "steered", "marked", "finished")
    return [
        {k: v for k, v in event.items() if k not in ("seq", "time")} for event in history(run) if event["type"] in kinds
    ]


def test_an_emptied_csv_gets_its_header_again(tmp_path: Path) -> None:
    config = small("modadd-fast", "train.steps=40")
    for damage in ("empty", "gone", "headless"):
        run = create(tmp_path, config, preset="modadd-fast", device="cpu")
        train(run)
        header, *rows = run.metrics_csv.read_text().splitlines(keepends=True)
        if damage == "gone":
            run.metrics_csv.unlink()
        else:
            run.metrics_csv.write_text("" if damage == "empty" else "".join(rows))
        for step in run.checkpoint_steps():
            if step > 20:
                run.checkpoint(step).unlink()
        run.update_info(status="interrupted")
        train(run, resume=True)
        lines = run.metrics_csv.read_text().splitlines(keepends=True)
        assert lines[0] == header
        assert lines[1:] == (rows if damage == "headless" else [row for row in rows if int(row.split(",")[0]) > 18])
        assert any("lost its header" in str(event.get("message")) for event in history(run))


def test_requests_without_a_usable_id_are_refused_and_harmless(tmp_path: Path) -> None:
    config = small("modadd-fast", "train.steps=30")
    run = create(tmp_path, config, preset="modadd-fast", device="cpu")
    bad = [{"id": {"a": 1}, "op": "mark"}, {"id": 3, "op": "stop"}, {"op": "steer", "set": {"lr": [1]}}, {"id": "x"},
           {"id": "y", "op": ["steer"]}, {"id": "z", "op": "steer", "set": {"lr": {"a": "b"}, "wd": None}}]  # fmt: skip
    with run.commands_jsonl.open("a") as file:
        file.writelines(json.dumps(request) + "\n" for request in bad)
    assert train(run) == FINISHED
    assert len([event for event in history(run) if event["type"] == "refused"]) == len(bad)
    send(run, "mark", label="too late")
    for step in run.checkpoint_steps()[2:]:
        run.checkpoint(step).unlink()
    run.update_info(status="interrupted")
    assert train(run, resume=True) == FINISHED
    assert [event["reason"] for event in history(run) if event["type"] == "refused"][-1].startswith("the engine ended")


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_branch_goes_on_from_a_checkpoint_with_other_knobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: int
) -> None:
    run = steered_run(tmp_path, monkeypatch, seeds, None)
    monkeypatch.undo()
    at = max(step for step in parts(run, seeds)[-1].checkpoint_steps() if step < 100)
    twin, other = branch(run, tmp_path, {}, step=99), branch(run, tmp_path, {"wd": 0.25, "lr": "x2"}, step=99)
    for one in (twin, other):
        assert one.info()["parent"] == {"run": run.id, "step": at, "root": run.id, "depth": 0}
        assert one.info()["depth"] == 1
        assert train(one) == FINISHED
        assert history(one)[0]["type"] == "branched"
    for part, theirs in zip(parts(other, seeds), parts(run, seeds), strict=True):
        steered = [event for event in history(part) if event["type"] == "steered"]
        assert {event["step"] for event in steered} == {at}
        assert [event["new"] for event in steered] == [0.25, 2 * steered[1]["old"]]
        rows = part.metrics_csv.read_text().splitlines()
        assert rows[0] == theirs.metrics_csv.read_text().splitlines()[0]
        assert int(rows[1].split(",")[0]) > at
    same = parts(twin, seeds)[-1].metrics_csv.read_text().splitlines()[1]
    assert same in parts(run, seeds)[-1].metrics_csv.read_text().splitlines()
    for step in other.checkpoint_steps():
        if step > 120:
            other.checkpoint(step).unlink()
    whole = other.metrics_csv.read_bytes()
    other.update_info(status="interrupted")
    assert train(other, resume=True) == FINISHED
    assert other.metrics_csv.read_bytes() == whole
    with pytest.raises(UsageError, match="cannot be changed in this run"):
        branch(run, tmp_path, {"task.p": 7})
    with pytest.raises(UsageError, match="no checkpoint at or before step -1"):
        branch(run, tmp_path, {}, step=-1)
