"""What this machine must have before a run is made: the digits of MNIST, and the memory."""

from pathlib import Path

from ..errors import UsageError
from ..machine import memory as machine_memory
from ..science.digits import CLASSES, SIDE, TEST, TRAIN, check_bundled, find
from .check import n_examples, operation
from .fields import values
from .names import BINARY_LOSSES
from .schema import RunConfig

MOST_SEEDS = 1000
COPIES_OF_WEIGHTS = 5
"""Weights, gradient, two moments of Adam, and the weights at step 0."""
PAIR_BYTES = 250
"""Of a pair of residues, its tokens and its result while they are listed in Python."""


def check_start(config: RunConfig, seeds: int = 1) -> None:
    """Refuse to start a run whose data are not here, or that needs more memory than this machine has."""
    if config.task.name == "mnist":
        check_digits(config)
    check_memory(config, seeds)


def seed_range(config: RunConfig, count: int) -> range:
    """The seeds of a run of `count` seeds, from train.seed on; refuse a count that cannot be."""
    first = config.train.seed
    if not 2 <= count <= MOST_SEEDS:
        raise UsageError(f"--seeds {count}: expected 2 to {MOST_SEEDS}; for one seed there is --seed")
    if first + count > 2**31:
        raise UsageError(f"--seeds {count}: from train.seed {first} on they pass the largest seed, {2**31 - 1}")
    check_memory(config, count)
    return range(first, first + count)


def check_digits(config: RunConfig) -> None:
    """Refuse to start MNIST if its digits are not here, and say how to get them."""
    task = config.task
    if not task.path:
        check_bundled(task.n_train + task.n_test)
    for name in (*TRAIN, *TEST) if task.path else ():
        find(Path(task.path), name)


def check_memory(config: RunConfig, seeds: int = 1) -> None:
    """Refuse a config that needs more memory than this machine has, naming the fields that need the most."""
    available, parts = machine_memory(), memory(config)
    needed = seeds * sum(parts.values())
    if available is not None and needed > available:
        names = max(parts, key=lambda part: parts[part]) + (f", for {seeds} seeds" if seeds > 1 else "")
        raise UsageError(
            f"{names}: the run needs at least {needed / 1e9:,.1f} GB of memory, this machine has {available / 1e9:.1f}"
        )


def memory(config: RunConfig) -> dict[str, int]:
    """Least bytes that a run needs at once, by the fields that decide them."""
    task, number = config.task, 8 if config.train.dtype == "float64" else 4
    modular, n = operation(config), n_examples(config)
    examples = modular.n_pairs(task.p) if modular else task.n_train + task.n_test
    tokens = task.n_tokens if modular else 0
    inputs, outputs = shape(config)
    units, weights = sizes(config, inputs, outputs, tokens)
    at_once = max(config.train.batch_size or n, examples - n)
    size = "task.p" if modular else "task.n_train, task.n_test"
    found = {
        ("task.p" if modular else f"{size}, task.d"): examples * (PAIR_BYTES if modular else inputs * (8 + number)),
        "model.d_hidden, model.d_embed, model.n_layers": COPIES_OF_WEIGHTS * weights * number,
        f"{size}, model.d_hidden": 2 * at_once * units * number,
        "measure.probe": 2 * min(config.measure.probe, examples - n) ** 2 * number,
    }
    if task.name == "teacher-student":
        found["task.d_teacher"] = 8 * task.d_teacher * (task.d_teacher + task.d + task.n_outputs)
    if config.optim.name == "rfm":
        found[size] = 3 * 8 * n**2
    if task.name == "eigenvector" or "regression" in config.measure.also:
        found[size] = 3 * 8 * examples**2
    return found


def shape(config: RunConfig) -> tuple[int, int]:
    """Numbers per input, and outputs, of the task; a token counts with its whole vocabulary."""
    task = config.task
    if operation(config):
        return task.n_tokens * (task.p + task.n_tokens - 2), task.p
    outputs = {"mnist": CLASSES, "parity": 2, "xor-cluster": 2, "teacher-student": task.n_outputs}.get(task.name, 1)
    inputs = {"mnist": SIDE**2, "parity": task.n}.get(task.name, task.d)
    return inputs, 1 if config.loss.name in BINARY_LOSSES else outputs


def sizes(config: RunConfig, inputs: int, outputs: int, tokens: int) -> tuple[int, int]:
    """Activations per example, each with its gradient, and the number of weights; both at least."""
    options = values(config, "model")
    h, d, layers = (options.get(name, 1) for name in ("d_hidden", "d_embed", "n_layers"))
    vocabulary = inputs // tokens if tokens else 0
    match config.model.name:
        case "embedding-mlp":
            return h + outputs, vocabulary * d + tokens * d * h + h * outputs
        case "quadratic-mlp":
            return h + outputs, (inputs + outputs) * h
        case "transformer":
            return h + d + outputs, (vocabulary + outputs) * d + layers * (4 * d * d + 2 * d * h)
        case "mlp":
            return h * layers + outputs, inputs * h + (layers - 1) * h * h + h * outputs
        case "committee" | "signed-committee":
            return min(h, inputs), inputs * h
        case "kernel-machine":
            return outputs, inputs * inputs
    return outputs, inputs * outputs
