"""Nonlinearities phi, their derivatives, and both in the form that gradients written by hand need.

Source of the derivatives: calculus; each is tested against autograd. All functions are elementwise, of any shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """value(h) = phi(h) and slope(h) = phi'(h), each in new memory.

    over(h) = phi(h), written into h if phi' can be computed from phi(h) alone (relu, tanh), else in new memory (gelu).
    backward(grad, h) = grad * phi'(h), written into grad; pass h as it is after over(h).
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    over: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


def gelu_slope(h: Tensor) -> Tensor:
    """d/dh [h Phi(h)] = Phi(h) + h N(h); Phi and N are the standard normal's distribution function and density."""
    return (1 + torch.erf(h / sqrt(2))) / 2 + h * torch.exp(-h.square() / 2) / sqrt(2 * pi)


def relu_slope(h: Tensor) -> Tensor:
    """1 if h > 0, else 0: torch, too, takes 0 as the derivative at 0."""
    return (h > 0).to(h.dtype)


def tanh_slope(h: Tensor) -> Tensor:
    """1 - tanh(h)^2."""
    return 1 - torch.tanh(h).square()


def gelu_backward(grad: Tensor, h: Tensor) -> Tensor:
    """grad * (Phi(h) + h N(h)), from h itself."""
    return torch.ops.aten.gelu_backward.grad_input(grad, h, grad_input=grad)


def relu_backward(grad: Tensor, phi: Tensor) -> Tensor:
    """grad where phi > 0, else 0, from phi = relu(h): phi > 0 exactly if h > 0."""
    return torch.ops.aten.threshold_backward.grad_input(grad, phi, 0, grad_input=grad)


def tanh_backward(grad: Tensor, phi: Tensor) -> Tensor:
    """grad * (1 - phi^2), from phi = tanh(h)."""
    return torch.ops.aten.tanh_backward.grad_input(grad, phi, grad_input=grad)


ACTIVATIONS = {
    "gelu": Activation(F.gelu, gelu_slope, F.gelu, gelu_backward),
    "relu": Activation(F.relu, relu_slope, torch.relu_, relu_backward),
    "tanh": Activation(torch.tanh, tanh_slope, torch.tanh_, tanh_backward),
}
