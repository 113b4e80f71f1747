"""The tasks: each draws its train and test examples from a seeded generator on the CPU.

A new task is one function here, its fields in config/schema.py, and one line in `TASKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Data:
    """Train and test examples.

    x: tokens, shape (m, positions) int64, or vectors, shape (m, d).
    y: class indices, shape (m,) int64, or real targets, shape (m, 1).
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    vocabulary: int
    """number of distinct tokens; 0 where x are vectors"""
    n_outputs: int
    """classes, or 1 for a real target"""

    def to(self, device: torch.device, dtype: torch.dtype) -> Data:
        """The same data on `device`, real numbers as `dtype`."""

        def move(t: Tensor) -> Tensor:
            return t.to(device, dtype if t.is_floating_point() else None)

        train, test = (move(self.train_x), move(self.train_y)), (move(self.test_x), move(self.test_y))
        return Data(*train, *test, self.vocabulary, self.n_outputs)


def modular_addition(generator: Generator, *, p: int, frac_train: float) -> Data:
    """(a, b) -> a + b mod p over all p^2 pairs, int(frac_train * p^2) of them drawn for training.

    Power et al. 2022, arXiv 2201.02177.
    """
    a, b = torch.meshgrid(torch.arange(p), torch.arange(p), indexing="ij")
    x, y = torch.stack([a.flatten(), b.flatten()], dim=1), ((a + b) % p).flatten()
    order = torch.randperm(p * p, generator=generator)
    train, test = order.tensor_split([int(frac_train * p * p)])
    return Data(x[train], y[train], x[test], y[test], vocabulary=p, n_outputs=p)


def parity(generator: Generator, *, n: int, k: int, n_train: int, n_test: int) -> Data:
    """x in {-1, +1}^n -> whether the product of the first k bits is -1; class 0 or 1.

    Which k bits carry the parity does not matter, since every network here starts symmetric in its inputs.
    Barak et al. 2022, arXiv 2207.08799.
    """
    x = torch.randint(0, 2, (n_train + n_test, n), generator=generator) * 2.0 - 1.0
    y = (x[:, :k].prod(dim=1) < 0).long()
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:], vocabulary=0, n_outputs=2)


def polynomial(
    generator: Generator, *, d: int, n_train: int, n_test: int, target_scale: float, tolerance: float = 0.0
) -> Data:
    """y = target_scale * (beta . x)^2 with x ~ N(0, I/d), beta ~ N(0, I).

    Kumar et al. 2024, arXiv 2310.06110, equation 3: target_scale 1/2, or 1 in figure 3.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64) / d**0.5
    beta = torch.randn(d, generator=generator, dtype=torch.float64)
    y = target_scale * (x @ beta).square().unsqueeze(1)
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:], vocabulary=0, n_outputs=1)


def linear_teacher(generator: Generator, *, d: int, n_train: int, n_test: int, tolerance: float = 0.0) -> Data:
    """y = T . x with x ~ N(0, I) and teacher weights T ~ N(0, 1 / 2d).

    Levi, Beck and Bar-Sinai 2024, arXiv 2310.16441.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64)
    teacher = torch.randn(d, 1, generator=generator, dtype=torch.float64) / (2 * d) ** 0.5
    y = x @ teacher
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:], vocabulary=0, n_outputs=1)


TASKS: dict[str, Callable[..., Data]] = {
    "modular-addition": modular_addition,
    "parity": parity,
    "polynomial": polynomial,
    "linear-teacher": linear_teacher,
}
