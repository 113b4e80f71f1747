"""The recursive feature machine as a learner: what a run of it does, and that it goes on where it was left."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import jacrev, vmap

from grok_tui.config.fields import replace
from grok_tui.config.load import resolve
from grok_tui.config.schema import RunConfig
from grok_tui.engine.devices import make_deterministic
from grok_tui.engine.feature_learner import FeatureLearner
from grok_tui.engine.learner import Learner
from grok_tui.engine.records import Event, Kernel, Record, Row, Snapshot
from grok_tui.engine.trainer import Trainer
from training import go_on

CPU = torch.device("cpu")
KERNEL = ["kernel/drift", "kernel/distance", "kernel/velocity", "kernel/alignment", "kernel/column_alignment"]
SPECTRUM = ["kernel/rank", "kernel/top1", "kernel/top2", "kernel/top3"]
BOTH = pytest.mark.parametrize("kernel", ["quadratic", "gaussian"])


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    make_deterministic()


def config(changes: dict[str, Any] | None = None, **sections: dict[str, Any]) -> RunConfig:
    """A feature machine on addition mod 17, with whole sections or dotted fields of one's own."""
    document = {
        "task": {"name": "modular-addition", "p": 17, "frac_train": 0.5},
        "model": {"name": "kernel-machine", "kernel": "quadratic"},
        "loss": {"name": "mse"},
        "optim": {"name": "rfm"},
        "train": {"steps": 20, "dtype": "float64"},
        "phase": {"train_acc": 1.0, "test_acc": 0.1},
        "measure": {"budget": 0.9, "probe": 40},
    }
    return replace(resolve({**document, **sections}, "test"), changes or {})


def learner(changes: dict[str, Any] | None = None, **sections: dict[str, Any]) -> FeatureLearner:
    return FeatureLearner(config(changes, **sections), CPU)


def obvious(x: Tensor, y: Tensor, steps: int) -> Tensor:
    """M after some iterations with the quadratic kernel, as the paper has it and with every gradient by autograd."""
    m = torch.eye(x.shape[1], dtype=torch.float64)
    for _ in range(steps):
        dual = torch.linalg.solve((x @ m @ x.T) ** 2, y)
        gradients = vmap(jacrev(lambda one: (one @ m @ x.T) ** 2 @ dual))(x)  # noqa: B023
        gradients = gradients - gradients.mean(dim=0)
        u, s, _ = torch.linalg.svd(torch.einsum("icd,ice->de", gradients, gradients) / len(x))
        m = u @ s.sqrt().diag() @ u.T
    return m


def test_it_is_the_papers_iteration() -> None:
    feature_machine: Learner = learner({"task.p": 11})
    assert isinstance(feature_machine, FeatureLearner)
    feature_machine.advance(4)
    x, y = feature_machine.train_x, feature_machine.train_y
    expected = obvious(x, y, 4)
    assert torch.linalg.norm(feature_machine.m - expected) / torch.linalg.norm(expected) < 1e-7  # roots of 1e-16
    assert feature_machine.parameters == 22**2 + 60 * 11


@BOTH
def test_it_has_memorized_at_every_iteration_and_groks_late(kernel: str) -> None:
    feature_machine = learner({"task.p": 23, "model.kernel": kernel})
    test_acc = []
    for _ in range(26):
        row = feature_machine.evaluate()
        assert row["train/acc"] == 1
        assert row["train/loss"] < 1e-24
        test_acc.append(row["test/acc"])
        feature_machine.advance(1)
    assert max(test_acc[:6]) < 0.01
    assert test_acc[25] > 0.3


@pytest.mark.parametrize(("kernel", "ridge"), [("quadratic", 0.0), ("quadratic", 0.1), ("gaussian", 0.0)])
def test_m_stays_symmetric_positive_and_finite(kernel: str, ridge: float) -> None:
    feature_machine = learner({"task.p": 13, "model.kernel": kernel, "optim.ridge": ridge})
    assert torch.equal(feature_machine.m, torch.eye(26, dtype=torch.float64))
    for _ in range(5):
        feature_machine.advance(10)
        assert torch.equal(feature_machine.m, feature_machine.m.T)
        assert torch.linalg.eigvalsh(feature_machine.m).min() > -1e-12
        assert 1 < feature_machine.norm() < 100
    assert feature_machine.is_finite()
    assert feature_machine.norm() == feature_machine.evaluate()["norm/weight"]


