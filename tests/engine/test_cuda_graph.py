"""Captured steps, through the interface that CUDA has, with a capture that repeats Python instead of kernels."""

from __future__ import annotations

import pytest
import torch

from captured import hold_knobs_in_tensors
from grok_tui.config.fields import replace
from grok_tui.engine.backend import Backend, choose
from grok_tui.engine.cuda_graph import LOT, WARM_UP, Replay
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.engine.seed import Seed
from grok_tui.engine.steppers import Batched
from small import small

CPU = torch.device("cpu")
GRAPH = Backend(steps="graph")


def test_steps_are_warm_ups_then_lots_then_a_rest() -> None:
    said: list[str] = []

    def capture(work):  # type: ignore[no-untyped-def]
        said.append("capture")
        return lambda: said.append("lot")

    replay = Replay(lambda: said.append("step"), capture)
    replay(2)
    replay(1 + 2 * LOT + 5)
    assert said == ["step"] * WARM_UP + ["capture", "lot", "lot"] + ["step"] * 5
    replay(LOT)
    assert (said[-1], replay.captures) == ("lot", 1)
    replay.forget()
    replay(3)
    assert replay.captures == 1, "nothing to capture for"
    replay(LOT)
    assert replay.captures == 2


def captured(config) -> GradientLearner:  # type: ignore[no-untyped-def]
    """A learner as on CUDA: knobs in tensors, steps captured; what is captured is Python here."""
    learner = GradientLearner(config, CPU, GRAPH)
    assert learner.replay is not None
    learner.replay.capture = lambda work: work
    hold_knobs_in_tensors(learner.net.optimizer)
    return learner


def test_steering_needs_no_new_capture_and_alpha_does() -> None:
    config = small("modadd-fast", "train.dtype=float64")
    ours, plain = captured(config), GradientLearner(config, CPU, Backend())
    turns = [
        ({}, 1),
        ({"optim.lr": 1e-3, "optim.weight_decay": 0.3, "optim.beta1": 0.5}, 1),
        ({"model.alpha": 2.0}, 2),
        ({"optim.hold_norm": 3.0}, 3),
    ]
    for sets, captures in turns:
        config = replace(config, sets)
        for learner in (ours, plain):
            learner.set_knobs(config)
            learner.advance(2 * LOT + 3)
        assert ours.replay is not None
        assert ours.replay.captures == captures
        for name, w in plain.weights.items():
            torch.testing.assert_close(ours.weights[name], w, rtol=1e-9, atol=1e-12)


def test_a_row_between_captured_steps_changes_none() -> None:
    config = small("modadd-fast", "train.dtype=float64")
    seen, unseen = captured(config), captured(config)
    for _ in range(3):
        seen.prepare()
        seen.evaluate()
        seen.advance(LOT + 1)
        unseen.advance(LOT + 1)
    assert all(torch.equal(seen.weights[name], w) for name, w in unseen.weights.items())


def test_a_batch_of_seeds_is_captured_as_one_and_each_norm_is_held_of_its_own() -> None:
    configs = [small("modadd-fast", "train.dtype=float64", f"train.seed={seed}") for seed in range(3)]
    seeds = [Seed(config, GradientLearner(config, CPU, GRAPH)) for config in configs]
    alone = [GradientLearner(config, CPU, Backend()) for config in configs]
    batch = Batched(seeds)
    assert batch.replay is not None
    batch.replay.capture = lambda work: work
    hold_knobs_in_tensors(batch.net.optimizer)
    held = [[{"optim.hold_norm": norm + more} for norm in (3.0, 4.0, 5.0)] for more in (0, 1)]
    for sets, captures in zip(([{}] * 3, [{"optim.lr": 1e-3}] * 3, *held), (1, 1, 2, 2), strict=True):
        for seed, learner, change in zip(seeds, alone, sets, strict=True):
            seed.config = replace(seed.config, change)
            seed.learner.set_knobs(seed.config)
            learner.set_knobs(seed.config)
        batch.set_knobs(seeds)
        batch.advance(LOT + 4, seeds)
        for learner in alone:
            learner.advance(LOT + 4)
        assert batch.replay.captures == captures
    for seed, other in zip(seeds, alone, strict=True):
        assert isinstance(seed.learner, GradientLearner)
        assert seed.learner.steps == other.steps
        for name, w in other.weights.items():
            torch.testing.assert_close(seed.learner.weights[name], w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("device", "steps", "products"), [("cuda", "graph", "torch"), ("mps", "eager", "torch")])
def test_backends_of_other_devices(device: str, steps: str, products: str) -> None:
    backend = choose(torch.device(device))
    assert (backend.steps, backend.products, backend.gradient) == (steps, products, "autograd")
    assert choose(torch.device(device), "plain") == Backend()
