"""What a fixed kernel predicts: the end of training for a network that stays lazy."""

from __future__ import annotations

import torch
from torch import Tensor

from .kernel import in_float64


def kernel_regression(kernel: Tensor, n_train: int, y: Tensor) -> Tensor:
    """K(test, train) K(train, train)^+ y: where gradient flow on f_lin from f = 0 ends, for any loss scale.

    kernel: over the train examples, then the test examples; the trace kernel (n, n) for scalar outputs, or
    the whole kernel (n, c, n, c). y: (n_train, c). Returns (n - n_train, c), float64 (`in_float64`). A model
    that does not start at 0 is predicted by f_0(test) + this, with y - f_0(train) for y.

    ^+ is the pseudo-inverse of the symmetrised train block K: eigenvalues up to 4 eps ‖K‖_F count as 0, the
    negative ones with them. eps is that of the dtype the kernel comes in, so hand it over as it was computed.
    Rounding puts the null space of the kernels here at up to 1.5 eps ‖K‖_F, most of it from the eigenvalues'
    own computation in float64. The usual cutoff, n eps ‖K‖_2, is 25 times higher at figure 1 of Kumar et al.,
    where in float32 it keeps 119 of the 550 directions of a kernel of full rank.

    ValueError: shapes that do not fit, or several outputs with a trace kernel, which does not tell them apart.
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
    train = (train + train.T) / 2
    values, vectors = torch.linalg.eigh(train)
    cutoff = 4 * torch.finfo(kernel.dtype).eps * torch.linalg.matrix_norm(train)
    inverse = torch.where(values > cutoff, values, torch.inf).reciprocal()
    weights = vectors @ (inverse.unsqueeze(1) * (vectors.T @ in_float64(y).reshape(known, 1)))
    return (flat[known:, :known] @ weights).reshape(-1, c)
