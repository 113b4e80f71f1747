"""Every measure against the slow, obvious way to compute it, in float64."""

from __future__ import annotations

from itertools import product
from math import cos, degrees, exp, log, pi, radians, sin, sqrt

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from grok_tui.science import fourier, kernel, weight_measures
from grok_tui.science.decomposition import error_terms
from grok_tui.science.kernel import Weights
from grok_tui.science.linearized import Linearized
from grok_tui.science.models import Network, ScaledOutput
from grok_tui.science.models.network import normal
from grok_tui.science.regression import kernel_regression
from networks import build

NETWORKS = {
    "embedding-mlp": {"vocabulary": 5, "n_inputs": 2, "n_outputs": 3, "d_embed": 4, "d_hidden": 6},
    "transformer": {"vocabulary": 5, "n_inputs": 2, "n_outputs": 3, "d_embed": 4, "d_hidden": 6, "n_heads": 2},
    "mlp": {"vocabulary": 0, "n_inputs": 4, "n_outputs": 2, "d_hidden": 7},
    "committee": {"vocabulary": 0, "n_inputs": 4, "n_outputs": 1, "d_hidden": 3, "eps": 0.25},
}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return normal(Generator().manual_seed(seed), *shape, std=1.0)


def network(name: str) -> tuple[Network, Weights, Weights, Tensor]:
    """A network, weights at a start and away from it, and inputs."""
    net, generator = build(name, **NETWORKS[name]), Generator().manual_seed(1)
    start = net.initial_weights(generator)
    moved = {key: w + normal(generator, *w.shape, std=0.3) for key, w in start.items()}
    if NETWORKS[name]["vocabulary"]:
        return net, start, moved, torch.randint(0, 5, (8, 2), generator=generator)
    return net, start, moved, normal(generator, 8, 4, std=1.0)


def jacobian(f: ScaledOutput | Network, weights: Weights, x: Tensor) -> Tensor:
    """Shape (n, c, number of weights), one output of one example at a time."""
    leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
    rows = []
    for output in f(leaves, x).flatten():
        gradient = torch.autograd.grad(output, list(leaves.values()), retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in gradient]))
    return torch.stack(rows).unflatten(0, (len(x), -1))


# The kernel


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_kernel_is_that_of_the_jacobian(name: str) -> None:
    net, _, weights, x = network(name)
    rows = jacobian(net, weights, x)
    n, c, _ = rows.shape
    whole = kernel.empirical_ntk_full(net, weights, x)
    assert whole.shape == (n, c, n, c)
    for i, a, j, b in product(range(n), range(c), range(n), range(c)):
        assert whole[i, a, j, b].item() == pytest.approx((rows[i, a] @ rows[j, b]).item(), rel=1e-10, abs=1e-12)
    traced = torch.einsum("icjc->ij", whole)
    torch.testing.assert_close(traced, kernel.empirical_ntk(net, weights, x))
    single = {key: w.float() for key, w in weights.items()}
    low = kernel.empirical_ntk_full(net, single, x.float() if x.is_floating_point() else x)
    torch.testing.assert_close(low, whole.float(), rtol=1e-4, atol=1e-5 * whole.abs().max().item())


@pytest.fixture
def kernels() -> tuple[Tensor, Tensor]:
    a, b = draw(9, 12, seed=1), draw(9, 12, seed=2)
    return a @ a.T, b @ b.T


def test_velocity_is_the_turn_per_step(kernels: tuple[Tensor, Tensor]) -> None:
    a, b = kernels
    cosine = (a * b).sum() / (a.norm() * b.norm())
    assert kernel.velocity(a, b, 50).item() == pytest.approx((1 - cosine.item()) / 50)
    assert kernel.velocity(7 * a, b, 1).item() == pytest.approx(1 - cosine.item())
    with pytest.raises(ValueError, match="one step"):
        kernel.velocity(a, b, 0)


def kumar_alignment(k: np.ndarray, y: np.ndarray) -> float:
    """The released notebook's `kalignment`, line by line: y (n,)."""
    y = y - np.mean(y)
    k = k - np.mean(k, axis=0)
    return float(np.dot(y, np.dot(k, y)) / (np.linalg.norm(k) * np.linalg.norm(y) ** 2))


