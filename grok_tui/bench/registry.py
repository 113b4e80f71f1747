"""The parts of the benchmark, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .parts import attached, cli, committee, gpu, kernel, measuring, million, mlp, scaling, sweep, transformer
from .records import Bench, Record

PARTS: dict[str, Callable[[Bench], Iterator[Record]]] = {
    "transformer": transformer.run,
    "mlp": mlp.run,
    "sweep": sweep.run,
    "cli": cli.run,
    "committee": committee.run,
    "kernel": kernel.run,
    "attached": attached.run,
    "million": million.run,
    "measuring": measuring.run,
    "scaling": scaling.run,
    "gpu": gpu.run,
}
