"""The recursive feature machine against autograd and the slow, obvious way, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor
from torch.func import jacrev, vmap

from grok_tui.science.feature_machine import KERNELS, FeatureKernel, Gaussian, Quadratic, as_vectors, solve, square_root
from grok_tui.science.regression import pseudo_inverse

N, D, C = 12, 5, 3
BOTH = pytest.mark.parametrize("kernel", [KERNELS["quadratic"](1.7), KERNELS["gaussian"](1.7)], ids=str)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def metric(seed: int = 1) -> Tensor:
    """A positive definite M that is no multiple of I."""
    a = normal(D, D, seed=seed)
    return torch.eye(D, dtype=torch.float64) + a @ a.T / D


def relative(a: Tensor, b: Tensor) -> float:
    return (torch.linalg.norm(a - b) / torch.linalg.norm(b)).item()


def centred_agop(kernel: FeatureKernel, x: Tensor, m: Tensor, dual: Tensor) -> Tensor:
    """The definition, with every gradient of the predictor by autograd."""
    gradients = vmap(jacrev(lambda one: (kernel(one.unsqueeze(0), x, m) @ dual).squeeze(0)))(x)  # n, c, d
    gradients = gradients - gradients.mean(dim=0)
    return torch.einsum("icd,ice->de", gradients, gradients) / len(x)


def test_kernels_are_their_formulas() -> None:
    x, z, m = normal(4, D), normal(6, D, seed=2), metric()
    quadratic = [[(a @ m @ b) ** 2 for b in z] for a in x]
    gaussian = [[torch.exp(-(a - b) @ m @ (a - b) / (2 * 1.7**2)) for b in z] for a in x]
    assert relative(Quadratic()(x, z, m), torch.tensor(quadratic, dtype=torch.float64)) < 1e-13
    assert relative(Gaussian(1.7)(x, z, m), torch.tensor(gaussian, dtype=torch.float64)) < 1e-13


def test_a_point_is_never_more_than_itself_to_the_gaussian() -> None:
    """Squared distances come from differences of large numbers, and must not end below 0."""
    x = normal(200, D) + 1e3
    kernel = Gaussian(1.7)(x, x, metric())
    assert kernel.max() <= 1
    assert kernel.diagonal().min() > 1 - 1e-6


@BOTH
def test_agop_is_that_of_the_predictors_gradients(kernel: FeatureKernel) -> None:
    x, m, dual = normal(N, D), metric(), normal(N, C, seed=3)
    assert relative(kernel.agop(x, m, kernel(x, x, m), dual), centred_agop(kernel, x, m, dual)) < 1e-12


@BOTH
def test_agop_of_an_interpolating_machine_on_tokens(kernel: FeatureKernel) -> None:
    """What the runs do: one-hot inputs, M = I, and dual coefficients that are a solution."""
    tokens = torch.cartesian_prod(torch.arange(7), torch.arange(7))[::2]
    x, y = as_vectors(tokens, 7), as_vectors(tokens.sum(dim=1, keepdim=True) % 7, 7)
    m = torch.eye(14, dtype=torch.float64)
    matrix = kernel(x, x, m)
    dual = solve(matrix, y)
    assert relative(kernel.agop(x, m, matrix, dual), centred_agop(kernel, x, m, dual)) < 1e-11


@BOTH
def test_without_ridge_the_targets_are_interpolated(kernel: FeatureKernel) -> None:
    x, y = normal(N, D), normal(N, C, seed=4)
    matrix = kernel(x, x, metric())
    assert (matrix @ solve(matrix, y) - y).abs().max() < 1e-9


def test_with_ridge_it_is_ridge_regression() -> None:
    x, y = normal(N, D), normal(N, C, seed=4)
    matrix = Quadratic()(x, x, metric())
    inverse = torch.linalg.inv(matrix + 0.3 * torch.eye(N, dtype=torch.float64))
    assert relative(solve(matrix, y, 0.3), inverse @ y) < 1e-11
    assert relative(3 * solve(3 * matrix, y, 3 * 0.3), solve(matrix, y, 0.3)) < 1e-12  # the ridge of the paper's code


@pytest.mark.parametrize("repeated", [1, 30])
def test_a_singular_kernel_gives_the_least_norm_fit(repeated: int) -> None:
    """Repeated points, and more points than the quadratic kernel of 5 inputs has features, 15."""
    x = normal(N, D)
    x = torch.cat([x, x[:1]]) if repeated == 1 else normal(N + repeated, D)
    y, matrix = normal(len(x), C, seed=4), Quadratic()(x, x, metric())
    dual = solve(matrix, y)
    assert relative(dual, torch.linalg.pinv(matrix, hermitian=True, rtol=1e-12) @ y) < 1e-8
    assert (matrix @ (matrix @ dual - y)).abs().max() < 1e-8  # normal equations
    assert relative(solve(torch.zeros_like(matrix), y) + y, y) == 0  # of K = 0, a = 0


def test_pseudo_inverse_drops_what_is_below_its_cutoff() -> None:
    """Against the sum over the eigenvectors that are kept, written out."""
    vectors = torch.linalg.qr(normal(D, D)).Q
    values = torch.tensor([3.0, 2.0, 1e-3, 1e-9, -1e-9], dtype=torch.float64)
    k = (vectors * values) @ vectors.T
    expected = sum(torch.outer(v, v) / value for v, value in zip(vectors.T[:3], values[:3], strict=True))
    slant = torch.triu(normal(D, D, seed=5), diagonal=1)
    assert relative(pseudo_inverse(k + slant - slant.T, 1e-6), expected) < 1e-9
    assert pseudo_inverse(torch.zeros_like(k), 1e-6).abs().max() == 0


def test_square_root() -> None:
    m = metric()
    root = square_root(m)
    assert relative(root @ root, m) < 1e-13
    assert torch.equal(root, root.T)
    assert torch.linalg.eigvalsh(root).min() > 0


def test_square_root_of_what_rounding_made_indefinite_and_asymmetric() -> None:
    vectors = torch.linalg.qr(normal(D, D)).Q
    g = vectors @ torch.tensor([3.0, 2.0, 1.0, 0.0, -1e-15], dtype=torch.float64).diag() @ vectors.T
    root = square_root(g + 1e-16 * normal(D, D))
    assert torch.equal(root, root.T)
    assert torch.linalg.eigvalsh(root).min() > -1e-15
    assert relative(root @ root, g) < 1e-14


def test_what_is_not_finite_comes_back_as_nan() -> None:
    broken = metric().index_fill(0, torch.tensor([1]), torch.inf)
    assert square_root(broken).isnan().all()
    assert solve(broken, normal(D, C)).isnan().all()


def test_the_scale_of_m_does_not_matter_to_the_quadratic_kernel() -> None:
    kernel, x, y = Quadratic(), normal(N, D), normal(N, C, seed=4)

    def following(m: Tensor) -> Tensor:
        matrix = kernel(x, x, m)
        return square_root(kernel.agop(x, m, matrix, solve(matrix, y)))

    assert relative(following(1e3 * metric()), following(metric())) < 1e-10


def test_what_float64_is_for() -> None:
    """The Gaussian kernel of modular pairs is ill-conditioned from the start."""
    tokens = torch.cartesian_prod(torch.arange(23), torch.arange(23))[::2]
    x, y = as_vectors(tokens, 23), as_vectors(tokens.sum(dim=1, keepdim=True) % 23, 23)
    matrix = Gaussian(2.5)(x, x, torch.eye(46, dtype=torch.float64))
    loss = {dtype: (k @ solve(k, y.to(dtype)) - y).square().mean() for dtype, k in
            ((torch.float64, matrix), (torch.float32, matrix.float()))}  # fmt: skip
    assert loss[torch.float64] < 1e-25
    assert 1e-12 < loss[torch.float32] < 1e-8
    assert 3e3 < torch.linalg.cond(matrix) < 3e5


def test_tokens_become_one_hot_vectors_and_vectors_stay() -> None:
    assert as_vectors(torch.tensor([[0, 2], [1, 1]]), 3).tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]
    assert as_vectors(torch.tensor([[0.5, 2.0]]), 0).tolist() == [[0.5, 2.0]]
