"""Checks of several fields together: task, model, loss, optimizer and measures must fit one another."""

from math import isqrt

from ..errors import UsageError, nearest
from ..science.operations import OPERATIONS, Operation
from .fields import get, values
from .measures import EXTRAS
from .names import BINARY_LOSSES, MODELS, TASKS, shortened
from .schema import RunConfig
from .steering import check_schedule

LARGEST_KERNEL = 5000
"""Rows of the largest kernel whose eigenvectors are taken."""


def check(config: RunConfig) -> None:
    """Refuse a config whose parts do not fit, naming the fields that clash."""
    check_task(config)
    check_parts(config)
    check_measures(config)
    check_phase(config)
    check_schedule(config)


def is_prime(p: int) -> bool:
    """Whether p is a prime number."""
    return p > 1 and all(p % d for d in range(2, isqrt(p) + 1))


def operation(config: RunConfig) -> Operation | None:
    """The operation of a modular task."""
    return OPERATIONS.get(config.task.name.removeprefix("modular-"))


def check_task(config: RunConfig) -> None:
    """Refuse a task that is not defined, or that leaves nothing to train or test on."""
    task = config.task
    if operation(config):
        if not is_prime(task.p):
            raise UsageError(f"task.p: {task.p} is not prime; the nearest is {nearest_prime(task.p)}")
        if n_examples(config) == 0:
            raise UsageError(f"task.frac_train: {task.frac_train} of the pairs mod {task.p} leaves no train data")
    if task.name == "parity":
        if task.k > task.n:
            raise UsageError(f"task.k: parity over {task.k} bits needs task.n >= {task.k}, got {task.n}")
        if task.n_train + task.n_test > 2**task.n:
            raise UsageError(
                f"task.n_train, task.n_test: {task.n_train} + {task.n_test} different inputs of {task.n} bits, "
                f"but there are {2**task.n}"
            )
    if task.name == "xor-cluster" and task.d < 2:
        raise UsageError(f"task.d: two directions at right angles need task.d >= 2, got {task.d}")
    examples = task.n_train + task.n_test
    if task.name == "eigenvector" and task.k > examples:
        raise UsageError(f"task.k: {task.k} of task.n_train + task.n_test = {examples} eigenvectors")
    if task.name == "eigenvector" and examples > LARGEST_KERNEL:
        raise UsageError(f"task.n_train, task.n_test: the kernel has {examples} rows; at most {LARGEST_KERNEL}")


def nearest_prime(p: int) -> int:
    """The prime closest to p."""
    return next(q for gap in range(p + 3) for q in (p - gap, p + gap) if is_prime(q))


def check_parts(config: RunConfig) -> None:
    """Refuse a model that its task cannot feed, and a loss that its targets do not fit; name both fields."""
    task, model, loss = TASKS[config.task.name], MODELS[config.model.name], config.loss.name
    model_name, task_name = f"model.name: {config.model.name}", f"task.name {config.task.name}"
    (targets,) = task.targets
    if not set(task.inputs) & set(model.inputs):
        raise UsageError(f"{model_name} takes {' or '.join(model.inputs)}, but {task_name} gives {task.inputs[0]}")
    if targets not in model.targets:
        raise UsageError(f"{model_name} answers {' or '.join(model.targets)}, but {task_name} asks for {targets}")
    if loss == "cross-entropy" and targets not in ("classes", "binary"):
        raise UsageError(f"loss.name: cross-entropy needs classes, but {task_name} asks for a {targets}")
    if loss in BINARY_LOSSES and targets != "binary":
        raise UsageError(f"loss.name: {loss} needs two classes, but {task_name} asks for {targets}")
    if config.model.name == "signed-committee" and targets == "binary" and loss not in BINARY_LOSSES:
        raise UsageError(
            f"{model_name} has one output, but loss.name {loss} needs one per class; use logistic or hinge"
        )
    if config.model.name == "transformer" and config.model.d_embed % config.model.n_heads:
        raise UsageError(f"model.n_heads: {config.model.n_heads} does not divide model.d_embed {config.model.d_embed}")
    if (config.model.name == "kernel-machine") != (config.optim.name == "rfm"):
        raise UsageError(
            f"optim.name: {config.optim.name} and {model_name}: rfm trains a kernel-machine, and only a kernel-machine"
        )
    if config.optim.name == "rfm" and loss != "mse":
        raise UsageError(f"loss.name: {loss}, but optim.name rfm solves a regression: mse")
    if config.train.batch_size and config.optim.name == "rfm":
        raise UsageError("train.batch_size: optim.name rfm solves for all train examples at once; set it to 0")
    if config.train.batch_size > n_examples(config):
        raise UsageError(
            f"train.batch_size: {config.train.batch_size} is more than {n_examples(config)} train examples"
        )


def check_measures(config: RunConfig) -> None:
    """Refuse a measure in `measure.also` that is not defined for this task, model or loss."""
    also = config.measure.also
    for i, name in enumerate(also):
        if name not in EXTRAS:
            raise UsageError(f"measure.also: no measure {name}; {nearest(name, EXTRAS)}")
        if name in also[:i]:
            raise UsageError(f"measure.also: {name} is there twice")
        needs = EXTRAS[name]
        for key, allowed in (("task.name", needs.tasks), ("model.name", needs.models), ("loss.name", needs.losses)):
            if allowed and get(config, key) not in allowed:
                raise UsageError(
                    f"measure.also: {name} needs {key} {' or '.join(shortened(allowed))}, got {get(config, key)}"
                )
    size = (config.task.n_train + config.task.n_test) * values(config, "task").get("n_outputs", 1)
    if "regression" in config.measure.also and size > LARGEST_KERNEL:
        raise UsageError(
            f"measure.also: regression solves for (task.n_train + task.n_test) * task.n_outputs = {size} unknowns; "
            f"at most {LARGEST_KERNEL}"
        )
    if "decomposition" in config.measure.also and config.model.centered:
        raise UsageError(
            "measure.also: decomposition describes the output without centring, but model.centered is true"
        )


def n_examples(config: RunConfig) -> int:
    """The number of train examples; fewer than all pairs, since frac_train < 1."""
    modular, task = operation(config), config.task
    return int(task.frac_train * modular.n_pairs(task.p)) if modular else task.n_train


def has_accuracy(config: RunConfig) -> bool:
    """Whether right and wrong answers can be told apart: classes, or a tolerance on real values."""
    tolerance = config.task.tolerance if "tolerance" in TASKS[config.task.name].fields else 0
    return bool({"classes", "binary"} & set(TASKS[config.task.name].targets)) or tolerance > 0


def check_phase(config: RunConfig) -> None:
    """Refuse thresholds of a quantity that is not measured, and a phase without a threshold."""
    phase = config.phase
    if (phase.train_acc or phase.test_acc) and not has_accuracy(config):
        raise UsageError(
            f"phase.train_acc, phase.test_acc: task.name {config.task.name} has no accuracy; "
            "give train_loss and test_loss, or task.tolerance"
        )
    if not (phase.train_acc or phase.train_loss) or not (phase.test_acc or phase.test_loss):
        raise UsageError("phase: give a threshold for train (train_acc or train_loss) and for test")
