"""The p = 59 embedding MLP: one run."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.presets import load_preset
from .. import flops
from ..compare import alternate, apart, curves, pair, rounds_of, speeds
from ..options import mlp_options
from ..records import Bench, Measured, Note, Record, at_least, at_most

PRESET = "modadd-mlp"
CURVE = 200


def run(bench: Bench) -> Iterator[Record]:
    """Alternate."""
    config = load_preset(PRESET)
    task, model = config.task, config.model
    rounds = 5 if bench.quick else 9
    work = flops.embedding_mlp(
        int(task.frac_train * task.p**2), task.p, task.n_tokens, model.d_embed, model.d_hidden, task.p
    )
    yield Note(f"preset {PRESET}, p = {task.p}, full batch, one seed; the baseline after arXiv 2606.13753")
    yield Note("neither side measures or logs: that is in cli")
    bench.say(f"mlp: {rounds} rounds")
    with pair(bench, PRESET, "embedding_mlp:Training", mlp_options(config)) as (ours, baseline):
        found = alternate({"baseline": rounds_of(baseline, 1.0), "ours": rounds_of(ours, 1.0)}, rounds)
        yield from speeds(found["ours"], found["baseline"], at_least(3))
        distance = apart(*curves(ours, baseline, CURVE))
        yield Measured(f"loss curves apart, {CURVE} steps in float32", [distance], target=at_most(1e-4))
    yield Measured("ours", [work * speed / 1e9 for speed in found["ours"]], "GFLOP/s")
    yield Note(f"a step is {flops.EMBEDDING_MLP} = {work / 1e9:.2f} GFLOP, letters as above")
