"""Losses with their gradients, and accuracy. m examples, c outputs per example."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """L(outputs, y), a mean over m examples, and slope(outputs, y, s) = s m dL/doutputs, shape (m, c).

    outputs: (m, c); y: classes, (m,) int64, or real targets, (m, c). s = 1/m gives the gradient of L.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor, float], Tensor]

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """L, a tensor without dimensions."""
        return self.value(outputs, y)


def cross_entropy(dtype: str = "float32") -> Loss:
    """Mean of -log softmax(outputs)[y], in nats.

    The log-softmax is computed in `dtype`, or in the dtype of the outputs if that is finer. In float32 the loss of a
    right answer and its gradient round to exactly 0 if its margin exceeds about 17 ("softmax collapse"); in float64
    if it exceeds about 37.  outputs: (m, classes); y: (m,) int64.
    Prieto et al. 2025, arXiv 2501.04697.
    """
    precise = getattr(torch, dtype)

    def finer(outputs: Tensor) -> Tensor:
        return outputs.to(torch.promote_types(precise, outputs.dtype))

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        """s (softmax(outputs) - one-hot(y))."""
        p, right = finer(outputs).softmax(dim=1), y.unsqueeze(1)
        return p.scatter_add_(1, right, p.new_full((), -1.0).expand(right.shape)).to(outputs.dtype).mul_(scale)

    return Loss(lambda outputs, y: F.cross_entropy(finer(outputs), y), slope)


def mse() -> Loss:
    """Mean over all examples and outputs of (outputs - y)^2, without a factor 1/2 (as torch's nn.MSELoss).

    outputs: (m, c); y: (m, c), or classes, (m,) int64, which become vectors: see `targets`.
    """

    def goal(outputs: Tensor, y: Tensor) -> Tensor:
        return targets(y, outputs.shape[-1], outputs.dtype)

    return Loss(
        lambda outputs, y: F.mse_loss(outputs, goal(outputs, y)),
        lambda outputs, y, scale: (outputs - goal(outputs, y)).mul_(2 * scale / outputs.shape[-1]),
    )


def hinge() -> Loss:
    """Mean of max(0, 1 - s f), s = 2 y - 1: an example whose margin s f exceeds 1 has no gradient.

    outputs: f, (m, 1); y: (m,) int64, class 0 or 1.  Cortes and Vapnik 1995 (Machine Learning 20:273).
    """

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        sign = targets(y, 1, outputs.dtype)
        return -scale * sign * (sign * outputs < 1)

    return Loss(lambda outputs, y: F.relu(1 - targets(y, 1, outputs.dtype) * outputs).mean(), slope)


def logistic() -> Loss:
    """Mean of log(1 + exp(-s f)), s = 2 y - 1, in nats, in the precision of the outputs: cross-entropy of two classes.

    Computed as -logsigmoid(s f): torch's softplus would replace the curve by a straight line above 20.
    outputs: f, (m, 1); y: (m,) int64, class 0 or 1.
    """

    def slope(outputs: Tensor, y: Tensor, scale: float) -> Tensor:
        sign = targets(y, 1, outputs.dtype)
        return -scale * sign * torch.sigmoid(-sign * outputs)

    return Loss(lambda outputs, y: -F.logsigmoid(targets(y, 1, outputs.dtype) * outputs).mean(), slope)


LOSSES: dict[str, Callable[..., Loss]] = {
    "cross-entropy": cross_entropy,
    "mse": mse,
    "hinge": hinge,
    "logistic": logistic,
}


def targets(y: Tensor, n_outputs: int, dtype: torch.dtype) -> Tensor:
    """Targets as real vectors, shape (m, n_outputs).

    Real y, (m, n_outputs), is returned as it is. Classes, (m,) int64, become one-hot vectors; if n_outputs is 1, class
    0 becomes -1 and class 1 becomes +1.
    """
    if y.is_floating_point():
        return y
    return (2 * y - 1).unsqueeze(1).to(dtype) if n_outputs == 1 else F.one_hot(y, n_outputs).to(dtype)


def accuracy(outputs: Tensor, y: Tensor, tolerance: float = 0.0) -> Tensor:
    """Share of right answers, 0 to 1, float32. outputs: (m, c).

    Classes, y: (m,) int64: the answer is the index of the largest output; if c is 1, it is 1 if f > 0, else 0.
    Real targets, y: (m, c): an answer is right if its squared error, a mean over the outputs, is below `tolerance`.
    """
    if y.is_floating_point():
        right = (outputs - y).square().mean(dim=1) < tolerance
    else:
        right = (outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(dim=1)) == y
    return right.float().mean()
