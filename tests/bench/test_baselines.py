"""Ours and the baselines train the same network: their loss curves and kernels agree in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from captured import hold_knobs_in_tensors
from grok_tui.bench.baselines import committee, embedding_mlp, kernel, transformer
from grok_tui.bench.options import committee_options, mlp_options, transformer_options
from grok_tui.bench.ours import Kernel, Learner, Seeds
from grok_tui.config.fields import replace
from grok_tui.config.presets import load_preset
from small import SMALL

STEPS = 12
SETS = ["train.dtype=float64"]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The sides set their number of threads for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def close(ours: list[float], baseline: list[float]) -> None:
    assert len(ours) == len(baseline) == STEPS
    assert ours == pytest.approx(baseline, rel=1e-9)
    assert ours[-1] < ours[0]


def small(preset: str, *sets: str) -> dict[str, Any]:
    return {"preset": preset, "sets": [*SMALL[preset], *SETS, *sets]}


def test_the_transformer(tmp_path: Path) -> None:
    about, start = small("nanda"), str(tmp_path / "start")
    ours = Learner(**about, threads=1)
    ours.save(start)
    baseline = transformer.Training(start, threads=1, **transformer_options(load_preset(*about.values())))
    baseline.advance(STEPS)
    close(ours.curve(STEPS), baseline.curve())


def test_the_embedding_mlp_and_what_it_logs(tmp_path: Path) -> None:
    about = small("modadd-mlp")
    seeds = Seeds(about["preset"], 2, 1, sets=about["sets"])
    options = mlp_options(load_preset(*about.values()))
    baseline = embedding_mlp.Training(seeds.save(str(tmp_path)), threads=1, budget=STEPS, **options)
    baseline.advance(STEPS)
    close(Learner(**about, threads=1).curve(STEPS), baseline.curve())
    learner = Learner(**about, threads=1).learner
    row, first = learner.evaluate(), baseline.log[0]
    for column, name in {"test/loss": "test_loss", "test/acc": "test_acc", "norm/weight": "weight_norm"}.items():
        assert row[column] == pytest.approx(float(first[name][0]), rel=1e-6)
    assert len(baseline.log) == STEPS


@pytest.mark.parametrize("preset", ["kumar-poly", "kumar-alpha"])
def test_the_committee_machine(preset: str, tmp_path: Path) -> None:
    about, start = small(preset), str(tmp_path / "start")
    ours = Learner(**about, threads=1)
    ours.save(start)
    baseline = committee.Training(start, threads=1, **committee_options(load_preset(*about.values())))
    baseline.advance(STEPS)
    close(ours.curve(STEPS), baseline.curve())


def test_captured_steps_are_compared_through_the_same_interface() -> None:
    eager, graph = (Learner(**small("modadd-mlp"), threads=1, steps=steps) for steps in ("eager", "graph"))
    assert graph.learner.replay
    graph.learner.replay.capture = lambda work: work
    hold_knobs_in_tensors(graph.learner.net.optimizer)
    graph.advance(100)
    assert graph.captures_after(0.5) == 1
    eager.advance(100)
    eager.learner.turn(replace(eager.config, {"optim.weight_decay": 0.5}))
    eager.advance(60)
    for name, w in eager.learner.weights.items():
        torch.testing.assert_close(graph.learner.weights[name], w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("preset", ["modadd-mlp", "nanda"])
def test_the_kernel(preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about, start = small(preset, "measure.probe=6"), str(tmp_path / "start")
    ours, config = Kernel(**about, threads=1), load_preset(*about.values())
    ours.save(start)
    ours.advance(1)
    ours.save_kernel(str(tmp_path / "kernel"))
    heads = config.model.n_heads if preset == "nanda" else 0
    for bound in (kernel.LARGEST, 0.0):  # all outputs at once, and one by one
        monkeypatch.setattr(kernel, "LARGEST", bound)
        baseline = kernel.Kernel(start, 6, 1, n_heads=heads, activation=config.model.activation)
        baseline.advance(1)
        assert baseline.distance(str(tmp_path / "kernel")) < 1e-12
    assert ours.distance(str(tmp_path / "kernel")) == 0
