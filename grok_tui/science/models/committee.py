"""Committee machine with all readouts fixed to 1.  Kumar et al. 2024, arXiv 2310.06110, equation 3.

f(x) = (1/N) sum_i phi(w_i . x),  phi(h) = h + eps/2 h^2.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Generator, Tensor

from ..kernel import Weights
from .network import GradOutputs, Network, normal


@dataclass(frozen=True)
class Committee(Network):
    """W: (N, d), N = d_hidden, entries N(0, 1). The factor 1/sqrt(d) is part of the inputs."""

    d_hidden: int
    eps: float

    def initial_weights(self, generator: Generator) -> Weights:
        return {"W": normal(generator, self.d_hidden, self.n_inputs, std=1.0)}

    backward_stacks = True

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return self._moments(weights["W"], x) if self._is_wide else self._units(weights["W"] @ x.mT)

    @property
    def _is_wide(self) -> bool:
        """Whether to use `_moments`, which costs less than `_units` if N > d."""
        return self.d_hidden > self.n_inputs

    def _units(self, h: Tensor) -> Tensor:
        """f, shape (n, 1), from h = W x^T, shape (N, n)."""
        return torch.addcmul(h, h, h, value=self.eps / 2).mT @ averaging(self.d_hidden, h.dtype, h.device)

    def _moments(self, w: Tensor, x: Tensor) -> Tensor:
        """f(x) = m . x + eps/2 x^T M x, shape (n, 1); m = mean_i w_i, (d,), and M = mean_i w_i w_i^T, (d, d)."""
        mean = w.mT @ averaging(self.d_hidden, w.dtype, w.device)
        quadratic = self.product(x, self.product(w.mT, w)).mul_(x)
        return x @ mean + quadratic @ x.new_full((self.n_inputs, 1), self.eps / (2 * self.d_hidden))

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """dL/dw_i = sum over examples of g (1 + eps w_i . x) x, g = dL/df / N.

        If N > d, as sum g x + eps w_i^T S with S = sum g x x^T, (d, d): no matrix of size n x N is formed.
        """
        w = weights["W"]
        if self._is_wide:
            g = grad_outputs(self._moments(w, x), 1 / self.d_hidden)
            torch.add(g.mT @ x, self.product(w, self.product(x.mT, g * x)), alpha=self.eps, out=into["W"])
        else:
            h = w @ x.mT
            g = grad_outputs(self._units(h), 1 / self.d_hidden).mT
            torch.matmul(torch.addcmul(g, h, g, value=self.eps), x, out=into["W"])

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: (1/N^2) (x . x') sum_i phi'(w_i . x) phi'(w_i . x'),  phi'(h) = 1 + eps h."""
        slope = 1 + self.eps * (x @ weights["W"].T)
        return (x @ x.T) * (slope @ slope.T) / self.d_hidden**2


@cache
def averaging(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A column of n entries 1/n. For few units a product with it takes half the time of torch's mean."""
    with torch.inference_mode(False):  # the cached tensor is also used where autograd records
        return torch.full((n, 1), 1 / n, dtype=dtype, device=device)
