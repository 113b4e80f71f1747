"""Gradient by hand of the transformer of one layer without LayerNorm.

What depends on one token alone, or on the last token and one other, is computed once a token or pair and looked up.
Names are those of transformer.py; d_a is dL/da.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .network import Pull

if TYPE_CHECKING:
    from .transformer import Transformer


def backward(net: Transformer, weights: Weights, x: Tensor, pull: Pull, into: Weights) -> None:
    """dL/dw of every weight into `into`, with pull(outputs on x) = dL/doutputs."""
    attention = Attention(net, weights, x)
    act, product, w = ACTIVATIONS[net.activation], net.product, weights
    r = attention.last() + product(attention.mixed, w["W_O"])
    hidden = product(r, w["W_in"]).add_(w["b_in"])
    phi = act.over(hidden)
    end = product(phi, w["W_out"]).add_(w["b_out"]).add_(r)
    d_out = pull(product(end, w["W_U"]))
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


class Attention:
    """What the last position attends to: mixed = sum_t pattern_t * value of x_t, shape (n, d), in n_heads heads."""

    def __init__(self, net: Transformer, weights: Weights, x: Tensor) -> None:
        self.net, self.weights = net, weights
        self.tokens = x.T.contiguous()
        self.asking, asks = candidates(self.tokens[-1], net.vocabulary)
        self.pairs = asks * net.vocabulary + self.tokens
        self.scale = (net.d_embed // net.n_heads) ** -0.5
        self.streams = [weights["E"] + position for position in weights["P"]]
        self.query = self.heads(self.streams[-1][self.asking] @ weights["W_Q"]) * self.scale
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
        """The stream at the last position, shape (n, d)."""
        return F.embedding(self.tokens[-1], self.streams[-1])

    def heads(self, rows: Tensor) -> Tensor:
        """(rows, d) as (heads, rows, d / heads)."""
        return rows.unflatten(-1, (self.net.n_heads, -1)).transpose(0, 1)

    def backward(self, d_mixed: Tensor, d_last: Tensor, into: Weights) -> None:
        """dL/dw of E, P, W_Q, W_K and W_V."""
        net, w = self.net, self.weights
        d_mixed = d_mixed.unflatten(-1, (net.n_heads, -1))
        d_pattern = torch.stack([(d_mixed * value).sum(dim=-1, keepdim=True) for value in self.values])
        d_scores = self.pattern * (d_pattern - (self.pattern * d_pattern).sum(dim=0))
        d_query = torch.zeros_like(self.query)
        for name in ("E", "P", "W_K", "W_V"):
            into[name].zero_()
        for t, (stream, key) in enumerate(zip(self.streams, self.keys, strict=True)):
            d_value = torch.zeros_like(stream).index_add_(0, self.tokens[t], (self.pattern[t] * d_mixed).flatten(1))
            by_pair = stream.new_zeros(len(self.asking) * net.vocabulary, net.n_heads)
            by_pair.index_add_(0, self.pairs[t], d_scores[t, ..., 0])
            d_table = by_pair.view(-1, net.vocabulary, net.n_heads).permute(2, 0, 1)
            d_query += d_table @ key
            d_key = (d_table.mT @ self.query).transpose(0, 1).flatten(1)
            into["W_V"].addmm_(stream.T, d_value)
            into["W_K"].addmm_(stream.T, d_key)
            self._into_stream(t, d_value @ w["W_V"].T + d_key @ w["W_K"].T, into)
        rows = (d_query * self.scale).transpose(0, 1).flatten(1)
        torch.mm(self.streams[-1][self.asking].T, rows, out=into["W_Q"])
        d_stream = torch.zeros_like(self.streams[-1]).index_add_(0, self.tokens[-1], d_last)
        d_stream.index_add_(0, self.asking, rows @ w["W_Q"].T)
        self._into_stream(-1, d_stream, into)

    def _into_stream(self, t: int, d_stream: Tensor, into: Weights) -> None:
        """The stream at t is E + P_t."""
        into["E"].add_(d_stream)
        into["P"][t].add_(d_stream.sum(dim=0))


def candidates(tokens: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """What `tokens` are among, the one that all of them are or the whole vocabulary, and where each stands there."""
    if bool((tokens == tokens[0]).all()):
        return tokens[:1], torch.zeros_like(tokens)
    return torch.arange(vocabulary, device=tokens.device), tokens
