"""Losses, accuracy, and the optimizers' knobs, against formulas written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from grok_tui.science.losses import LOSSES, accuracy, targets
from grok_tui.science.norms import norm
from grok_tui.science.optimizers import (
    OPTIMIZERS,
    build_optimizer,
    flatten_state,
    read_knobs,
    restore_state,
    turn_knobs,
)
from grok_tui.science.phases import PhaseDetector

KNOBS = {"lr": 0.1, "weight_decay": 0.5, "momentum": 0.0, "beta1": 0.9, "beta2": 0.99}


def test_cross_entropy_is_minus_log_softmax() -> None:
    outputs = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64)
    y = torch.tensor([1, 2])
    expected = -torch.log(torch.exp(outputs[[0, 1], y]) / torch.exp(outputs).sum(dim=1)).mean()
    torch.testing.assert_close(LOSSES["cross-entropy"]()(outputs, y), expected)


def test_float64_loss_sees_what_float32_rounds_to_nothing() -> None:
    """Softmax collapse: at a margin of 30 the float32 loss, and its pull on the right class, are exactly 0."""
    for dtype, is_zero in (("float32", True), ("float64", False)):
        outputs = torch.tensor([[30.0, 0.0]], requires_grad=True)
        loss = LOSSES["cross-entropy"](dtype=dtype)(outputs, torch.tensor([0]))
        loss.backward()
        assert (loss.item() == 0) is is_zero
        assert outputs.grad is not None
        assert (outputs.grad[0, 0].item() == 0) is is_zero


def test_mse_is_a_plain_mean_and_one_hot_for_classes() -> None:
    outputs = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert LOSSES["mse"]()(outputs, torch.tensor([0, 1])).item() == pytest.approx((0 + 0 + 0.25 + 0.25) / 4)
    assert LOSSES["mse"]()(outputs[:, :1], torch.tensor([[0.0], [0.5]])).item() == pytest.approx(0.5)


MARGINS = [-30.0, -2.0, -1e-3, 0.0, 0.5, 0.999, 1.001, 3.0, 25.0, 50.0]


def signed(classes: list[int]) -> tuple[Tensor, Tensor]:
    """Outputs (m, 1) in float64 whose margins are MARGINS, and their classes."""
    y = torch.tensor(classes)
    return torch.tensor([[m if c else -m] for m, c in zip(MARGINS, classes, strict=True)], dtype=torch.float64), y


BINARY: dict[str, Callable[[float], float]] = {
    "hinge": lambda margin: max(0.0, 1 - margin),
    "logistic": lambda margin: math.log1p(math.exp(-margin)),
}
PULLS: dict[str, Callable[[float], float]] = {
    "hinge": lambda margin: 1.0 if margin < 1 else 0.0,
    "logistic": lambda margin: 1 / (1 + math.exp(margin)),
}
"""How hard an example at this margin pulls on the margin: minus the derivative of its loss."""


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("classes", [[1] * 10, [0] * 10, [0, 1] * 5])
def test_binary_loss_is_a_mean_over_margins_and_pulls_towards_the_class(name: str, classes: list[int]) -> None:
    outputs, y = signed(classes)
    outputs.requires_grad_()
    loss = LOSSES[name]()(outputs, y)
    loss.backward()
    assert loss.item() == pytest.approx(sum(BINARY[name](m) for m in MARGINS) / 10, rel=1e-14)
    assert outputs.grad is not None
    expected = [-PULLS[name](m) * (1 if c else -1) / 10 for m, c in zip(MARGINS, classes, strict=True)]
    assert outputs.grad[:, 0].tolist() == pytest.approx(expected, rel=1e-14, abs=0)


def test_logistic_is_exact_far_past_where_softplus_is_cut() -> None:
    """log(1 + e^-z) is e^-z for a right answer at z = 40, and z for a wrong one at 800, where e^z overflows."""
    y = torch.tensor([1])
    assert LOSSES["logistic"]()(torch.tensor([[40.0]]).double(), y).item() == pytest.approx(math.exp(-40), rel=1e-12)
    assert LOSSES["logistic"]()(torch.tensor([[-800.0]]).double(), y).item() == 800
    wrong = torch.tensor([[-21.0]]).double()
    assert LOSSES["logistic"]()(wrong, y).item() == 21 + math.log1p(math.exp(-21)) != 21


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_targets_are_signs_for_one_output_and_one_hot_for_more(dtype: torch.dtype) -> None:
    y = torch.tensor([1, 0, 1])
    assert torch.equal(targets(y, 1, dtype), torch.tensor([[1], [-1], [1]], dtype=dtype))
    assert torch.equal(targets(y, 2, dtype), torch.tensor([[0, 1], [1, 0], [0, 1]], dtype=dtype))
    assert targets(y, 1, dtype).dtype == targets(y, 2, dtype).dtype == dtype
    real = torch.tensor([[0.5], [2.0]])
    assert targets(real, 1, dtype) is real


def test_accuracy_of_one_output_is_of_its_sign() -> None:
    outputs, y = torch.tensor([[2.0], [0.1], [0.0], [-3.0], [-0.1]]), torch.tensor([1, 0, 0, 0, 1])
    assert accuracy(outputs, y).item() == pytest.approx(3 / 5)
    assert accuracy(outputs[2:3], torch.tensor([1])).item() == 0
    assert accuracy(torch.full((4, 1), -1.0), torch.tensor([0, 0, 0, 1])).item() == 0.75


def test_accuracy_of_several_real_outputs_is_of_their_mean_squared_error() -> None:
    outputs, y = torch.tensor([[0.3, 0.0], [0.3, 0.3]]), torch.zeros(2, 2)
    assert accuracy(outputs, y, tolerance=0.05).item() == 0.5


def test_accuracy() -> None:
    assert accuracy(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([1, 1])).item() == 0.5
    real = torch.tensor([[0.0], [0.1], [1.0], [1.04]]), torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    assert accuracy(*real, tolerance=0.005).item() == 0.75


def weights() -> list[Tensor]:
    return [torch.ones(2, 2, requires_grad=True), torch.ones(2, requires_grad=True)]


@pytest.mark.parametrize("name", ["gd", "adamw"])
@pytest.mark.parametrize("decay", ["matrices", "all"])
def test_decay_shrinks_by_lr_times_weight_decay(name: str, decay: str) -> None:
    matrix, vector = weights()
    optimizer = build_optimizer(name, [matrix, vector], decay)
    turn_knobs(optimizer, **KNOBS)
    for w in (matrix, vector):
        w.grad = torch.zeros_like(w)
    optimizer.step()
    assert matrix.detach().unique().item() == pytest.approx(1 - 0.1 * 0.5)
    assert vector.detach().unique().item() == pytest.approx(1 - 0.1 * 0.5 * (decay == "all"))


def test_gd_is_the_formula() -> None:
    matrix, vector = weights()
    optimizer = build_optimizer("gd", [matrix, vector], "matrices")
    turn_knobs(optimizer, **KNOBS | {"weight_decay": 0.0})
    matrix.grad, vector.grad = torch.full((2, 2), 2.0), torch.full((2,), 3.0)
    optimizer.step()
    assert matrix.detach().unique().item() == pytest.approx(0.8)
    assert vector.detach().unique().item() == pytest.approx(0.7)


@pytest.mark.parametrize(("name", "coupled"), [("adam", True), ("adamw", False)])
@pytest.mark.parametrize("decay", ["matrices", "all"])
def test_adam_is_the_formula(name: str, coupled: bool, decay: str) -> None:
    """Five steps by hand: with `adam` the decay goes through both moments, with `adamw` it shrinks the weight alone."""
    lr, weight_decay, beta1, beta2 = (KNOBS[key] for key in ("lr", "weight_decay", "beta1", "beta2"))
    matrix, vector = (w.detach().double().requires_grad_() for w in weights())
    optimizer = build_optimizer(name, [matrix, vector], decay)
    turn_knobs(optimizer, **KNOBS)
    for w, decays in ((matrix, True), (vector, decay == "all")):
        value, first, second, rate = 1.0, 0.0, 0.0, weight_decay * decays
        seen = []
        for t, gradient in enumerate([2.0, -1.0, 0.0, 0.3, 5.0], 1):
            g = gradient + rate * value * coupled
            first, second = beta1 * first + (1 - beta1) * g, beta2 * second + (1 - beta2) * g**2
            value -= lr * rate * value * (not coupled)
            value -= lr * first / (1 - beta1**t) / (math.sqrt(second / (1 - beta2**t)) + 1e-8)
            matrix.grad = vector.grad = None
            w.grad = torch.full_like(w, gradient)
            optimizer.step()
            seen.append((w.detach().unique().item(), value))
        assert [ours for ours, _ in seen] == pytest.approx([by_hand for _, by_hand in seen], rel=1e-12)


def test_decay_of_adam_does_not_shrink_as_adamw_does() -> None:
    """Coupled: with no gradient but the decay, Adam's first step is lr in size, whatever the decay."""
    after = {}
    for name in ("adam", "adamw"):
        w = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
        optimizer = build_optimizer(name, [w], "all")
        turn_knobs(optimizer, **KNOBS | {"weight_decay": 0.2})
        w.grad = torch.zeros_like(w)
        optimizer.step()
        after[name] = w.detach().unique().item()
    assert after == {"adam": pytest.approx(1 - 0.1), "adamw": pytest.approx(1 - 0.1 * 0.2)}


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_runs_as_one_kernel(name: str) -> None:
    assert all(group["fused"] for group in build_optimizer(name, weights(), "matrices").param_groups)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_knobs_are_read_back_as_turned(name: str) -> None:
    optimizer = build_optimizer(name, weights(), "matrices")
    turn_knobs(optimizer, **KNOBS)
    held = read_knobs(optimizer)
    assert held == {key: pytest.approx(KNOBS[key]) for key in held}
    assert {"lr", "weight_decay"} < set(held)


