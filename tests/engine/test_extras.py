"""Measures that are asked for by name: in the rows, right, and no part of what is trained."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from grok_tui.config.measures import EXTRAS as DESCRIBED
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.engine.measures import EXTRAS
from small import small
from training import CPU, events, rows, train

ASKED = {
    "twin": "kumar-twin",
    "regression": "kumar-twin",
    "decomposition": "kumar-poly",
    "spectrum": "modadd-fast",
    "angle": "modadd-fast",
    "fourier": "modadd-fast",
    "bits": "parity",
}


def test_every_measure_of_the_config_is_tried_here() -> None:
    assert set(ASKED) == set(DESCRIBED)
    assert set(EXTRAS) == set(DESCRIBED) - {"spectrum"}


@pytest.mark.parametrize("name", ASKED)
def test_a_measure_fills_its_columns_and_changes_no_step(name: str) -> None:
    plain = small(ASKED[name], "train.steps=30", "measure.also=")
    trainer, records = train(small(ASKED[name], "train.steps=30", f"measure.also={name}"))
    new = set(trainer.columns) - set(train(plain)[0].columns)
    assert new == set(DESCRIBED[name].columns)
    last = rows(records)[-1].values
    assert all(math.isfinite(last[column]) for column in new - {"angle/mem"})
    assert last["train/loss"] == rows(train(plain)[1])[-1].values["train/loss"]


def learner(preset: str, *sets: str) -> Any:
    return GradientLearner(small(preset, *sets), CPU)


def test_the_twin_starts_with_the_network_and_leaves_it() -> None:
    _, records = train(small("kumar-twin", "train.steps=200"))
    first, last = rows(records)[0].values, rows(records)[-1].values
    assert first["twin/train_loss"] == pytest.approx(first["train/loss"])
    assert last["twin/train_loss"] < first["twin/train_loss"]
    assert last["twin/test_loss"] != pytest.approx(last["test/loss"], rel=1e-3)


def test_the_twin_of_a_linear_model_is_the_model() -> None:
    _, records = train(small("linear", "train.steps=100", "measure.also=twin,regression", "train.dtype=float64"))
    for row in rows(records):
        assert row.values["twin/test_loss"] == pytest.approx(row.values["test/loss"], rel=1e-9)


def test_regression_with_many_outputs_is_the_limit_of_the_full_kernel() -> None:
    found = learner("kumar-adamw", "train.dtype=float64")
    data = found.data
    from grok_tui.science.kernel import empirical_ntk_full

    x = torch.cat([data.train_x, data.test_x])
    n, c = len(data.train_x), data.n_outputs
    kernel = empirical_ntk_full(found.model, found.weights_0, x).reshape(len(x) * c, len(x) * c)
    predicted = kernel[n * c :, : n * c] @ torch.linalg.solve(kernel[: n * c, : n * c], data.train_y.reshape(-1))
    oracle = (predicted - data.test_y.reshape(-1)).square().mean()
    assert found.evaluate()["k0/test_loss"] == pytest.approx(oracle.item(), rel=1e-4)


def test_the_three_terms_add_up_to_the_test_loss() -> None:
    _, records = train(small("kumar-poly", "train.steps=300", "measure.also=decomposition", "task.n_test=20000"))
    for row in (rows(records)[0].values, rows(records)[-1].values):
        total = sum(row[column] for column in DESCRIBED["decomposition"].columns)
        assert total == pytest.approx(row["test/loss"], rel=0.05)


ANGLE = ("train.steps=60", "measure.also=angle", "phase.train_acc=0.5", "measure.budget=0.9")


def test_angles_count_from_init_and_from_t_mem() -> None:
    _, records = train(
        small("modadd-fast", "train.steps=60", "measure.also=angle", "phase.train_acc=0.5", "measure.budget=0.9")
    )
    (phase,) = events(records, "phase")[:1]
    at = {row.step: row.values for row in rows(records)}
    assert at[0]["angle/init"] == 0
    assert "angle/mem" not in at[phase.step]  # measured before the phase was seen
    after = [row for step, row in at.items() if step > phase.step]
    assert 0 < after[0]["angle/mem"] < after[-1]["angle/mem"]
    assert after[-1]["angle/init"] > 0


def test_squared_norm_is_the_norm_squared() -> None:
    _, records = train(small("modadd-fast", "train.steps=20"))
    for row in rows(records):
        assert row.values["norm/V"] == pytest.approx(row.values["norm/weight"] ** 2, rel=1e-6)


def test_velocity_is_the_turn_since_the_last_kernel_a_step() -> None:
    from grok_tui.engine.records import Kernel
    from grok_tui.science.kernel import distance

    _, records = train(small("modadd-fast", "train.steps=12", "measure.kernel_per_decade=3", "measure.budget=0.9"))
    kernels = {record.step: record.matrix for record in records if isinstance(record, Kernel)}
    measured = [row.step for row in rows(records) if "kernel/velocity" in row.values]
    for before, step in pairwise(measured):
        if before in kernels and step in kernels:
            row = next(row for row in rows(records) if row.step == step)
            turned = distance(kernels[step], kernels[before]) / (step - before)
            assert row.values["kernel/velocity"] == pytest.approx(turned.item(), rel=1e-4)
            break
    else:
        pytest.fail("no two kernels in a row were kept")


def test_bits_share_is_that_of_the_first_k_inputs() -> None:
    found = learner("parity", "measure.also=bits")
    w = found.weights["W1"].detach()
    assert found.evaluate()["bits/share"] == pytest.approx((w[:3].square().sum() / w.square().sum()).item(), rel=1e-6)
