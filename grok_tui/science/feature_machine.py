"""The recursive feature machine: a kernel machine that learns features without gradient descent.

Start from M = I. Each iteration computes

    a   = (K_M + ridge I)^-1 Y                     the predictor is f(x) = sum_j a_j k_M(x, x_j)
    G   = mean over train points of grad f grad f^T, summed over outputs      the AGOP
    M  <- G^(1/2)

M, shape (d, d), weighs the directions of the input. Train points x: (n, d); targets y: (n, c); dual coefficients
a: (n, c); kernel matrix K: (n, n).

Numerics. Every function computes in the precision of its arguments; use float64. With a Gaussian kernel of condition
number 1e5, a solve in float32 leaves a train loss of 1e-10, in float64 of 1e-26.

Scale of M. M is not normalised, as in the paper's code. With ridge 0 and the quadratic kernel the scale of M has no
effect: M -> s M gives K -> s^2 K and a -> a / s^2, so that f, G and the next M are the same. With the Gaussian kernel
it acts like a bandwidth. A ridge comparable to the eigenvalues of K drives M to 0 within tens of iterations: the fit
falls short of the targets, its gradients are smaller, so are M and K, and the next fit falls shorter.

Mallinar et al. 2024, arXiv 2407.20199, and its code; Radhakrishnan et al. 2022, arXiv 2212.13881.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from .regression import pseudo_inverse


class FeatureKernel(Protocol):
    """A kernel k_M(x, x') with a symmetric positive semidefinite M, shape (d, d)."""

    def __call__(self, x: Tensor, z: Tensor, m: Tensor) -> Tensor:
        """k_M of every row of x, (n, d), with every row of z, (k, d): shape (n, k)."""

    def agop(self, x: Tensor, m: Tensor, kernel: Tensor, dual: Tensor) -> Tensor:
        """Average gradient outer product of f(x) = sum_j dual_j k_M(x, x_j) at its own train points, shape (d, d).

        G = 1/n sum_i sum_c g_ic g_ic^T, g_ic = grad f_c(x_i) - mean over i' of grad f_c(x_i'); kernel = k_M(x, x).
        The gradients are centred over the points, as in the code of arXiv 2407.20199. They are never formed: with the
        sum over outputs taken first, G = M X^T S X M with a matrix S of shape (n, n).
        """


@dataclass(frozen=True)
class Quadratic:
    """k_M(x, x') = (x^T M x')^2. The code of arXiv 2407.20199 has 3 (x^T M x')^2: its ridge is 3 times the one here."""

    def __call__(self, x: Tensor, z: Tensor, m: Tensor) -> Tensor:
        """(n, d), (k, d), (d, d) -> (n, k)."""
        return (x @ m @ z.T).square()

    def agop(self, x: Tensor, m: Tensor, kernel: Tensor, dual: Tensor) -> Tensor:
        """S = 4/n (U H U) * (A A^T), entry by entry, with U = X M X^T and H = I - 1/n.

        Because grad f_c(x_i) = 2 sum_j a_jc U_ij M x_j, and H centres it over i.
        """
        seen = x @ m
        centred = seen - seen.mean(dim=0)
        s = 4 / len(x) * (x @ (centred.T @ centred) @ x.T) * (dual @ dual.T)
        return seen.T @ s @ seen


@dataclass(frozen=True)
class Gaussian:
    """k_M(x, x') = exp(-‖x - x'‖_M^2 / (2 L^2)), ‖v‖_M^2 = v^T M v, with bandwidth L."""

    bandwidth: float

    def __call__(self, x: Tensor, z: Tensor, m: Tensor) -> Tensor:
        """(n, d), (k, d), (d, d) -> (n, k). A squared distance that is negative by rounding counts as 0."""
        seen = x @ m
        lengths = (seen * x).sum(dim=1).unsqueeze(1) + (z @ m * z).sum(dim=1)
        return torch.exp((lengths - 2 * seen @ z.T).clamp(min=0) / (-2 * self.bandwidth**2))

    def agop(self, x: Tensor, m: Tensor, kernel: Tensor, dual: Tensor) -> Tensor:
        """S = 1/(n L^4) (H * (F F^T) - C - C^T + (K H K) * (A A^T)), C = (H K) * (F A^T), F = K A, H = I - 1/n.

        Because grad f_c(x_i) = (sum_j a_jc K_ij M x_j - F_ic M x_i) / L^2; * is entry by entry.
        """
        n, outputs, seen = len(x), kernel @ dual, x @ m
        centred = kernel - kernel.mean(dim=0)
        crossed = centred * (outputs @ dual.T)
        own = outputs @ outputs.T
        s = own.diag().diag() - own / n - crossed - crossed.T + (centred.T @ centred) * (dual @ dual.T)
        return seen.T @ s @ seen / (n * self.bandwidth**4)


KERNELS: dict[str, Callable[[float], FeatureKernel]] = {
    "quadratic": lambda bandwidth: Quadratic(),
    "gaussian": Gaussian,
}
"""Kernels by name, as functions of the bandwidth, which only the Gaussian uses."""


def solve(kernel: Tensor, y: Tensor, ridge: float = 0.0) -> Tensor:
    """Dual coefficients a = (K + ridge I)^-1 y, shape (n, c): with ridge 0, f interpolates the targets.

    kernel: (n, n), symmetric; y: (n, c). All NaN if the kernel is not finite.

    Numerics. By Cholesky. If K + ridge I is singular to working precision (the squared diagonal of the factor spans
    more than 1 / (n eps), for instance if points repeat), a = (K + ridge I)^+ y, the least-squares fit of least norm:
    `pseudo_inverse` with cutoff 10 eps ‖K + ridge I‖_F.
    """
    if not kernel.isfinite().all():
        return torch.full_like(y, torch.nan)
    ridged = kernel + ridge * torch.eye(len(kernel), dtype=kernel.dtype, device=kernel.device)
    eps = torch.finfo(kernel.dtype).eps
    factor, failed = torch.linalg.cholesky_ex(ridged)
    pivots = factor.diagonal().square()
    if not failed and pivots.min() > len(kernel) * eps * pivots.max():
        return torch.cholesky_solve(y, factor)
    return pseudo_inverse(ridged, 10 * eps) @ y


def square_root(g: Tensor) -> Tensor:
    """G^(1/2), (d, d), symmetric to the last bit, of a positive semidefinite G, by eigendecomposition.

    G is symmetrised first, and eigenvalues below 0 (by rounding) count as 0. All NaN if G is not finite.
    """
    if not g.isfinite().all():
        return torch.full_like(g, torch.nan)
    values, vectors = torch.linalg.eigh((g + g.T) / 2)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return (root + root.T) / 2


def as_vectors(x: Tensor, vocabulary: int) -> Tensor:
    """Inputs as float64 vectors, shape (n, d). vocabulary: number of tokens; 0 if x already holds vectors, (n, d).

    Tokens, (n, positions) int64, become one-hot vectors side by side: d = positions * vocabulary.
    """
    return F.one_hot(x, vocabulary).flatten(1).double() if vocabulary else x.double()
