"""Sixteen seeds of the p = 59 embedding MLP as one run, and as the baseline stacks them."""

from collections.abc import Iterator

from ...config.presets import load_preset
from ...engine import prepare_process
from ..baselines.embedding_mlp import Training
from ..candidates import Seeds
from ..records import Bench, Measured, Note, Record, alternate, ratios, warmed
from ..worker_process import WorkerProcess

PRESET = "modadd-mlp"
SEEDS = 16


def run(bench: Bench) -> Iterator[Record]:
    """Both in turn."""
    config = load_preset(PRESET)
    rounds, steps = (3, 200) if bench.quick else (5, 1000)
    yield Note(f"preset {PRESET}, {SEEDS} seeds; ours measures as runs do, the baseline does not log")
    with WorkerProcess(Seeds, config, SEEDS, bench.threads, prepare=prepare_process) as ours:
        starts = ours.call(Seeds.save, bench.folder)
        with WorkerProcess(Training, starts, config, bench.threads) as baseline:
            baseline.call(Training.advance, 3)
            ours.call(Seeds.advance, 50)
            bench.say(f"seeds: {rounds} rounds")

            def ours_per_second() -> float:
                seconds, taken = ours.timed(Seeds.advance, 2 * steps // 5)
                return SEEDS * taken / seconds

            plain = warmed(baseline, steps // 10)
            speeds = alternate({"baseline": lambda: SEEDS * plain(), "ours": ours_per_second}, rounds)
        stepper = ours.call(Seeds.stepper)
    yield Measured("baseline", speeds["baseline"], "seed-steps/s")
    yield Measured(f"ours, --seeds {SEEDS} ({stepper})", speeds["ours"], "seed-steps/s")
    yield Measured("ours / baseline", ratios(speeds["ours"], speeds["baseline"]), at_least=4)
