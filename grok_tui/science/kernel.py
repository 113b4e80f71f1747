"""The empirical neural tangent kernel and what is read off it.

K(x, x') = sum over outputs c of <df_c(x)/dtheta, df_c(x')/dtheta>, the trace over outputs, shape (n, n).
Models with a closed form compute it themselves (`Model.ntk`); `empirical_ntk` serves all others, and
`empirical_ntk_full` gives the whole kernel, <df_c(x)/dtheta, df_c'(x')/dtheta>, where it is small.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jacrev, vjp, vmap

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


def empirical_ntk_full(f: Function, weights: Weights, x: Tensor) -> Tensor:
    """Whole NTK of any f by its whole Jacobian: K[i, c, j, d] = <df_c(x_i)/dtheta, df_d(x_j)/dtheta>.

    f(weights, x): (n, inputs) -> (n, c). Returns (n, c, n, c), of which `empirical_ntk` is the trace over
    c = d. Memory: n c times the number of weights: for small cases.
    Jacot, Gabriel and Hongler 2018, arXiv 1806.07572.
    """

    def one(weights: Weights, xi: Tensor) -> Tensor:
        return f(weights, xi.unsqueeze(0)).squeeze(0)

    jacobian = vmap(jacrev(one), in_dims=(None, 0))(weights, x)
    rows = torch.cat([block.flatten(2) for block in jacobian.values()], dim=2)  # n, c, weights
    return torch.einsum("icp,jdp->icjd", rows, rows)


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


def velocity(kernel: Tensor, before: Tensor, steps: int) -> Tensor:
    """distance(K_t, K_before) / steps: how fast the kernel turns, per optimizer update.

    kernel, before: (n, n) on the same probe, `steps` updates apart. steps < 1 raises ValueError.
    Fort et al. 2020, arXiv 2010.15110 (kernel velocity).
    """
    if steps < 1:
        raise ValueError(f"the kernels must be at least one step apart, not {steps}")
    return distance(kernel, before) / steps


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


def column_alignment(kernel: Tensor, targets: Tensor) -> Tensor:
    """Alignment with the labels as Kumar et al. compute it: tr(Y_c^T K_c Y_c) / (‖K_c‖_F ‖Y_c Y_c^T‖_F), -1 to 1.

    Y_c = Y - mean(Y) and K_c = K - (mean of every column): the kernel is centred on one side only. kernel:
    (n, n); targets: (n, c). With c = 1 this is y_c^T K_c y_c / (‖K_c‖_F ‖y_c‖^2). Its numerator is that of
    `alignment`, its norm is not: it is the smaller of the two. NaN where the targets are all equal.
    Kumar et al. 2024, arXiv 2310.06110, `kalignment` in the released notebook (their text centres nothing).
    """
    y = targets - targets.mean(dim=0)
    centred = kernel - kernel.mean(dim=0)
    label_kernel = y @ y.T
    norms = torch.linalg.matrix_norm(centred) * torch.linalg.matrix_norm(label_kernel)
    return (centred * label_kernel).sum() / norms


def in_float64(tensor: Tensor) -> Tensor:
    """The tensor in float64: where it lies, or on the CPU if it lies on MPS, which has no float64."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def eigenvalues(kernel: Tensor) -> Tensor:
    """Eigenvalues of (K + K^T) / 2, largest first, shape (n,), float64 (`in_float64`).

    Of a kernel computed in float32, those below about 1e-7 of the largest are rounding, and may be negative.
    """
    wide = in_float64(kernel)
    return torch.linalg.eigvalsh((wide + wide.T) / 2).flip(0)


def effective_rank(eigenvalues: Tensor) -> Tensor:
    """exp(-sum p_i ln p_i), p_i = lambda_i / sum lambda: the number of directions the kernel uses, 1 to n.

    eigenvalues: (n,), in any order; negative ones, which a kernel has by rounding only, count as 0. NaN if no
    eigenvalue is positive.
    Roy and Vetterli 2007, The effective rank, EUSIPCO.
    """
    positive = eigenvalues.clamp(min=0)
    p = positive / positive.sum()
    return torch.exp(-torch.xlogy(p, p).sum())
