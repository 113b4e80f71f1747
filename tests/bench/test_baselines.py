"""Ours and the baselines train the same network: their loss curves and kernels agree in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from grok_tui.bench.baselines import committee, embedding_mlp, kernel, transformer
from grok_tui.bench.benchmarks import BENCHMARKS
from grok_tui.bench.benchmarks.networks import COMMITTEE, MLP, TRANSFORMER, Case
from grok_tui.bench.candidates import Kernel, Learner, Seeds
from grok_tui.bench.records import PARTS
from grok_tui.config.schema import RunConfig
from small import small

STEPS = 12


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The candidates set their number of threads for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def double(preset: str, *sets: str) -> RunConfig:
    return small(preset, "train.dtype=float64", *sets)


def close(ours: list[float], baseline: list[float]) -> None:
    assert len(ours) == len(baseline) == STEPS
    assert ours == pytest.approx(baseline, rel=1e-9)
    assert ours[-1] < ours[0]


@pytest.mark.parametrize("case", [*TRANSFORMER, *MLP, *COMMITTEE], ids=lambda case: case.preset)
def test_both_sides_train_the_same_network(case: Case, tmp_path: Path) -> None:
    config, start = double(case.preset), tmp_path / "start"
    ours = Learner(config, 1)
    ours.save(start)
    baseline = case.baseline(start, config, 1)
    baseline.advance(STEPS)
    close(ours.curve(STEPS), baseline.curve())


def test_every_baseline_is_compared() -> None:
    assert {case.baseline for case in [*TRANSFORMER, *MLP, *COMMITTEE]} == {
        transformer.Training,
        embedding_mlp.Training,
        committee.Training,
    }
    assert tuple(BENCHMARKS) == PARTS


def test_seeds_start_the_baselines_stack_and_what_it_logs(tmp_path: Path) -> None:
    config = double("modadd-mlp")
    seeds = Seeds(config, 2, 1)
    baseline = embedding_mlp.Training(seeds.save(tmp_path), config, 1, budget=STEPS)
    baseline.advance(STEPS)
    for seed, losses in enumerate(torch.stack(baseline.train_losses).T.tolist()):
        close(Learner(double("modadd-mlp", f"train.seed={seed}"), 1).curve(STEPS), losses)
    row, first = Learner(config, 1).learner.evaluate(), baseline.log[0]
    for column, name in {"test/loss": "test_loss", "test/acc": "test_acc", "norm/weight": "weight_norm"}.items():
        assert row[column] == pytest.approx(float(first[name][0]), rel=1e-6)
    assert len(baseline.log) == STEPS
    assert seeds.advance(5) >= 5


@pytest.mark.parametrize("preset", ["modadd-mlp", "nanda"])
def test_the_kernel(preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, start, ours_in_file = double(preset, "measure.probe=6"), tmp_path / "start", tmp_path / "kernel"
    ours = Kernel(config, 1)
    ours.advance(1)
    ours.save(start)
    ours.save_kernel(ours_in_file)
    for bound in (kernel.LARGEST, 0.0):  # all outputs at once, and one by one
        monkeypatch.setattr(kernel, "LARGEST", bound)
        baseline = kernel.Kernel(start, config, 1)
        baseline.advance(1)
        assert baseline.distance(ours_in_file) < 1e-12


def test_the_baselines_program_trains_to_a_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = tmp_path / "start"
    Learner(double("modadd-mlp"), 1).save(start)
    embedding_mlp.main(str(start), '{"lr": 0.01, "weight_decay": 1, "beta2": 0.98}', "1", "7", "7")
    assert '"step": 7' in capsys.readouterr().out
