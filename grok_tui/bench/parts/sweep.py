"""Sixteen seeds of the p = 59 embedding MLP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ...config.presets import load_preset
from ...engine.pool import Pool, Task
from ...store.run_writer import read_events
from ...store.rundir import create
from ..compare import alternate, ratios, warmed
from ..options import mlp_options
from ..records import Bench, Measured, Note, Record, at_least
from ..sides import Side

PRESET = "modadd-mlp"
SEEDS = 16
AIM = at_least(4)


def run(bench: Bench) -> Iterator[Record]:
    """Alternate all three."""
    config = load_preset(PRESET)
    rounds, steps = (3, 200) if bench.quick else (5, 1000)
    yield Note(f"preset {PRESET}, {SEEDS} seeds, with all that runs measure; the baseline as above, stacked, unlogged")
    with Side("ours:Seeds", preset=PRESET, seeds=SEEDS, threads=bench.threads) as ours:
        way = ours.ask("way")[1]
        starts = ours.ask("save", str(bench.folder))[1]
        options = mlp_options(config) | {"start": starts, "threads": bench.threads}
        with Side("baselines.embedding_mlp:Training", **options) as baseline:
            baseline.speed(3)
            ours.ask("advance", 50)

            def together() -> float:
                seconds, taken = ours.ask("advance", 2 * steps // 5)
                return SEEDS * float(taken) / seconds

            def in_workers() -> float:
                bench.say(f"sweep: {SEEDS} runs of {steps} steps on {bench.threads} workers")
                return pooled(bench, steps)

            sides = {
                "baseline": lambda: SEEDS * warmed(baseline, steps // 10)(),
                "together": together,
                "workers": in_workers,
            }
            found = alternate(sides, rounds)
    yield Measured("baseline", found["baseline"], "seed-steps/s")
    yield Measured(f"ours, --seeds {SEEDS} ({way})", found["together"], "seed-steps/s")
    yield Measured("ours, worker processes of one thread", found["workers"], "seed-steps/s")
    for name, label in (("together", f"--seeds {SEEDS} / baseline"), ("workers", "workers / baseline")):
        yield Measured(label, ratios(found[name], found["baseline"]), target=AIM)


def pooled(bench: Bench, steps: int) -> float:
    """Seed-steps a second of runs on as many workers as there are threads, from the first one's start to the last end.

    Whole runs: directories, checkpoints and all; only the loading of torch comes before.
    """
    folder = bench.folder / f"pool_{datetime.now().timestamp()}"
    runs = []
    for seed in range(SEEDS):
        config = load_preset(PRESET, [f"train.seed={seed}", f"train.steps={steps}"])
        runs.append(create(folder, config, preset=PRESET, device="cpu", id=f"seed_{seed}", threads=1))
    for _ in Pool(bench.threads).train([Task(run, lambda: False) for run in runs]):
        pass
    times = [datetime.fromisoformat(event["time"]) for run in runs for event in read_events(run)]
    return SEEDS * steps / (max(times) - min(times)).total_seconds()