def test_a_ridge_that_the_gaussian_cannot_bear_shrinks_m_to_nothing() -> None:
    """A fit that falls short makes small gradients, these a small M, and that a worse fit."""
    feature_machine = learner({"task.p": 13, "model.kernel": "gaussian", "optim.ridge": 0.1})
    feature_machine.advance(50)
    assert feature_machine.is_finite()
    assert feature_machine.norm() < 1e-6
    assert feature_machine.evaluate()["train/loss"] > 0.05


def test_columns_are_those_of_a_row() -> None:
    plain, spectrum = learner(), learner(measure={"also": ["spectrum"], "probe": 12})
    row = ["train/loss", "test/loss", "train/acc", "test/acc", "norm/weight"]
    assert plain.columns == ["step", *row, *KERNEL]
    assert spectrum.columns == ["step", *row, *KERNEL, *SPECTRUM]
    matrix, readings = spectrum.measure_kernel()
    assert ["step", *spectrum.evaluate(), *readings] == spectrum.columns
    assert matrix.shape == (12, 12)
    top = torch.linalg.eigvalsh(matrix).flip(0)
    assert readings["kernel/top2"] == pytest.approx(top[1].item())


def test_the_kernel_is_that_of_m_and_moves_with_it() -> None:
    feature_machine = learner()
    first, readings = feature_machine.measure_kernel()
    assert torch.equal(first, feature_machine.kernel_of(feature_machine.test_x[:40]))
    assert readings["kernel/drift"] == readings["kernel/distance"] == readings["kernel/velocity"] == 0
    feature_machine.advance(5)
    second, readings = feature_machine.measure_kernel()
    assert readings["kernel/distance"] > 0
    assert readings["kernel/velocity"] == pytest.approx(readings["kernel/distance"] / 5)
    feature_machine.advance(2)
    third, readings = feature_machine.measure_kernel()
    cosine = (second * third).sum() / (torch.linalg.norm(second) * torch.linalg.norm(third))
    assert readings["kernel/velocity"] == pytest.approx((1 - cosine.item()) / 2)
    assert readings["kernel/drift"] == pytest.approx(
        (torch.linalg.norm(third - first) / torch.linalg.norm(first)).item()
    )


def test_a_row_shares_its_work_with_the_next_step_and_changes_nothing() -> None:
    watched, unwatched = learner(), learner()
    for _ in range(4):
        watched.prepare()
        solution = watched.solution()
        watched.evaluate()
        watched.measure_kernel()
        assert watched.solution() is solution
        watched.advance(1)
    unwatched.advance(4)
    assert torch.equal(watched.m, unwatched.m)
    assert watched.steps == unwatched.steps == 4


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_retraces_every_bit(kernel: str, dtype: str) -> None:
    changes = {"model.kernel": kernel, "train.dtype": dtype}
    feature_machine = learner(changes)
    for steps in (0, 3):
        feature_machine.advance(steps)
        feature_machine.measure_kernel()
    feature_machine.advance(2)
    state = feature_machine.state()

    def onwards(again: FeatureLearner) -> str:
        again.advance(3)
        return repr((again.evaluate(), again.measure_kernel()[1], again.steps))

    expected = onwards(feature_machine)
    fresh = learner(changes)
    fresh.load(state)
    assert onwards(fresh) == expected
    feature_machine.load(state)  # over what it has become since
    assert onwards(feature_machine) == expected


def test_a_state_of_before_the_first_kernel_forgets_later_ones() -> None:
    feature_machine = learner()
    before = feature_machine.state()
    feature_machine.advance(2)
    feature_machine.measure_kernel()
    feature_machine.load(before)
    assert feature_machine.measure_kernel()[1]["kernel/drift"] == 0
    assert feature_machine.evaluate() == learner().evaluate()


def test_ridge_is_steered() -> None:
    feature_machine = learner()
    free = feature_machine.evaluate()
    ridged = config({"optim.ridge": 1.0})
    assert feature_machine.set_knobs(ridged) == {"ridge": 1.0}
    assert feature_machine.evaluate() == FeatureLearner(ridged, CPU).evaluate()
    assert feature_machine.evaluate()["train/loss"] > 1e-3 > free["train/loss"]
    assert feature_machine.set_knobs(config()) == {"ridge": 0.0}
    assert feature_machine.evaluate() == free


