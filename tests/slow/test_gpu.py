"""On a GPU: captured steps beside eager ones, many seeds in one batch, and the same numbers as on the CPU."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest
import torch

from grok_tui.bench.records import alternate, ratios
from grok_tui.config import fields
from grok_tui.config.presets import load_preset
from grok_tui.engine.backend import choose
from grok_tui.engine.cuda_graph import LOT
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.engine.trainer import Trainer
from measured import figure

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LOSSES, EVERY = 6, 20
"""How many losses are compared with those of float64 on the CPU, and the steps between them, which are captured."""


def learner(preset: str, device: torch.device, *sets: str, steps: str = "eager") -> GradientLearner:
    config = load_preset(preset, ["measure.probe=32", *sets])
    return GradientLearner(config, device, replace(choose(device), steps=steps))


def speed(one: GradientLearner, steps: int) -> float:
    one.advance(steps // 10)
    torch.cuda.synchronize()
    begin = perf_counter()
    one.advance(steps)
    torch.cuda.synchronize()
    return steps / (perf_counter() - begin)


@pytest.mark.parametrize("preset", ["nanda", "modadd-mlp"])
def test_captured_steps_are_fast_and_right(preset: str) -> None:
    eager, graph = (learner(preset, CUDA, steps=steps) for steps in ("eager", "graph"))
    found = alternate({"eager": lambda: speed(eager, 500), "graph": lambda: speed(graph, 8000)}, 5)
    figure(f"{preset}, eager", found["eager"], "steps/s")
    figure(f"{preset}, replayed", found["graph"], "steps/s")
    assert graph.replay is not None
    graph.set_knobs(fields.replace(graph.config, {"optim.weight_decay": 0.5}))
    graph.advance(3 * LOT)
    figure("captures, weight decay changed midway", [graph.replay.captures], at_most=1)
    exact, ours = learner(preset, CPU, "train.dtype=float64"), learner(preset, CUDA, steps="graph")
    kernels = [one.measure_kernel()[0].to(CPU, torch.float64) for one in (ours, exact)]
    apart = []
    for _ in range(LOSSES):
        mine, expected = (one.evaluate()["train/loss"] for one in (ours, exact))
        apart.append(abs(mine - expected) / expected)
        ours.advance(EVERY)
        exact.advance(EVERY)
    figure(f"loss against float64 on the CPU, {LOSSES * EVERY} steps", [max(apart)], at_most=1e-4)
    distance = torch.linalg.matrix_norm(kernels[0] - kernels[1]) / torch.linalg.matrix_norm(kernels[1])
    figure("kernel against float64 on the CPU, relative", [float(distance)], at_most=1e-5)
    figure("replayed / eager", ratios(found["graph"], found["eager"]), at_least=15)


@pytest.mark.parametrize("seeds", [64, 512])
def test_many_seeds_cost_little_more_than_one(seeds: int) -> None:
    alone = speed(learner("modadd-mlp", CUDA), 500)
    trainer = Trainer(load_preset("modadd-mlp"), CUDA, seeds=range(seeds))
    records, begin, start = iter(trainer), 0.0, 0
    for _ in records:
        if not start and trainer.step >= 100:
            begin, start = perf_counter(), trainer.step
        if start and trainer.step >= start + 1000:
            break
    rate = seeds * (trainer.step - start) / (perf_counter() - begin)
    figure(f"{seeds} seeds of modadd-mlp", [rate], "seed-steps/s")
    figure("over one run, eager", [rate / alone], at_least=150)
