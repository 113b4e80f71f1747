"""Losses, accuracy, and the optimizers' knobs, against formulas written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from grok_tui.science.losses import LOSSES, accuracy
from grok_tui.science.norms import norm
from grok_tui.science.optimizers import build_optimizer, flatten_state, read_knobs, restore_state, turn_knobs
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


@pytest.mark.parametrize("name", ["gd", "adamw"])
def test_knobs_are_read_back_as_turned(name: str) -> None:
    optimizer = build_optimizer(name, weights(), "matrices")
    turn_knobs(optimizer, **KNOBS)
    held = read_knobs(optimizer)
    assert held == {key: pytest.approx(KNOBS[key]) for key in held}
    assert {"lr", "weight_decay"} < set(held)


@pytest.mark.parametrize(("name", "momentum"), [("gd", 0.9), ("adamw", 0.0)])
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
