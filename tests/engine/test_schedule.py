"""Which steps are measured, and that it depends neither on the clock nor on what else is measured."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from grok_tui.config.schema import Measure
from grok_tui.engine import devices
from grok_tui.engine.devices import threads_for
from grok_tui.engine.op_cost import cost
from grok_tui.engine.run_state import build_learner
from grok_tui.engine.schedule import SHORT_RUN, Costs, Schedule, Spacing, next_on_grid
from small import distinct, small
from training import CPU, events, rows, train

CHEAP, DEAR = Costs(1e-3, 1e-4, 1e-3), Costs(1e-3, 1.0, 1.0)


def row_steps(costs: Costs, steps: int, measure: Measure = Measure()) -> tuple[Schedule, list[int]]:  # noqa: B008
    schedule, found = Schedule.of(costs, measure, steps), []
    for step in range(steps + 1):
        schedule.work = step * costs.step
        if schedule.take(step, last=step == steps)[0]:
            schedule.last_row = step
            found.append(step)
    return schedule, found


def test_grid_is_log_spaced() -> None:
    steps = [0]
    while steps[-1] < 1000:
        steps.append(next_on_grid(steps[-1], 4, 10**9))
    assert steps == [0, 1, 2, 3, 6, 10, 18, 32, 56, 100, 178, 316, 562, 1000]


@pytest.mark.parametrize("steps", [1, 30, 100, SHORT_RUN])
def test_a_short_run_has_a_row_at_every_step(steps: int) -> None:
    schedule, found = row_steps(CHEAP, steps)
    assert schedule.spacing == "every step"
    assert found == list(range(steps + 1))


def test_a_long_run_has_rows_at_most_two_percent_apart() -> None:
    schedule, found = row_steps(CHEAP, 20_000)
    assert schedule.spacing == "fine"
    assert all(b - a <= max(1, 0.02 * b) for a, b in pairwise(found))


@pytest.mark.parametrize(("costs", "steps", "spacing"), [(DEAR, 20_000, "coarse"), (DEAR, 500, "coarse")])
def test_dear_rows_are_coarse_but_forty_per_decade(costs: Costs, steps: int, spacing: Spacing) -> None:
    schedule, found = row_steps(costs, steps)
    assert schedule.spacing == spacing
    for low in (10, 100, 1000):
        if 10 * low <= steps:
            assert sum(low <= step < 10 * low for step in found) >= 40
    assert sum(1 <= step < 10 for step in found) == 9


def test_rows_and_kernels_beyond_the_required_keep_to_the_budget() -> None:
    costs, steps = Costs(1e-2, 2e-2, 0.1), 30_000
    schedule, found = row_steps(costs, steps, Measure(per_decade=1000, max_gap=20, budget=0.02))
    required = row_steps(costs, steps, Measure(per_decade=1, max_gap=10**6, budget=1e-9))[1]
    assert set(found) - set(required)
    assert schedule.skipped["rows"] > 0
    assert schedule.skipped["kernels"] > 0
    spent = schedule.extra_rows * costs.row + schedule.kernels * costs.kernel
    assert spent <= 0.02 * (schedule.work + spent) + 0.3 + costs.kernel


@pytest.mark.parametrize("preset", distinct())
def test_counting_costs_leaves_the_learner_as_it_was(preset: str) -> None:
    config = small(preset)
    learner, fresh = build_learner(config, CPU), build_learner(config, CPU).state()
    assert learner.costs() == learner.costs()
    counted = learner.state()
    assert set(fresh) == set(counted)
    assert all(torch.equal(fresh[name], tensor) for name, tensor in counted.items())


ALSO = {"modadd-fast": "fourier,spectrum,angle", "kumar-poly": "twin,regression,decomposition", "parity": "bits,twin"}


@pytest.mark.parametrize(("preset", "also"), ALSO.items())
def test_other_measures_change_neither_steps_nor_values(preset: str, also: str) -> None:
    plain, more = (rows(train(small(preset, "train.steps=1200", f"measure.also={names}"))[1]) for names in ("", also))
    assert [row.step for row in plain] == [row.step for row in more]
    for a, b in zip(plain, more, strict=True):
        assert a.values == {name: b.values[name] for name in a.values}


THRESHOLDS = {
    "modadd-fast": ["phase.train_acc=0.7", "phase.test_acc=0.0", "phase.test_loss=2.0"],
    "parity-hinge": ["phase.train_acc=0.7", "phase.test_acc=0.0", "phase.test_loss=2.0"],
    "kumar-poly": ["phase.train_loss=0.4", "phase.test_loss=0.5"],
}


@pytest.mark.parametrize("seeds", [None, (0, 1, 2)])
@pytest.mark.parametrize("preset", THRESHOLDS)
def test_going_back_dates_a_phase_and_changes_no_step(
    preset: str, seeds: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dear rows: the same run, but for fewer rows, and phases as well dated as if rows were cheap."""
    config = small(preset, "train.steps=2500", *THRESHOLDS[preset])
    _, fine = train(config, seeds=seeds)
    monkeypatch.setattr("grok_tui.engine.schedule.choose_spacing", lambda steps, costs: "coarse")
    monkeypatch.setattr("grok_tui.engine.schedule.ROWS_SHARE", 0.0)
    trainer, coarse = train(config, seeds=seeds)
    assert trainer.schedule.is_coarse
    phases = events(coarse, "phase")
    assert phases
    for event in phases:
        assert event.step - event.data["after"] <= max(1, 0.02 * event.step)
    if seeds is None:
        theirs = {row.step: row.values for row in rows(fine)}
        common = [row for row in rows(coarse) if row.step in theirs]
        assert len(common) > 50
        for row in common:
            ours = {name: value for name, value in row.values.items() if not name.startswith("kernel/")}
            assert ours.items() <= theirs[row.step].items()


def test_costs_are_counts() -> None:
    a = torch.randn(64, 64)
    assert cost(lambda: a @ a) == cost(lambda: a @ a)
    assert cost(lambda: a @ a @ a) == pytest.approx(2 * cost(lambda: a @ a))
    assert cost(lambda: None) == 0


def test_threads_follow_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MACHINE_THREADS", 8)
    assert [threads_for(cost) for cost in (0.0, 2e-4, 1.3e-3, 1.5e-3, 1.0)] == [1, 1, 1, 2, 8]
