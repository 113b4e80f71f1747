"""The empirical neural tangent kernel and what is read off it.

K(x, x') = sum over outputs c of <df_c(x)/dtheta, df_c(x')/dtheta>, the trace over outputs, shape (n, n).
Models with a closed form compute it themselves (`Model.ntk`); `empirical_ntk` serves all others.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import vjp, vmap

Weights = dict[str, Tensor]
Function = Callable[[Weights, Tensor], Tensor]


def empirical_ntk(f: Function, weights: Weights, x: Tensor) -> Tensor:
    """Trace NTK of any f, exact: the Jacobian of one output at a time, contracted with itself and dropped.

    f(weights, x): (n, inputs) -> (n, c). Memory: n times the number of weights, for any c.
    Novak, Sohl-Dickstein and Schoenholz 2022, arXiv 2206.08720 (Jacobian contraction).
    """

    def one(weights: Weights, xi: Tensor) -> Tensor:
        return f(weights, xi.unsqueeze(0)).squeeze(0)

    def gradient(xi: Tensor, direction: Tensor) -> Weights:
        return vjp(lambda w: one(w, xi), weights)[1](direction)[0]

    n, c = x.shape[0], one(weights, x[0]).shape[0]
    kernel = torch.zeros(n, n, dtype=next(iter(weights.values())).dtype, device=x.device)
    for direction in torch.eye(c, dtype=kernel.dtype, device=x.device):
        jacobian = vmap(gradient, in_dims=(0, None))(x, direction)
        for block in jacobian.values():
            rows = block.flatten(1)
            kernel = kernel + rows @ rows.T
    return kernel


def drift(kernel: Tensor, kernel_0: Tensor) -> Tensor:
    """‖K_t - K_0‖_F / ‖K_0‖_F: how far the kernel moved, in units of its start; 0 in the lazy limit."""
    return torch.linalg.matrix_norm(kernel - kernel_0) / torch.linalg.matrix_norm(kernel_0)


def distance(kernel: Tensor, kernel_0: Tensor) -> Tensor:
    """1 - <K_t, K_0> / (‖K_t‖_F ‖K_0‖_F), 0 to 1: how far the kernel turned, whatever its scale.

    For nearly parallel kernels it is computed as half the squared distance of the unit kernels, which
    equals it and does not cancel.  Fort et al. 2020, arXiv 2010.15110.
    """
    unit, unit_0 = (k / torch.linalg.matrix_norm(k) for k in (kernel, kernel_0))
    return (unit - unit_0).square().sum() / 2


def alignment(kernel: Tensor, targets: Tensor) -> Tensor:
    """Centred alignment of the kernel with the labels: <K_c, Y Y^T> / (‖K_c‖_F ‖Y Y^T‖_F), -1 to 1.

    K_c = H K H and Y centred over the probe, H = I - 1/n. kernel: (n, n); targets: (n, c).
    Cortes, Mohri and Rostamizadeh 2012 (JMLR 13:795).
    """
    y = targets - targets.mean(dim=0)
    centred = kernel - kernel.mean(dim=0, keepdim=True)
    centred = centred - centred.mean(dim=1, keepdim=True)
    label_kernel = y @ y.T
    norms = torch.linalg.matrix_norm(centred) * torch.linalg.matrix_norm(label_kernel)
    return (centred * label_kernel).sum() / norms
