"""Losses, accuracy, and the optimizers' knobs, against formulas written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from captured import hold_knobs_in_tensors
from grok_tui.science.flat import Flat
from grok_tui.science.losses import LOSSES, accuracy, targets
from grok_tui.science.optimizers import OPTIMIZERS, Optimizer, decaying
from grok_tui.science.phases import PhaseDetector

KNOBS = {"lr": 0.1, "weight_decay": 0.5, "momentum": 0.0, "beta1": 0.9, "beta2": 0.99}


def test_cross_entropy_is_minus_log_softmax() -> None:
    outputs = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64)
    y = torch.tensor([1, 2])
    expected = -torch.log(torch.exp(outputs[[0, 1], y]) / torch.exp(outputs).sum(dim=1)).mean()
    torch.testing.assert_close(LOSSES["cross-entropy"]()(outputs, y), expected)


def test_float64_loss_sees_what_float32_rounds_to_nothing() -> None:
    """Softmax collapse: at a margin of 30 the float32 loss, and its gradient on the right class, are exactly 0."""
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
FORCES: dict[str, Callable[[float], float]] = {
    "hinge": lambda margin: 1.0 if margin < 1 else 0.0,
    "logistic": lambda margin: 1 / (1 + math.exp(margin)),
}
"""Minus the derivative of an example's loss by its margin."""


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("classes", [[1] * 10, [0] * 10, [0, 1] * 5])
def test_binary_loss_is_a_mean_over_margins_and_its_gradient_points_to_the_class(name: str, classes: list[int]) -> None:
    outputs, y = signed(classes)
    outputs.requires_grad_()
    loss = LOSSES[name]()(outputs, y)
    loss.backward()
    assert loss.item() == pytest.approx(sum(BINARY[name](m) for m in MARGINS) / 10, rel=1e-14)
    assert outputs.grad is not None
    expected = [-FORCES[name](m) * (1 if c else -1) / 10 for m, c in zip(MARGINS, classes, strict=True)]
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


def build(name: str, decay: str, dtype: torch.dtype = torch.float32) -> Optimizer:
    """An optimizer of a matrix and a vector of ones, its knobs turned."""
    ones = {"b": torch.ones(2, dtype=dtype), "W": torch.ones(2, 2, dtype=dtype)}
    flat = Flat.of(ones, decaying({key: w.shape for key, w in ones.items()}, decay))
    optimizer = OPTIMIZERS[name](flat, flat.zeros())
    optimizer.set_hyperparameters(**KNOBS)
    return optimizer


def step(optimizer: Optimizer, **gradients: float) -> dict[str, float]:
    """One step by these gradients; the weights after it, each of one value."""
    for name, gradient in optimizer.gradient.named.items():
        gradient.fill_(gradients.get(name, 0.0))
    optimizer.step()
    return {name: w.mean().item() for name, w in optimizer.weights.named.items()}


@pytest.mark.parametrize("name", ["gd", "adamw"])
@pytest.mark.parametrize("decay", ["matrices", "all"])
def test_decay_shrinks_by_lr_times_weight_decay(name: str, decay: str) -> None:
    after = step(build(name, decay))
    assert after["W"] == pytest.approx(1 - 0.1 * 0.5)
    assert after["b"] == pytest.approx(1 - 0.1 * 0.5 * (decay == "all"))


def test_gd_is_the_formula() -> None:
    optimizer = build("gd", "matrices")
    optimizer.set_hyperparameters(**KNOBS | {"weight_decay": 0.0})
    assert step(optimizer, W=2.0, b=3.0) == {"W": pytest.approx(0.8), "b": pytest.approx(0.7)}


