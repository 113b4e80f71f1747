"""What a run's directory says that the sentence depends on: numbers read once, judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from ..config.fields import NORM
from ..config.schema import TASKS
from ..science.fits import contraction_rate
from ..store.reader import RunReader
from ..verdict.series import HOLD, Phases, is_kernel_machine, knobs_of, near, phases_of, step_of, trend

WEAK = 0.1
"""Weight decay that would shrink a weight by less than this over the whole run is as good as none."""
STILL = 0.01
"""A kernel distance below this is a kernel that has hardly moved."""
TURNED = 0.1
"""A kernel distance above this is a kernel that has learnt features."""
GROWN = 10.0
"""A norm that has grown by more than this factor is that of weights which dwarf the initial ones."""
FITTED = 60
"""Most rows that the contraction is fitted to."""


@dataclass(frozen=True)
class Steering:
    """The last change of the weight decay, or of the norm."""

    step: int
    old: float
    new: float
    norm: float | None
    """The weight norm when it was made."""


@dataclass(frozen=True)
class Facts:
    """All that the sentence depends on."""

    status: str
    step: int
    steps: int
    phases: Phases
    wd: float
    lr: float
    """As the optimizer uses it: over alpha² where the config says so."""
    ever_decayed: bool
    """Whether there was weight decay worth the name at any time."""
    is_linear: bool
    """Whether the model's kernel cannot move."""
    is_kernel_machine: bool = False
    """Whether it learns by iterations of feature learning, without a gradient."""
    theory: str = ""
    """The theory that the preset speaks for."""
    tolerance: float = 0.0
    """Squared error within which an answer counts as right; 0: answers are classes, or there is no accuracy."""
    eigenvector: int = 0
    """Which eigenvector of the kernel at init is learnt; 0: another task."""
    acc: tuple[float | None, float | None] = (None, None)
    lowest_train_acc: float | None = None
    loss: tuple[float | None, float | None] = (None, None)
    halved: tuple[int | None, int | None] = (None, None)
    """The steps at which train and test loss were first down to half of what they began with."""
    twin_loss: float | None = None
    """Test loss of the linearised network."""
    norm: float | None = None
    norm_start: float | None = None
    norm_at_mem: float | None = None
    norm_top: float | None = None
    norm_at_grok: float | None = None
    norm_change: float = 0.0
    """Relative change over the last fifth of the steps."""
    hold: float = 0.0
    """The norm that is held now; 0: it is free."""
    hold_at_grok: float = 0.0
    distance: float | None = None
    distance_at_mem: float | None = None
    distance_at_grok: float | None = None
    drift: float | None = None
    contraction: float | None = None
    """Rate at which the squared norm falls, in lr · weight decay a step."""
    steering: Steering | None = None
    rescale: Steering | None = None
    """The last time that the norm was set by hand."""
    enough_acc: float = 0.0
    """The test accuracy that counts as grokked."""
    reason: str = ""
    """Why it failed."""

    def is_weak(self, wd: float) -> bool:
        """Whether so much weight decay does next to nothing within the budget."""
        return self.lr * wd * self.steps < WEAK

    @property
    def is_still(self) -> bool:
        """Whether the kernel has hardly moved."""
        return self.distance is not None and self.distance < STILL

    @property
    def has_grown(self) -> bool:
        """Whether the initial weights were as nothing already when it memorised."""
        return self.norm_at_mem is not None and self.norm_at_mem > GROWN * (self.norm_start or 0.0)

    @property
    def has_collapsed(self) -> bool:
        """Whether the weights are all but gone, and by no hand."""
        has_shrunk = self.norm is not None and self.norm < 0.01 * (self.norm_start or 0.0)
        return has_shrunk and self.ever_decayed and self.rescale is None and not self.hold


