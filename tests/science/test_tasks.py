"""The tasks: right answers, disjoint splits, the same data from the same seed."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from grok_tui.science.tasks import TASKS

OPTIONS = {
    "modular-addition": {"p": 11, "frac_train": 0.4},
    "parity": {"n": 12, "k": 3, "n_train": 50, "n_test": 60},
    "polynomial": {"d": 8, "n_train": 50, "n_test": 60, "target_scale": 0.5},
    "linear-teacher": {"d": 8, "n_train": 50, "n_test": 60},
}


def data(name: str, seed: int = 0):  # type: ignore[no-untyped-def]
    return TASKS[name](Generator().manual_seed(seed), **OPTIONS[name])


def test_every_task_is_tested() -> None:
    assert set(OPTIONS) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_same_seed_same_data_other_seed_other_data(name: str) -> None:
    assert torch.equal(data(name).train_x, data(name).train_x)
    assert not torch.equal(data(name).train_x, data(name, seed=1).train_x)


def test_modular_addition_splits_all_pairs() -> None:
    d = data("modular-addition")
    assert len(d.train_x) == int(0.4 * 121)
    pairs = {tuple(pair) for pair in torch.cat([d.train_x, d.test_x]).tolist()}
    assert len(pairs) == 121
    assert torch.equal(d.test_x.sum(dim=1) % 11, d.test_y)


def test_parity_is_the_product_of_the_first_k_bits() -> None:
    d = data("parity")
    assert set(d.train_x.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(d.test_y, (d.test_x[:, 0] * d.test_x[:, 1] * d.test_x[:, 2] == -1).long())


def test_polynomial_is_a_square_of_a_projection() -> None:
    """Half the square of one projection: y is fitted exactly by a rank-one quadratic form."""
    d = data("polynomial")
    x, y = torch.cat([d.train_x, d.test_x]), torch.cat([d.train_y, d.test_y])
    features = torch.einsum("ni,nj->nij", x, x).flatten(1)
    form = torch.linalg.lstsq(features, y, driver="gelsd").solution.view(8, 8)
    eigenvalues = torch.linalg.eigvalsh((form + form.T) / 2)
    assert eigenvalues[-1] > 0
    assert eigenvalues[:-1].abs().max() < 1e-8 * eigenvalues[-1]
    assert x.var().item() == pytest.approx(1 / 8, rel=0.2)


def test_linear_teacher_is_linear() -> None:
    d = data("linear-teacher")
    teacher = torch.linalg.lstsq(d.train_x, d.train_y).solution
    torch.testing.assert_close(d.test_x @ teacher, d.test_y)
