"""Decoder-only transformer, read at the last position.  arXiv 2606.13753 and 2301.05217; with LayerNorm 2603.13331.

r_t = E[x_t] + P_t; in each block r <- r + attention(r) W_O, then r <- r + phi(r W_in + b_in) W_out + b_out;
f = r_last W_U. Position t attends to 0, ..., t (Power et al. 2022, arXiv 2201.02177).
With layer_norm `post`, r <- LN(r) after each of the two parts, as in torch.nn.TransformerEncoderLayer by default. With
`pre`, each part reads LN(r) (norm_first in torch). Both have one more LN at the end: f = LN(r_last) W_U + b_U.

What depends on one token only, or on the last token and one other, is computed once per token or pair and looked up.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .layers import Layers, contracted_ntk
from .network import GradOutputs, Network, dense, normal, uniform


class Rows(NamedTuple):
    """Activations at one position: one row per example (token is None), or one row per distinct token.

    token: (n,), the row of each example. With more examples than tokens, rows per token are the fewer.
    """

    values: Tensor
    token: Tensor | None = None

    def of(self, values: Tensor) -> "Rows":
        """Other values with the same assignment of rows to examples."""
        return Rows(values, self.token)

    def each(self) -> Tensor:
        """One row per example, shape (n, d)."""
        return self.values if self.token is None else F.embedding(self.token, self.values)


@dataclass(frozen=True)
class Transformer(Network):
    """d = d_embed, divided among n_heads heads; MLP width h = d_hidden; names of weights in block 2, 3, ... end in it.

    init `fan-in`: every matrix N(0, 1 / fan-in), biases 1e-6. init `torch`: E and P N(0, 1); W_Q, W_K, W_V
    Xavier-uniform as one matrix (3d, d); all else as nn.Linear. LayerNorms: gain 1, bias 0. Attention has no biases.
    """

    d_embed: int
    n_heads: int
    d_hidden: int
    n_layers: int
    layer_norm: str
    activation: str
    init: str

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
        """The endings of the weights' names, per block: "", "2", "3", ..."""
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
        """Only one layer without LayerNorm has its gradient written by hand."""
        return self.n_layers == 1 and self.layer_norm == "none"

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """d_a is dL/da; every product c = a b gives d_a = d_c b^T and d_b = a^T d_c. See Attention for the rest."""
        attention = Attention(self, weights, x)
        act, product, w = ACTIVATIONS[self.activation], self.product, weights
        r = attention.last() + product(attention.mixed, w["W_O"])
        hidden = product(r, w["W_in"]).add_(w["b_in"])
        phi = act.over(hidden)
        end = product(phi, w["W_out"]).add_(w["b_out"]).add_(r)
        d_out = grad_outputs(product(end, w["W_U"]))
        into["W_U"].copy_(product(end.T, d_out))
        d_end = product(d_out, w["W_U"].T)
        into["W_out"].copy_(product(phi.T, d_end))
        torch.sum(d_end, dim=0, out=into["b_out"])
        d_hidden = act.backward(product(d_end, w["W_out"].T), hidden)
        into["W_in"].copy_(product(r.T, d_hidden))
        torch.sum(d_hidden, dim=0, out=into["b_in"])
        d_r = product(d_hidden, w["W_in"].T).add_(d_end)
        into["W_O"].copy_(product(attention.mixed.T, d_r))
        attention.backward(product(d_r, w["W_O"].T), d_r, into)

    def embedding(self, weights: Weights) -> Tensor:
        return weights["E"]

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Exact, contracted layer by layer: see `contracted_ntk`."""
        return contracted_ntk(lambda layers: self.forward(layers, x, by_token=False), weights)

    def forward(self, layers: Layers, x: Tensor, *, by_token: bool) -> Tensor:
        """Outputs on x, shape (n, c).

        by_token: compute one row per token as long as a row depends on one token only; else one row per example.
        """
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
        """One block. The last block computes the last position only."""
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
            if t == 0:  # attends to itself only: its rows still depend on one token
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
        """The attention's output at one position before W_O, shape (n, d): sum_t pattern_t * value_t in each head."""

        def heads(rows: Rows) -> Tensor:  # n, heads, d / heads
            return rows.each().unflatten(-1, (self.n_heads, -1))

        each_key, each_value = (torch.stack([heads(rows) for rows in side]) for side in (keys, values))
        scores = (heads(query) * each_key).sum(dim=-1) / (self.d_embed // self.n_heads) ** 0.5  # positions, n, heads
        pattern = scores.softmax(dim=0)
        return (pattern.unsqueeze(-1) * each_value).sum(dim=0).flatten(1)


class Attention:
    """Attention of the last position in one layer: mixed = sum_t pattern_t * value_t, shape (n, d), in n_heads heads.

    Queries, keys and values are tables with one row per token; scores are tables with one row per pair of tokens.
    """

    def __init__(self, net: Transformer, weights: Weights, x: Tensor) -> None:
        self.net, self.weights = net, weights
        self.tokens = x.T.contiguous()
        self.query_tokens, query = query_vocabulary(self.tokens[-1], net.vocabulary)
        self.pairs = query * net.vocabulary + self.tokens
        self.scale = (net.d_embed // net.n_heads) ** -0.5
        self.streams = [weights["E"] + position for position in weights["P"]]
        self.query = self.heads(self.streams[-1][self.query_tokens] @ weights["W_Q"]) * self.scale
        self.keys = [self.heads(r @ weights["W_K"]) for r in self.streams]
        tables = [(self.query @ key.mT).permute(1, 2, 0).flatten(0, 1) for key in self.keys]  # pair, head
        scores = [F.embedding(pair, table) for pair, table in zip(self.pairs, tables, strict=True)]
        self.pattern = torch.stack(scores).softmax(dim=0).unsqueeze(-1)  # positions, n, heads, 1
        self.values = [
            F.embedding(token, r @ weights["W_V"]).unflatten(-1, (net.n_heads, -1))
            for token, r in zip(self.tokens, self.streams, strict=True)
        ]
        mixed = self.pattern[0] * self.values[0]
        for share, value in zip(self.pattern[1:], self.values[1:], strict=True):
            mixed.addcmul_(share, value)
        self.mixed = mixed.flatten(1)

    def last(self) -> Tensor:
        """The residual stream at the last position before the block, shape (n, d)."""
        return F.embedding(self.tokens[-1], self.streams[-1])

    def heads(self, rows: Tensor) -> Tensor:
        """(rows, d) as (heads, rows, d / heads)."""
        return rows.unflatten(-1, (self.net.n_heads, -1)).transpose(0, 1)

    def backward(self, d_mixed: Tensor, d_last: Tensor, into: Weights) -> None:
        """Write dL/dw of E, P, W_Q, W_K and W_V.

        d_mixed: dL/dmixed, (n, d); d_last: the part of dL/dstream at the last position that bypasses attention, (n, d).
        """
        net, w = self.net, self.weights
        d_mixed = d_mixed.unflatten(-1, (net.n_heads, -1))
        d_pattern = torch.stack([(d_mixed * value).sum(dim=-1, keepdim=True) for value in self.values])
        d_scores = self.pattern * (d_pattern - (self.pattern * d_pattern).sum(dim=0))
        d_query = torch.zeros_like(self.query)
        for name in ("E", "P", "W_K", "W_V"):
            into[name].zero_()
        for t, (stream, key) in enumerate(zip(self.streams, self.keys, strict=True)):
            d_value = torch.zeros_like(stream).index_add_(0, self.tokens[t], (self.pattern[t] * d_mixed).flatten(1))
            by_pair = stream.new_zeros(len(self.query_tokens) * net.vocabulary, net.n_heads)
            by_pair.index_add_(0, self.pairs[t], d_scores[t, ..., 0])
            d_table = by_pair.view(-1, net.vocabulary, net.n_heads).permute(2, 0, 1)
            d_query += d_table @ key
            d_key = (d_table.mT @ self.query).transpose(0, 1).flatten(1)
            into["W_V"].addmm_(stream.T, d_value)
            into["W_K"].addmm_(stream.T, d_key)
            self._into_stream(t, d_value @ w["W_V"].T + d_key @ w["W_K"].T, into)
        rows = (d_query * self.scale).transpose(0, 1).flatten(1)
        torch.mm(self.streams[-1][self.query_tokens].T, rows, out=into["W_Q"])
        d_stream = torch.zeros_like(self.streams[-1]).index_add_(0, self.tokens[-1], d_last)
        d_stream.index_add_(0, self.query_tokens, rows @ w["W_Q"].T)
        self._into_stream(-1, d_stream, into)

    def _into_stream(self, t: int, d_stream: Tensor, into: Weights) -> None:
        """Add dL/dE and dL/dP_t: the stream at position t is E + P_t, shape (vocabulary, d)."""
        into["E"].add_(d_stream)
        into["P"][t].add_(d_stream.sum(dim=0))


def query_vocabulary(tokens: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """(the tokens that queries are computed for, the index among them of each of `tokens`, (n,)).

    One token if all are equal (for instance "="), else the whole vocabulary.
    """
    if bool((tokens == tokens[0]).all()):
        return tokens[:1], torch.zeros_like(tokens)
    return torch.arange(vocabulary, device=tokens.device), tokens
