"""MLP: h_0 = x; a_l = W_l^T h_{l-1} + b_l and h_l = phi(a_l) in each hidden layer; f(x) = W_{L+1}^T h_L + b_{L+1}.

One hidden layer: sparse parity, arXiv 2606.13753. Two: Omnigrok's MNIST and teacher and student, arXiv 2210.01117.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from ..activations import ACTIVATIONS
from ..kernel import Weights
from .network import GradOutputs, Network, dense


@dataclass(frozen=True)
class MLP(Network):
    """L = n_layers of width h = d_hidden. W1: (d, h); W2, ..., WL: (h, h); W{L+1}: (h, c); b1, ..., b{L+1}."""

    d_hidden: int
    n_layers: int
    activation: str
    init: str

    def initial_weights(self, generator: Generator) -> Weights:
        sizes = [self.n_inputs, *[self.d_hidden] * self.n_layers, self.n_outputs]
        weights = {}
        for layer, (fan_in, size) in enumerate(pairwise(sizes), 1):
            weights[f"W{layer}"], weights[f"b{layer}"] = dense(generator, fan_in, size, self.init)
        return weights

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        phi = ACTIVATIONS[self.activation].value
        for layer in range(1, self.n_layers + 1):
            x = phi(self._dense(weights, layer, x))
        return self._dense(weights, self.n_layers + 1, x)

    def _dense(self, weights: Weights, layer: int, h: Tensor) -> Tensor:
        return self.product(h, weights[f"W{layer}"]) + weights[f"b{layer}"]

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """With d_l = dL/da_l: dL/dW_l = h_{l-1}^T d_l, dL/db_l = sum d_l, d_{l-1} = (d_l W_l^T) phi'(a_{l-1})."""
        act, last = ACTIVATIONS[self.activation], self.n_layers + 1
        inputs, outputs = [x], []
        for layer in range(1, last):
            outputs.append(self._dense(weights, layer, inputs[-1]))
            inputs.append(act.over(outputs[-1]))
        signal = grad_outputs(self._dense(weights, last, inputs[-1]))
        for layer in range(last, 0, -1):
            into[f"W{layer}"].copy_(self.product(inputs[layer - 1].T, signal))
            torch.sum(signal, dim=0, out=into[f"b{layer}"])
            if layer > 1:
                signal = act.backward(self.product(signal, weights[f"W{layer}"].T), outputs[layer - 2])

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Closed form, layer by layer: sum_l (h_{l-1} . h'_{l-1} + 1) sum_c d^c_l . d'^c_l.

        d^c_l = df_c / da_l, from the last layer on: d^c_L = phi'(a_L) W_{L+1,c}, d^c_l = phi'(a_l) (W_{l+1} d^c_{l+1}).
        For the last two layers the sums over c are c and sum_j s_j (W W^T)_jj s'_j, s = phi'(a_L).
        Memory: n c h numbers; with one hidden layer n h.
        """
        act, n_hidden = ACTIVATIONS[self.activation], self.n_layers
        h, slopes = [x], []
        for layer in range(1, n_hidden + 1):
            a = h[-1] @ weights[f"W{layer}"] + weights[f"b{layer}"]
            h.append(act.value(a))
            slopes.append(act.slope(a))
        last = weights[f"W{n_hidden + 1}"]
        backward = (slopes[-1] * last.square().sum(dim=1)) @ slopes[-1].T
        kernel = self.n_outputs * (h[-1] @ h[-1].T + 1) + backward * (h[-2] @ h[-2].T + 1)
        signal = slopes[-1].unsqueeze(1) * last.T if n_hidden > 1 else last  # n, c, h
        for layer in range(n_hidden - 1, 0, -1):
            signal = slopes[layer - 1].unsqueeze(1) * (signal @ weights[f"W{layer + 1}"].T)
            flat = signal.flatten(1)
            kernel = kernel + (flat @ flat.T) * (h[layer - 1] @ h[layer - 1].T + 1)
        return kernel
