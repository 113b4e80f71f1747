"""Committee machine with all readouts fixed to 1.  Kumar et al. 2024, arXiv 2310.06110, equation 3.

f(x) = (1/N) sum_i phi(w_i . x),  phi(h) = h + eps/2 h^2.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor

from ..kernel import Weights
from .network import Network, normal


@dataclass(frozen=True)
class Committee(Network):
    """W: (N, d), entries N(0, 1); the inputs carry the 1/sqrt(d)."""

    vocabulary: int
    n_inputs: int
    n_outputs: int
    d_hidden: int = 2
    eps: float = 0.25

    def initial_weights(self, generator: Generator) -> Weights:
        return {"W": normal(generator, self.d_hidden, self.n_inputs, std=1.0)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        h = x @ weights["W"].T
        return (h + self.eps / 2 * h.square()).mean(dim=1, keepdim=True)

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: (1/N^2) (x . x') sum_i phi'(w_i . x) phi'(w_i . x'),  phi'(h) = 1 + eps h."""
        slope = 1 + self.eps * (x @ weights["W"].T)
        return (x @ x.T) * (slope @ slope.T) / self.d_hidden**2
