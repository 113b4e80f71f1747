"""Numbers about a run: knobs as the optimizer holds them, times with their intervals."""

import json
from pathlib import Path
from typing import Any

import pytest

from grok_tui.config.steering import HOLD
from grok_tui.store.reader import RunReader
from grok_tui.verdict import verdict
from grok_tui.verdict.facts import facts
from grok_tui.verdict.series import Time, knobs_of, phases_of
from recorded import record


def steer(step: int, key: str, new: float, **optimizer: float) -> tuple[str, int, dict[str, Any]]:
    return "steered", step, {"key": key, "old": 0.0, "new": new, "optimizer": optimizer, "by": "request"}


def reader(
    runs: Path, preset: str, *events: tuple[str, int, dict[str, Any]], sets: list[str] | None = None
) -> RunReader:
    return RunReader(record(runs, preset, events=events, sets=sets))


def test_knobs_are_those_of_the_config_before_any_steering(tmp_path: Path) -> None:
    knobs = knobs_of(reader(tmp_path, "modadd-fast"))
    assert knobs["optim.lr"] == 8e-3
    assert knobs["optim.weight_decay"] == 1.0


def test_knobs_are_what_the_optimizer_holds_not_what_was_asked(tmp_path: Path) -> None:
    event = steer(100, "optim.weight_decay", 0.5, weight_decay=0.25, lr=0.00800000037997961, beta1=0.8, hold_norm=0.0)
    knobs = knobs_of(reader(tmp_path, "modadd-fast", event))
    assert knobs["optim.weight_decay"] == 0.25
    assert knobs["optim.beta1"] == 0.8
    assert knobs["optim.lr"] == 8e-3, "the digits beyond float32 are not said"


def test_what_was_asked_counts_if_the_event_does_not_say_what_is_held(tmp_path: Path) -> None:
    damaged = steer(200, "optim.lr", 2e-3, lr=float("nan"))
    assert knobs_of(reader(tmp_path, "modadd-fast", steer(100, "optim.lr", 4e-3)))["optim.lr"] == 4e-3
    assert knobs_of(reader(tmp_path, "modadd-fast", damaged))["optim.lr"] == 8e-3


@pytest.mark.parametrize("alpha", [0.5, 0.3, 8.0])
def test_the_field_lr_is_not_divided_by_alpha_squared(tmp_path: Path, alpha: float) -> None:
    """The optimizer holds lr / alpha^2. A change of alpha changes that, and leaves the field lr as it is."""
    event = steer(100, "model.alpha", alpha, lr=6e-5 / alpha**2, alpha=alpha, weight_decay=0.0)
    run = reader(tmp_path, "kumar-transformer", event, sets=["optim.lr=6e-5", "model.alpha=2"])
    assert run.config.optim.lr_over_alpha2
    assert knobs_of(run)["optim.lr"] == 6e-5
    assert knobs_of(run)["model.alpha"] == alpha
    assert facts(run).lr == pytest.approx(6e-5 / alpha**2)


def test_knobs_before_a_step(tmp_path: Path) -> None:
    run = reader(tmp_path, "modadd-fast", steer(100, HOLD, 50.0, hold_norm=50.0), steer(300, HOLD, 0.0, hold_norm=0.0))
    assert [knobs_of(run, before=step)[HOLD] for step in (100, 101, 300, 301)] == [0, 50, 50, 0]


def test_what_is_no_field_of_the_run_is_no_knob(tmp_path: Path) -> None:
    run = reader(tmp_path, "modadd-fast", steer(100, "norm", 40.0, momentum=0.9), steer(200, "optim.nonsense", 1.0))
    assert not {"norm", "optim.momentum", "optim.nonsense"} & set(knobs_of(run))


def test_phases_with_and_without_an_interval(tmp_path: Path) -> None:
    events = [("phase", 32, {"phase": "memorized", "after": 31}), ("phase", 772, {"phase": "grokked", "after": 758})]
    phases = phases_of(RunReader(record(tmp_path, events=events)))
    assert phases.mem == Time(32, 31)
    assert phases.grok == Time(772, 758)
    assert (phases.t_mem, phases.t_grok, phases.delay) == (32, 772, 740)
    assert [phases.mem.width, phases.grok.width, Time(9).width, Time(0, 0).width] == [0, 13, 0, 0]


DAMAGED: list[dict[str, Any]] = [
    {"type": "steered"},
    {"type": "steered", "step": "x", "key": "optim.lr", "new": 1.0},
    {"type": "steered", "step": 5, "key": ["optim.weight_decay"], "optimizer": [1]},
    {"type": "steered", "step": 5, "key": "optim.weight_decay", "old": None, "new": "x", "optimizer": {"lr": "y"}},
    {"type": "steered", "step": 5, "key": "norm", "new": 3.0},
    {"type": "phase", "phase": "memorized"},
    {"type": "phase", "step": None, "phase": "grokked"},
    {"type": "phase", "step": 7, "phase": ["grokked"], "after": "x"},
    {"type": "failed"},
]


@pytest.mark.parametrize("event", DAMAGED)
def test_a_damaged_event_changes_nothing(tmp_path: Path, event: dict[str, Any]) -> None:
    run = record(tmp_path, events=[("phase", 40, {"phase": "memorized"})])
    before = RunReader(run)
    with run.events_jsonl.open("a") as file:
        file.write(json.dumps(event) + "\n")
    after = RunReader(run)
    assert knobs_of(after) == knobs_of(before)
    assert verdict(after) == verdict(before)
