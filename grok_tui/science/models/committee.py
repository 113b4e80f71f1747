"""Committee machine with all readouts fixed to 1.  Kumar et al. 2024, arXiv 2310.06110, equation 3.

f(x) = (1/N) sum_i phi(w_i . x),  phi(h) = h + eps/2 h^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Generator, Tensor

from ..kernel import Weights
from .network import Network, Pull, normal


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

    backward_stacks = True

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return self._moments(weights["W"], x) if self._is_wide else self._units(weights["W"] @ x.mT)

    @property
    def _is_wide(self) -> bool:
        """Whether the d x d matrices of the moments are smaller than the n x N matrix of hidden units."""
        return self.d_hidden > self.n_inputs

    def _units(self, h: Tensor) -> Tensor:
        """f from h = W x^T, shape (N, n)."""
        return torch.addcmul(h, h, h, value=self.eps / 2).mT @ averaging(self.d_hidden, h.dtype, h.device)

    def _moments(self, w: Tensor, x: Tensor) -> Tensor:
        """f(x) = m . x + eps/2 x^T M x, with the moments m = mean of w_i and M = mean of w_i w_i^T over the units."""
        mean = w.mT @ averaging(self.d_hidden, w.dtype, w.device)
        quadratic = self.product(x, self.product(w.mT, w)).mul_(x)
        return x @ mean + quadratic @ x.new_full((self.n_inputs, 1), self.eps / (2 * self.d_hidden))

    def backward(self, weights: Weights, x: Tensor, pull: Pull, into: Weights) -> None:
        """dL/dw_i = sum over examples of g (1 + eps w_i . x) x, g = dL/df / N.

        Of a wide committee as sum g x + eps w_i^T S, with S = sum g x x^T: no matrix of the size n x N is formed.
        """
        w = weights["W"]
        if self._is_wide:
            g = pull(self._moments(w, x), 1 / self.d_hidden)
            torch.add(g.mT @ x, self.product(w, self.product(x.mT, g * x)), alpha=self.eps, out=into["W"])
        else:
            h = w @ x.mT
            g = pull(self._units(h), 1 / self.d_hidden).mT
            torch.matmul(torch.addcmul(g, h, g, value=self.eps), x, out=into["W"])

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: (1/N^2) (x . x') sum_i phi'(w_i . x) phi'(w_i . x'),  phi'(h) = 1 + eps h."""
        slope = 1 + self.eps * (x @ weights["W"].T)
        return (x @ x.T) * (slope @ slope.T) / self.d_hidden**2


@cache
def averaging(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The column of n entries 1/n: of so few units, a product with it takes half of what torch's mean does."""
    with torch.inference_mode(False):  # kept for uses that autograd records, too
        return torch.full((n, 1), 1 / n, dtype=dtype, device=device)