@pytest.mark.parametrize("by_tensors", [False, True])
@pytest.mark.parametrize(("name", "coupled"), [("adam", True), ("adamw", False)])
@pytest.mark.parametrize("decay", ["matrices", "all"])
def test_adam_is_the_formula(name: str, coupled: bool, decay: str, by_tensors: bool) -> None:
    """Five steps by hand: with `adam` the decay goes through both moments, with `adamw` it shrinks the weight alone."""
    lr, weight_decay, beta1, beta2 = (KNOBS[key] for key in ("lr", "weight_decay", "beta1", "beta2"))
    for which, decays in (("W", True), ("b", decay == "all")):
        optimizer = build(name, decay, torch.float64)
        if by_tensors:
            hold_knobs_in_tensors(optimizer)
        value, first, second, rate = 1.0, 0.0, 0.0, weight_decay * decays
        seen = []
        for t, gradient in enumerate([2.0, -1.0, 0.0, 0.3, 5.0], 1):
            g = gradient + rate * value * coupled
            first, second = beta1 * first + (1 - beta1) * g, beta2 * second + (1 - beta2) * g**2
            value -= lr * rate * value * (not coupled)
            value -= lr * first / (1 - beta1**t) / (math.sqrt(second / (1 - beta2**t)) + 1e-8)
            seen.append((step(optimizer, W=gradient, b=gradient)[which], value))
        assert [ours for ours, _ in seen] == pytest.approx([by_hand for _, by_hand in seen], rel=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_knobs_in_tensors_turn_in_place_and_step_alike(name: str) -> None:
    """A captured step reads the same tensors at every replay."""
    floats, tensors = build(name, "matrices", torch.float64), build(name, "matrices", torch.float64)
    hold_knobs_in_tensors(tensors)
    held = dict(tensors.knobs)
    for i in range(4):
        knobs = KNOBS | {"lr": 0.1 / (i + 1), "momentum": 0.3 * (i > 1), "weight_decay": 0.5 * (i % 2)}
        assert floats.set_hyperparameters(**knobs) == tensors.set_hyperparameters(**knobs)
        ours, theirs = step(tensors, W=1.0 - i, b=0.5), step(floats, W=1.0 - i, b=0.5)
        assert ours == {key: pytest.approx(w, rel=1e-12) for key, w in theirs.items()}
    assert all(tensors.knobs[key] is tensor for key, tensor in held.items())


TORCHS = {"gd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torch(name: str, momentum: float) -> None:
    ours = build(name, "all", torch.float64)
    ours.set_hyperparameters(**KNOBS | {"momentum": momentum})
    w = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    options = {"momentum": momentum} if name == "gd" else {"betas": (KNOBS["beta1"], KNOBS["beta2"])}
    theirs = TORCHS[name]([w], lr=KNOBS["lr"], weight_decay=KNOBS["weight_decay"], **options)  # type: ignore[arg-type]
    for i in range(6):
        w.grad = torch.full_like(w, i - 2.0)
        theirs.step()
        assert step(ours, W=i - 2.0)["W"] == pytest.approx(w.detach().unique().item(), rel=1e-12)


def test_decay_of_adam_does_not_shrink_as_adamw_does() -> None:
    """Coupled: with no gradient but the decay, Adam's first step is lr in size, whatever the decay."""
    after = {}
    for name in ("adam", "adamw"):
        optimizer = build(name, "all", torch.float64)
        optimizer.set_hyperparameters(**KNOBS | {"weight_decay": 0.2})
        after[name] = step(optimizer)["W"]
    assert after == {"adam": pytest.approx(1 - 0.1), "adamw": pytest.approx(1 - 0.1 * 0.2)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_knobs_are_read_back_as_turned(name: str) -> None:
    held = build(name, "matrices").set_hyperparameters(**KNOBS)
    assert held == {key: pytest.approx(KNOBS[key]) for key in held}
    assert {"lr", "weight_decay"} < set(held)


@pytest.mark.parametrize(("name", "momentum"), [("gd", 0.9), ("adam", 0.0), ("adamw", 0.0)])
def test_restored_memory_goes_on_bit_for_bit(name: str, momentum: float) -> None:
    knobs = KNOBS | {"momentum": momentum}
    first, second = build(name, "matrices"), build(name, "matrices")
    for optimizer in (first, second):
        optimizer.set_hyperparameters(**knobs)
    for i in range(5):
        step(first, W=i % 3 - 0.9, b=0.1)
    second.load({key: tensor.clone() for key, tensor in first.state().items()})
    second.weights.copy_(first.weights.named)
    for i in range(5, 9):
        assert step(first, W=i % 3 - 0.9, b=0.1) == step(second, W=i % 3 - 0.9, b=0.1)


def buffer_of(optimizer: Optimizer) -> float:
    return optimizer.memory["momentum_buffer"].named["W"].mean().item()


def test_momentum_that_is_turned_on_starts_without_a_memory() -> None:
    """The buffer holds gradients from before momentum was 0; they must not come back."""
    optimizer = build("gd", "all")
    optimizer.set_hyperparameters(**KNOBS | {"momentum": 0.9})
    step(optimizer, W=1.0)
    optimizer.set_hyperparameters(**KNOBS | {"momentum": 0.0})
    step(optimizer, W=1.0)
    optimizer.set_hyperparameters(**KNOBS | {"momentum": 0.5})
    assert buffer_of(optimizer) == 0


@pytest.mark.parametrize("in_tensors", [False, True])
@pytest.mark.parametrize("set_first", [False, True])
def test_loaded_momentum_is_kept(set_first: bool, in_tensors: bool) -> None:
    """A resumed run: from 0 to .9 in its earlier life, its hyper-parameters set before or after the state is loaded."""
    first, second = build("gd", "all"), OPTIMIZERS["gd"](*(build("gd", "all").weights.zeros() for _ in range(2)))
    if in_tensors:
        hold_knobs_in_tensors(first)
        hold_knobs_in_tensors(second)
    for momentum in (0.0, 0.9):
        first.set_hyperparameters(**KNOBS | {"momentum": momentum})
        step(first, W=1.0)
    if set_first:
        second.set_hyperparameters(**KNOBS | {"momentum": 0.0})  # the start's
        second.set_hyperparameters(**KNOBS | {"momentum": 0.9})  # the steered one
    second.load(first.state())
    second.set_hyperparameters(**KNOBS | {"momentum": 0.9})
    assert buffer_of(second) == buffer_of(first) != 0
    for momentum in (0.8, 0.9):  # other turns keep it, too
        second.set_hyperparameters(**KNOBS | {"momentum": momentum})
    assert buffer_of(second) == buffer_of(first)


def test_momentum_is_kept_when_optimizers_are_stacked() -> None:
    members = [build("gd", "all") for _ in range(2)]
    for i, member in enumerate(members):
        member.set_hyperparameters(**KNOBS | {"momentum": 0.9})
        step(member, W=1.0 + i)
    before = [buffer_of(member) for member in members]
    flat = Flat.stacked([member.weights for member in members])
    stack = OPTIMIZERS["gd"](flat, flat.zeros())
    for i, member in enumerate(members):
        member.share(stack, i)
    stack.set_hyperparameters(**KNOBS | {"momentum": 0.9})
    assert [buffer_of(member) for member in members] == before != [0, 0]


def test_an_optimizer_whose_hyperparameters_were_never_set_does_not_step_silently() -> None:
    flat = Flat.of({"W": torch.ones(2, 2)}, ["W"])
    optimizer = OPTIMIZERS["gd"](flat, flat.zeros())
    optimizer.step()
    assert not optimizer.weights.is_finite()


@pytest.mark.parametrize("name", LOSSES)
def test_slope_is_the_gradient_of_the_loss(name: str) -> None:
    """m dL/doutputs, by autograd."""
    loss, single = LOSSES[name](), name in BINARY
    outputs = torch.randn(6, 1 if single else 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 1, 0, 1, 0] if single else [0, 3, 1, 2, 2, 0])
    leaf = outputs.clone().requires_grad_()
    loss(leaf, y).backward()
    torch.testing.assert_close(loss.slope(outputs, y, 1 / 6), leaf.grad)


def test_slope_of_cross_entropy_collapses_as_its_gradient_does() -> None:
    outputs, y = torch.tensor([[30.0, 0.0]]), torch.tensor([0])
    assert LOSSES["cross-entropy"]().slope(outputs, y, 1.0)[0, 0].item() == 0
    assert LOSSES["cross-entropy"](dtype="float64").slope(outputs, y, 1.0)[0, 0].item() < 0


def test_phases_begin_with_the_first_row_past_every_threshold() -> None:
    phases = PhaseDetector(train_acc=0.99, test_acc=0.9, train_loss=0.0, test_loss=0.5)
    rows = {
        0: (0.1, 0.1, 3.0),
        10: (0.99, 0.2, 3.0),
        20: (1.0, 0.95, 0.6),
        30: (1.0, 0.9, 0.4),
        40: (0.5, 0.5, 3.0),
    }
    begun, before = {}, 0
    for step, (train, test, loss) in rows.items():
        row = {"train/acc": train, "test/acc": test, "train/loss": 0.0, "test/loss": loss}
        begun[step] = phases.beginning(row)
        for phase in begun[step]:
            phases.enter(phase, before, step)
        before = step
    assert begun == {0: [], 10: ["memorized"], 20: [], 30: ["grokked"], 40: []}
    assert (phases.t_mem, phases.t_grok, phases.delay) == (10, 30, 20)
    assert phases.intervals() == {"t_mem": [0, 10], "t_grok": [20, 30], "delay": [10, 30]}


def test_without_a_delay_there_is_none() -> None:
    phases = PhaseDetector(train_acc=0.99, test_acc=0.9, train_loss=0.0, test_loss=0.0)
    assert phases.delay is None
    assert phases.intervals() == {}
