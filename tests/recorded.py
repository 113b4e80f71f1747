"""Run directories as an engine would have left them, made in milliseconds: curves with the shape of real runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from grok_tui.config import presets
from grok_tui.store import rundir
from grok_tui.store.run_writer import RunWriter
from grok_tui.store.rundir import RunDir

COLUMNS = [
    "step", "train/loss", "test/loss", "train/acc", "test/acc", "norm/weight", "norm/embed.weight", "norm/grad",
    "kernel/drift", "kernel/distance", "kernel/alignment",
]  # fmt: skip
WITHOUT_ACCURACY = [name for name in COLUMNS if "acc" not in name]


def steps_up_to(last: int) -> np.ndarray:
    """Where rows lie: log-spaced, then every 50 steps."""
    early = np.unique(np.rint(np.geomspace(1, min(last, 2000), 260)))
    return np.concatenate(([0], early, np.arange(2050, last + 1, 50)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def delay_law(steps: np.ndarray, t_mem: float = 40, t_grok: float | None = 805) -> dict[str, np.ndarray]:
    """A run on modular addition with weight decay; without t_grok the norm stays and nothing follows."""
    x = np.log(np.maximum(steps, 1))
    memorised = sigmoid((x - np.log(t_mem) + 0.4) * 6)
    grokked = sigmoid((x - np.log(t_grok) + 0.2) * 14) if t_grok else np.zeros_like(x)
    wiggle = 1 + 0.08 * np.sin(3 * x)
    train = 4.08 * (1 - memorised) + 1e-2 * memorised * np.maximum(steps / t_mem, 1) ** -1.2 * wiggle
    test = np.exp(np.log(4.08 + 9 * memorised) * (1 - grokked) + np.log(2e-3) * grokked) * wiggle
    fall = sigmoid((x - np.log(t_grok or 1e9) + 0.8) * 3)
    return {
        "train/loss": train,
        "test/loss": test,
        "train/acc": np.clip(memorised * 1.02, 0.017, 1.0),
        "test/acc": np.clip(0.98 * grokked, 0.017, 1.0),
        "norm/weight": 22 + 46 * memorised - 17 * fall,
        "norm/embed.weight": 8 + 20 * memorised,
        "norm/grad": train * 3,
        "kernel/drift": 400 * memorised,
        "kernel/distance": 0.75 * memorised + 0.2 * grokked,
        "kernel/alignment": 0.05 + 0.8 * grokked,
    }


def lazy_to_rich(steps: np.ndarray, moving: float = 4000) -> dict[str, np.ndarray]:
    """Plain gradient descent: train loss falls, then the kernel moves and the norm rises, then test loss falls."""
    x = np.log(np.maximum(steps, 1))
    fitted, rich = sigmoid((x - np.log(500)) * 3), sigmoid((x - np.log(moving)) * 5)
    return {
        "train/loss": 12 * (1 - fitted) + 0.05 * fitted * (1 - rich) + 1e-5,
        "test/loss": 13 * (1 - rich) + 1e-3,
        "norm/weight": 9 + 4 * rich,
        "norm/embed.weight": 9 + 4 * rich,
        "norm/grad": 1 - 0.9 * fitted,
        "kernel/drift": 0.9 * rich,
        "kernel/distance": 0.4 * rich,
        "kernel/alignment": 0.2 + 0.6 * rich,
    }


def linear(steps: np.ndarray) -> dict[str, np.ndarray]:
    """A linear estimator: the kernel is what it was, to the last bit."""
    values = delay_law(steps, 300, 2100)
    for name in ("kernel/drift", "kernel/distance"):
        values[name] = np.zeros_like(steps)
    values["norm/weight"] = 1 + steps / steps.max()
    return values


def machine(steps: np.ndarray, t_grok: float | None = 14) -> dict[str, np.ndarray]:
    """A recursive feature machine: fitted at every iteration, its kernel turning from the first on."""
    learnt = sigmoid((steps - t_grok) * 0.8) if t_grok else np.zeros_like(steps, dtype=float)
    return {
        "train/loss": np.full_like(steps, 1e-12, dtype=float),
        "test/loss": 0.03 - 0.028 * learnt,
        "train/acc": np.ones_like(steps, dtype=float),
        "test/acc": 0.02 + 0.97 * learnt,
        "norm/weight": 7.9 - 2 * learnt,
        "kernel/drift": 0.1 * steps,
        "kernel/distance": 1 - np.exp(-steps / 20),
        "kernel/alignment": 0.05 + 0.5 * learnt,
    }


def xor(steps: np.ndarray) -> dict[str, np.ndarray]:
    """XOR clusters: after one step the train labels are fitted by weights that dwarf the first; test follows."""
    first, learnt = np.minimum(steps, 1.0), sigmoid((np.log(np.maximum(steps, 1)) - np.log(12)) * 4)
    return {
        "train/loss": 0.69 - 0.6 * first,
        "test/loss": 0.69 - 0.5 * learnt,
        "train/acc": 0.5 + 0.5 * first,
        "test/acc": 0.5 + 0.49 * learnt,
        "norm/weight": 0.01 + steps,
        "kernel/drift": 0.4 * learnt,
        "kernel/distance": 0.005 * first + 0.04 * sigmoid(2 * (steps - 3)),
        "kernel/alignment": 0.1 + 0.2 * learnt,
    }


def collapsing(steps: np.ndarray) -> dict[str, np.ndarray]:
    """Weight decay outruns the gradient: nothing is fitted, and the norm goes to nothing."""
    values = delay_law(steps, t_mem=1e12, t_grok=None)
    return values | {"norm/weight": 27 * np.exp(-steps / 300), "kernel/distance": np.zeros_like(steps, dtype=float)}


def extras(values: dict[str, np.ndarray], steps: np.ndarray) -> dict[str, np.ndarray]:
    """The measures that are taken where they are asked for, beside `values`."""
    x, rich = np.log(np.maximum(steps, 1)), values["kernel/distance"] / values["kernel/distance"].max()
    late = np.where(steps >= 900, steps, np.nan)
    test = values["test/loss"]
    return {
        "twin/train_loss": values["train/loss"][0] * np.exp(-x / 4),
        "twin/test_loss": test[0] * (1 + 0.02 * x),
        "k0/test_loss": np.full_like(x, 0.8 * test[0]),
        "error/variance": 0.6 * test[0] * np.exp(-x / 2),
        "error/linear": 0.3 * test[0] * np.exp(-x),
        "error/alignment": 0.9 * test,
        "angle/init": 60 * rich,
        "angle/mem": 40 * (1 - 900 / late),
        "fourier/gini": 0.1 + 0.8 * rich,
        "fourier/energy": 0.2 + 0.75 * rich,
        "bits/share": 0.1 + 0.85 * rich,
        "kernel/rank": 60 - 50 * rich,
        "kernel/top1": 10 + 90 * rich,
        "kernel/top2": 8 + 30 * rich,
        "kernel/top3": 6 + 10 * rich,
    }


def record(
    runs: Path,
    preset: str = "modadd-fast",
    *,
    values: dict[str, np.ndarray] | None = None,
    last: int = 3400,
    status: str = "finished",
    events: Iterable[tuple[Any, ...]] = (),
    sets: list[str] | None = None,
    columns: list[str] | None = None,
    speed: float = 616.0,
    **info: Any,
) -> RunDir:
    """Write one run. Events are (type, step) or (type, step, data)."""
    config = presets.load_preset(preset, sets)
    run = rundir.create(runs, config, preset=preset, device="cpu", pace=config.train.pace)
    steps = steps_up_to(last)
    values = values if values is not None else delay_law(steps)
    speed_of_kernel = np.abs(np.diff(values["kernel/distance"], prepend=0)) / np.diff(steps, prepend=-1)
    values = {"norm/V": values["norm/weight"] ** 2, "kernel/velocity": speed_of_kernel} | values
    columns = columns or ["step", *values]
    writer = RunWriter(run, columns, checkpoint=None)
    for i, step in enumerate(steps):
        kernel_due = i % 3 == 0
        due = {n: float(values[n][i]) for n in columns[1:] if kernel_due or not n.startswith("kernel/")}
        writer.row(int(step), due)
    writer.event("started", 0, device="cpu", threads=2, parameters=77_000)
    for kind, step, *data in events:
        writer.event(kind, step, **(data[0] if data else {}))
    writer.close()
    progress = {"step": int(steps[-1]), "steps_per_second": speed, "measuring": 0.04}
    run.update_info(status=status, device="cpu", progress=progress, **info)
    return run


GROKKED = [("phase", 40, {"phase": "memorized"}), ("phase", 805, {"phase": "grokked"})]


def steered(step: int, old: float, new: float, key: str = "optim.weight_decay") -> tuple[str, int, dict[str, Any]]:
    """A steering as the engine records it."""
    optimizer = {key.rpartition(".")[2]: new} if "." in key else {}
    return "steered", step, {"key": key, "old": old, "new": new, "optimizer": optimizer, "by": "request"}


def presses(step: int, count: int, start: float = 1.0) -> list[tuple[str, int, dict[str, Any]]]:
    """`w` pressed `count` times, a few steps apart."""
    told, value = [], start
    for i in range(count):
        new = float(f"{value / 1.7783:.3g}")
        told.append(steered(step + 3 * i, value, new))
        value = new
    return told


def record_seeds(runs: Path, seeds: int = 16, **info: Any) -> RunDir:
    """A run of many seeds as its engine leaves it for the screen: medians, and the band beside every column."""
    steps = steps_up_to(3400)
    each = [delay_law(steps, t_grok=805 * 1.12 ** (seed - seeds / 2)) for seed in range(seeds)]
    values: dict[str, np.ndarray] = {}
    for name in each[0]:
        low, middle, high = np.percentile([one[name] for one in each], [10, 50, 90], axis=0)
        values |= {name: middle, f"{name}@low": low, f"{name}@high": high}
    result = {"t_mem": 40, "t_grok": 805, "delay": 765, "memorized": seeds, "grokked": seeds - 4}
    phases = [("phase", 40, {"phase": "memorized"}), ("phase", 805, {"phase": "grokked"})]
    return record(runs, values=values, events=phases, seeds=list(range(seeds)), result=result, **info)
