"""The share of a run's computing that goes into measuring, as its own record says, on every preset."""

from __future__ import annotations

from collections.abc import Iterator

from ...config import presets
from ..records import Bench, Measured, Note, Record, at_most
from ..sides import Side

FEW = ("modadd-mlp", "modadd-transformer", "kumar-poly", "kumar-alpha", "rfm", "delay-addition")


def run(bench: Bench) -> Iterator[Record]:
    """Every preset for a few seconds, as a headless run."""
    names, seconds = (FEW, 4) if bench.quick else (presets.names(), 8)
    yield Note(f"each preset for {seconds} s at full speed, or to its end; share from its run.json")
    shares: dict[str, float] = {}
    with Side("ours:Runs", folder=str(bench.folder)) as ours:
        for name in names:
            bench.say(f"measuring: {name}")
            found = ours.ask("measured", name, seconds)[1]
            if "refused" in found:
                yield Note(f"{name}: {found['refused']}")
                continue
            shares[name] = found["measuring"]
            skipped = found["skipped"]
            steps = f"{found['step']:,} steps, {skipped['rows']} rows and {skipped['kernels']} kernels skipped"
            yield Measured(f"{name}: {steps}", [shares[name]])
    most = max(shares, key=lambda name: shares[name])
    yield Measured(f"the largest share, of {most}", [shares[most]], target=at_most(0.05))
