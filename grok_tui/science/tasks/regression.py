"""Tasks with real targets, which a teacher gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Generator, Tensor

from .data import Data, split


def polynomial(
    generator: Generator, *, d: int, n_train: int, n_test: int, target_scale: float, tolerance: float = 0.0
) -> Data:
    """y = target_scale * (beta . x)^2 with x ~ N(0, I/d), beta ~ N(0, I); the data keep beta as `teacher`.

    Kumar et al. 2024, arXiv 2310.06110, equation 3: target_scale 1/2, or 1 in figure 3.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64) / d**0.5
    beta = torch.randn(d, generator=generator, dtype=torch.float64)
    y = target_scale * (x @ beta).square().unsqueeze(1)
    return replace(split(x, y, n_train, n_outputs=1), teacher=beta)


def linear_teacher(generator: Generator, *, d: int, n_train: int, n_test: int, tolerance: float = 0.0) -> Data:
    """y = T . x with x ~ N(0, I) and teacher weights T ~ N(0, 1 / 2d).

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
    """y = W3 tanh(W2 tanh(W1 x + b1) + b2) + b3 with x ~ N(0, I): the teacher is a tanh network with random weights.

    Its layers are d - d_teacher - d_teacher - n_outputs, drawn by `linear_layer`; y is real, (m, n_outputs).
    Liu et al. 2022 (Omnigrok), arXiv 2210.01117; Kumar et al. 2024, arXiv 2310.06110, figure 8.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64)
    widths = (d, d_teacher, d_teacher, n_outputs)
    first, second, last = (linear_layer(generator, *ends) for ends in pairwise(widths))
    hidden = torch.tanh(torch.tanh(x @ first[0] + first[1]) @ second[0] + second[1])
    return split(x, hidden @ last[0] + last[1], n_train, n_outputs=n_outputs)


def linear_layer(generator: Generator, fan_in: int, fan_out: int) -> tuple[Tensor, Tensor]:
    """Weight (fan_in, fan_out) and bias (fan_out,) with entries U(-b, b), b = 1/sqrt(fan_in), as torch's nn.Linear."""
    bound = fan_in**-0.5
    weight, bias = (
        bound * (2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1)
        for shape in ((fan_in, fan_out), (fan_out,))
    )
    return weight, bias
