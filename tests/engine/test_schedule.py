"""When things are due, and that counting costs never depends on the clock."""

from __future__ import annotations

import itertools
from math import log10

import pytest
import torch

from grok_tui.config.schema import RunConfig
from grok_tui.engine.devices import threads_for
from grok_tui.engine.learner import build_learner
from grok_tui.engine.op_cost import cost
from grok_tui.engine.schedule import FREE_A_DECADE, Schedule, Stream, next_on_grid
from grok_tui.engine.trainer import Trainer
from small import distinct, small


def grid(per_decade: int, max_gap: int, until: int) -> list[int]:
    steps = [0]
    while steps[-1] < until:
        steps.append(next_on_grid(steps[-1], per_decade, max_gap))
    return steps


def test_grid_is_log_spaced() -> None:
    assert grid(4, 10**9, 1000) == [0, 1, 2, 3, 6, 10, 18, 32, 56, 100, 178, 316, 562, 1000]
    assert len(grid(80, 10**9, 10_000)) < 4 * 80


def test_grid_rises_and_keeps_its_gap() -> None:
    steps = grid(80, 50, 20_000)
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert min(gaps) >= 1
    assert max(gaps) == 50
    assert steps[:20] == list(range(20))


def test_a_stream_keeps_to_its_share() -> None:
    stream = Stream(per_decade=80, max_gap=50, share=0.05, cost=FREE_A_DECADE / 4, free=FREE_A_DECADE)
    work = FREE_A_DECADE / 12  # of one step
    taken = [step for step in range(5000) if stream.is_due(step, work=step * work)]
    for i, step in enumerate(taken):
        beyond_free = i * stream.cost - FREE_A_DECADE * log10(1 + step)
        assert beyond_free <= 0.05 * (step * work + beyond_free) * (1 + 1e-9)
    assert stream.taken == len(taken)
    assert stream.skipped > 50


def test_what_is_free_is_spread_over_the_decades() -> None:
    stream = Stream(per_decade=80, max_gap=50, share=0.05, cost=FREE_A_DECADE / 5, free=FREE_A_DECADE)
    taken = [step for step in range(1000) if stream.is_due(step, work=0.0)]
    assert [sum(low <= step < 10 * low for step in taken) for low in (1, 10, 100)] == pytest.approx([5, 5, 5], abs=1)


def test_what_others_spent_counts() -> None:
    stream = Stream(per_decade=80, max_gap=50, share=0.05, cost=1.0)
    assert stream.is_due(0, work=0.0), "the first is free"
    assert not stream.is_due(100, work=100.0, elsewhere=5.0)
    stream.next_step = 0
    assert stream.is_due(100, work=100.0, elsewhere=0.0)


def test_costs_are_counts() -> None:
    a = torch.randn(64, 64)
    assert cost(lambda: a @ a) == cost(lambda: a @ a)
    assert cost(lambda: a @ a @ a) == pytest.approx(2 * cost(lambda: a @ a))
    assert cost(lambda: None) == 0


@pytest.mark.parametrize("preset", distinct())
def test_planning_leaves_the_learner_as_it_was(preset: str) -> None:
    config: RunConfig = small(preset)
    trainer = Trainer(config, torch.device("cpu"))
    again = Trainer(config, torch.device("cpu"))
    assert trainer.schedule.rows.cost == again.schedule.rows.cost > 0
    fresh, planned = build_learner(config, torch.device("cpu")).state(), trainer.learner.state()
    assert set(fresh) == set(planned)
    assert all(torch.equal(fresh[name], tensor) for name, tensor in planned.items())


def test_threads_follow_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert [threads_for(cost) for cost in (0.0, 2e-4, 1.3e-3, 1.5e-3, 1.0)] == [1, 1, 1, 2, 8]


def test_a_row_that_a_kernel_brings_is_charged_to_the_rows() -> None:
    rows, kernels = Stream(80, 50, 0.01, cost=1.0), Stream(20, 200, 0.5, cost=1e-4)
    schedule = Schedule(rows, kernels, step_cost=1e-2)
    due = []
    for step in range(1000):
        schedule.work = step * schedule.step_cost
        due.append(schedule.due(step, last=False))
    taken = sum(row for row, _ in due)
    assert rows.taken == taken
    assert rows.spent(999) <= 0.51 * (schedule.work + rows.spent(999))
    assert all(row for row, kernel in due if kernel)
    assert any(kernel for _, kernel in due[1:])