def test_in_float32_only_m_and_the_data_are() -> None:
    """It is solved in float64 all the same, and the test loss hardly notices."""
    narrow, wide = (learner({"model.kernel": "gaussian", "train.dtype": dtype}) for dtype in ("float32", "float64"))
    narrow.advance(20)
    wide.advance(20)
    assert narrow.m.dtype == torch.float32
    row = narrow.evaluate()
    assert row["train/acc"] == 1
    assert row["train/loss"] < 1e-24
    assert row["test/loss"] == pytest.approx(wide.evaluate()["test/loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("task", "accuracy"),
    [
        ({"name": "parity", "n": 8, "k": 2, "n_train": 30, "n_test": 20}, True),
        ({"name": "polynomial", "d": 6, "n_train": 15, "n_test": 20}, False),
        ({"name": "linear-teacher", "d": 6, "n_train": 15, "n_test": 20, "tolerance": 0.01}, True),
        ({"name": "eigenvector", "d": 6, "k": 2, "n_train": 15, "n_test": 20}, False),
        ({"name": "teacher-student", "d": 6, "n_train": 15, "n_test": 20}, False),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
@BOTH
def test_every_kind_of_task(kernel: str, task: dict[str, Any], accuracy: bool) -> None:
    threshold = {"train_acc": 1.0, "test_acc": 0.9} if accuracy else {"train_loss": 1e-3, "test_loss": 1e-3}
    feature_machine = learner({"model.kernel": kernel, "train.dtype": "float32"}, task=task, phase=threshold)
    feature_machine.measure_kernel()
    feature_machine.advance(2)
    row = feature_machine.evaluate() | feature_machine.measure_kernel()[1]
    assert ["step", *row] == feature_machine.columns
    assert ("train/acc" in row) == accuracy
    assert row["train/loss"] < 1e-10
    assert all(torch.tensor(value).isfinite() for value in row.values())


def test_what_is_not_finite_is_said_and_raises_nothing() -> None:
    feature_machine = learner()
    feature_machine.m[0, 0] = torch.inf
    feature_machine.advance(1)
    assert not feature_machine.is_finite()
    assert torch.tensor(feature_machine.evaluate()["train/loss"]).isnan()


def train(run: RunConfig, **options: Any) -> list[Record]:
    return [record for _, record in Trainer(run, CPU, **options)]


def rows(records: list[Record]) -> list[Row]:
    return [record for record in records if isinstance(record, Row)]


def test_a_run_is_measured_at_every_iteration() -> None:
    records = train(config({"task.p": 23, "train.steps": 25}, measure={"budget": 0.9, "kernel_per_decade": 80}))
    assert [row.step for row in rows(records)] == list(range(26))
    assert all("kernel/velocity" in row.values for row in rows(records))
    assert any(isinstance(record, Kernel) for record in records)
    (end,) = [record for record in records if isinstance(record, Event) and record.type == "finished"]
    assert end.data["t_mem"] == 0
    assert 8 <= end.data["t_grok"] <= 18  # test accuracy 0.1 of a task this small
    alone = learner({"task.p": 23})
    alone.advance(25)
    values = rows(records)[-1].values
    assert {key: values[key] for key in alone.evaluate()} == alone.evaluate()


def test_a_resumed_run_retraces_every_bit() -> None:
    schedule = [{"step": 6, "set": {"optim.ridge": 0.5}}, {"step": 14, "set": {"optim.ridge": 0.0}}]
    run = config(schedule=schedule)  # type: ignore[arg-type]
    records = train(run)
    whole = rows(records)
    assert next(row for row in whole if row.step > 6).values["train/loss"] > 1e-6
    assert whole[-1].values["train/loss"] < 1e-24
    snapshots = [r for r in records if isinstance(r, Snapshot) and 0 < r.step < 20]
    assert len(snapshots) >= 3
    for snapshot in snapshots:
        again = rows(go_on(run, snapshot.checkpoint))
        assert repr(again) == repr([row for row in whole if row.step > snapshot.step])
