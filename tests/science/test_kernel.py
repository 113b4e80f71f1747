"""Every kernel against the slow, obvious way: the whole Jacobian in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor
from torch.func import jacrev, jvp, vmap

from grok_tui.config import names, presets
from grok_tui.config.fields import values
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.science import kernel
from grok_tui.science.activations import ACTIVATIONS
from grok_tui.science.models import MODELS, Network, ScaledOutput
from grok_tui.science.models.network import normal
from networks import build
from small import distinct, small

TOKENS = {"vocabulary": 11, "n_inputs": 2, "n_outputs": 11}
THREE = {"vocabulary": 12, "n_inputs": 3, "n_outputs": 11}
NARROW = {"d_embed": 8, "d_hidden": 12, "n_heads": 2}
VECTORS = {"vocabulary": 0, "n_inputs": 6}

NETWORKS = {
    "embedding-mlp": {**TOKENS, "d_embed": 8, "d_hidden": 12},
    "embedding-mlp relu": {**TOKENS, "d_embed": 8, "d_hidden": 12, "activation": "relu"},
    "embedding-mlp tanh, three tokens": {**THREE, "d_embed": 8, "d_hidden": 12, "activation": "tanh"},
    "quadratic-mlp": {**TOKENS, "d_hidden": 12},
    "quadratic-mlp, three tokens": {**THREE, "d_hidden": 12},
    "transformer": {**TOKENS, **NARROW},
    "transformer, three tokens": {**THREE, "d_embed": 8, "d_hidden": 12, "n_heads": 4},
    "transformer torch init": {**TOKENS, **NARROW, "init": "torch"},
    "transformer post": {**TOKENS, **NARROW, "layer_norm": "post", "init": "torch"},
    "transformer pre": {**TOKENS, **NARROW, "layer_norm": "pre", "activation": "relu"},
    "transformer of two blocks": {**TOKENS, **NARROW, "n_layers": 2},
    "transformer of two blocks post": {**TOKENS, **NARROW, "n_layers": 2, "layer_norm": "post"},
    "transformer of three blocks pre, three tokens": {**THREE, **NARROW, "n_layers": 3, "layer_norm": "pre"},
    "mlp": {**VECTORS, "n_outputs": 2, "d_hidden": 12},
    "mlp scalar relu": {**VECTORS, "n_outputs": 1, "d_hidden": 12, "activation": "relu"},
    "mlp torch init": {**VECTORS, "n_outputs": 2, "d_hidden": 12, "init": "torch"},
    "mlp of two layers relu": {**VECTORS, "n_outputs": 10, "d_hidden": 12, "n_layers": 2, "activation": "relu"},
    "mlp of three layers tanh": {**VECTORS, "n_outputs": 5, "d_hidden": 12, "n_layers": 3, "activation": "tanh"},
    "committee": {**VECTORS, "n_outputs": 1, "d_hidden": 5, "eps": 0.25},
    "signed-committee": {**VECTORS, "n_outputs": 1, "d_hidden": 12},
    "signed-committee, odd": {**VECTORS, "n_outputs": 1, "d_hidden": 5},
    "linear": {**VECTORS, "n_outputs": 1},
    "linear of three outputs": {**VECTORS, "n_outputs": 3},
}


def network(name: str) -> tuple[Network, dict[str, Tensor], Tensor]:
    """A network away from its start, and inputs among which tokens repeat."""
    options = NETWORKS[name]
    net = build(name.split(",")[0].split(" ")[0], **options)
    generator = Generator().manual_seed(1)
    weights = {key: w + normal(generator, *w.shape, std=0.3) for key, w in net.initial_weights(generator).items()}
    if options["vocabulary"]:
        return net, weights, torch.randint(0, options["vocabulary"], (24, options["n_inputs"]), generator=generator)
    return net, weights, normal(generator, 24, options["n_inputs"], std=1.0)


def oracle(net: Network | ScaledOutput, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """sum_c J_c J_c^T with the whole Jacobian J, shape (n, c, weights), in float64."""
    weights = {name: w.double() for name, w in weights.items()}
    x = x if not x.is_floating_point() else x.double()
    jacobian = jacrev(lambda w: net(w, x))(weights)
    whole = torch.cat([block.flatten(2) for block in jacobian.values()], dim=2)
    return torch.einsum("ncp,mcp->nm", whole, whole)


def relative(a: Tensor, b: Tensor) -> float:
    return (torch.linalg.norm(a.double() - b) / torch.linalg.norm(b)).item()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_kernel_is_the_full_jacobian_oracle(name: str, dtype: torch.dtype, bound: float) -> None:
    net, weights, x = network(name)
    cast = {key: w.to(dtype) for key, w in weights.items()}
    cast_x = x.to(dtype) if x.is_floating_point() else x
    assert relative(net.ntk(cast, cast_x), oracle(net, cast, cast_x)) < bound


@pytest.mark.parametrize("name", NETWORKS)
def test_general_kernel_is_the_oracle_too(name: str) -> None:
    net, weights, x = network(name)
    assert relative(kernel.empirical_ntk(net, weights, x), oracle(net, weights, x)) < 1e-10


@pytest.mark.parametrize("preset", [name for name in distinct() if small(name).model.name in MODELS])
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-5)])
def test_kernel_of_every_preset_in_its_full_size(preset: str, dtype: str, bound: float) -> None:
    """At the preset's own width after some training, on a part of its probe that the oracle can hold."""
    config = presets.load_preset(preset, [f"train.dtype={dtype}", "measure.probe=6", "train.seed=3"])
    learner = GradientLearner(config, torch.device("cpu"))
    learner.advance(5)
    measured, _ = learner.measure_kernel()
    weights = {name: w.detach() for name, w in learner.weights.items()}
    model = learner.model
    if model.weights_0 is not None:  # the centring has no gradient
        model = ScaledOutput(model.net, model.alpha)
    assert relative(measured, oracle(model, weights, learner.probe)) < bound


