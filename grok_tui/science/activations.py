"""Nonlinearities and their derivatives, which the closed-form kernels need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """phi and phi', elementwise; backward(signal, h) = signal * phi'(h), in one pass where torch has one."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


def gelu_slope(h: Tensor) -> Tensor:
    """d/dh [h Phi(h)] = Phi(h) + h N(h), Phi and N the standard normal's distribution and density."""
    return (1 + torch.erf(h / sqrt(2))) / 2 + h * torch.exp(-h.square() / 2) / sqrt(2 * pi)


def relu_slope(h: Tensor) -> Tensor:
    """1 where h > 0, else 0, as torch differentiates it."""
    return (h > 0).to(h.dtype)


def tanh_slope(h: Tensor) -> Tensor:
    """1 - tanh(h)^2."""
    return 1 - torch.tanh(h).square()


ACTIVATIONS = {
    "gelu": Activation(F.gelu, gelu_slope, torch.ops.aten.gelu_backward),
    "relu": Activation(F.relu, relu_slope, lambda signal, h: torch.ops.aten.threshold_backward(signal, h, 0)),
    "tanh": Activation(torch.tanh, tanh_slope, lambda signal, h: signal * tanh_slope(h)),
}
