"""The p = 113 transformer: speed, the same loss curve, and how much of the machine's matrix rate is reached."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.presets import load_preset
from .. import flops
from ..compare import alternate, apart, curves, pair, ratios, speeds, warmed
from ..options import transformer_options
from ..records import Bench, Measured, Note, Record, at_least, at_most
from ..sides import Side

PRESET = "nanda"
CURVE = 200
"""Steps over which the loss curves are compared."""
TOLERANCE = 1e-4
Curves = tuple[list[float], list[float]]
"""Of ours and of the baseline."""


def run(bench: Bench) -> Iterator[Record]:
    """Alternate, then compare the curves in float64, too."""
    config = load_preset(PRESET)
    task, model, options = config.task, config.model, transformer_options(config)
    rounds, steps = (3, 8) if bench.quick else (10, CURVE // 10)
    work = flops.transformer(
        int(task.frac_train * task.p**2), task.p + 1, task.n_tokens, model.d_embed, model.d_hidden, task.p
    )
    yield Note(f"preset {PRESET}, p = {task.p}, full batch; the baseline after {config.source}")
    with (
        pair(bench, PRESET, "transformer:Training", options) as (ours, baseline),
        Side("products:Products", threads=bench.threads) as products,
    ):
        rates: list[dict[str, float]] = []

        def rate() -> float:
            rates.append(products.ask("rates")[1])
            bench.say(f"transformer: round {len(rates)} of {rounds}")
            return max(rates[-1].values())

        ours.speed(10)
        sides = {"baseline": warmed(baseline, steps), "ours": warmed(ours, 4 * steps), "rate": rate}
        found = alternate(sides, rounds)
        yield from speeds(found["ours"], found["baseline"], at_least(12))
        single = curves(ours, baseline, steps * rounds)
    reached = [work * speed / 1e9 for speed in found["ours"]]
    yield Measured("ours", reached, "GFLOP/s")
    for name in rates[0]:
        yield Measured(name, [r[name] for r in rates], "2048 x 2048, float32, GFLOP/s")
    yield Measured("ours / torch.mm", ratios(reached, [r["torch.mm"] for r in rates]))
    yield Measured("ours / the fastest product", ratios(reached, found["rate"]), target=at_least(0.5))
    yield Note(f"a step is {flops.TRANSFORMER} = {work / 1e9:.2f} GFLOP of n train pairs,")
    yield Note("c classes, t positions, v tokens, width d, h hidden units: the products of ours, not the baseline's")
    steps = 6 if bench.quick else CURVE
    bench.say(f"transformer: {steps} steps in float64")
    with pair(bench, PRESET, "transformer:Training", options, ["train.dtype=float64"]) as (ours, baseline):
        double = curves(ours, baseline, steps)
        rounded = ours.ask("curve", steps, 1, "float32")[1]
    yield from same(single, double)
    yield Measured("ours in float64: from weights rounded to float32", [apart(rounded, double[0])])


def same(single: Curves, double: Curves) -> Iterator[Record]:
    """How far the curves of ours and the baseline lie apart, in float32 and in float64."""
    for (ours, baseline), dtype in ((single, "float32"), (double, "float64")):
        what = f"loss curves apart, {len(ours)} steps in {dtype}"
        yield Measured(what, [apart(ours, baseline)], target=at_most(TOLERANCE))
    near = [abs(a - b) <= TOLERANCE * abs(b) for a, b in zip(*single, strict=True)]
    yield Measured("steps before they are 1e-4 apart in float32", [near.index(False) if False in near else len(near)])
    n = min(len(single[0]), len(double[0]))
    for side, curve in zip(("ours", "baseline"), single, strict=True):
        found = apart(curve[:n], double[1][:n])
        yield Measured(f"{side}: float32 from the baseline's float64", [found])
