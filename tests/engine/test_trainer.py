"""The training loop, by running it: `list(trainer)`."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from grok_tui.config.fields import replace
from grok_tui.config.schema import RunConfig
from grok_tui.engine.devices import check_dtypes, choose, make_deterministic
from grok_tui.engine.records import Event, Kernel, Snapshot
from grok_tui.engine.trainer import Trainer
from grok_tui.errors import UsageError
from small import small
from training import CPU, Requests, events, go_on, rows, same, train


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    make_deterministic()


def test_same_seed_same_bits(any_small: RunConfig) -> None:
    config = replace(any_small, {"train.steps": 60})
    first, second = (rows(train(config)[1]) for _ in range(2))
    other = rows(train(replace(config, {"train.seed": 1}))[1])
    assert first[0].step == 0
    assert first[-1].step == 60
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """How many steps a chunk takes follows the clock; what is computed must not."""
    config = small("modadd-fast", "train.steps=60")
    usual = rows(train(config)[1])
    monkeypatch.setattr("grok_tui.engine.clock.CHUNK_SECONDS", seconds)
    trainer, records = train(config)
    assert (trainer.clock.chunk == 1) == (seconds == 0)
    assert same(rows(records), usual)


STEER: Requests = {
    17: [{"id": "a", "op": "steer", "set": {"optim.weight_decay": 0.0}}],
    33: [{"id": "b", "op": "steer", "set": {"lr": "/2"}}, {"id": "c", "op": "steer", "set": {"alpha": 1.5}}],
    34: [{"id": "d", "op": "steer", "set": {"wd": 3.0}}],
}


@pytest.mark.parametrize("sets", [[], ["train.batch_size=20"], ["model.centered=true", "train.dtype=float64"]])
def test_resuming_anywhere_retraces_every_bit(sets: list[str]) -> None:
    """From each snapshot, with the steering that came after it told again, the rest is the same."""
    config = small("modadd-fast", "train.steps=80", *sets)
    _, whole = train(config, STEER)
    told = [{"type": "steered", "step": e.step, **e.data} for e in events(whole, "steered")]
    snapshots = [record for record in whole if isinstance(record, Snapshot)]
    assert {"steered", "log-spaced", "finished"} <= {snapshot.why for snapshot in snapshots}
    for snapshot in snapshots:
        rest = go_on(config, snapshot.checkpoint, [e for e in told if e["step"] >= snapshot.step])
        assert same(rows(rest), [row for row in rows(whole) if row.step > snapshot.step]), snapshot.why
        assert events(rest, "finished") == events(whole, "finished")


def test_resuming_keeps_schedule_and_phases() -> None:
    config = small("modadd-wd-off", "train.steps=200", "phase.train_acc=0.5")
    _, whole = train(config)
    (phase,) = events(whole, "phase")[:1]
    (steered,) = events(whole, "steered")
    assert (steered.step, steered.data["new"], steered.data["by"]) == (phase.step, 0.0, "schedule")
    for snapshot in [record for record in whole if isinstance(record, Snapshot)]:
        rest = go_on(config, snapshot.checkpoint)
        assert same(rows(rest), [row for row in rows(whole) if row.step > snapshot.step])
        assert len(events(rest, "steered")) == (snapshot.step <= phase.step)


def test_steering_is_told_with_what_the_optimizer_holds() -> None:
    trainer, records = train(small("modadd-fast", "train.steps=60"), STEER)
    told = events(records, "steered")
    assert [(e.data["key"], e.data["old"], e.data["new"]) for e in told] == [
        ("optim.weight_decay", 1.0, 0.0),
        ("optim.lr", 8e-3, 4e-3),
        ("model.alpha", 1.0, 1.5),
        ("optim.weight_decay", 0.0, 3.0),
    ]
    assert [e.data["request"] for e in told] == ["a", "b", "c", "d"]
    assert told[0].data["optimizer"]["weight_decay"] == 0.0
    assert told[1].data["optimizer"]["lr"] == 4e-3
    assert trainer.seeds[0].learner.net.optimizer.knobs == {
        "lr": 4e-3,
        "weight_decay": 3.0,
        "beta1": 0.9,
        "beta2": 0.999,
    }


def test_the_state_before_steering_is_kept() -> None:
    _, records = train(small("modadd-fast", "train.steps=40"), STEER)
    first = next(i for i, r in enumerate(records) if isinstance(r, Event) and r.type == "steered")
    before = records[first - 1]
    assert isinstance(before, Snapshot)
    assert before.checkpoint.meta["steered"]["optim.weight_decay"] == 1.0


def test_weight_decay_off_stops_the_norm_from_shrinking() -> None:
    on = rows(train(small("modadd-fast", "train.steps=400"))[1])[-1].values["norm/weight"]
    off = rows(train(small("modadd-fast", "train.steps=400"), {100: STEER[17]})[1])[-1].values["norm/weight"]
    assert off > 1.2 * on


def test_lr_over_alpha_squared_follows_alpha() -> None:
    trainer, records = train(
        small("kumar-alpha", "train.steps=30"), {10: [{"id": "a", "op": "steer", "set": {"alpha": 2.0}}]}
    )
    (steered,) = events(records, "steered")
    assert steered.data["optimizer"]["lr"] == 8 / 4
    assert trainer.seeds[0].learner.model.alpha == 2.0


REFUSED = {
    "negative": ({"op": "steer", "set": {"wd": -1}}, "optim.weight_decay: expected a number from 0"),
    "no number": ({"op": "steer", "set": {"lr": "abc"}}, "optim.lr: expected a number, x2 or /2, got abc"),
    "not finite": ({"op": "steer", "set": {"lr": float("inf")}}, "optim.lr: expected a finite number"),
    "unknown": ({"op": "steer", "set": {"optim.lrr": 1}}, "optim.lrr: no such knob"),
    "not steerable": ({"op": "steer", "set": {"task.p": 7}}, "p cannot be changed in this run"),
    "not read": ({"op": "steer", "set": {"momentum": 0.5}}, "momentum cannot be changed in this run"),
    "one of two bad": ({"op": "steer", "set": {"lr": 1e-4, "wd": -1}}, "optim.weight_decay"),
    "no set": ({"op": "steer"}, "expected set = {key: value}"),
    "no such request": ({"op": "dance"}, "dance: no such request"),
    "no request": ({}, "no such request"),
    "pace": ({"op": "pace", "pace": -3}, "pace: expected 0, or a number from 5"),
    "continue": ({"op": "continue"}, "continue: the run is not paused"),
    "chunk": ({"op": "chunk"}, "chunk: the run is not paused"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_request_is_refused_and_training_untouched(case: str) -> None:
    request, reason = REFUSED[case]
    config = small("modadd-fast", "train.steps=30")
    _, records = train(config, {10: [{"id": "x", **request}]})
    (refused,) = events(records, "refused")
    assert reason in refused.data["reason"]
    assert refused.data["request"] == "x"
    assert same(rows(records), rows(train(config)[1]))


def test_relative_steering_compounds_and_comes_back() -> None:
    down = [{"id": str(i), "op": "steer", "set": {"wd": "/1.7783"}} for i in range(13)]
    up = [{"id": str(i), "op": "steer", "set": {"wd": "x1.7783"}} for i in range(13)]
    _, records = train(small("modadd-fast", "train.steps=30"), {10: down, 20: up})
    values = [e.data["new"] for e in events(records, "steered")]
    assert values[:4] == [0.562, 0.316, 0.178, 0.1]
    assert values[12] < 1e-3
    assert values[-1] == pytest.approx(1, rel=0.01)


def test_zero_cannot_be_multiplied() -> None:
    _, records = train(
        small("modadd-fast", "optim.weight_decay=0", "train.steps=12"),
        {10: [{"id": "a", "op": "steer", "set": {"wd": "x2"}}]},
    )
    assert "x2 of 0 is 0" in events(records, "refused")[0].data["reason"]


def test_pause_one_chunk_continue_mark_stop() -> None:
    requests: list[list[dict[str, Any]]] = [
        [],
        [{"id": "p", "op": "pause"}],
        [{"id": "c", "op": "chunk"}, {"id": "q", "op": "pause"}],
        [{"id": "m", "op": "mark", "label": "here"}, {"id": "g", "op": "continue"}],
        [{"id": "s", "op": "stop"}],
    ]
    trainer = Trainer(
        small("modadd-fast", "train.steps=5000"), CPU, requests=lambda: requests.pop(0) if requests else []
    )
    records = [record for _, record in trainer]
    told = [e for e in events(records) if e.type not in ("phase",)]
    assert [(e.type, e.data.get("request")) for e in told] == [
        ("paused", "p"), ("stepped", "c"), ("refused", "q"), ("marked", "m"), ("continued", "g"), ("stopped", "s"),
        ("interrupted", None),
    ]  # fmt: skip
    stepped = told[1]
    assert stepped.data["steps"] > 0
    assert stepped.step in [row.step for row in rows(records)]
    assert isinstance(records[-2], Snapshot)
    assert trainer.step < 5000


def test_stop_on_grok_ends_there() -> None:
    _, records = train(small("modadd-fast", "phase.test_acc=0.01", "train.steps=500"), stop_on="grok")
    (finished,) = events(records, "finished")
    assert finished.data["t_grok"] == finished.step < 500


def test_divergence_ends_the_run_and_keeps_the_last_finite_state() -> None:
    _, records = train(small("kumar-poly", "optim.lr=1e6", "train.steps=200"))
    (failed,) = events(records, "failed")
    assert "diverged" in failed.data["reason"]
    assert not math.isfinite(rows(records)[-1].values["train/loss"])
    snapshots = [r for r in records if isinstance(r, Snapshot)]
    assert snapshots
    assert all(
        w.isfinite().all() for s in snapshots for k, w in s.checkpoint.tensors.items() if k.startswith("weights")
    )


def test_a_row_has_every_column_and_kernels_where_due() -> None:
    trainer, records = train(small("modadd-fast", "train.steps=300"))
    first, last = rows(records)[0].values, rows(records)[-1].values
    assert set(first) == set(last) == set(trainer.seeds[0].learner.columns) - {"step"}
    assert first["kernel/drift"] == first["kernel/distance"] == 0
    assert last["kernel/drift"] > 0
    kept = [record for record in records if isinstance(record, Kernel)]
    assert kept[0].step == 0
    n = trainer.seeds[0].learner.probe.shape[0]
    assert kept[0].matrix.shape == (n, n)
    blank = [row for row in rows(records) if "kernel/drift" not in row.values]
    assert blank


def test_measures_are_what_they_say() -> None:
    """One row against the network asked again from outside."""
    from torch.nn.functional import cross_entropy

    trainer, records = train(small("modadd-fast", "train.steps=50"))
    learner, row = trainer.seeds[0].learner, rows(records)[-1].values
    weights = {name: w.detach().clone().requires_grad_() for name, w in learner.weights.items()}
    train_outputs = learner.model(weights, learner.data.train_x)
    test_outputs = learner.model(weights, learner.data.test_x)
    loss = cross_entropy(train_outputs, learner.data.train_y)
    loss.backward()
    gradient = torch.cat([w.grad.flatten() for w in weights.values() if w.grad is not None])
    whole = torch.cat([w.detach().flatten() for w in weights.values()])
    assert row["train/loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert row["test/loss"] == pytest.approx(cross_entropy(test_outputs, learner.data.test_y).item(), rel=1e-6)
    assert row["test/acc"] == pytest.approx((test_outputs.argmax(1) == learner.data.test_y).float().mean().item())
    assert row["norm/weight"] == pytest.approx(whole.norm().item(), rel=1e-6)
    assert row["norm/grad"] == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert row["norm/W1"] == pytest.approx(weights["W1"].norm().item(), rel=1e-6)


def test_float64_is_refused_where_there_is_none() -> None:
    config = small("modadd-fast", "train.dtype=float64")
    check_dtypes(config, CPU)
    with pytest.raises(UsageError, match=r"train\.dtype: MPS has no float64"):
        check_dtypes(config, torch.device("mps"))


def test_device_names() -> None:
    assert choose("cpu").type == "cpu"
    for bad in ("gpu", "cuda:x", "tpu"):
        with pytest.raises(UsageError, match="expected auto, cpu, cuda"):
            choose(bad)
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no CUDA device"):
            choose("cuda")
