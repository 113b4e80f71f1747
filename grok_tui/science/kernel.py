"""The empirical neural tangent kernel (NTK), and measures of it.

The trace kernel: K(x, x') = sum over outputs c of <df_c(x)/dtheta, df_c(x')/dtheta>, shape (n, n) for n inputs.
Networks with a closed form compute it in `Network.ntk`; `empirical_ntk` is for all others. The whole kernel,
<df_c(x)/dtheta, df_c'(x')/dtheta>, is `empirical_ntk_full`, for small cases.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jacrev, vjp, vmap

Weights = dict[str, Tensor]
Function = Callable[[Weights, Tensor], Tensor]


def empirical_ntk(f: Function, weights: Weights, x: Tensor) -> Tensor:
    """Trace NTK of any f, exact, shape (n, n): for one output at a time, J J^T of its Jacobian J, summed over outputs.

    f(weights, x): (n, inputs) -> (n, c). Memory: n times the number of weights, for any c.
    Novak, Sohl-Dickstein and Schoenholz 2022, arXiv 2206.08720 (Jacobian contraction).
    """

    def gradient(xi: Tensor, direction: Tensor) -> Weights:
        return vjp(lambda w: f(w, xi.unsqueeze(0)), weights)[1](direction.unsqueeze(0))[0]

    n, c = x.shape[0], f(weights, x[:1]).shape[1]
    kernel = torch.zeros(n, n, dtype=next(iter(weights.values())).dtype, device=x.device)
    for direction in torch.eye(c, dtype=kernel.dtype, device=x.device):
        jacobian = vmap(gradient, in_dims=(0, None))(x, direction)
        for block in jacobian.values():
            rows = block.flatten(1)
            kernel = kernel + rows @ rows.T
    return kernel


def empirical_ntk_full(f: Function, weights: Weights, x: Tensor) -> Tensor:
    """Whole NTK of any f from its whole Jacobian: K[i, c, j, d] = <df_c(x_i)/dtheta, df_d(x_j)/dtheta>.

    f(weights, x): (n, inputs) -> (n, c). Returns (n, c, n, c); the sum over c = d is `empirical_ntk`.
    Memory: n c times the number of weights.
    Jacot, Gabriel and Hongler 2018, arXiv 1806.07572.
    """

    def one(weights: Weights, xi: Tensor) -> Tensor:
        return f(weights, xi.unsqueeze(0)).squeeze(0)

    jacobian = vmap(jacrev(one), in_dims=(None, 0))(weights, x)
    rows = torch.cat([block.flatten(2) for block in jacobian.values()], dim=2)  # n, c, weights
    return torch.einsum("icp,jdp->icjd", rows, rows)


def drift(kernel: Tensor, kernel_0: Tensor) -> Tensor:
    """‖K_t - K_0‖_F / ‖K_0‖_F: change of the kernel relative to its start; 0 in the lazy limit.

    kernel, kernel_0: (n, n) on the same inputs.  Chizat, Oyallon and Bach 2019, arXiv 1812.07956 (lazy training).
    """
    return torch.linalg.matrix_norm(kernel - kernel_0) / torch.linalg.matrix_norm(kernel_0)


def distance(kernel: Tensor, kernel_0: Tensor) -> Tensor:
    """1 - <K_t, K_0> / (‖K_t‖_F ‖K_0‖_F), 0 to 1 for kernels: change of the kernel's direction, whatever its scale.

    kernel, kernel_0: (n, n) on the same inputs. Computed as ‖u - u_0‖_F^2 / 2 of the unit kernels, which is equal and
    does not cancel for nearly parallel kernels.  Fort et al. 2020, arXiv 2010.15110.
    """
    unit, unit_0 = (k / torch.linalg.matrix_norm(k) for k in (kernel, kernel_0))
    return (unit - unit_0).square().sum() / 2


def velocity(kernel: Tensor, before: Tensor, steps: int) -> Tensor:
    """distance(K_t, K_before) / steps: change of the kernel's direction per optimizer step.

    kernel, before: (n, n) on the same inputs, `steps` steps apart. ValueError if steps < 1.
    Fort et al. 2020, arXiv 2010.15110 (kernel velocity).
    """
    if steps < 1:
        raise ValueError(f"the kernels must be at least one step apart, not {steps}")
    return distance(kernel, before) / steps


def alignment(kernel: Tensor, targets: Tensor) -> Tensor:
    """Centred alignment of the kernel with the labels: <K_c, Y Y^T> / (‖K_c‖_F ‖Y Y^T‖_F), -1 to 1.

    K_c = H K H and Y = H targets, H = I - 1/n. kernel: (n, n); targets: (n, c). NaN if all targets are equal.
    Cortes, Mohri and Rostamizadeh 2012 (JMLR 13:795).
    """
    centred = kernel - kernel.mean(dim=0, keepdim=True)
    return _cosine_with_labels(centred - centred.mean(dim=1, keepdim=True), targets)


def column_alignment(kernel: Tensor, targets: Tensor) -> Tensor:
    """Alignment with the labels as Kumar et al. compute it: tr(Y_c^T K_c Y_c) / (‖K_c‖_F ‖Y_c Y_c^T‖_F), -1 to 1.

    Y_c = Y - mean(Y) and K_c = K - (mean of every column): the kernel is centred on one side only. kernel: (n, n);
    targets: (n, c). The numerator equals that of `alignment` and the denominator is at least as large, so that this
    is never the larger in size. NaN if all targets are equal.
    Kumar et al. 2024, arXiv 2310.06110, `kalignment` in the released notebook (their text centres nothing).
    """
    return _cosine_with_labels(kernel - kernel.mean(dim=0), targets)


def _cosine_with_labels(kernel: Tensor, targets: Tensor) -> Tensor:
    """<K, Y Y^T> / (‖K‖_F ‖Y Y^T‖_F) with Y = H targets."""
    y = targets - targets.mean(dim=0)
    label_kernel = y @ y.T
    norms = torch.linalg.matrix_norm(kernel) * torch.linalg.matrix_norm(label_kernel)
    return (kernel * label_kernel).sum() / norms


def in_float64(tensor: Tensor) -> Tensor:
    """The tensor in float64 on its device; on the CPU if it comes from MPS, which has no float64."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def eigenvalues(kernel: Tensor) -> Tensor:
    """Eigenvalues of (K + K^T) / 2, largest first, shape (n,), float64 (`in_float64`). kernel: (n, n).

    If the kernel was computed in float32, eigenvalues below about 1e-7 of the largest are rounding and may be negative.
    By LAPACK's symmetric eigensolver (torch.linalg.eigvalsh).
    """
    wide = in_float64(kernel)
    return torch.linalg.eigvalsh((wide + wide.T) / 2).flip(0)


def effective_rank(eigenvalues: Tensor) -> Tensor:
    """exp(-sum p_i ln p_i), p_i = lambda_i / sum lambda: the number of directions the kernel uses, 1 to n.

    eigenvalues: (n,), in any order. Negative ones come from rounding and count as 0. NaN if none is positive.
    Roy and Vetterli 2007, The effective rank, EUSIPCO.
    """
    positive = eigenvalues.clamp(min=0)
    p = positive / positive.sum()
    return torch.exp(-torch.xlogy(p, p).sum())
