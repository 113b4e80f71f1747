"""The benchmarks by name."""

from collections.abc import Callable, Iterator
from functools import partial

from ..records import PARTS, Bench, Record
from . import end_to_end, networks, ntk, seeds

_PARTS: list[Callable[[Bench], Iterator[Record]]] = [
    *(partial(networks.run, cases=cases) for cases in (networks.TRANSFORMER, networks.MLP, networks.COMMITTEE)),
    seeds.run,
    end_to_end.run,
    ntk.run,
]
BENCHMARKS = dict(zip(PARTS, _PARTS, strict=True))
