"""MLP with one hidden layer: f(x) = W2^T phi(W1^T x + b1) + b2.  arXiv 2606.13753, sparse parity."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .network import Network, bias, normal


@dataclass(frozen=True)
class MLP(Network):
    """W1: (d, h); W2: (h, c). Every matrix starts as N(0, 1 / fan-in)."""

    vocabulary: int
    n_inputs: int
    n_outputs: int
    d_hidden: int = 512
    activation: str = "gelu"

    def init(self, generator: Generator) -> Weights:
        d, h = self.n_inputs, self.d_hidden
        return {
            "W1": normal(generator, d, h, std=d**-0.5),
            "b1": bias(h),
            "W2": normal(generator, h, self.n_outputs, std=h**-0.5),
            "b2": bias(self.n_outputs),
        }

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        phi = ACTIVATIONS[self.activation].value
        return phi(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"]

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: c (phi . phi' + 1) + (sum_j s_j (W2 W2^T)_jj s'_j) (x . x' + 1), s = phi'(hidden)."""
        act, h = ACTIVATIONS[self.activation], x @ weights["W1"] + weights["b1"]
        phi, s = act.value(h), act.slope(h)
        backward = (s * weights["W2"].square().sum(dim=1)) @ s.T
        return self.n_outputs * (phi @ phi.T + 1) + backward * (x @ x.T + 1)
