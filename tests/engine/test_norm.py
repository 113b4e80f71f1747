"""Steering the weight norm: held, frozen, rescaled once."""

from __future__ import annotations

import math

import pytest
import torch

from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.engine.records import Snapshot
from small import small
from training import CPU, Requests, events, go_on, rows, same, train


def norms(records: list) -> dict[int, float]:  # type: ignore[type-arg]
    """Step -> norm of the matrices, which are what decays here."""
    return {
        row.step: math.hypot(*(v for k, v in row.values.items() if k in ("norm/E", "norm/W1", "norm/W2")))
        for row in rows(records)
    }


def steer(**set: float | str) -> list[dict[str, object]]:
    return [{"id": "a", "op": "steer", "set": {key.replace("__", "."): value for key, value in set.items()}}]


def test_hold_norm_clamps_after_every_step_until_it_is_released() -> None:
    config = small("modadd-fast", "train.steps=60", "measure.per_decade=500", "measure.budget=0.9")
    _, records = train(config, {20: steer(hold_norm=7.5), 40: steer(hold_norm=0)})
    found = norms(records)
    held = [norm for step, norm in found.items() if 20 < step <= 40]
    assert len(held) > 10
    assert held == pytest.approx([7.5] * len(held), rel=1e-5)
    assert found[60] != pytest.approx(7.5, rel=1e-3)


def test_x1_freezes_the_norm_as_it_is() -> None:
    _, records = train(
        small("modadd-fast", "train.steps=60", "measure.per_decade=500", "measure.budget=0.9"),
        {30: steer(hold_norm="x1")},
    )
    (event,) = events(records, "steered")
    found = norms(records)
    untouched = norms(train(small("modadd-fast", "train.steps=60"))[1])
    assert event.data["new"] == event.data["optimizer"]["hold_norm"]
    assert event.data["new"] == pytest.approx(untouched[event.step], rel=1e-7), "x1 is exactly the norm as it is"
    assert event.data["optimizer"]["hold_norm"] == event.data["new"]
    assert found[60] == pytest.approx(event.data["new"], rel=1e-5)


def test_norm_is_rescaled_once_and_then_left_alone() -> None:
    config = small("modadd-fast", "train.steps=60", "optim.weight_decay=0")
    untouched = norms(train(config)[1])[60]
    _, records = train(config, {30: steer(norm="x0.5")})
    (event,) = events(records, "steered")
    assert event.data["key"] == "norm"
    assert event.data["new"] == pytest.approx(0.5 * event.data["old"], rel=5e-3)
    assert norms(records)[60] < 0.9 * untouched
    assert norms(records)[60] != pytest.approx(event.data["new"], rel=1e-3)


def test_a_schedule_can_freeze_and_rescale() -> None:
    for preset, key in (("delay-freeze", "optim.hold_norm"), ("delay-rescale", "norm")):
        _, records = train(small(preset, "train.steps=40", "phase.train_acc=0.01"))
        (event,) = events(records, "steered")
        assert (event.data["key"], event.data["by"]) == (key, "schedule")
        share = 1.0 if preset == "delay-freeze" else 0.7
        seen = {row.step: row.values["norm/weight"] for row in rows(records)}  # all weights decay here
        assert event.data["new"] == pytest.approx(share * seen[max(s for s in seen if s <= event.step)], rel=5e-3)


def test_vectors_that_do_not_decay_are_not_blown_up() -> None:
    """Held from above, the matrices are scaled up at every step; biases, which nothing shrinks, must not be."""
    learner = GradientLearner(small("modadd-fast"), CPU)
    learner.advance(5)
    before = {name: w.detach().clone() for name, w in learner.weights.items()}
    learner.set_knobs(learner.config, norm=2 * learner.norm())
    for name, w in learner.weights.items():
        torch.testing.assert_close(w.detach(), before[name] * (2 if w.ndim > 1 else 1))


def test_resuming_retraces_a_steered_norm_bit_for_bit() -> None:
    requests: Requests = {17: steer(norm="x0.8"), 30: steer(hold_norm="x1")}
    config = small("modadd-fast", "train.steps=50", "measure.also=angle,twin,fourier,spectrum", "phase.train_acc=0.05")
    _, whole = train(config, requests)
    told = [{"type": "steered", "step": e.step, **e.data} for e in events(whole, "steered")]
    for snapshot in [record for record in whole if isinstance(record, Snapshot)]:
        later = [e for e in told if e["step"] >= snapshot.step]
        rest = go_on(config, snapshot.checkpoint, later)
        assert same(rows(rest), [row for row in rows(whole) if row.step > snapshot.step]), snapshot.why


REFUSED = {
    "zero": ({"norm": 0}, "norm: expected a number from 1e-12 to 1e12, got 0"),
    "negative": ({"norm": "x-1"}, "expected a factor > 0"),
    "hold": ({"hold_norm": -1}, "optim.hold_norm: expected 0, or a number from 1e-12 to 1e12, got -1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_norm_that_makes_no_sense_is_refused(case: str) -> None:
    change, reason = REFUSED[case]
    _, records = train(small("modadd-fast", "train.steps=20"), {10: [{"id": "a", "op": "steer", "set": change}]})
    assert reason in events(records, "refused")[0].data["reason"]


def test_the_feature_machine_has_no_norm_to_steer() -> None:
    _, records = train(small("rfm", "train.steps=6"), {2: steer(norm="x2")})
    reason = events(records, "refused")[0].data["reason"]
    assert reason == "norm cannot be changed in this run while it trains; these can: ridge"


def test_a_held_norm_cannot_be_rescaled_and_is_frozen_where_it_is() -> None:
    learner = GradientLearner(small("modadd-fast"), CPU)
    learner.advance(5)
    before = learner.net.flat.decaying.clone()
    learner.net.hold(learner.norm())
    learner.net.rescale(learner.net.hold_norm)
    assert torch.equal(learner.net.flat.decaying, before), "x1 does not move the norm at all"
    _, records = train(small("modadd-fast", "train.steps=20"), {8: steer(hold_norm="x1"), 10: steer(norm="x0.7")})
    (refused,) = events(records, "refused")
    assert refused.data["reason"].startswith("norm: it is held at ")
