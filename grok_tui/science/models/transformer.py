"""Decoder-only transformer, read at the last position.  arXiv 2606.13753 and 2301.05217; with LayerNorm 2603.13331.

r_t = E[x_t] + P_t; in each block r <- r + attention(r) W_O, then r <- r + phi(r W_in + b_in) W_out + b_out;
f = r_last W_U. Position t attends to 0, ..., t (Power et al. 2022, arXiv 2201.02177).
`layer_norm` is post: r <- LN(r) after either part, as torch.nn.TransformerEncoderLayer does by default, or pre: the
parts read LN(r) (its norm_first). Both have a last LN before f = r_last W_U + b_U.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from . import one_layer
from .layers import Layers, contracted_ntk
from .network import Network, Pull, dense, normal, uniform


class Rows(NamedTuple):
    """What stands at one position: a row an example; or a row a token, and each example's token.

    Where there are more examples than tokens, what depends on one token alone is computed once a token.
    """

    values: Tensor
    token: Tensor | None = None

    def of(self, values: Tensor) -> Rows:
        """Other values, by the same token."""
        return Rows(values, self.token)

    def each(self) -> Tensor:
        """A row an example, shape (n, d)."""
        return self.values if self.token is None else F.embedding(self.token, self.values)


@dataclass(frozen=True)
class Transformer(Network):
    """d = d_embed, in n_heads heads; MLP width h = d_hidden; the names of block 2's weights end in 2.

    `init` is fan-in: every matrix N(0, 1 / fan-in), biases 1e-6. torch: E and P N(0, 1), Q, K and V Xavier-uniform
    as one matrix (3d, d), all else as nn.Linear. LayerNorms start at gain 1, bias 0. Attention has no biases.
    """

    vocabulary: int
    n_inputs: int
    n_outputs: int
    d_embed: int = 128
    n_heads: int = 4
    d_hidden: int = 512
    n_layers: int = 1
    layer_norm: str = "none"
    activation: str = "gelu"
    init: str = "fan-in"

    def initial_weights(self, generator: Generator) -> Weights:
        d = self.d_embed
        std = 1.0 if self.init == "torch" else d**-0.5
        weights = {
            "E": normal(generator, self.vocabulary, d, std=std),
            "P": normal(generator, self.n_inputs, d, std=std),
        }
        for block in self._blocks:
            weights |= self._init_block(generator, block)
        unembedding, bias = dense(generator, d, self.n_outputs, self.init)
        if self.layer_norm == "none":
            return weights | {"W_U": unembedding}
        return weights | self._init_norm("end") | {"W_U": unembedding, "b_U": bias}

    @property
    def _blocks(self) -> list[str]:
        """The ends of the blocks' names: nothing, 2, 3, ..."""
        return ["", *(str(block) for block in range(2, self.n_layers + 1))]

    def _init_block(self, generator: Generator, block: str) -> Weights:
        d, h = self.d_embed, self.d_hidden
        weights = {}
        for name in ("W_Q", "W_K", "W_V"):
            if self.init == "torch":
                weights[name] = uniform(generator, d, d, bound=(6 / (3 * d + d)) ** 0.5)
            else:
                weights[name] = normal(generator, d, d, std=d**-0.5)
        weights["W_O"], _ = dense(generator, d, d, self.init)
        weights["W_in"], weights["b_in"] = dense(generator, d, h, self.init)
        weights["W_out"], weights["b_out"] = dense(generator, h, d, self.init)
        if self.layer_norm != "none":
            weights |= self._init_norm("att") | self._init_norm("mlp")
        return {name + block: w for name, w in weights.items()}

    def _init_norm(self, name: str) -> Weights:
        d = self.d_embed
        return {f"gain_{name}": torch.ones(d, dtype=torch.float64), f"bias_{name}": torch.zeros(d, dtype=torch.float64)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return self.forward(Layers(weights, self.product), x, by_token=len(x) > self.vocabulary)

    @property
    def has_backward(self) -> bool:
        """One layer without LayerNorm."""
        return self.n_layers == 1 and self.layer_norm == "none"

    def backward(self, weights: Weights, x: Tensor, pull: Pull, into: Weights) -> None:
        """See one_layer.py."""
        one_layer.backward(self, weights, x, pull, into)

    def embedding(self, weights: Weights) -> Tensor:
        return weights["E"]

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Contracted layer by layer, see `contracted_ntk`."""
        return contracted_ntk(lambda layers: self.forward(layers, x, by_token=False), weights)

    def forward(self, layers: Layers, x: Tensor, *, by_token: bool) -> Tensor:
        """Outputs on x, shape (n, c), with rows a token as far as they go, or with rows an example."""
        positions = range(self.n_inputs)
        if by_token:
            stream = [Rows(layers.embed(None, t), x[:, t]) for t in positions]
        else:
            stream = [Rows(layers.embed(x[:, t], t)) for t in positions]
        for block in self._blocks:
            stream = self._block(layers, stream, block)
        last = stream[-1].each()
        if self.layer_norm == "none":
            return layers.dense(last, "W_U")
        return layers.dense(layers.norm(last, "gain_end", "bias_end"), "W_U", "b_U")

    def _block(self, layers: Layers, stream: list[Rows], block: str) -> list[Rows]:
        """One block; the last computes the last position alone."""
        pre, post = (self.layer_norm == kind for kind in ("pre", "post"))
        phi = ACTIVATIONS[self.activation].value

        def norm(r: Tensor, part: str) -> Tensor:
            return layers.norm(r, f"gain_{part}{block}", f"bias_{part}{block}")

        def through(position: Rows, name: str) -> Rows:
            return position.of(layers.dense(position.values, name + block))

        read = [position.of(norm(position.values, "att")) if pre else position for position in stream]
        last = len(stream) - 1
        keys = [through(position, "W_K") for position in read]
        values = [through(position, "W_V") for position in read]
        after = []
        for t in range(last if block == self._blocks[-1] else 0, last + 1):
            if t == 0:  # attends to itself alone, so that what depended on its token still does
                mixed, position = values[0].values, stream[0]
            else:
                mixed = self._attend(through(read[t], "W_Q"), keys[: t + 1], values[: t + 1])
                position = Rows(stream[t].each())
            r = layers.dense(mixed, "W_O" + block, onto=position.values)
            r = norm(r, "att") if post else r
            hidden = layers.dense(norm(r, "mlp") if pre else r, "W_in" + block, "b_in" + block)
            r = layers.dense(phi(hidden), "W_out" + block, "b_out" + block, onto=r)
            after.append(position.of(norm(r, "mlp") if post else r))
        return after

    def _attend(self, query: Rows, keys: list[Rows], values: list[Rows]) -> Tensor:
        """What one position attends to, before W_O, shape (n, d)."""

        def heads(rows: Rows) -> Tensor:  # n, heads, d / heads
            return rows.each().unflatten(-1, (self.n_heads, -1))

        each_key, each_value = (torch.stack([heads(rows) for rows in side]) for side in (keys, values))
        scores = (heads(query) * each_key).sum(dim=-1) / (self.d_embed // self.n_heads) ** 0.5  # positions, n, heads
        pattern = scores.softmax(dim=0)
        return (pattern.unsqueeze(-1) * each_value).sum(dim=0).flatten(1)
