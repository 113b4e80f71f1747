"""The trace NTK at 64 probe points: time, error and memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...config.presets import load_preset
from ..compare import alternate, ratios, rounds_of
from ..records import Bench, Measured, Note, Record, Target, at_least, at_most
from ..sides import Side

PROBE = 64
LARGEST = at_most(500)


def run(bench: Bench) -> Iterator[Record]:
    """Both networks."""
    yield from network(bench, "modadd-mlp", 97, at_least(100), 3 if bench.quick else 5)
    yield from network(bench, "nanda", 59 if bench.quick else 113, at_least(5), 2 if bench.quick else 3)


def network(bench: Bench, preset: str, p: int, target: Target, rounds: int) -> Iterator[Record]:
    """One network: alternate, then hold ours against the float64 Jacobian."""
    sets = [f"task.p={p}", f"measure.probe={PROBE}"]
    config = load_preset(preset, sets)
    model, float32 = config.model, str(bench.folder / "float32.safetensors")
    float64, kernel = (str(bench.folder / f"{name}.safetensors") for name in ("float64", "kernel"))
    options: dict[str, Any] = {"probe": PROBE, "threads": bench.threads, "activation": model.activation}
    if model.name == "transformer":
        options["n_heads"] = model.n_heads
    about: dict[str, Any] = {"preset": preset, "threads": bench.threads}
    yield Note(f"{model.name}, p = {p}, {model.d_hidden} hidden units, {PROBE} points; the baseline by torch.func")
    bench.say(f"kernel: {rounds} rounds of the {model.name}")
    with Side("ours:Kernel", sets=sets, **about) as ours:
        memory = ours.ask("memory")[1]
        ours.ask("save", float32)
        with Side("baselines.kernel:Kernel", start=float32, **options) as baseline:
            found = alternate({"baseline": rounds_of(baseline, 0.5), "ours": rounds_of(ours, 0.5)}, rounds)
        ours.ask("save_kernel", kernel)
    yield from (Measured(side, [1e3 / speed for speed in found[side]], "ms a kernel") for side in ("ours", "baseline"))
    yield Measured("ours / baseline, in speed", ratios(found["ours"], found["baseline"]), target=target)
    bench.say(f"kernel: the {model.name}'s Jacobian in float64")
    with Side("ours:Learner", sets=[*sets, "train.dtype=float64"], **about) as ours:
        ours.ask("save", float64)
    with Side("baselines.kernel:Kernel", start=float64, **options) as baseline:
        baseline.ask("advance", 1)
        error = baseline.ask("distance", kernel)[1]
    yield Measured("error against the float64 Jacobian, relative", [error], target=at_most(1e-5))
    yield Measured("memory over the process's own", [memory / 1e6], "MB", LARGEST)
