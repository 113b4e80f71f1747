"""What is minimised, and what counts as right."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(dtype: str = "float32") -> Loss:
    """Mean of -log softmax(outputs)[y], in nats, with the log-softmax taken in `dtype` or the outputs' own if finer.

    In float32 the loss of a right answer, and its pull on the right output, round to exactly 0 once the margin
    passes about 17 ("softmax collapse", Prieto et al. 2025, arXiv 2501.04697); float64 moves that to about 37.
    outputs: (m, classes); y: (m,) int64.
    """
    precise = getattr(torch, dtype)

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(outputs.to(torch.promote_types(precise, outputs.dtype)), y)

    return loss


def mse() -> Loss:
    """Mean over all examples and outputs of (outputs - y)^2, with no 1/2; classes become one-hot.

    outputs: (m, c); y: (m, c), or (m,) int64.
    """

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets(y, outputs.shape[1], outputs.dtype))

    return loss


LOSSES: dict[str, Callable[..., Loss]] = {"cross-entropy": cross_entropy, "mse": mse}


def targets(y: Tensor, n_outputs: int, dtype: torch.dtype) -> Tensor:
    """Targets as real vectors, shape (m, n_outputs): one-hot for classes, as they are otherwise."""
    return y if y.is_floating_point() else F.one_hot(y, n_outputs).to(dtype)


def accuracy(outputs: Tensor, y: Tensor, tolerance: float = 0.0) -> Tensor:
    """Share of right answers, 0 to 1: the largest output is the class, or the squared error is below `tolerance`."""
    right = (outputs - y).square().mean(dim=1) < tolerance if y.is_floating_point() else outputs.argmax(dim=1) == y
    return right.float().mean()
