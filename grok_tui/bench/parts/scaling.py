"""Steps a second against p, width and seeds: whether the cost grows faster than the work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from ...config.presets import load_preset
from ...config.schema import RunConfig
from .. import flops
from ..compare import alternate
from ..records import Bench, Measured, Note, Record, at_most
from ..sides import Side


@dataclass(frozen=True)
class Series:
    """One field of a preset in several sizes; `{}` in the sets stands for the size."""

    title: str
    preset: str
    sets: tuple[str, ...]
    sizes: tuple[int, ...]


SERIES = (
    Series("embedding MLP, p", "modadd-mlp", ("task.p={}",), (29, 59, 97, 139)),
    Series("embedding MLP, hidden units", "modadd-mlp", ("model.d_hidden={}",), (64, 256, 1024, 2048)),
    Series("one-layer transformer, p", "nanda", ("task.p={}",), (29, 59, 113)),
    Series("one-layer transformer, width", "modadd-transformer", ("model.d_embed={}",), (64, 128, 256, 512)),
)
SEEDS = (2, 4, 8, 16)


def run(bench: Bench) -> Iterator[Record]:
    """A table for each series, and one for seeds."""
    seconds = 0.4 if bench.quick else 1.5
    yield Note("work by formula, see transformer and mlp; cost: milliseconds a GFLOP")
    with Side("ours:Sizes", threads=bench.threads) as ours:
        for series in SERIES:
            bench.say(f"scaling: {series.title}")
            works, costs = [], []
            for size in series.sizes:
                sets = [text.format(size) for text in series.sets]
                speed = ours.ask("speed", series.preset, sets, seconds)[1]
                works.append(work(load_preset(series.preset, sets)))
                costs.append(1e3 / (speed * works[-1]))
                what = f"{series.title} {size}: {works[-1]:.3g} GFLOP, {costs[-1]:.3g} ms each"
                yield Measured(what, [speed], "steps/s")
            yield from growth(works, costs)
    yield from seeds_in_turn(bench)


def seeds_in_turn(bench: Bench) -> Iterator[Record]:
    """What a step costs each seed of many: the same steps of every number of seeds, in turn."""
    rounds, steps = (3, 30) if bench.quick else (9, 60)
    with ExitStack() as sides:
        about: dict[str, Any] = {"preset": "modadd-mlp", "threads": bench.threads}
        ours = {seeds: sides.enter_context(Side("ours:Seeds", seeds=seeds, **about)) for seeds in SEEDS}
        for side in ours.values():
            side.ask("advance", steps)

        def cost(seeds: int) -> float:
            took, taken = ours[seeds].ask("advance", steps)
            return 1e3 * took / (seeds * taken)

        bench.say(f"scaling: {rounds} rounds of seeds")
        found = alternate({str(seeds): partial(cost, seeds) for seeds in SEEDS}, rounds)
    for seeds in SEEDS:
        yield Measured(f"embedding MLP, {seeds} seeds", found[str(seeds)], "ms a seed-step")
    yield from growth(SEEDS, [median(found[str(seeds)]) for seeds in SEEDS])


def work(config: RunConfig) -> float:
    """GFLOP a step."""
    task, model = config.task, config.model
    count = flops.transformer if model.name == "transformer" else flops.embedding_mlp
    tokens = task.p + (task.n_tokens == 3)
    n = int(task.frac_train * task.p**2)
    return 1e-9 * count(n, tokens, task.n_tokens, model.d_embed, model.d_hidden, task.p)


def growth(works: Sequence[float], costs: Sequence[float]) -> Iterator[Record]:
    """time ~ work^k by least squares; and what a piece of work costs in the largest size, over the smallest."""
    x = [math.log(w) for w in works]
    y = [math.log(w * c) for w, c in zip(works, costs, strict=True)]
    mean_x, mean_y = (sum(values) / len(values) for values in (x, y))
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    yield Measured("  exponent of time in work", [covariance / sum((a - mean_x) ** 2 for a in x)])
    yield Measured("  cost of the largest / of the smallest", [costs[-1] / costs[0]], target=at_most(1))