def facts(reader: RunReader) -> Facts:
    """Read what the sentence depends on."""
    knobs, phases, config = knobs_of(reader), phases_of(reader), reader.config
    wd, lr, steps = knobs.get("optim.weight_decay", 0.0), knobs.get("optim.lr", 0.0), config.train.steps
    if config.optim.lr_over_alpha2:
        lr /= knobs["model.alpha"] ** 2
    turns = [e for e in reader.of_type("steered") if e.get("key") == "optim.weight_decay"]
    held = [config.optim.weight_decay, wd, *(float(e.get("old") or 0) for e in turns)]
    norms, failed = reader.series("norm/weight")[1], reader.of_type("failed")

    def at(column: str, step: int | None) -> float | None:
        return None if step is None else reader.at(column, step)

    has_tolerance = "tolerance" in TASKS[config.task.name].fields
    return Facts(
        status=reader.info["status"],
        step=step_of(reader),
        steps=steps,
        phases=phases,
        wd=wd,
        lr=lr,
        ever_decayed=any(lr * value * steps >= WEAK for value in held),
        is_linear=config.model.name == "linear",
        is_kernel_machine=is_kernel_machine(config),
        theory=config.theory,
        tolerance=config.task.tolerance if has_tolerance and config.phase.test_acc else 0.0,
        eigenvector=config.task.k if config.task.name == "eigenvector" else 0,
        acc=(reader.last("train/acc"), reader.last("test/acc")),
        lowest_train_acc=float(np.min(accs)) if len(accs := reader.series("train/acc")[1]) else None,
        loss=(reader.last("train/loss"), reader.last("test/loss")),
        halved=(halved(reader, "train/loss"), halved(reader, "test/loss")),
        twin_loss=reader.last("twin/test_loss"),
        norm=reader.last("norm/weight"),
        norm_start=float(norms[0]) if len(norms) else None,
        norm_at_mem=at("norm/weight", phases.t_mem),
        norm_top=float(norms.max()) if len(norms) else None,
        norm_at_grok=at("norm/weight", phases.t_grok),
        norm_change=trend(reader, "norm/weight"),
        hold=knobs.get(HOLD, 0.0),
        hold_at_grok=in_force(reader, HOLD, phases.t_grok, config.optim.hold_norm),
        distance=reader.last("kernel/distance"),
        distance_at_mem=None if phases.t_mem is None else near(reader, "kernel/distance", phases.t_mem),
        distance_at_grok=None if phases.t_grok is None else near(reader, "kernel/distance", phases.t_grok),
        drift=reader.last("kernel/drift"),
        contraction=contraction(reader, phases, lr * wd),
        steering=last_steering(reader, "optim.weight_decay"),
        rescale=last_steering(reader, NORM),
        enough_acc=config.phase.test_acc,
        reason=str(failed[-1].get("reason") or "") if failed else str(reader.info.get("error") or ""),
    )


def last_steering(reader: RunReader, key: str) -> Steering | None:
    """The last change of a knob, or of the norm."""
    turns = [e for e in reader.of_type("steered") if e.get("key") == key]
    if not turns:
        return None
    step, old, new = int(turns[-1]["step"]), float(turns[-1]["old"]), float(turns[-1]["new"])
    return Steering(step, old, new, reader.at("norm/weight", step))


def in_force(reader: RunReader, key: str, step: int | None, start: float) -> float:
    """A knob's value at a step; 0 where there is no such step."""
    turns = [e for e in reader.of_type("steered") if e.get("key") == key and step is not None and e["step"] < step]
    return 0.0 if step is None else float(turns[-1]["new"]) if turns else start


def halved(reader: RunReader, column: str) -> int | None:
    """The first step at which a column is at most half of its first value."""
    steps, values = reader.series(column)
    low = steps[values <= 0.5 * values[:1]]
    return int(low[0]) if len(low) else None


CONTRACTIONS: WeakKeyDictionary[RunReader, tuple[tuple[int, int], float | None]] = WeakKeyDictionary()
"""The last fit of each run, with the rows and events that it was made of."""


def contraction(reader: RunReader, phases: Phases, decay: float) -> float | None:
    """The fitted rate at which V = norm² falls after memorising, in units of lr · wd; none where it tells nothing."""
    if phases.t_mem is None or decay <= 0:
        return None
    known = len(reader), len(reader.events)
    if reader not in CONTRACTIONS or CONTRACTIONS[reader][0] != known:
        CONTRACTIONS[reader] = known, fitted(reader, phases.t_mem)
    rate = CONTRACTIONS[reader][1]
    return None if rate is None else rate / decay


def fitted(reader: RunReader, start: int) -> float | None:
    """The rate per step, from the norm's top after memorising, or after the last steering that bears on it."""
    turned = [e["step"] for e in reader.of_type("steered")]
    steps, norms = reader.series("norm/weight")
    after = steps > max([start, *turned])
    steps, norms = steps[after], norms[after]
    top = max(len(norms) - 1 - int(np.argmax(norms[::-1])), 0) if len(norms) else 0
    steps, norms = steps[top:], norms[top:]
    if len(norms) < 10 or not np.isfinite(norms).all() or norms[-1] > 0.95 * norms[0]:
        return None
    chosen = np.unique(np.linspace(0, len(norms) - 1, FITTED).astype(int))
    fit = contraction_rate(steps[chosen], norms[chosen] ** 2)
    return fit.gamma if fit.r2 > 0.9 and fit.gamma > 0 else None
