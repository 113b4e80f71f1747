"""Committee of ReLUs with fixed readouts, half of them +1, half -1.  Xu et al. 2023, arXiv 2310.02541.

f(x) = (1/sqrt(m)) sum_j s_j relu(w_j . x),  s_j = +1 for the first half of the units, -1 for the second.
"""

from dataclasses import dataclass
from math import sqrt

from torch import Generator, Tensor

from ..activations import relu_slope
from ..kernel import Weights
from .network import GradOutputs, Network, normal


@dataclass(frozen=True)
class SignedCommittee(Network):
    """W: (m, d), m = d_hidden, entries N(0, 1). If m is odd, there is one more unit with s = +1."""

    d_hidden: int

    def initial_weights(self, generator: Generator) -> Weights:
        return {"W": normal(generator, self.d_hidden, self.n_inputs, std=1.0)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return self._read(self.product(x, weights["W"].T).relu())

    @property
    def _plus(self) -> int:
        return (self.d_hidden + 1) // 2

    def _read(self, units: Tensor) -> Tensor:
        plus, minus = units[:, : self._plus], units[:, self._plus :]
        return (plus.sum(dim=1, keepdim=True) - minus.sum(dim=1, keepdim=True)) / sqrt(self.d_hidden)

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """dL/dw_j = s_j sum over examples of dL/df 1[w_j . x > 0] x / sqrt(m)."""
        h = self.product(x, weights["W"].T)
        signals = relu_slope(h).mul_(grad_outputs(self._read(h.relu()), 1 / sqrt(self.d_hidden)))
        signals[:, self._plus :].neg_()
        into["W"].copy_(self.product(signals.T, x))

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: (1/m) (x . x') times the number of units with w_j . x > 0 and w_j . x' > 0."""
        on = relu_slope(x @ weights["W"].T)
        return (x @ x.T) * (on @ on.T) / self.d_hidden
