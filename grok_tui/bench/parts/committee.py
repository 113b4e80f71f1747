"""The committee machine: of two hidden units, where a step is all overhead, and of five hundred."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.presets import load_preset
from ..compare import alternate, apart, curves, pair, rounds_of, speeds
from ..options import committee_options
from ..records import Bench, Measured, Note, Record, at_least, at_most

PRESETS = ("kumar-poly", "kumar-alpha")
CURVE = 200


def run(bench: Bench) -> Iterator[Record]:
    """Alternate on either."""
    rounds = 5 if bench.quick else 9
    for preset in PRESETS:
        config = load_preset(preset)
        yield Note(f"preset {preset}, {config.model.d_hidden} hidden units; the baseline after {config.source}")
        bench.say(f"committee: {rounds} rounds of {preset}")
        with pair(bench, preset, "committee:Training", committee_options(config)) as (ours, baseline):
            yield Note(f"threads on either side, as a run of it is given: {ours.ask('threads')[1]}")
            found = alternate({"baseline": rounds_of(baseline, 1.0), "ours": rounds_of(ours, 1.0)}, rounds)
            yield from speeds(found["ours"], found["baseline"], at_least(8))
            distance = apart(*curves(ours, baseline, CURVE))
            yield Measured(f"loss curves apart, {CURVE} steps in float32", [distance], target=at_most(1e-4))