def test_column_alignment_is_the_notebooks(kernels: tuple[Tensor, Tensor]) -> None:
    k, y = kernels[0] + 3, draw(9, 1, seed=3) + 2
    aligned = kernel.column_alignment(k, y).item()
    assert aligned == pytest.approx(kumar_alignment(k.numpy(), y[:, 0].numpy()))
    assert kernel.column_alignment(5 * k, 4 - 2 * y).item() == pytest.approx(aligned)
    assert kernel.column_alignment(k + draw(9, seed=4), y).item() == pytest.approx(aligned)  # a number per column
    assert abs(kernel.column_alignment(k + draw(9, 1, seed=4), y).item() - aligned) > 1e-3  # but not per row
    assert abs(aligned) < abs(kernel.alignment(k, y).item())
    assert kernel.column_alignment(k.float(), y.float()).item() == pytest.approx(aligned, rel=1e-4)


def test_column_alignment_of_several_outputs(kernels: tuple[Tensor, Tensor]) -> None:
    k, y = kernels[0], torch.eye(3, dtype=torch.float64).repeat(3, 1) + draw(9, 3, seed=5) / 4
    h = torch.eye(9, dtype=torch.float64) - 1 / 9
    k_c, y_c = h @ k, h @ y
    slow = (y_c.T @ k_c @ y_c).trace() / (k_c.norm() * (y_c @ y_c.T).norm())
    assert kernel.column_alignment(k, y).item() == pytest.approx(slow.item())
    assert kernel.column_alignment(y_c @ y_c.T, y).item() == pytest.approx(1)


def test_eigenvalues_are_numpys_largest_first(kernels: tuple[Tensor, Tensor]) -> None:
    lopsided = kernels[0] + torch.triu(draw(9, 9, seed=6))
    symmetric = (lopsided + lopsided.T).numpy() / 2
    values = kernel.eigenvalues(lopsided)
    np.testing.assert_allclose(values.numpy(), np.linalg.eigvalsh(symmetric)[::-1], rtol=1e-10, atol=1e-10)
    assert (values.diff() <= 0).all()
    low = kernel.eigenvalues(lopsided.float())
    assert low.dtype == torch.float64
    torch.testing.assert_close(low, values, rtol=0, atol=1e-6 * values[0].item())


def test_effective_rank() -> None:
    for n in (1, 4, 7):
        flat = torch.cat([torch.full((n,), 3.0), torch.zeros(2), torch.tensor([-1e-3])])
        assert kernel.effective_rank(flat).item() == pytest.approx(n)
    spectrum = torch.tensor([8.0, 1.0, 1.0])
    entropy = -0.8 * log(0.8) - 2 * 0.1 * log(0.1)
    assert kernel.effective_rank(spectrum).item() == pytest.approx(exp(entropy))
    assert kernel.effective_rank(1e6 * spectrum.flip(0).double()).item() == pytest.approx(exp(entropy))
    assert kernel.effective_rank(torch.zeros(3)).isnan()


