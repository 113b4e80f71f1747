"""Steps per second against p, width and seeds: whether the cost grows faster than the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pytest
import torch

from grok_tui.bench.arithmetic import step_of
from grok_tui.bench.candidates import Learner, Seeds
from grok_tui.bench.records import alternate
from grok_tui.config.presets import load_preset
from grok_tui.engine import prepare_process
from measured import figure

pytestmark = pytest.mark.slow
prepare_process()
THREADS = torch.get_num_threads()
SECONDS, ROUNDS, STEPS = 1.5, 5, 60
SEEDS = (2, 4, 8, 16)


class Series(NamedTuple):
    """One field of a preset in several sizes."""

    title: str
    preset: str
    field: str
    sizes: tuple[int, ...]


SERIES = (
    Series("embedding MLP, p", "modadd-mlp", "task.p", (29, 59, 97, 139)),
    Series("embedding MLP, hidden units", "modadd-mlp", "model.d_hidden", (64, 256, 1024, 2048)),
    Series("one-layer transformer, p", "nanda", "task.p", (29, 59, 113)),
    Series("one-layer transformer, width", "modadd-transformer", "model.d_embed", (64, 128, 256, 512)),
)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(THREADS)


def speed(learner: Learner) -> float:
    """Steps per second, over SECONDS."""
    learner.advance(5)
    taken, begin = 0, perf_counter()
    while perf_counter() - begin < SECONDS:
        chunk = learner.clock.chunk
        learner.advance(chunk)
        taken += chunk
    return taken / (perf_counter() - begin)


def growth(works: Sequence[float], costs: Sequence[float]) -> None:
    """works: in any unit; costs: of one unit of work. The time is fitted by work^k."""
    exponent = np.polyfit(np.log(works), np.log(np.multiply(works, costs)), 1)[0]
    figure("  exponent of time in work", [float(exponent)], at_most=1.1)
    figure("  cost of work in the largest / in the smallest", [costs[-1] / costs[0]], at_most=1.1)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.title)
def test_time_grows_no_faster_than_the_arithmetic(series: Series) -> None:
    works, costs = [], []
    for size in series.sizes:
        config = load_preset(series.preset, [f"{series.field}={size}"])
        rate, work = speed(Learner(config, THREADS)), step_of(config)[0]
        works.append(work)
        costs.append(1e3 / (rate * work))
        figure(f"{series.title} {size}: {work:.3g} GFLOP, {costs[-1]:.3g} ms each", [rate], "steps/s")
    growth(works, costs)


def test_seeds_cost_no_more_together_than_alone() -> None:
    """The same steps of every number of seeds, in turn; rows and kernels included."""
    config = load_preset("modadd-mlp")
    ours = {seeds: Seeds(config, seeds, THREADS) for seeds in SEEDS}
    for side in ours.values():
        side.advance(STEPS)

    def cost(seeds: int) -> float:
        begin = perf_counter()
        taken = ours[seeds].advance(STEPS)
        return 1e3 * (perf_counter() - begin) / (seeds * taken)

    found = alternate({str(seeds): partial(cost, seeds) for seeds in SEEDS}, ROUNDS)
    for seeds in SEEDS:
        figure(f"embedding MLP, {seeds} seeds", found[str(seeds)], "ms per seed-step")
    growth(SEEDS, [median(found[str(seeds)]) for seeds in SEEDS])
