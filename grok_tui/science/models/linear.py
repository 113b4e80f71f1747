"""Linear estimator f(x) = S^T x.  Levi, Beck and Bar-Sinai 2024, arXiv 2310.16441."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..kernel import Weights
from .network import Network, Pull, normal


@dataclass(frozen=True)
class Linear(Network):
    """S: (d, c), entries N(0, 1 / 2dc)."""

    vocabulary: int
    n_inputs: int
    n_outputs: int

    def initial_weights(self, generator: Generator) -> Weights:
        d, c = self.n_inputs, self.n_outputs
        return {"S": normal(generator, d, c, std=(2 * d * c) ** -0.5)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return x @ weights["S"]

    def backward(self, weights: Weights, x: Tensor, pull: Pull, into: Weights) -> None:
        torch.mm(x.T, pull(x @ weights["S"]), out=into["S"])

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """c x . x', whatever the weights: this kernel cannot move."""
        return self.n_outputs * (x @ x.T)
