"""What the README promises those who add to it, done to a copy of the package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its presets, to be changed."""
    for name in ("grok_tui", "presets"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def grok_tui(copy: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "grok_tui", *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_new_operation_is_one_line(copy: Path) -> None:
    edit(
        copy / "grok_tui" / "science" / "operations.py",
        "OPERATIONS = {\n",
        'OPERATIONS = {\n    "x2-y": Operation(lambda x, y, p: x**2 - y),\n',
    )
    sets = ("--set", "task.name=modular-x2-y", "--set", "task.p=11", "--set", "measure.also=fourier")
    printed = grok_tui(copy, "run", "--preset", "modadd-fast", *sets, "--steps", "5", "--json", "--quiet")
    assert '"status": "finished"' in printed


MODEL = '''"""A network with one hidden layer of cosines."""

from dataclasses import dataclass

from torch import Generator, Tensor

from ..kernel import Weights
from .network import Network, normal


@dataclass(frozen=True)
class Cosine(Network):
    """W: (d, h); V: (h, c)."""

    vocabulary: int
    n_inputs: int
    n_outputs: int
    d_hidden: int = 8

    def initial_weights(self, generator: Generator) -> Weights:
        h = self.d_hidden
        return {"W": normal(generator, self.n_inputs, h, std=1.0), "V": normal(generator, h, self.n_outputs, std=1.0)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return (x @ weights["W"]).cos() @ weights["V"]
'''


def test_a_new_model_is_one_file_and_one_line(copy: Path) -> None:
    (copy / "grok_tui" / "science" / "models" / "cosine_net.py").write_text(MODEL)
    edit(
        copy / "grok_tui" / "config" / "names.py",
        "MODELS = {\n",
        'MODELS = {\n    "cosine-net": Takes(("d_hidden",), ("vectors",), ANY),\n',
    )
    sets = ("--set", "model.name=cosine-net", "--set", "measure.also=twin,angle")
    printed = grok_tui(copy, "run", "--preset", "parity", *sets, "--steps", "5", "--json", "--quiet")
    assert '"status": "finished"' in printed


CLAIM = """

AT_ONCE = Claim(
    id="at-once",
    source="X",
    figure="none",
    title="A linear estimator fits",
    says="The train loss of a linear estimator falls.",
    published="UNKNOWN",
    rule=each(last("train/loss") / first("train/loss")) < 1,
    setups=(Setup("linear", "linear", ("train.steps=5", "task.d=20", "task.n_train=30", "task.n_test=30")),),
    plot=Curves(("train/loss",)),
    seeds=1,
)
"""


def test_a_new_claim_is_one_record(copy: Path) -> None:
    with (copy / "grok_tui" / "claims" / "fast_and_slow_2025.py").open("a") as module:
        module.write(CLAIM)
    assert "at-once" in grok_tui(copy, "verify", "--list")
    table = grok_tui(copy, "verify", "at-once")
    assert "agrees 1, differs 0, not decided 0" in table
    assert (copy / "verify" / "at-once.png").stat().st_size > 1000
