"""Kernel regression: the end of training for a network that stays lazy."""

import torch
from torch import Tensor

from .kernel import in_float64


def kernel_regression(kernel: Tensor, n_train: int, y: Tensor) -> Tensor:
    """K(test, train) K(train, train)^+ y: the test outputs at the end of gradient flow on f_lin from f = 0.

    kernel: over the train examples, then the test examples; the trace kernel (n, n) if outputs are scalar, else the
    whole kernel (n, c, n, c). y: (n_train, c). Returns (n - n_train, c), float64 (`in_float64`). For a model that
    starts at f_0, pass y - f_0(train) as y and add f_0(test).

    Numerics. ^+ is `pseudo_inverse` of the train block K with cutoff 4 eps ‖K‖_F; eps is that of the kernel's dtype,
    so pass the kernel in the dtype in which it was computed. Rounding leaves the null space of the kernels here at up
    to 1.5 eps ‖K‖_F. The usual cutoff, n eps ‖K‖_2, is too high: for figure 1 of Kumar et al. in float32 it would keep
    119 of the 550 directions of a kernel of full rank.

    ValueError: shapes that do not fit; several outputs with a trace kernel, which cannot separate them.
    Jacot, Gabriel and Hongler 2018, arXiv 1806.07572; Kumar et al. 2024, arXiv 2310.06110, figure 1.
    """
    c = kernel.shape[1] if kernel.ndim == 4 else 1
    if not 0 < n_train < kernel.shape[0]:
        raise ValueError(f"n_train must lie between 1 and {kernel.shape[0] - 1}, not {n_train}")
    if y.shape != (n_train, c):
        raise ValueError(f"targets must have shape {(n_train, c)}, not {tuple(y.shape)}")
    known = n_train * c
    flat = in_float64(kernel).reshape(kernel.shape[0] * c, -1)
    train = flat[:known, :known]
    inverse = pseudo_inverse(train, 4 * torch.finfo(kernel.dtype).eps)
    return (flat[known:, :known] @ (inverse @ in_float64(y).reshape(known, 1))).reshape(-1, c)


def pseudo_inverse(k: Tensor, tolerance: float) -> Tensor:
    """S^+, shape (n, n), of S = (K + K^T) / 2: eigenvalues of S up to tolerance * ‖S‖_F in size count as 0."""
    symmetric = (k + k.T) / 2
    cutoff = tolerance * torch.linalg.matrix_norm(symmetric)
    return torch.linalg.pinv(symmetric, atol=cutoff, rtol=0.0, hermitian=True)