@pytest.mark.parametrize(("name", "momentum"), [("gd", 0.9), ("adam", 0.0), ("adamw", 0.0)])
def test_restored_memory_goes_on_bit_for_bit(name: str, momentum: float) -> None:
    def train(ws: list[Tensor], optimizer: torch.optim.Optimizer, steps: range) -> None:
        for i in steps:
            for w in ws:
                w.grad = torch.full_like(w, float(i % 3 - 1) + 0.1)
            optimizer.step()

    knobs = KNOBS | {"momentum": momentum}
    first = weights()
    optimizer = build_optimizer(name, first, "matrices")
    turn_knobs(optimizer, **knobs)
    train(first, optimizer, range(5))
    second = [w.detach().clone().requires_grad_() for w in first]
    restored = build_optimizer(name, second, "matrices")
    restore_state(restored, ["W", "b"], flatten_state(optimizer, ["W", "b"]))
    turn_knobs(restored, **knobs)
    train(first, optimizer, range(5, 9))
    train(second, restored, range(5, 9))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_norm_is_over_everything() -> None:
    assert norm([torch.tensor([3.0]), torch.tensor([[4.0]])]).item() == pytest.approx(5)


def test_phases_begin_with_the_first_row_past_every_threshold() -> None:
    phases = PhaseDetector(train_acc=0.99, test_acc=0.9, train_loss=0.0, test_loss=0.5)
    rows = {
        0: (0.1, 0.1, 3.0),
        10: (0.99, 0.2, 3.0),
        20: (1.0, 0.95, 0.6),
        30: (1.0, 0.9, 0.4),
        40: (0.5, 0.5, 3.0),
    }
    begun = {
        step: phases.see(step, {"train/acc": train, "test/acc": test, "train/loss": 0.0, "test/loss": loss})
        for step, (train, test, loss) in rows.items()
    }
    assert begun == {0: [], 10: ["memorized"], 20: [], 30: ["grokked"], 40: []}
    assert (phases.t_mem, phases.t_grok, phases.delay) == (10, 30, 20)


def test_without_a_delay_there_is_none() -> None:
    phases = PhaseDetector(train_acc=0.99, test_acc=0.9, train_loss=0.0, test_loss=0.0)
    assert phases.delay is None
