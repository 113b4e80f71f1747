"""On a GPU: captured steps replayed against eager ones, many seeds as one stack, and the same numbers as on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compare import alternate, ratios, rounds_of
from ..records import Bench, Measured, Note, Record, at_least, at_most
from ..sides import Side

PRESETS = ("nanda", "modadd-mlp")
SEEDS = (64, 512)
CURVE = 6, 20
"""How many losses are compared with those of float64 on the CPU, and the steps between them, which are captured."""


def run(bench: Bench) -> Iterator[Record]:
    """All of it, or that there is no GPU."""
    with Side("products:Products") as products:
        name = products.ask("about")[1]["cuda"]
    if name is None:
        yield Note("no CUDA device: not measured")
        return
    yield Note(f"{name}, float32")
    yield from on(bench, "cuda")


def on(bench: Bench, device: str) -> Iterator[Record]:
    """Both networks, then the seeds."""
    rounds = 3 if bench.quick else 7
    about: dict[str, Any] = {"threads": bench.threads, "sets": []}
    for preset in PRESETS:
        bench.say(f"gpu: {preset}")
        with (
            Side("ours:Learner", preset=preset, device=device, steps="eager", **about) as eager,
            Side("ours:Learner", preset=preset, device=device, steps="graph", **about) as graph,
        ):
            found = alternate({"eager": rounds_of(eager, 1.0), "graph": rounds_of(graph, 1.0)}, rounds)
            captures = graph.ask("captures_after", 0.5)[1]
            curve = graph.ask("curve", *CURVE)[1]
        yield Measured(f"{preset}, eager", found["eager"], "steps/s")
        yield Measured(f"{preset}, replayed", found["graph"], "steps/s")
        yield Measured("replayed / eager", ratios(found["graph"], found["eager"]), target=at_least(15))
        yield Measured("captures, weight decay turned midway", [captures], target=at_most(1))
        yield from against_float64(bench, preset, device, curve)
    eager_speed = found["eager"]
    for seeds in SEEDS:
        bench.say(f"gpu: {seeds} seeds of {PRESETS[-1]}")
        with Side("ours:Seeds", preset=PRESETS[-1], seeds=seeds, device=device, **about) as stack:
            stack.ask("advance", 100)
            took, steps = stack.ask("advance", 1000)
        speed = seeds * steps / took
        yield Measured(f"{seeds} seeds of {PRESETS[-1]}", [speed], "seed-steps/s")
        yield Measured("over one run, eager", [speed / s for s in eager_speed], target=at_least(150))


def against_float64(bench: Bench, preset: str, device: str, curve: list[float]) -> Iterator[Record]:
    """How far losses and kernel lie from those that float64 gives on the CPU."""
    file = str(bench.folder / "float64.safetensors")
    sets = {"float32": ["measure.probe=32"], "float64": ["measure.probe=32", "train.dtype=float64"]}
    with Side("ours:Kernel", preset=preset, sets=sets["float64"], threads=bench.threads) as exact:
        exact.ask("advance", 1)
        exact.ask("save_kernel", file)
        expected = exact.ask("curve", *CURVE)[1]
    with Side("ours:Kernel", preset=preset, sets=sets["float32"], threads=bench.threads, device=device) as ours:
        ours.ask("advance", 1)
        distance = ours.ask("distance", file)[1]
    apart = max(abs(a - b) / abs(b) for a, b in zip(curve, expected, strict=True))
    yield Measured(f"loss curve against float64 on the CPU, {CURVE[0] * CURVE[1]} steps", [apart], target=at_most(1e-4))
    yield Measured("kernel against float64 on the CPU, relative", [distance], target=at_most(1e-5))
