"""Gradients by hand against autograd, and the faster product against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.func import vmap

from grok_tui.engine.backend import Backend
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.science.activations import ACTIVATIONS
from grok_tui.science.kernel import empirical_ntk
from grok_tui.science.matmul import PRODUCTS, SMALLEST, onednn
from grok_tui.science.models import MODELS
from grok_tui.science.models.committee import averaging
from grok_tui.science.torch_private import has_onednn
from small import distinct, small

CPU = torch.device("cpu")


def float64(preset: str, backend: Backend, *sets: str) -> GradientLearner:
    """A small run of the preset."""
    return GradientLearner(small(preset, "train.dtype=float64", *sets), CPU, backend)


BY_HAND = [
    preset
    for preset in distinct()
    if small(preset).optim.name != "rfm" and float64(preset, Backend(gradient="by hand")).backend.gradient == "by hand"
]


def test_most_networks_have_their_gradient_written_out() -> None:
    kinds = {small(preset).model.name for preset in BY_HAND}
    assert kinds == set(MODELS) - {"kernel-machine"}


@pytest.mark.parametrize("preset", BY_HAND)
@pytest.mark.parametrize("products", ["torch", "mkl"])
def test_gradient_by_hand_is_that_of_autograd(preset: str, products: str) -> None:
    """In float64, at the start and where five steps have led."""
    agree(float64(preset, Backend(products, gradient="by hand")), float64(preset, Backend()))


@pytest.mark.parametrize("preset", ["modadd-mlp", "modadd-transformer", "parity"])
@pytest.mark.parametrize("products", ["torch", "mkl"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_by_hand_is_right_for_every_activation(preset: str, products: str, activation: str) -> None:
    """Some write their values over what they were given."""
    sets = f"model.activation={activation}"
    agree(float64(preset, Backend(products, gradient="by hand"), sets), float64(preset, Backend(), sets))


def agree(hand: GradientLearner, auto: GradientLearner) -> None:
    """Both have the same gradients, and again five steps on."""
    assert (hand.backend.gradient, auto.backend.gradient) == ("by hand", "autograd")
    for _ in range(2):
        hand.prepare()
        auto.prepare()
        for name, gradient in auto.net.grad.named.items():
            torch.testing.assert_close(hand.net.grad.named[name], gradient, rtol=1e-9, atol=1e-14, msg=name)
        hand.advance(5)
        auto.advance(5)


def test_what_steps_keep_serves_autograd() -> None:
    """Steps run in inference mode, whose tensors autograd refuses."""
    averaging.cache_clear()
    learner = float64("kumar-poly", Backend(gradient="by hand"))
    learner.advance(1)
    kernel = empirical_ntk(learner.model, learner.weights, learner.probe[:4])
    torch.testing.assert_close(kernel, learner.model.ntk(learner.weights, learner.probe[:4]), rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", [name for name in PRODUCTS if name != "onednn" or has_onednn()])
@pytest.mark.parametrize("shape", [(300, 70, 59), (64, 500, 128), (37, 3000, 41)])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_product_and_its_gradient_are_torchs(
    name: str, shape: tuple[int, int, int], transposed: tuple[bool, bool]
) -> None:
    product, (m, k, n) = PRODUCTS[name], shape
    assert m * k * n >= SMALLEST
    generator = torch.Generator().manual_seed(0)

    def matrix(rows: int, columns: int, turn: bool) -> Tensor:
        data = torch.randn(*((columns, rows) if turn else (rows, columns)), generator=generator)
        return (data.T if turn else data).requires_grad_()

    a, b = matrix(m, k, transposed[0]), matrix(k, n, transposed[1])
    signal = torch.randn(m, n, generator=generator)
    exact = (a.double() @ b.double()).float()
    ours = torch.autograd.grad(product(a, b), (a, b), signal)
    theirs = torch.autograd.grad(a @ b, (a, b), signal)
    scale = k**0.5 * 2e-6
    torch.testing.assert_close(product(a, b), exact, rtol=1e-5, atol=scale * 10)
    with torch.no_grad():
        torch.testing.assert_close(product(a, b), exact, rtol=1e-5, atol=scale * 10)
        torch.testing.assert_close(product(a, b, torch.empty(m, n)), exact, rtol=1e-5, atol=scale * 10)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.skipif(not has_onednn(), reason="torch has no oneDNN here")
def test_product_is_linear_forwards_and_gives_way_to_torch_func() -> None:
    a, b, a_dot, b_dot = torch.randn(4, 300, 300, generator=torch.Generator().manual_seed(0)).unbind()
    with forward_ad.dual_level():
        dual = onednn(forward_ad.make_dual(a, a_dot), forward_ad.make_dual(b, b_dot))
        torch.testing.assert_close(forward_ad.unpack_dual(dual).tangent, a_dot @ b + a @ b_dot, rtol=1e-4, atol=1e-3)
    rows = vmap(lambda row: onednn(row.expand(300, 300), b))(a[:2])
    torch.testing.assert_close(rows[:, 0], a[:2] @ b, rtol=1e-4, atol=1e-3)