def test_alpha_scales_the_kernel_by_its_square() -> None:
    net, weights, x = network("mlp")
    assert relative(ScaledOutput(net, 3.0).ntk(weights, x), 9 * net.ntk(weights, x)) < 1e-12


@pytest.fixture
def kernels() -> tuple[Tensor, Tensor]:
    generator = Generator().manual_seed(0)
    a, b = (normal(generator, 9, 12, std=1.0) for _ in range(2))
    return a @ a.T, b @ b.T


def test_drift(kernels: tuple[Tensor, Tensor]) -> None:
    a, b = kernels
    assert kernel.drift(a, b).item() == pytest.approx((((a - b) ** 2).sum().sqrt() / (b**2).sum().sqrt()).item())
    assert kernel.drift(a, a).item() == 0
    assert kernel.drift(3 * a, a).item() == pytest.approx(2)


def test_distance_is_one_minus_the_cosine(kernels: tuple[Tensor, Tensor]) -> None:
    a, b = kernels
    cosine = (a * b).sum() / (a.norm() * b.norm())
    assert kernel.distance(a, b).item() == pytest.approx(1 - cosine.item())
    assert kernel.distance(5 * a, a).item() == pytest.approx(0, abs=1e-15)


def test_distance_of_nearly_parallel_kernels_does_not_cancel(kernels: tuple[Tensor, Tensor]) -> None:
    a, b = kernels
    near = (a + 1e-4 * b).float()
    exact = kernel.distance(a + 1e-4 * b, a).item()
    assert kernel.distance(near, a.float()).item() == pytest.approx(exact, rel=1e-2)
    assert exact < 1e-7  # where 1 - cosine in float32 has no digit left


def test_alignment_is_centred_cosine_with_the_label_kernel(kernels: tuple[Tensor, Tensor]) -> None:
    a, _ = kernels
    y = torch.eye(3, dtype=torch.float64).repeat(3, 1)
    h = torch.eye(9, dtype=torch.float64) - 1 / 9
    left, right = h @ a @ h, h @ y @ y.T @ h
    assert kernel.alignment(a, y).item() == pytest.approx(((left * right).sum() / (left.norm() * right.norm())).item())
    assert kernel.alignment(y @ y.T + 7, y).item() == pytest.approx(1)


def test_linear_kernel_drift_is_exactly_zero() -> None:
    config = presets.load_preset("linear", ["train.steps=50"])
    learner = GradientLearner(config, torch.device("cpu"))
    learner.measure_kernel()
    learner.advance(50)
    assert learner.measure_kernel()[1]["kernel/drift"] == 0.0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name: str) -> None:
    h = torch.linspace(-4, 4, 101, dtype=torch.float64, requires_grad=True)
    act = ACTIVATIONS[name]
    (gradient,) = torch.autograd.grad(act.value(h).sum(), h)
    torch.testing.assert_close(act.slope(h.detach()), gradient)


def test_every_network_of_the_config_is_tested_here() -> None:
    assert {name.split(",")[0].split(" ")[0] for name in NETWORKS} == set(MODELS) == set(names.NETWORKS)
    for preset in presets.names():
        config = presets.load_preset(preset)
        if config.model.name in MODELS:
            assert set(values(config, "model")) >= {"alpha", "init_scale", "centered"}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_can_be_linearised(name: str) -> None:
    """The derivative along a direction is J v, and its gradient by the direction J^T u: what a twin trains by."""
    net, weights, x = network(name)
    generator = Generator().manual_seed(2)
    direction = {key: normal(generator, *w.shape, std=1.0).requires_grad_() for key, w in weights.items()}
    _, tangent = jvp(lambda w: net(w, x), (weights,), (direction,))
    jacobian = jacrev(lambda w: net(w, x))(weights)
    expected = sum((jacobian[key].flatten(2) @ direction[key].flatten()) for key in weights)
    torch.testing.assert_close(tangent, expected)
    u = normal(generator, *tangent.shape, std=1.0)
    gradient = torch.autograd.grad(tangent, list(direction.values()), u)
    for key, g in zip(direction, gradient, strict=True):
        torch.testing.assert_close(g.flatten(), torch.einsum("ncp,nc->p", jacobian[key].flatten(2), u))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_work_one_example_at_a_time(name: str) -> None:
    net, weights, x = network(name)
    alone = vmap(lambda xi: net(weights, xi.unsqueeze(0)).squeeze(0))(x)
    torch.testing.assert_close(alone, net(weights, x))


@pytest.mark.parametrize("preset", ["nanda", "delay-addition"])
def test_kernel_does_not_depend_on_how_many_outputs_fit_the_memory(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = GradientLearner(small(preset, "train.dtype=float64"), torch.device("cpu"))
    kernels = []
    for size in (1, 30_000, 2**26):
        monkeypatch.setattr("grok_tui.science.models.layers.MOST_BYTES", size)
        kernels.append(learner.model.ntk(learner.weights, learner.probe))
    for taken in kernels[1:]:
        torch.testing.assert_close(taken, kernels[0], rtol=1e-12, atol=1e-12)
