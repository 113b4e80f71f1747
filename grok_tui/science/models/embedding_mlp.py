"""Embedding MLP: one embedding shared by all tokens, one hidden layer.

f(a, b) = W2^T phi(W1^T [E_a; E_b] + b1) + b2.  arXiv 2606.13753.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .network import GradOutputs, Network, bias, normal


@dataclass(frozen=True)
class EmbeddingMLP(Network):
    """E: (p, d); W1: (positions * d, h); W2: (h, c). Every matrix starts as N(0, 1 / fan-in), biases at 1e-6."""

    d_embed: int
    d_hidden: int
    activation: str

    def initial_weights(self, generator: Generator) -> Weights:
        d, h = self.d_embed, self.d_hidden
        return {
            "E": normal(generator, self.vocabulary, d, std=d**-0.5),
            "W1": normal(generator, self.n_inputs * d, h, std=(self.n_inputs * d) ** -0.5),
            "b1": bias(h),
            "W2": normal(generator, h, self.n_outputs, std=h**-0.5),
            "b2": bias(self.n_outputs),
        }

    def hidden(self, weights: Weights, x: Tensor) -> Tensor:
        """W1^T [E_a; E_b] + b1, shape (n, h), as a sum of looked-up rows of `_tables`."""
        first, *others = self._tables(weights)
        return sum((F.embedding(x[:, i], table) for i, table in enumerate(others, 1)), F.embedding(x[:, 0], first))

    def _tables(self, weights: Weights) -> list[Tensor]:
        """Per position, the term that each token adds to the hidden units, (p, h): E W1_i; b1 is added to the first."""
        first, *others = (self.product(weights["E"], w_i) for w_i in self._by_position(weights))
        return [first + weights["b1"], *others]

    def _by_position(self, weights: Weights) -> Tensor:
        """The blocks W1_i of W1, shape (positions, d, h)."""
        return weights["W1"].view(self.n_inputs, self.d_embed, self.d_hidden)

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        phi = ACTIVATIONS[self.activation].value
        return self.product(phi(self.hidden(weights, x)), weights["W2"]) + weights["b2"]

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """With s = dL/dhidden, (n, h), and S_i = the sums of s over the examples with each token at position i, (p, h):

        dL/dW1_i = E^T S_i,  dL/dE = sum_i S_i W1_i^T,  dL/db1 = sum s,  dL/dW2 = phi^T dL/df,  dL/db2 = sum dL/df.
        """
        act, tokens = ACTIVATIONS[self.activation], x.T.contiguous()
        rows = x + self.vocabulary * torch.arange(self.n_inputs, device=x.device)
        h = F.embedding_bag(rows, torch.cat(self._tables(weights)), mode="sum")  # `hidden` in one pass
        phi = act.over(h)
        signal = grad_outputs(self.product(phi, weights["W2"]).add_(weights["b2"]))
        into["W2"].copy_(self.product(phi.T, signal))
        torch.sum(signal, dim=0, out=into["b2"])
        spare = None if phi is h else phi  # if phi was written over h, `act.backward` still reads it
        signals = act.backward(self.product(signal, weights["W2"].T, spare), h)
        into["E"].zero_()
        for token, w_i, into_i in zip(tokens, self._by_position(weights), self._by_position(into), strict=True):
            sums = h.new_zeros(self.vocabulary, self.d_hidden).index_add_(0, token, signals)
            into_i.copy_(self.product(weights["E"].T, sums))
            into["E"].add_(self.product(sums, w_i.T))
        torch.sum(sums, dim=0, out=into["b1"])

    def embedding(self, weights: Weights) -> Tensor:
        return weights["E"]

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form, one term per weight. With s = phi'(hidden), (n, h), and G = W2 W2^T, (h, h):

        W2, b2: c (phi . phi' + 1).   W1, b1: sum_j s_j G_jj s'_j (e . e' + 1).
        E: sum over positions i, k with x_i = x'_k of  s^T (G o W1_i^T W1_k) s'.
        """
        act, h = ACTIVATIONS[self.activation], self.hidden(weights, x)
        phi, s = act.value(h), act.slope(h)
        gram = weights["W2"] @ weights["W2"].T
        embedded = F.embedding(x, weights["E"]).flatten(1)
        kernel = self.n_outputs * (phi @ phi.T + 1)
        kernel = kernel + (s * gram.diagonal()) @ s.T * (embedded @ embedded.T + 1)
        by_position = self._by_position(weights)
        for i, w_i in enumerate(by_position):
            for k, w_k in enumerate(by_position):
                same_token = x[:, i, None] == x[None, :, k]
                kernel = kernel + same_token * (s @ (gram * (w_i.T @ w_k)) @ s.T)
        return kernel
