"""What a verdict depends on: numbers of a run, read once, and the thresholds by which they are judged."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..config.fields import NORM
from ..config.names import TASKS
from ..config.schema import RunConfig
from ..config.steering import HOLD
from ..science.fits import contraction_rate
from ..store.reader import RunReader
from .series import Phases, held, is_kernel_machine, is_number, knobs_of, near, phases_of, step_of, trend, whole

WIDE = 0.02  # of the step: t_mem and t_grok are known no better than that in a run whose rows are complete
WEAK = 0.1  # weight decay that would shrink a weight by less than this part over the whole run does nothing
STILL = 0.01  # kernel distance: lazy runs stay below (1e-9 to 1e-3)
TURNED = 0.1  # kernel distance: runs that learn features go above (0.2 to 1)
GROWN = 10.0  # growth of the weight norm after which the initial weights hardly matter; arXiv 2310.02541
GONE = 0.01  # part of the first weight norm that is left if the weights have collapsed
LOST = 0.9  # part of the required test accuracy; a run below it has lost what it had grokked
SAME = 0.98  # ratio of two norms: a settled norm moves by up to 1 %
STAYED = 0.05  # relative change of a norm over the last fifth of a run that has ended
LAGS, LAGS_FROM = 2, 5  # the test loss falls late if it halves after 2 x the step of the train loss, and 2 x 5
BEHIND = 2  # ratio of test losses: the linearised network is left behind
LEAST_FITTED, MOST_FITTED = 10, 60  # rows to which the fall of the norm is fitted
FALLEN, EXPLAINED = 0.95, 0.9  # the fit counts if the norm fell below this part of its top, with r^2 above this


@dataclass(frozen=True)
class Moment:
    """How the run stands at one step; None for what is not measured there."""

    norm: float | None = None
    distance: float | None = None
    hold: float = 0.0
    """the norm that is held; 0: it is free"""


@dataclass(frozen=True)
class Steering:
    """The last change of the weight decay, or of the weight norm; `norm` is the weight norm before it."""

    step: int
    old: float
    new: float
    norm: float | None


@dataclass(frozen=True)
class Facts:
    """All that a verdict depends on. Losses and accuracies are those of the last row."""

    run: str
    config: RunConfig
    status: str
    step: int
    phases: Phases
    wd: float = 0.0
    lr: float = 0.0
    """as the optimizer uses it: divided by alpha^2 if the config says so"""
    lr_field: float | None = None
    """optim.lr, not divided"""
    ever_decayed: bool = False
    """whether the weight decay was more than weak at any time"""
    train_acc: float | None = None
    test_acc: float | None = None
    train_loss: float | None = None
    test_loss: float | None = None
    train_halved: int | None = None
    test_halved: int | None = None
    """step at which the loss had fallen to half of its first value"""
    twin_loss: float | None = None
    """test loss of the linearised network"""
    start: Moment = Moment()
    at_mem: Moment = Moment()
    at_grok: Moment = Moment()
    now: Moment = Moment()
    norm_top: float | None = None
    norm_change: float = 0.0
    """relative change over the last fifth of the steps"""
    drift: float | None = None
    contraction: float | None = None
    """rate at which the squared norm falls, in units of lr * weight decay"""
    turn: Steering | None = None
    """the last change of the weight decay"""
    rescale: Steering | None = None
    """the last time that the norm was set"""
    reason: str = ""
    """why the run failed"""
    checkpoint: int | None = None
    """step of the newest checkpoint of a failed run"""

    @property
    def stage(self) -> str:
        """`fitting`, `waiting` (memorised) or `grokked`; `unfitted` or `ended` if it has finished before it grokked."""
        if self.phases.grok:
            return "grokked"
        if self.status == "finished":
            return "ended" if self.phases.mem else "unfitted"
        return "waiting" if self.phases.mem else "fitting"

    @property
    def regime(self) -> str:
        """What governs the run after it has memorised, by its config and by what was measured."""
        theory = self.config.theory
        if is_kernel_machine(self.config) or self.is_linear:
            return "linear" if self.is_linear else "kernel machine"
        if (self.at_grok if self.phases.grok else self.now).hold:
            return "held"
        if self.tolerance:
            return "tolerance"
        if theory in ("delay law", "lazy to rich"):
            return "decay" if theory == "delay law" else "lazy"
        if (self.has_grown or (self.at_mem.distance or 0) > TURNED) and (not self.ever_decayed or theory):
            return "early"
        return "decay" if self.ever_decayed else "lazy"

    @property
    def is_linear(self) -> bool:
        """Whether the kernel of the model cannot change."""
        return self.config.model.name == "linear"

    @property
    def tolerance(self) -> float:
        """Squared error below which an answer counts as right; 0: answers are classes, or there is no accuracy."""
        task = self.config.task
        return task.tolerance if "tolerance" in TASKS[task.name].fields and self.config.phase.test_acc else 0.0

    @property
    def has_grown(self) -> bool:
        """Whether the norm at t_mem dwarfs the initial one."""
        return below(self.start.norm, 1 / GROWN, self.at_mem.norm)

    @property
    def has_collapsed(self) -> bool:
        """Whether weight decay alone has brought the weights to almost nothing."""
        is_free = self.ever_decayed and self.rescale is None and not self.now.hold
        return is_free and below(self.now.norm, GONE, self.start.norm)

    @property
    def has_too_few_rows(self) -> bool:
        """Whether t_mem or t_grok is not known well enough to speak of a delay."""
        times = (self.phases.mem, self.phases.grok)
        return any(time and time.width and time.width + 1 > WIDE * time.step for time in times)

    def is_weak(self, wd: float) -> bool:
        """Whether so much weight decay does next to nothing in this run."""
        return self.lr * wd * self.config.train.steps < WEAK


def below(value: float | None, factor: float, of: float | None = 1.0) -> bool:
    """Whether `value` is below `factor` times `of`; false if one of them is not known."""
    return value is not None and of is not None and value < factor * of


def facts(reader: RunReader) -> Facts:
    """Read what a verdict depends on."""
    knobs, phases, config, info = knobs_of(reader), phases_of(reader), reader.config, reader.info
    wd, lr = knobs.get("optim.weight_decay", 0.0), knobs.get("optim.lr", 0.0)
    lr /= knobs["model.alpha"] ** 2 if config.optim.lr_over_alpha2 else 1
    decays = [held(event, config).get("optim.weight_decay", 0.0) for event in whole(reader, "steered")]
    most_decay = max(config.optim.weight_decay, *decays, wd)
    norms, failed = reader.series("norm/weight")[1], reader.of_type("failed")
    return Facts(
        run=reader.run.id,
        config=config,
        status=info["status"],
        step=step_of(reader),
        phases=phases,
        wd=wd,
        lr=lr,
        lr_field=knobs.get("optim.lr"),
        ever_decayed=lr * most_decay * config.train.steps >= WEAK,
        train_acc=reader.last("train/acc"),
        test_acc=reader.last("test/acc"),
        train_loss=reader.last("train/loss"),
        test_loss=reader.last("test/loss"),
        train_halved=halved(reader, "train/loss"),
        test_halved=halved(reader, "test/loss"),
        twin_loss=reader.last("twin/test_loss"),
        start=Moment(float(norms[0]) if len(norms) else None),
        at_mem=moment(reader, phases.t_mem),
        at_grok=moment(reader, phases.t_grok),
        now=Moment(reader.last("norm/weight"), reader.last("kernel/distance"), knobs.get(HOLD, 0.0)),
        norm_top=float(norms.max()) if len(norms) else None,
        norm_change=trend(reader, "norm/weight"),
        drift=reader.last("kernel/drift"),
        contraction=contraction(reader, phases.t_mem, lr * wd),
        turn=last_steering(reader, "optim.weight_decay"),
        rescale=last_steering(reader, NORM),
        reason=str((failed[-1] if failed else {}).get("reason") or info.get("error") or ""),
        checkpoint=max(reader.run.checkpoint_steps(), default=None) if info["status"] == "failed" else None,
    )


def moment(reader: RunReader, step: int | None) -> Moment:
    """How the run stood at `step`."""
    if step is None:
        return Moment()
    hold = knobs_of(reader, before=step).get(HOLD, 0.0)
    return Moment(reader.at("norm/weight", step), near(reader, "kernel/distance", step), hold)


def last_steering(reader: RunReader, key: str) -> Steering | None:
    """The last change of a field, or of the norm."""
    changes = [event for event in whole(reader, "steered") if event.get("key") == key]
    if not changes or not (is_number(changes[-1].get("old")) and is_number(changes[-1].get("new"))):
        return None
    step, old, asked = changes[-1]["step"], changes[-1]["old"], changes[-1]["new"]
    return Steering(
        step, float(old), held(changes[-1], reader.config).get(key, float(asked)), reader.at("norm/weight", step)
    )


def halved(reader: RunReader, column: str) -> int | None:
    """The first step at which a column is at most half of its first value."""
    steps, values = reader.series(column)
    low = steps[values <= 0.5 * values[:1]]
    return int(low[0]) if len(low) else None


def contraction(reader: RunReader, t_mem: int | None, decay: float) -> float | None:
    """Rate at which the squared norm falls after t_mem, in units of lr * weight decay; None if it does not say much.

    It is fitted from the norm's top after t_mem and after the last steering.
    """
    if t_mem is None or decay <= 0:
        return None
    steps, norms = reader.series("norm/weight")
    after = steps > max([t_mem, *(event["step"] for event in whole(reader, "steered"))])
    steps, norms = steps[after], norms[after]
    top = max(len(norms) - 1 - int(np.argmax(norms[::-1])), 0) if len(norms) else 0
    steps, norms = steps[top:], norms[top:]
    if len(norms) < LEAST_FITTED or not np.isfinite(norms).all() or norms[-1] > FALLEN * norms[0]:
        return None
    chosen = np.unique(np.linspace(0, len(norms) - 1, MOST_FITTED).astype(int))
    rate = fitted(tuple(steps[chosen].tolist()), tuple(norms[chosen].tolist()))
    return None if rate is None else rate / decay


@lru_cache(maxsize=16)
def fitted(steps: tuple[float, ...], norms: tuple[float, ...]) -> float | None:
    """The rate per step; None if the fall is not exponential. Cached, as a screen asks again for the same rows."""
    fit = contraction_rate(steps, np.square(norms))
    return fit.gamma if fit.r2 > EXPLAINED and fit.gamma > 0 else None
