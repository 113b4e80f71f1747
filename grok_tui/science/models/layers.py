"""Layers by the names of their weights, and the kernel of a network made of such layers, contracted layer by layer.

For a layer a = W^T h + b the gradient of output c is h d_c^T, d_c = df_c / da. Its part of the kernel is therefore
(h . h' + 1) sum_c d_c . d'_c: no gradient of the size of W is formed. If a layer is used at several positions t, its
gradients add up: sum_{t, t'} (h_t . h'_t' + 1) sum_c d_{t,c} . d'_{t',c}.
Novak, Sohl-Dickstein and Schoenholz 2022, arXiv 2206.08720 (structured derivatives).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..kernel import Weights
from ..matmul import Product, plain

MOST_BYTES = 2**26
"""Bytes that the derivatives d of one backward pass may take while a kernel is contracted."""


class Layers:
    """Applies layers to rows: inputs (..., fan-in), results (..., width)."""

    def __init__(self, weights: Weights, product: Product = plain) -> None:
        self.weights, self.product = weights, product

    def embed(self, tokens: Tensor | None, t: int) -> Tensor:
        """E[tokens] + P_t, shape (n, d); for every token of the vocabulary if `tokens` is None, shape (p, d)."""
        table = self.weights["E"]
        return (table if tokens is None else F.embedding(tokens, table)) + self.weights["P"][t]

    def dense(self, h: Tensor, matrix: str, bias: str = "", onto: Tensor | None = None) -> Tensor:
        """onto + h W + bias, without the terms that are not given."""
        a = self.product(h, self.weights[matrix])
        a = a if onto is None else onto + a
        return a + self.weights[bias] if bias else a

    def norm(self, h: Tensor, gain: str, bias: str) -> Tensor:
        """LayerNorm: gain * (h - mean) / sqrt(variance + 1e-5) + bias."""
        return F.layer_norm(h, h.shape[-1:], self.weights[gain], self.weights[bias])


class RecordedLayers(Layers):
    """Records (input, output) of every use of a layer, shapes (n, fan-in) and (n, width), for `contracted_ntk`."""

    def __init__(self, weights: Weights) -> None:
        super().__init__({name: w.detach().requires_grad_() for name, w in weights.items()})
        self.matrices: dict[str, list[tuple[Tensor, Tensor]]] = {}
        """Per matrix. A bias is recorded as one more row of its matrix, with input 1."""
        self.norms: dict[str, list[tuple[Tensor, Tensor]]] = {}
        """Per gain. The recorded input is what the gain multiplies."""

    def embed(self, tokens: Tensor | None, t: int) -> Tensor:
        """Recorded as a linear layer of the one-hot vectors of token and position."""
        assert tokens is not None, "one row per example"
        gave = super().embed(tokens, t)
        token = F.one_hot(tokens, len(self.weights["E"]))
        position = F.one_hot(torch.full_like(tokens, t), len(self.weights["P"]))
        given = torch.cat([token, position], dim=1).to(gave.dtype)
        self.matrices.setdefault("E", []).append((given, gave))
        return gave

    def dense(self, h: Tensor, matrix: str, bias: str = "", onto: Tensor | None = None) -> Tensor:
        gave = super().dense(h, matrix, bias, onto)
        given = F.pad(h.detach(), (0, 1), value=1.0) if bias else h.detach()
        self.matrices.setdefault(matrix, []).append((given, gave))
        return gave

    def norm(self, h: Tensor, gain: str, bias: str) -> Tensor:
        gave = super().norm(h, gain, bias)
        self.norms.setdefault(gain, []).append((F.layer_norm(h.detach(), h.shape[-1:]), gave))
        return gave


def contracted_ntk(forward: Callable[[Layers], Tensor], weights: Weights) -> Tensor:
    """Trace NTK, exact, shape (n, n), of a network whose weights all act through `Layers`.

    forward(layers): outputs, (n, c), with one row per example in every layer. The derivatives d are computed by
    backward passes over all examples, for as many outputs at once as `MOST_BYTES` allow. Further memory: the
    activations, and (positions * n)^2 numbers per layer, for any c.
    """
    layers = RecordedLayers(weights)
    with torch.enable_grad():
        outputs = forward(layers)
    n, n_outputs = outputs.shape
    kernel = outputs.new_zeros(n, n)
    products = {name: outputs.new_zeros(len(uses) * n, len(uses) * n) for name, uses in layers.matrices.items()}
    gave = [use[1] for uses in (*layers.matrices.values(), *layers.norms.values()) for use in uses]
    at_once = max(1, MOST_BYTES // (outputs.element_size() * sum(g.numel() for g in gave)))
    for directions in torch.eye(n_outputs, dtype=outputs.dtype, device=outputs.device).split(at_once):
        each = directions.unsqueeze(1).expand(-1, n, -1)
        signals = iter(torch.autograd.grad(outputs, gave, each, retain_graph=True, is_grads_batched=True))
        for name, uses in layers.matrices.items():
            rows = torch.cat([next(signals) for _ in uses], dim=1).transpose(0, 1).flatten(1)
            products[name].addmm_(rows, rows.T)
        for uses in layers.norms.values():
            of_both = []  # gradients by gain and by bias, concatenated
            for given, _ in uses:
                signal = next(signals)
                of_both.append(torch.cat([given * signal, signal], dim=2))
            rows = torch.stack(of_both).sum(dim=0).transpose(0, 1).flatten(1)
            kernel.addmm_(rows, rows.T)
    for name, uses in layers.matrices.items():
        given = torch.cat([use[0] for use in uses])
        product = (given @ given.T) * products[name]
        kernel += product.view(len(uses), n, len(uses), n).sum(dim=(0, 2))
    return kernel
