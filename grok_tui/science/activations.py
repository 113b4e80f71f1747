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
    """phi and phi', elementwise; for gradients by hand also with results written over what is no longer needed.

    over(h) = phi(h), where it can be written over h; backward(signal, h) = signal * phi'(h), written over the signal,
    with h as `over` has left it.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    over: Callable[[Tensor], Tensor]
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


def gelu_backward(signal: Tensor, h: Tensor) -> Tensor:
    """Needs h."""
    return torch.ops.aten.gelu_backward.grad_input(signal, h, grad_input=signal)


def relu_backward(signal: Tensor, phi: Tensor) -> Tensor:
    """phi > 0 where h > 0."""
    return torch.ops.aten.threshold_backward.grad_input(signal, phi, 0, grad_input=signal)


def tanh_backward(signal: Tensor, phi: Tensor) -> Tensor:
    """phi' = 1 - phi^2."""
    return torch.ops.aten.tanh_backward.grad_input(signal, phi, grad_input=signal)


ACTIVATIONS = {
    "gelu": Activation(F.gelu, gelu_slope, F.gelu, gelu_backward),
    "relu": Activation(F.relu, relu_slope, torch.relu_, relu_backward),
    "tanh": Activation(torch.tanh, tanh_slope, torch.tanh_, tanh_backward),
}
