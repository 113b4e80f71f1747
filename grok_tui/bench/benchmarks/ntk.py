"""The trace NTK at 64 inputs beside torch.func: time and error."""

from collections.abc import Iterator

from ...config.presets import load_preset
from ...engine import prepare_process
from ..baselines import kernel
from ..candidates import Kernel
from ..records import Bench, Measured, Note, Record, alternate, ratios, steps_per_second
from ..worker_process import WorkerProcess

PROBE = 64


def run(bench: Bench) -> Iterator[Record]:
    yield from network(bench, "modadd-mlp", 97, 100, 3 if bench.quick else 5)
    yield from network(bench, "nanda", 59 if bench.quick else 113, 5, 2 if bench.quick else 3)


def network(bench: Bench, preset: str, p: int, at_least: float, rounds: int) -> Iterator[Record]:
    """One network: speeds in turn, then ours against the float64 Jacobian."""
    sets = [f"task.p={p}", f"measure.probe={PROBE}"]
    config, precise = load_preset(preset, sets), load_preset(preset, [*sets, "train.dtype=float64"])
    single, double, ours_in_file = (bench.folder / f"{name}.safetensors" for name in ("float32", "float64", "ours"))
    name = config.model.name
    yield Note(f"{name}, p = {p}, {config.model.d_hidden} hidden units, {PROBE} inputs; the baseline by torch.func")
    bench.say(f"ntk: {rounds} rounds of the {name}")
    with WorkerProcess(Kernel, config, bench.threads, prepare=prepare_process) as ours:
        ours.call(Kernel.save, single)
        with WorkerProcess(kernel.Kernel, single, config, bench.threads) as baseline:
            sides = {"baseline": steps_per_second(baseline, 0.5), "ours": steps_per_second(ours, 0.5)}
            speeds = alternate(sides, rounds)
        ours.call(Kernel.save_kernel, ours_in_file)
    for side in ("ours", "baseline"):
        yield Measured(side, [1e3 / speed for speed in speeds[side]], "ms per kernel")
    yield Measured("ours / baseline, in speed", ratios(speeds["ours"], speeds["baseline"]), at_least=at_least)
    bench.say(f"ntk: the {name}'s Jacobian in float64")
    with WorkerProcess(Kernel, precise, bench.threads, prepare=prepare_process) as ours:
        ours.call(Kernel.save, double)
    with WorkerProcess(kernel.Kernel, double, precise, bench.threads) as baseline:
        baseline.call(kernel.Kernel.advance, 1)
        error = baseline.call(kernel.Kernel.distance, ours_in_file)
    yield Measured("error against the float64 Jacobian, relative", [error], at_most=1e-5)
