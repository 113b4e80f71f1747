"""Many seeds together: each is the run that it would be alone, and the medians are those of all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grok_tui.config.fields import replace
from grok_tui.config.schema import RunConfig
from grok_tui.engine.backend import Backend
from grok_tui.engine.gradient_learner import GradientLearner
from grok_tui.engine.records import Event, Row, SeedRecord, Snapshot
from grok_tui.engine.resume import restore
from grok_tui.engine.seed import band, median
from grok_tui.engine.steppers import Batched
from grok_tui.engine.trainer import Trainer
from small import small
from training import CPU, Requests, train_seeds

SEEDS = (3, 4, 5)
STEPPERS = ("one by one", "threads", "batched")


def rows_of(records: list[SeedRecord], seed: int | None) -> dict[int, dict[str, float]]:
    return {r.step: r.values for who, r in records if who == seed and isinstance(r, Row)}


def events_of(records: list[SeedRecord], seed: int | None, *types: str) -> list[Event]:
    return [r for who, r in records if who == seed and isinstance(r, Event) and r.type in types]


def alone(config: RunConfig, seed: int) -> dict[int, dict[str, float]]:
    return rows_of(list(Trainer(replace(config, {"train.seed": seed}), CPU)), None)


CHOSEN = {
    "modadd-fast": "batched",
    "kumar-alpha": "batched",
    "kumar-poly": "batched",
    "parity-hinge": "batched",
    "delay-addition": "threads",
    "kumar-twin": "one by one",
    "rfm": "one by one",
}
"""Batched through autograd's vmap, with hand-written gradients, and with batches of examples; or not."""


@pytest.mark.parametrize(("preset", "stepper"), CHOSEN.items())
def test_every_seed_is_the_run_that_it_would_be_alone(
    preset: str, stepper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "grok_tui.engine.steppers.BATCHED_BELOW", {"batched": 1e9, "threads": 0, "one by one": 1e9}[stepper]
    )
    config = small(preset, "train.steps=12", "train.dtype=float64")
    trainer, records = train_seeds(config, seeds=SEEDS)
    assert trainer.about()["used"]["backend"]["seeds"] == stepper
    for seed in SEEDS:
        ours, theirs = rows_of(records, seed), alone(config, seed)
        assert ours.keys() & theirs.keys() >= {0, 1, 12}
        for step in ours.keys() & theirs.keys():
            for name, value in theirs[step].items():
                if name in ours[step] and not name.startswith("kernel/"):
                    assert ours[step][name] == pytest.approx(value, rel=1e-6, abs=1e-9), (step, name)
    assert len({repr(rows_of(records, seed)[12]) for seed in SEEDS}) == 3


def test_the_run_as_a_whole_holds_median_and_band() -> None:
    _, records = train_seeds(small("modadd-fast", "train.steps=6"), seeds=SEEDS)
    for step, values in rows_of(records, None).items():
        each = [rows_of(records, seed)[step] for seed in SEEDS]
        for name in each[0]:
            low, middle, high = np.percentile([row[name] for row in each], [10, 50, 90])
            assert (values[f"{name}@low"], values[name], values[f"{name}@high"]) == (low, middle, high)
    assert band([{"a": 1.0}, {"a": 3.0}])["a"] == 2.0
    assert band([{"a": 1.0, "b": 1.0}, {"a": 3.0}]).keys() == {"a", "a@low", "a@high"}


STEERING: Requests = {
    9: [{"id": "lr", "op": "steer", "set": {"lr": "/2"}}],
    14: [{"id": "hold", "op": "steer", "set": {"hold_norm": "x1"}}],
    20: [{"id": "bad", "op": "steer", "set": {"norm": "x0.9"}}, {"id": "mark", "op": "mark", "label": "here"}],
    25: [
        {"id": "free", "op": "steer", "set": {"hold_norm": 0}},
        {"id": "norm", "op": "steer", "set": {"norm": "x0.9"}},
    ],
    31: [{"id": "alpha", "op": "steer", "set": {"alpha": 1.5}}],
}


@pytest.mark.parametrize("stepper", STEPPERS)
def test_steering_reaches_every_seed_at_the_same_step(stepper: str) -> None:
    """A norm is each seed's own: frozen where it is, rescaled from there."""
    trainer, records = train_seeds(small("modadd-fast", "train.steps=40"), STEERING, seeds=SEEDS, stepper=stepper)
    for id in ("lr", "hold", "free", "norm", "alpha"):
        told = [(who, r) for who, r in records if isinstance(r, Event) and r.data.get("request") == id]
        assert {who for who, _ in told} == {None, *SEEDS}, id
        assert len({event.step for _, event in told}) == 1
    frozen = {seed: events_of(records, seed, "steered")[1].data["new"] for seed in SEEDS}
    assert len(set(frozen.values())) == 3
    (refused,) = events_of(records, None, "refused")
    assert "it is held at" in refused.data["reason"]
    for seed in SEEDS:
        rows = rows_of(records, seed)
        decaying = [np.sqrt(sum(row[f"norm/{name}"] ** 2 for name in ("E", "W1", "W2"))) for row in
                    (rows[16], rows[19], rows[24])]  # fmt: skip
        assert decaying == pytest.approx([frozen[seed]] * 3, rel=1e-5)
    if isinstance(trainer.stepper, Batched):
        assert trainer.stepper.net.optimizer.knobs["lr"] == 4e-3
        assert trainer.stepper.net.f is trainer.stepper.learners[0].model
        assert trainer.stepper.learners[0].model.alpha == 1.5
    else:
        for seed in trainer.seeds:
            assert isinstance(seed.learner, GradientLearner)
            assert seed.learner.net.optimizer.knobs["lr"] == 4e-3


