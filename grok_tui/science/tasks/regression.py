"""Tasks whose targets are real numbers, computed by a teacher. x and y are float64."""

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Generator

from ..models.network import dense
from .data import Data, split


def polynomial(
    generator: Generator, *, d: int, n_train: int, n_test: int, target_scale: float, tolerance: float = 0.0
) -> Data:
    """y = target_scale * (beta . x)^2, (m, 1), with x ~ N(0, I/d), (m, d), and beta ~ N(0, I), kept as `teacher`.

    Kumar et al. 2024, arXiv 2310.06110, equation 3: target_scale 1/2, or 1 in figure 3.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64) / d**0.5
    beta = torch.randn(d, generator=generator, dtype=torch.float64)
    y = target_scale * (x @ beta).square().unsqueeze(1)
    return replace(split(x, y, n_train, n_outputs=1), teacher=beta)


def linear_teacher(generator: Generator, *, d: int, n_train: int, n_test: int, tolerance: float = 0.0) -> Data:
    """y = T . x, (m, 1), with x ~ N(0, I), (m, d), and teacher weights T ~ N(0, 1 / 2d), (d,).

    Levi, Beck and Bar-Sinai 2024, arXiv 2310.16441.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64)
    teacher = torch.randn(d, 1, generator=generator, dtype=torch.float64) / (2 * d) ** 0.5
    return split(x, x @ teacher, n_train, n_outputs=1)


def teacher_student(
    generator: Generator,
    *,
    d: int,
    d_teacher: int,
    n_outputs: int,
    n_train: int,
    n_test: int,
    tolerance: float = 0.0,
) -> Data:
    """y = W3 tanh(W2 tanh(W1 x + b1) + b2) + b3, (m, n_outputs), with x ~ N(0, I), (m, d): a random tanh network.

    Its widths are d, d_teacher, d_teacher, n_outputs; its weights and biases are drawn as in torch.nn.Linear.
    Liu et al. 2022 (Omnigrok), arXiv 2210.01117; Kumar et al. 2024, arXiv 2310.06110, figure 8.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64)
    widths = (d, d_teacher, d_teacher, n_outputs)
    first, second, last = (dense(generator, *ends, init="torch") for ends in pairwise(widths))
    hidden = torch.tanh(torch.tanh(x @ first[0] + first[1]) @ second[0] + second[1])
    return split(x, hidden @ last[0] + last[1], n_train, n_outputs=n_outputs)
