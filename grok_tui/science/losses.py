"""What is minimised, and what counts as right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """L(outputs, y), a mean over m examples, and slope(outputs, y, s) = s m dL/doutputs, a row an example.

    outputs: (m, c); y: (m,) int64, or (m, c) real.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor, float], Tensor]

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """L."""
        return self.value(outputs, y)


def cross_entropy(dtype: str = "float32") -> Loss:
    """Mean of -log softmax(outputs)[y], in nats, with the log-softmax taken in `dtype` or the outputs' own if finer.

    In float32 the loss of a right answer, and its pull on the right output, round to exactly 0 once the margin
    passes about 17 ("softmax collapse", Prieto et al. 2025, arXiv 2501.04697); float64 moves that to about 37.
    outputs: (m, classes); y: (m,) int64.
    """
    precise = getattr(torch, dtype)

    def finer(outputs: Tensor) -> Tensor:
        return outputs.to(torch.promote_types(precise, outputs.dtype))

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        """softmax(outputs) - one-hot(y)."""
        p, right = finer(outputs).softmax(dim=1), y.unsqueeze(1)
        return p.scatter_add_(1, right, p.new_full((), -1.0).expand(right.shape)).to(outputs.dtype).mul_(scale)

    return Loss(lambda outputs, y: F.cross_entropy(finer(outputs), y), slope)


def mse() -> Loss:
    """Mean over all examples and outputs of (outputs - y)^2, with no 1/2; classes become one-hot.

    outputs: (m, c); y: (m, c), or (m,) int64.
    """

    def goal(outputs: Tensor, y: Tensor) -> Tensor:
        return targets(y, outputs.shape[-1], outputs.dtype)

    return Loss(
        lambda outputs, y: F.mse_loss(outputs, goal(outputs, y)),
        lambda outputs, y, scale: (outputs - goal(outputs, y)).mul_(2 * scale / outputs.shape[-1]),
    )


def hinge() -> Loss:
    """Mean of max(0, 1 - s f), s = 2 y - 1: nothing pulls on an example once its margin s f is past 1.

    outputs: f, (m, 1); y: (m,) int64, class 0 or 1.
    """

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        sign = targets(y, 1, outputs.dtype)
        return -scale * sign * (sign * outputs < 1)

    return Loss(lambda outputs, y: F.relu(1 - margins(outputs, y)).mean(), slope)


def logistic() -> Loss:
    """Mean of softplus(-s f) = log(1 + exp(-s f)), s = 2 y - 1, in nats and in the outputs' own precision.

    Taken as -logsigmoid(s f), the same without the cut to a straight line that torch's softplus makes at 20.
    outputs: f, (m, 1); y: (m,) int64, class 0 or 1.
    """

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        sign = targets(y, 1, outputs.dtype)
        return -scale * sign * torch.sigmoid(-sign * outputs)

    return Loss(lambda outputs, y: -F.logsigmoid(margins(outputs, y)).mean(), slope)


LOSSES: dict[str, Callable[..., Loss]] = {
    "cross-entropy": cross_entropy,
    "mse": mse,
    "hinge": hinge,
    "logistic": logistic,
}


def margins(outputs: Tensor, y: Tensor) -> Tensor:
    """s f with s = -1 for class 0 and +1 for class 1; negative where the answer is wrong. outputs: (m, 1)."""
    return outputs * targets(y, 1, outputs.dtype)


def targets(y: Tensor, n_outputs: int, dtype: torch.dtype) -> Tensor:
    """Targets as real vectors, shape (m, n_outputs).

    Classes become one-hot, or -1 (class 0) and +1 (class 1) where one output answers; real targets stay as they are.
    """
    if y.is_floating_point():
        return y
    return (2 * y - 1).unsqueeze(1).to(dtype) if n_outputs == 1 else F.one_hot(y, n_outputs).to(dtype)


def accuracy(outputs: Tensor, y: Tensor, tolerance: float = 0.0) -> Tensor:
    """Share of right answers, 0 to 1.

    Right is, for classes: the largest output is the class, or the only one is above 0 for class 1 and not for class 0;
    for real targets: the squared error, mean over the outputs, is below `tolerance`.
    """
    if y.is_floating_point():
        right = (outputs - y).square().mean(dim=1) < tolerance
    else:
        right = (outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(dim=1)) == y
    return right.float().mean()