# The linearised twin


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_twin_is_the_tangent_by_finite_differences(name: str, centered: bool) -> None:
    net, start, moved, x = network(name)
    model = ScaledOutput(net, 3.0, start if centered else None)
    at_start, step = model.at_start(x), 1e-5

    def along(h: float) -> Tensor:
        return model({key: w + h * (moved[key] - w) for key, w in start.items()}, x, at_start)

    tangent = along(0) + (along(step) - along(-step)) / (2 * step)
    twin = Linearized(model, start)
    torch.testing.assert_close(twin(moved, x, at_start), tangent, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(twin(start, x, at_start), along(0), rtol=0, atol=0)
    assert (model(moved, x, at_start) - tangent).abs().max() > 1e-3  # the network itself has left it


@pytest.mark.parametrize("name", NETWORKS)
def test_twins_gradient_is_that_of_its_start(name: str) -> None:
    """J(theta_0)^T g wherever it stands, with g the outputs' gradient there."""
    net, start, moved, x = network(name)
    model = ScaledOutput(net, 0.5)
    twin, leaves = Linearized(model, start), {key: w.clone().requires_grad_() for key, w in moved.items()}
    outputs = twin(leaves, x)
    (outputs.square().sum() / 2).backward()
    measured = torch.cat([w.grad.flatten() for w in leaves.values() if w.grad is not None])
    expected = torch.einsum("ncp,nc->p", jacobian(model, start, x), outputs.detach())
    torch.testing.assert_close(measured, expected)


def test_twin_of_a_linear_network_is_the_network() -> None:
    net = build("linear", vocabulary=0, n_inputs=4, n_outputs=1)
    x, start, moved = draw(6, 4), {"S": draw(4, 1, seed=1)}, {"S": draw(4, 1, seed=2)}
    model = ScaledOutput(net, 2.0)
    torch.testing.assert_close(Linearized(model, start)(moved, x), model(moved, x))


def test_twin_keeps_its_start_and_follows_alpha() -> None:
    net, start, moved, x = network("mlp")
    model, weights = ScaledOutput(net, 1.0), {key: w.clone().requires_grad_() for key, w in start.items()}
    twin = Linearized(model, weights)
    before = twin(moved, x)
    with torch.no_grad():
        for w in weights.values():
            w += 1
        torch.testing.assert_close(twin(moved, x), before, rtol=0, atol=0)
        model.alpha = 4.0
        torch.testing.assert_close(twin(moved, x), 4 * before)
    assert not before.requires_grad
    low = Linearized(model, {key: w.float() for key, w in start.items()})
    torch.testing.assert_close(low({k: w.float() for k, w in moved.items()}, x.float()), 4 * before.float())


# Regression with a fixed kernel


@pytest.mark.parametrize("features", [40, 7], ids=["interpolates", "rank-deficient"])
def test_regression_is_where_gradient_descent_ends(features: int) -> None:
    """f(x) = phi(x) . theta from theta = 0, by plain gradient descent; 7 features cannot fit 12 targets."""
    phi, y, theta = draw(20, features), draw(12, 1, seed=1), torch.zeros(features, 1, dtype=torch.float64)
    train = phi[:12]
    rate = 1 / torch.linalg.matrix_norm(train, 2) ** 2
    for _ in range(3000):
        theta = theta - rate * train.T @ (train @ theta - y)
    torch.testing.assert_close(kernel_regression(phi @ phi.T, 12, y), phi[12:] @ theta, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["mlp", "embedding-mlp"])
def test_regression_is_where_the_twin_ends(name: str) -> None:
    """Centred, several outputs, the whole kernel: the least-norm solution theta - theta_0 = J^+ y by SVD."""
    net, start, _, x = network(name)
    model, n_train = ScaledOutput(net, 2.0, start), 5
    y = draw(n_train, NETWORKS[name]["n_outputs"], seed=2)
    rows = jacobian(model, start, x)
    least = torch.linalg.pinv(rows[:n_train].flatten(0, 1), rtol=1e-10) @ y.flatten()
    moved, used = {}, 0
    for key, w in start.items():
        moved[key], used = w + least[used : used + w.numel()].view(w.shape), used + w.numel()
    ended = Linearized(model, start)(moved, x, model.at_start(x))
    predicted = kernel_regression(kernel.empirical_ntk_full(model, start, x), n_train, y)
    torch.testing.assert_close(predicted, ended[n_train:], rtol=1e-6, atol=1e-6)


def test_whole_kernel_of_equal_outputs_is_one_regression_each() -> None:
    phi, y = draw(20, 30), draw(12, 3, seed=1)
    scalar = phi @ phi.T
    whole = torch.einsum("ij,cd->icjd", scalar, torch.eye(3, dtype=torch.float64))
    each = torch.cat([kernel_regression(scalar, 12, y[:, i : i + 1]) for i in range(3)], dim=1)
    torch.testing.assert_close(kernel_regression(whole, 12, y), each)
    torch.testing.assert_close(kernel_regression(1e6 * whole, 12, 2 * y), 2 * each)


def test_regression_symmetrises_the_train_block() -> None:
    phi, y, slant = draw(20, 30), draw(12, 1, seed=1), torch.triu(draw(12, 12, seed=2), diagonal=1)
    lopsided = phi @ phi.T
    lopsided[:12, :12] += slant - slant.T
    torch.testing.assert_close(kernel_regression(lopsided, 12, y), kernel_regression(phi @ phi.T, 12, y))


RANK_DEFICIENT = {
    "linear": (20, 60, {}),
    "linear, larger": (100, 500, {}),
    "committee": (40, 400, {"d_hidden": 2, "eps": 0.25}),  # 2 * 40 weights
}


@pytest.mark.parametrize("name", RANK_DEFICIENT)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_null_space_of_a_kernel_stays_below_the_cutoff(name: str, dtype: torch.dtype, bound: float) -> None:
    d, n, options = RANK_DEFICIENT[name]
    net = build(name.split(",")[0], vocabulary=0, n_inputs=d, n_outputs=1, **options)
    weights, x = net.initial_weights(Generator().manual_seed(0)), draw(n + 30, d, seed=1) / sqrt(d)
    measured = net.ntk({key: w.to(dtype) for key, w in weights.items()}, x.to(dtype))
    rank = sum(w.numel() for w in weights.values())
    values = kernel.eigenvalues(measured[:n, :n]).abs().sort(descending=True).values
    unit = torch.finfo(dtype).eps * torch.linalg.matrix_norm(measured[:n, :n].double())
    assert values[rank] < 2 * unit  # the cutoff is at 4
    assert values[rank - 1] > 1000 * unit
    y = draw(n, 1, seed=2)
    rows = jacobian(net, weights, x)[:, 0]
    fitted = rows[n:] @ torch.linalg.lstsq(rows[:n], y).solution
    error = torch.linalg.norm(kernel_regression(measured, n, y) - fitted) / torch.linalg.norm(fitted)
    assert error < bound


def test_cutoff_keeps_a_kernel_of_full_rank_in_float32() -> None:
    """Figure 1 of Kumar et al.: d 100, N 500, P 550, eps .02; 450 of 550 directions are 1e-4 of the largest."""
    net = build("committee", vocabulary=0, n_inputs=100, n_outputs=1, d_hidden=500, eps=0.02)
    x, weights = draw(650, 100, seed=1) / 10, net.initial_weights(Generator().manual_seed(0))
    measured = net.ntk({"W": weights["W"].float()}, x.float())
    values = kernel.eigenvalues(measured[:550, :550])
    unit = torch.finfo(torch.float32).eps * torch.linalg.matrix_norm(measured[:550, :550].double())
    assert values[-1] > 4 * 4 * unit
    assert values[200] < 550 * torch.finfo(torch.float32).eps * values[0]  # the usual cutoff
    y = (x @ draw(100, 1, seed=3)).square() / 2
    exact, low = kernel_regression(net.ntk(weights, x), 550, y[:550]), kernel_regression(measured, 550, y[:550])
    assert torch.linalg.norm(low - exact) / torch.linalg.norm(exact) < 1e-2


def test_regression_refuses_shapes_that_do_not_fit() -> None:
    k = draw(6, 6)
    for n_train, y in ((0, draw(0, 1)), (6, draw(6, 1)), (4, draw(3, 1)), (4, draw(4, 2)), (4, draw(4))):
        with pytest.raises(ValueError, match="must"):
            kernel_regression(k, n_train, y)


# The test loss of a committee machine


def quadrature(d: int) -> tuple[Tensor, Tensor]:
    """Points and weights that integrate polynomials up to degree 5 in each of x ~ N(0, I/d) exactly."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(3)
    points = torch.tensor(list(product(nodes, repeat=d)), dtype=torch.float64) / sqrt(d)
    return points, torch.tensor([np.prod(s) for s in product(shares / shares.sum(), repeat=d)])


@pytest.mark.parametrize(("alpha", "eps", "target_scale"), [(1.0, 0.25, 0.5), (3.0, 0.02, 1.0), (0.25, 2.0, 0.8)])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_error_terms_are_exact_in_any_dimension(d: int, alpha: float, eps: float, target_scale: float) -> None:
    """linear: of the odd part of f - y; variance: of the mean of the even part; alignment: of the rest."""
    w, beta, (x, share) = draw(3, d), draw(d, seed=1), quadrature(d)
    model = ScaledOutput(build("committee", vocabulary=0, n_inputs=d, n_outputs=1, d_hidden=3, eps=eps), alpha)

    def residual(x: Tensor) -> Tensor:
        return model({"W": w}, x)[:, 0] - target_scale * (x @ beta).square()

    odd, even = (residual(x) - residual(-x)) / 2, (residual(x) + residual(-x)) / 2
    mean = share @ even
    terms = error_terms(w, beta, eps=eps, alpha=alpha, target_scale=target_scale)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {
            "linear": (share @ odd.square()).item(),
            "variance": (mean**2).item(),
            "alignment": (share @ (even - mean).square()).item(),
        }
    )
    assert sum(terms.values()).item() == pytest.approx((share @ residual(x).square()).item())
    low = error_terms(w.float(), beta.float(), eps=eps, alpha=alpha, target_scale=target_scale)
    assert {name: term.item() for name, term in low.items()} == pytest.approx(
        {name: term.item() for name, term in terms.items()}, rel=1e-4
    )


@pytest.mark.parametrize("target_scale", [0.5, 1.0])
def test_error_terms_add_up_to_a_sampled_test_loss(target_scale: float) -> None:
    """Figure 4 of Kumar et al.: d 40, N 2; within 4 standard errors of the mean over 100,000 examples."""
    w, beta, x = draw(2, 40), draw(40, seed=1), draw(100_000, 40, seed=2) / sqrt(40)
    net = build("committee", vocabulary=0, n_inputs=40, n_outputs=1, d_hidden=2, eps=0.25)
    errors = (net({"W": w}, x)[:, 0] - target_scale * (x @ beta).square()).square()
    total = sum(error_terms(w, beta, eps=0.25, alpha=1.0, target_scale=target_scale).values())
    standard = errors.std().item() / sqrt(len(errors))
    assert total.item() == pytest.approx(errors.mean().item(), abs=4 * standard)
    assert standard < 0.02 * total.item()


def test_error_terms_of_equation_6_as_printed() -> None:
    w, beta, alpha, eps = draw(5, 6), draw(6, seed=1), 2.0, 0.3
    m, wbar = sum(torch.outer(row, row) for row in w) / 5, sum(w) / 5
    terms = error_terms(w, beta, eps=eps, alpha=alpha, target_scale=0.5)
    variance = ((beta @ beta) / 6 - alpha * eps * m.trace() / 6) ** 2 / 4
    alignment = torch.linalg.matrix_norm(alpha * eps * m - torch.outer(beta, beta)) ** 2 / (2 * 6**2)
    torch.testing.assert_close(terms["variance"], variance)
    torch.testing.assert_close(terms["alignment"], alignment)
    torch.testing.assert_close(terms["linear"], alpha**2 / 6 * (wbar @ wbar))


# Fourier


@pytest.mark.parametrize("p", [3, 11, 12])
def test_spectrum_is_that_of_explicit_sums(p: int) -> None:
    """Projections on unit-length cosines and sines over the residues."""
    embedding = draw(p, 4)
    power = []
    for k in range(1, p // 2 + 1):
        waves = [[wave(2 * pi * k * a / p) for a in range(p)] for wave in (cos, sin)]
        units = [torch.tensor(w, dtype=torch.float64) / sqrt(np.dot(w, w)) for w in waves if np.dot(w, w) > 1e-9]
        power.append(sum((unit @ embedding).square().sum().item() for unit in units))
    assert sum(power) == pytest.approx((embedding - embedding.mean(dim=0)).square().sum().item())
    shares = fourier.spectrum(embedding)
    torch.testing.assert_close(shares, torch.tensor(power, dtype=torch.float64) / sum(power))
    torch.testing.assert_close(fourier.spectrum(embedding.float()), shares.float())


def test_spectrum_knows_no_unit_origin_or_basis() -> None:
    embedding = draw(13, 5)
    shares, turn = fourier.spectrum(embedding), torch.linalg.qr(draw(5, 5, seed=1)).Q
    torch.testing.assert_close(fourier.spectrum(7 * embedding.roll(3, dims=0) @ turn + draw(5, seed=2)), shares)


def test_spectrum_of_one_wave_is_one_frequency() -> None:
    a = torch.arange(17, dtype=torch.float64)
    embedding = torch.outer(torch.cos(2 * pi * 5 * a / 17 + 0.3), draw(6)) + 4
    shares = fourier.spectrum(embedding)
    assert shares.shape == (8,)
    assert shares[4].item() == pytest.approx(1)
    assert fourier.gini(shares).item() == pytest.approx(7 / 8)
    assert fourier.energy(shares, 1).item() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gini_is_the_mean_difference_of_all_pairs(dtype: torch.dtype) -> None:
    shares = draw(30).square().to(dtype)
    pairs = sum(abs(a - b) for a, b in product(shares.tolist(), repeat=2)) / (2 * 30**2 * shares.mean().item())
    assert fourier.gini(shares).item() == pytest.approx(pairs, rel=1e-5)
    assert fourier.gini(9 * shares.flip(0)).item() == pytest.approx(pairs, rel=1e-5)
    assert fourier.gini(torch.full((30,), 0.1, dtype=dtype)).item() == pytest.approx(0, abs=1e-6)
    assert fourier.gini(torch.eye(30, dtype=dtype)[3]).item() == pytest.approx(29 / 30)


def test_energy_is_that_of_the_strongest() -> None:
    shares = draw(20).square()
    shares = shares / shares.sum()
    assert fourier.energy(shares).item() == pytest.approx(sum(sorted(shares.tolist())[-5:]))
    assert fourier.energy(shares, 2).item() == pytest.approx(sum(sorted(shares.tolist())[-2:]))
    assert fourier.energy(shares, 99).item() == pytest.approx(1)
    assert fourier.energy(torch.full((20,), 0.05)).item() == pytest.approx(5 / 20)


# Geometry


def test_angle_is_the_arccos_of_the_cosine() -> None:
    a, b = ({"W": draw(4, 3, seed=s), "b": draw(3, seed=s + 10)} for s in (1, 2))
    u, v = (torch.cat([w["W"].flatten(), w["b"]]) for w in (a, b))
    expected = degrees(torch.arccos(u @ v / (u.norm() * v.norm())).item())
    assert weight_measures.angle(a, b).item() == pytest.approx(expected, rel=1e-12)
    assert weight_measures.angle(b, {key: 5 * w for key, w in reversed(a.items())}).item() == pytest.approx(expected)
    assert weight_measures.angle(a, a).item() == 0
    assert weight_measures.angle(a, {key: -w for key, w in a.items()}).item() == pytest.approx(180)
    low = weight_measures.angle({key: w.float() for key, w in a.items()}, {key: w.float() for key, w in b.items()})
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("turned", [1e-10, 1e-6, 1e-3, 30, 90, 179.999, 180 - 1e-6])
def test_angle_is_known_where_arccos_is_not(turned: float) -> None:
    basis = torch.linalg.qr(draw(50, 2)).Q
    there = 3 * (cos(radians(turned)) * basis[:, 0] + sin(radians(turned)) * basis[:, 1])
    assert weight_measures.angle({"W": there}, {"W": basis[:, 0]}).item() == pytest.approx(turned, rel=1e-5)
    assert 180 - weight_measures.angle({"W": -there}, {"W": basis[:, 0]}).item() == pytest.approx(turned, rel=1e-3)


def test_small_angle_between_float32_weights() -> None:
    """1e-4 degrees is 1.7e-6, and the cosine 1 - 1.5e-12: nothing is left of it in float32."""
    w = {"W": (draw(1000) + 3).float()}
    moved = {"W": w["W"] + 1e-5 * draw(1000, seed=1).float()}
    u, v = w["W"].double(), moved["W"].double()
    rejected = v - (u @ v) / (u @ u) * u
    expected = degrees((rejected.norm() / v.norm()).item())
    assert expected < 1e-3
    assert weight_measures.angle(moved, w).item() == pytest.approx(expected, rel=1e-5)


def test_angle_of_what_has_none() -> None:
    w = {"W": draw(3)}
    assert weight_measures.angle(w, {"W": torch.zeros(3, dtype=torch.float64)}).isnan()
    with pytest.raises(ValueError, match="no angle"):
        weight_measures.angle(w, {"W": draw(3), "b": draw(3)})


def test_bit_share_counts_squares() -> None:
    w1 = draw(6, 4)
    squares = [[entry**2 for entry in row] for row in w1.tolist()]
    for k in range(1, 7):
        expected = sum(map(sum, squares[:k])) / sum(map(sum, squares))
        assert weight_measures.bit_share(w1, k).item() == pytest.approx(expected)
        assert weight_measures.bit_share(-8 * w1.float(), k).item() == pytest.approx(expected, rel=1e-5)
        assert weight_measures.bit_share(torch.ones(6, 4), k).item() == pytest.approx(k / 6)
    for k in (0, 7):
        with pytest.raises(ValueError, match="k must"):
            weight_measures.bit_share(w1, k)
