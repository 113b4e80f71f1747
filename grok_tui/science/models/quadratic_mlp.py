"""Quadratic MLP without biases: f(x) = W2^T (W1^T x)^2 / (D N); x: the tokens' one-hot vectors, concatenated.

Gromov 2023, arXiv 2301.02679; Kumar et al. 2024, arXiv 2310.06110, figure 2.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..kernel import Weights
from .network import GradOutputs, Network, normal


@dataclass(frozen=True)
class QuadraticMLP(Network):
    """W1: (D, N), D = positions * p, N = d_hidden; W2: (N, c). Entries N(0, 1)."""

    d_hidden: int

    def initial_weights(self, generator: Generator) -> Weights:
        return {
            "W1": normal(generator, self.n_inputs * self.vocabulary, self.d_hidden, std=1.0),
            "W2": normal(generator, self.d_hidden, self.n_outputs, std=1.0),
        }

    @property
    def _scale(self) -> float:
        return 1 / (self.n_inputs * self.vocabulary * self.d_hidden)

    def hidden(self, weights: Weights, x: Tensor) -> Tensor:
        """W1^T x, shape (n, N): the sum over positions of one row of W1, looked up."""
        first, *others = weights["W1"].view(self.n_inputs, self.vocabulary, self.d_hidden)
        return sum((F.embedding(x[:, i], rows) for i, rows in enumerate(others, 1)), F.embedding(x[:, 0], first))

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return self.hidden(weights, x).square() @ weights["W2"] * self._scale

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """With h = W1^T x and g = dL/df / (D N): dL/dW2 = (h^2)^T g; dL/dh = 2 h (g W2^T), added by token."""
        h = self.hidden(weights, x)
        squared = h.square()
        signal = grad_outputs(squared @ weights["W2"] * self._scale, self._scale)
        torch.mm(squared.T, signal, out=into["W2"])
        signals = (signal @ weights["W2"].T).mul_(h).mul_(2)
        into["W1"].zero_()
        for i, rows in enumerate(into["W1"].view(self.n_inputs, self.vocabulary, self.d_hidden)):
            rows.index_add_(0, x[:, i], signals)

    def embedding(self, weights: Weights) -> Tensor:
        return weights["W1"][: self.vocabulary]

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form, h = W1^T x: [c h^2 . h'^2 + 4 (x . x') sum_j h_j (W2 W2^T)_jj h'_j] / (D N)^2.

        x . x' is the number of positions with equal tokens.
        """
        h = self.hidden(weights, x)
        same_tokens = (x[:, None] == x[None]).sum(dim=2)
        backward = (h * weights["W2"].square().sum(dim=1)) @ h.T
        return (self.n_outputs * (h.square() @ h.square().T) + 4 * same_tokens * backward) * self._scale**2