@pytest.mark.parametrize("stepper", STEPPERS)
def test_a_seed_that_diverges_leaves_the_others_and_their_steering(stepper: str) -> None:
    for broken in (3, 4):
        trainer = Trainer(small("modadd-fast", "train.steps=30"), CPU, seeds=SEEDS, stepper=stepper)
        broken_seed = next(seed for seed in trainer.seeds if seed.number == broken)
        next(iter(broken_seed.learner.net.weights.values())).fill_(torch.nan)  # type: ignore[attr-defined]
        asked = [[], [], [{"id": "a", "op": "steer", "set": {"alpha": 1.5, "lr": "/2"}}]]
        trainer.requests = lambda asked=asked: asked.pop(0) if asked else []  # type: ignore[misc]
        records = list(trainer)
        ends = {who: r.type for who, r in records if isinstance(r, Event) and r.type in ("finished", "failed")}
        assert ends == {seed: "failed" if seed == broken else "finished" for seed in SEEDS} | {None: "finished"}
        assert all(np.isfinite(values["test/loss"]) for values in rows_of(records, None).values())
        whole = train_seeds(small("modadd-fast", "train.steps=30"), seeds=SEEDS, stepper=stepper)[1]
        step = events_of(records, None, "steered")[0].step
        for seed in set(SEEDS) - {broken}:
            before = {s: v for s, v in rows_of(records, seed).items() if s <= step}
            assert before == {s: v for s, v in rows_of(whole, seed).items() if s <= step}
            assert rows_of(records, seed)[30]["train/loss"] != rows_of(whole, seed)[30]["train/loss"]


@pytest.mark.parametrize("sets", [[], ["optim.name=gd", "optim.lr=0.1", "optim.momentum=0.0"]])
@pytest.mark.parametrize("stepper", STEPPERS)
def test_going_on_from_any_checkpoint_ends_where_it_would_have(stepper: str, sets: list[str]) -> None:
    """Steered before and after the checkpoint, momentum from 0 included."""
    config = small("modadd-fast", "train.steps=40")
    steering = dict(STEERING)
    if sets:
        config = small("modadd-mlp", "train.steps=40", "optim.name=gd", "optim.lr=0.1", "optim.momentum=0.0")
        steering[9] = [{"id": "m", "op": "steer", "set": {"momentum": 0.9}}]
    _, whole = train_seeds(config, steering, seeds=SEEDS, stepper=stepper)
    steps = {r.step for _, r in whole if isinstance(r, Snapshot)}
    assert len(steps) > 6
    for step in steps:
        kept = {who: r.checkpoint for who, r in whole if isinstance(r, Snapshot) and r.step == step}
        assert kept.keys() == set(SEEDS)
        repeat = {
            seed: [{"type": e.type, "step": e.step, **e.data} for e in events_of(whole, seed, "steered", "marked")
                   if e.step >= step]
            for seed in SEEDS
        }  # fmt: skip
        trainer = Trainer(config, CPU, seeds=SEEDS, stepper=stepper)
        restore(trainer, kept, repeat)  # type: ignore[arg-type]
        rest = list(trainer)
        for who in (None, *SEEDS):
            assert rows_of(rest, who) == {s: v for s, v in rows_of(whole, who).items() if s > step}
            (ours,), (theirs,) = (events_of(part, who, "finished") for part in (rest, whole))
            assert ours == theirs


def test_pause_pace_and_one_row_work_for_many_seeds() -> None:
    asked = [
        [],
        [{"id": "p", "op": "pace", "pace": 500.0}, {"id": "a", "op": "pause"}, {"id": "c", "op": "chunk"}],
        [],
        [{"id": "x", "op": "pace", "pace": -1}, {"id": "g", "op": "continue"}],
    ]
    trainer = Trainer(
        small("modadd-fast", "train.steps=20"), CPU, seeds=SEEDS, requests=lambda: asked.pop(0) if asked else []
    )
    records = list(trainer)
    kinds = ("paced", "paused", "stepped", "refused", "continued")
    assert [event.type for event in events_of(records, None, *kinds)] == list(kinds)
    assert trainer.clock.pace == 500.0
    assert [event.type for event in events_of(records, 4, "paused", "stepped", "continued")] == [
        "paused", "stepped", "continued",
    ]  # fmt: skip


def test_median_of_steps_counts_who_is_not_there_yet_as_last() -> None:
    assert median([5, None, 1]) == 5
    assert median([5, None, None]) is None
    assert median([4, 8]) == 6
    assert median([4, None]) is None


def test_a_plain_backend_is_that_of_every_seed() -> None:
    used = Trainer(small("modadd-fast"), CPU, Backend(), seeds=SEEDS).about()["used"]["backend"]
    assert used | {"seeds": ""} == Backend().as_dict() | {"seeds": ""}
