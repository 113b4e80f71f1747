"""Linear estimator f(x) = S^T x.  Levi, Beck and Bar-Sinai 2024, arXiv 2310.16441."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..kernel import Weights
from .network import GradOutputs, Network, normal


@dataclass(frozen=True)
class Linear(Network):
    """S: (d, c), entries N(0, 1 / 2dc)."""

    def initial_weights(self, generator: Generator) -> Weights:
        d, c = self.n_inputs, self.n_outputs
        return {"S": normal(generator, d, c, std=(2 * d * c) ** -0.5)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return x @ weights["S"]

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        torch.mm(x.T, grad_outputs(x @ weights["S"]), out=into["S"])

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form: c x . x'. It does not depend on the weights."""
        return self.n_outputs * (x @ x.T)
