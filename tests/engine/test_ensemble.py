"""Many seeds together: each is the run that it would be alone, and the medians are those of all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grok_tui.config.fields import replace
from grok_tui.config.schema import RunConfig
from grok_tui.engine.backend import Backend, choose
from grok_tui.engine.ensemble import Ensemble, SeedRecord, band, median
from grok_tui.engine.records import Event, Row, Snapshot
from grok_tui.engine.trainer import Trainer
from small import small

CPU = torch.device("cpu")
SEEDS = (3, 4, 5)
STEER = {"id": "a", "op": "steer", "set": {"optim.lr": "/2"}}


def rows_of(records: list[SeedRecord], seed: int | None) -> dict[int, dict[str, float]]:
    return {r.step: r.values for who, r in records if who == seed and isinstance(r, Row)}


def alone(config: RunConfig, seed: int) -> dict[int, dict[str, float]]:
    trainer = Trainer(replace(config, {"train.seed": seed}), CPU)
    return {r.step: r.values for r in trainer if isinstance(r, Row)}


WAYS = {
    "modadd-fast": "stacked",
    "kumar-alpha": "stacked",
    "kumar-poly": "stacked",
    "parity-hinge": "stacked",
    "delay-addition": "in threads",
    "kumar-twin": "in turn",
    "rfm": "in turn",
}
"""Stacked through autograd's vmap, by hand, and in batches; or not."""


@pytest.mark.parametrize(("preset", "way"), WAYS.items())
def test_every_seed_is_the_run_that_it_would_be_alone(preset: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "grok_tui.engine.ensemble.STACKED_BELOW", {"stacked": 1e9, "in threads": 0, "in turn": 1e9}[way]
    )
    config = small(preset, "train.steps=12", "train.dtype=float64", "measure.budget=0.9")
    ensemble = Ensemble(config, CPU, SEEDS)
    records = list(ensemble)
    assert ensemble.about()["path"]["seeds"] == way
    for seed in SEEDS:
        ours, theirs = rows_of(records, seed), alone(config, seed)
        assert ours.keys() & theirs.keys() >= {0, 1, 12}
        for step in ours.keys() & theirs.keys():
            for name, value in theirs[step].items():
                if name in ours[step] and not name.startswith("kernel/"):
                    assert ours[step][name] == pytest.approx(value, rel=1e-6, abs=1e-9), (step, name)
    assert len({repr(rows_of(records, seed)[12]) for seed in SEEDS}) == 3


def test_the_parent_holds_median_and_band() -> None:
    records = list(Ensemble(small("modadd-fast", "train.steps=6"), CPU, SEEDS))
    ours = rows_of(records, None)
    for step, values in ours.items():
        each = [rows_of(records, seed)[step] for seed in SEEDS]
        for name in each[0]:
            low, middle, high = np.percentile([row[name] for row in each], [10, 50, 90])
            assert (values[f"{name}@low"], values[name], values[f"{name}@high"]) == (low, middle, high)
    assert band([{"a": 1.0}, {"a": 3.0}])["a"] == 2.0


def test_steering_reaches_every_seed_at_the_same_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for below in (0.0, 1e9):
        monkeypatch.setattr("grok_tui.engine.ensemble.STACKED_BELOW", below)
        asked = [[], [STEER]]
        ensemble = Ensemble(
            small("modadd-fast", "train.steps=9"),
            CPU,
            SEEDS,
            requests=lambda asked=asked: asked.pop(0) if asked else [],
        )
        records = list(ensemble)
        told = [(who, r.step, r.data["new"]) for who, r in records if isinstance(r, Event) and r.type == "steered"]
        assert {who for who, *_ in told} == {None, *SEEDS}
        assert len({(step, new) for _, step, new in told}) == 1
        assert all(t.learner.net.optimizer.knobs["lr"] == 4e-3 for t in ensemble.trainers.values())
        if ensemble.stack:
            assert ensemble.stack.fit.optimizer.knobs["lr"] == 4e-3


def test_a_seed_that_diverges_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for below in (0.0, 1e9):
        monkeypatch.setattr("grok_tui.engine.ensemble.STACKED_BELOW", below)
        ensemble = Ensemble(small("modadd-fast", "train.steps=6", "measure.budget=0.9"), CPU, SEEDS)
        next(iter(ensemble.trainers[4].learner.net.weights.values())).fill_(torch.nan)
        records = list(ensemble)
        ends = {who: r.type for who, r in records if isinstance(r, Event) and r.type in ("finished", "failed")}
        assert ends == {3: "finished", 4: "failed", 5: "finished", None: "finished"}
        assert all(np.isfinite(values["test/loss"]) for values in rows_of(records, None).values())


@pytest.mark.parametrize("below", [0.0, 1e9])
def test_going_on_from_checkpoints_ends_where_it_would_have(below: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok_tui.engine.ensemble.STACKED_BELOW", below)
    config, path = small("modadd-fast", "train.steps=14"), choose(CPU)
    whole = list(Ensemble(config, CPU, SEEDS, path))
    kept = {who: r for who, r in whole if isinstance(r, Snapshot) and r.step == 10}
    assert kept.keys() == set(SEEDS)
    resumed = list(Ensemble(config, CPU, SEEDS, path, checkpoints=[kept[seed].checkpoint for seed in SEEDS]))
    for who in (None, *SEEDS):
        assert rows_of(resumed, who) == {step: v for step, v in rows_of(whole, who).items() if step > 10}


def test_median_of_steps_counts_who_is_not_there_yet_as_last() -> None:
    assert median([5, None, 1]) == 5
    assert median([5, None, None]) is None
    assert median([4, 8]) == 6
    assert median([4, None]) is None


def test_plain_path_is_kept_by_every_seed() -> None:
    taken = Ensemble(small("modadd-fast"), CPU, SEEDS, Backend()).about()["path"]
    assert taken | {"seeds": ""} == Backend().as_dict() | {"seeds": ""}
