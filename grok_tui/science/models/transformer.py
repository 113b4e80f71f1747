"""One-layer transformer without LayerNorm, read at the last position.  arXiv 2606.13753, and 2301.05217.

r_t = E[x_t] + P_t;  r = r_last + attention(r) W_O;  f = (r + phi(r W_in) W_out) W_U.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .network import Network, bias, normal


@dataclass(frozen=True)
class Transformer(Network):
    """d = d_embed, in n_heads heads; MLP width h = d_hidden. Every matrix starts as N(0, 1 / fan-in)."""

    vocabulary: int
    n_inputs: int
    n_outputs: int
    d_embed: int = 128
    n_heads: int = 4
    d_hidden: int = 512
    activation: str = "gelu"

    def init(self, generator: Generator) -> Weights:
        d, h = self.d_embed, self.d_hidden
        return {
            "E": normal(generator, self.vocabulary, d, std=d**-0.5),
            "P": normal(generator, self.n_inputs, d, std=d**-0.5),
            "W_Q": normal(generator, d, d, std=d**-0.5),
            "W_K": normal(generator, d, d, std=d**-0.5),
            "W_V": normal(generator, d, d, std=d**-0.5),
            "W_O": normal(generator, d, d, std=d**-0.5),
            "W_in": normal(generator, d, h, std=d**-0.5),
            "b_in": bias(h),
            "W_out": normal(generator, h, d, std=h**-0.5),
            "b_out": bias(d),
            "W_U": normal(generator, d, self.n_outputs, std=d**-0.5),
        }

    def attention(self, weights: Weights, x: Tensor) -> Tensor:
        """What the last position attends to, before W_O, shape (n, d)."""
        positions = range(self.n_inputs)

        def heads(name: str, t: int) -> Tensor:  # n, heads, d / heads
            return self.projected(weights, name, x[:, t], t).unflatten(-1, (self.n_heads, -1))

        query = heads("W_Q", self.n_inputs - 1)
        keys = torch.stack([heads("W_K", t) for t in positions])
        values = torch.stack([heads("W_V", t) for t in positions])
        scores = (query * keys).sum(dim=-1) / (self.d_embed // self.n_heads) ** 0.5  # positions, n, heads
        pattern = scores.softmax(dim=0)
        return (pattern.unsqueeze(-1) * values).sum(dim=0).flatten(1)

    def projected(self, weights: Weights, name: str, tokens: Tensor, t: int) -> Tensor:
        """(E[tokens] + P_t) W, shape (n, d).

        It depends on nothing but token and position: where there are more examples than tokens, each token's
        row is computed once and looked up.
        """
        if len(tokens) > self.vocabulary:
            return F.embedding(tokens, (weights["E"] + weights["P"][t]) @ weights[name])
        return (F.embedding(tokens, weights["E"]) + weights["P"][t]) @ weights[name]

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        phi = ACTIVATIONS[self.activation].value
        last = F.embedding(x[:, -1], weights["E"]) + weights["P"][-1]
        r = last + self.attention(weights, x) @ weights["W_O"]
        r = r + phi(r @ weights["W_in"] + weights["b_in"]) @ weights["W_out"] + weights["b_out"]
        return r @ weights["W_U"]
