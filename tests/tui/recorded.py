"""Run directories as an engine would have left them, made in milliseconds: curves with the shape of real runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from grok_tui.config import presets
from grok_tui.store import rundir
from grok_tui.store.rundir import RunDir
from grok_tui.store.write import RunWriter

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
    columns = columns or [name for name in COLUMNS if name == "step" or name in values]
    writer = RunWriter(run, columns)
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
    """A steering as the engine tells it."""
    return "steered", step, {"key": key, "old": old, "new": new, "optimizer": {key: new}, "by": "request"}


def presses(step: int, count: int, start: float = 1.0) -> list[tuple[str, int, dict[str, Any]]]:
    """`w` pressed `count` times, a few steps apart."""
    told, value = [], start
    for i in range(count):
        new = float(f"{value / 1.7783:.3g}")
        told.append(steered(step + 3 * i, value, new))
        value = new
    return told
