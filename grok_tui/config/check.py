"""What single fields cannot say: values that must fit one another."""

from __future__ import annotations

from math import isfinite, isqrt

from ..errors import UsageError, nearest
from .fields import check_value, fields, get, steerable
from .schema import MODELS, TASKS, RunConfig


def check(config: RunConfig) -> None:
    """Refuse a config whose parts do not fit, naming the fields that clash."""
    check_finite(config)
    check_task(config)
    check_parts(config)
    check_phase(config)
    check_schedule(config)


def check_finite(config: RunConfig) -> None:
    """Refuse `inf` and `nan`, which TOML can write."""
    for key in fields():
        value = get(config, key)
        if isinstance(value, float) and not isfinite(value):
            raise UsageError(f"{key}: expected a finite number, got {value}")


def is_prime(p: int) -> bool:
    """Whether p is a prime number."""
    return p > 1 and all(p % d for d in range(2, isqrt(p) + 1))


def n_train_pairs(p: int, frac_train: float) -> int:
    """How many of the p*p pairs are trained on; fewer than all, since frac_train < 1."""
    return int(frac_train * p * p)


def check_task(config: RunConfig) -> None:
    """Refuse a task that is not defined, or that leaves nothing to train or test on."""
    task = config.task
    if task.name == "modular-addition":
        if not is_prime(task.p):
            raise UsageError(f"task.p: {task.p} is not prime; the nearest is {nearest_prime(task.p)}")
        if n_train_pairs(task.p, task.frac_train) == 0:
            raise UsageError(f"task.frac_train: {task.frac_train} of {task.p**2} pairs leaves no train data")
    if task.name == "parity":
        if task.k > task.n:
            raise UsageError(f"task.k: parity over {task.k} bits needs task.n >= {task.k}, got {task.n}")
        if task.n < 60 and task.n_train >= 2**task.n:
            raise UsageError(f"task.n_train: {task.n_train} of {2**task.n} inputs leaves no test data")


def nearest_prime(p: int) -> int:
    """The prime closest to p."""
    return next(q for gap in range(p + 3) for q in (p - gap, p + gap) if is_prime(q))


def check_parts(config: RunConfig) -> None:
    """Refuse a model that its task cannot feed, and a loss that its targets do not fit; name both fields."""
    task, model = TASKS[config.task.name], MODELS[config.model.name]
    model_name, task_name = f"model.name: {config.model.name}", f"task.name {config.task.name}"
    if task.inputs != model.inputs:
        raise UsageError(f"{model_name} takes {model.inputs}, but {task_name} gives {task.inputs}")
    if not set(task.targets) & set(model.targets):
        answers, asks = " or ".join(model.targets), " or ".join(task.targets)
        raise UsageError(f"{model_name} answers {answers}, but {task_name} asks for {asks}")
    if config.loss.name == "cross-entropy" and "classes" not in task.targets:
        raise UsageError(f"loss.name: cross-entropy needs classes, but {task_name} asks for a scalar")
    if config.model.name == "transformer" and config.model.d_embed % config.model.n_heads:
        raise UsageError(f"model.n_heads: {config.model.n_heads} does not divide model.d_embed {config.model.d_embed}")
    if config.train.batch_size and config.train.batch_size > n_examples(config):
        raise UsageError(
            f"train.batch_size: {config.train.batch_size} is more than {n_examples(config)} train examples"
        )


def n_examples(config: RunConfig) -> int:
    """How many examples there are to train on."""
    task = config.task
    return n_train_pairs(task.p, task.frac_train) if task.name == "modular-addition" else task.n_train


def has_accuracy(config: RunConfig) -> bool:
    """Whether right and wrong answers can be told apart: classes, or a tolerance on real values."""
    return "classes" in TASKS[config.task.name].targets or config.task.tolerance > 0


def check_phase(config: RunConfig) -> None:
    """Refuse thresholds that can never be read, and none at all."""
    phase = config.phase
    if (phase.train_acc or phase.test_acc) and not has_accuracy(config):
        raise UsageError(
            f"phase.train_acc, phase.test_acc: task.name {config.task.name} has no accuracy; "
            "give train_loss and test_loss, or task.tolerance"
        )
    if not (phase.train_acc or phase.train_loss) or not (phase.test_acc or phase.test_loss):
        raise UsageError("phase: give a threshold for train (train_acc or train_loss) and for test")


def check_schedule(config: RunConfig) -> None:
    """Refuse a scheduled change with no moment or two, or of a field that cannot be steered."""
    for i, entry in enumerate(config.schedule):
        at = f"schedule[{i}]"
        if (entry.step is None) == (entry.on is None):
            raise UsageError(f"{at}: give either step = N or on = 'memorized' | 'grokked'")
        if not entry.set:
            raise UsageError(f"{at}.set: it changes nothing; name a field, for instance optim.weight_decay")
        for key, value in entry.set.items():
            if key not in steerable(config):
                raise UsageError(f"{at}.set: {key} cannot be steered; {nearest(key, steerable(config))}")
            check_value(key, value)
