"""Steps per second of one network beside its baseline, which starts from the same data and weights.

Neither side measures or logs more than its losses. Both train on as many threads as a run of ours would take.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...config.presets import load_preset
from ...config.schema import RunConfig
from ...engine import prepare_process
from .. import arithmetic
from ..baselines import committee, embedding_mlp, transformer
from ..candidates import Learner
from ..records import Bench, Measured, Note, Record, alternate, ratios, steps_per_second
from ..worker_process import Candidate, WorkerProcess

CURVE = 200
"""Steps over which loss curves are compared."""
TOLERANCE = 1e-4


class Baseline(Candidate, Protocol):
    """The same training by plain code."""

    def curve(self) -> list[float]:
        """The train losses so far, one before each step."""


@dataclass(frozen=True)
class Case:
    """One network: its preset, its baseline, and the least that ours / baseline has to be."""

    preset: str
    baseline: Callable[[Path, RunConfig, int], Baseline]
    at_least: float
    seconds: float = 1.0
    """of a turn; a baseline's step takes up to a second"""
    counts_flops: bool = True
    in_float64: bool = False
    """compare the curves in float64, too: in float32 rounding drives them apart"""


TRANSFORMER = [Case("nanda", transformer.Training, 12, seconds=10.0, in_float64=True)]
MLP = [Case("modadd-mlp", embedding_mlp.Training, 3)]
COMMITTEE = [Case(preset, committee.Training, 8, counts_flops=False) for preset in ("kumar-poly", "kumar-alpha")]


def run(bench: Bench, cases: Sequence[Case]) -> Iterator[Record]:
    for case in cases:
        yield from compare(bench, case)


@contextmanager
def pair(
    bench: Bench, case: Case, config: RunConfig
) -> Iterator[tuple[WorkerProcess[Learner], WorkerProcess[Baseline]]]:
    """Our learner and the baseline in two processes, with the same start and as many threads."""
    start = bench.folder / "start.safetensors"
    with WorkerProcess(Learner, config, bench.threads, prepare=prepare_process) as ours:
        ours.call(Learner.save, start)
        with WorkerProcess(case.baseline, start, config, ours.call(Learner.threads)) as baseline:
            yield ours, baseline


def compare(bench: Bench, case: Case) -> Iterator[Record]:
    """Speeds in turn, then the curves."""
    config = load_preset(case.preset)
    rounds, seconds = (4, case.seconds / 2) if bench.quick else (9, case.seconds)
    yield Note(f"preset {case.preset}, {config.model.d_hidden} hidden units; the baseline after {config.source}")
    with pair(bench, case, config) as (ours, baseline):
        yield Note(f"threads on each side, as a run takes them: {ours.call(Learner.threads)}")
        bench.say(f"{case.preset}: {rounds} rounds")
        sides = {"baseline": steps_per_second(baseline, seconds), "ours": steps_per_second(ours, seconds)}
        speeds = alternate(sides, rounds)
        yield Measured("ours", speeds["ours"], "steps/s")
        yield Measured("baseline", speeds["baseline"], "steps/s")
        yield Measured("ours / baseline", ratios(speeds["ours"], speeds["baseline"]), at_least=case.at_least)
        if case.counts_flops:
            work, formula = arithmetic.step_of(config)
            yield Note(f"a step is {formula} = {work:.2f} GFLOP of n train pairs, c classes,")
            yield Note("t positions, v tokens, width d, h hidden units: the products of ours, not of the baseline")
            yield Measured("ours", [work * speed for speed in speeds["ours"]], "GFLOP/s")
        steps = CURVE // 10 if bench.quick and case.in_float64 else CURVE
        single = curves(ours, baseline, steps)
    yield agreement(single, "float32")
    if case.in_float64:
        yield from in_float64(bench, case, single)


Curves = tuple[list[float], list[float]]
"""Train losses of ours and of the baseline."""


def curves(ours: WorkerProcess[Learner], baseline: WorkerProcess[Baseline], steps: int) -> Curves:
    """The train losses of both sides before each of the first `steps` steps."""
    if (missing := steps - len(baseline.call(Baseline.curve))) > 0:
        baseline.call(Candidate.advance, missing)
    return ours.call(Learner.curve, steps), baseline.call(Baseline.curve)[:steps]


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest relative difference of two curves of the same length."""
    return max(abs(a - b) / abs(b) for a, b in zip(one, other, strict=True))


def agreement(found: Curves, dtype: str) -> Measured:
    what = f"loss curves apart, {len(found[0])} steps in {dtype}"
    return Measured(what, [apart(*found)], at_most=TOLERANCE)


def in_float64(bench: Bench, case: Case, single: Curves) -> Iterator[Record]:
    """Both curves in float64: what of the difference in float32 is rounding."""
    steps = 6 if bench.quick else CURVE
    bench.say(f"{case.preset}: {steps} steps in float64")
    with pair(bench, case, load_preset(case.preset, ["train.dtype=float64"])) as (ours, baseline):
        double = curves(ours, baseline, steps)
    yield agreement(double, "float64")
    far = [i for i, (a, b) in enumerate(zip(*single, strict=True)) if abs(a - b) > TOLERANCE * abs(b)]
    yield Measured("steps before they are 1e-4 apart in float32", [far[0] if far else len(single[0])])
