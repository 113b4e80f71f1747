"""One side of a comparison in a process of its own, which computes only while it is asked. Imports no torch."""

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from time import perf_counter
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from ..errors import GrokError


class Candidate(Protocol):
    """One side of a comparison."""

    def advance(self, steps: int) -> Any:
        """Do the work that is timed `steps` times."""


C = TypeVar("C", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")

_candidate: Any = None
"""The candidate of this worker process."""


class WorkerProcess(Generic[C]):
    """A candidate in a fresh process, as a context manager."""

    def __init__(self, build: Callable[..., C], *args: Any, prepare: Callable[[], None] | None = None) -> None:
        """The process calls prepare(), then loads what build(*args), the candidate, needs: torch, for instance."""
        self._name, work = build.__module__, pickle.dumps((build, args))
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_build, initargs=(prepare, work))

    def timed(self, method: Callable[Concatenate[C, P], R], *args: P.args, **kwargs: P.kwargs) -> tuple[float, R]:
        """Call the candidate's method of this name: (seconds that the call took, what it returned)."""
        try:
            return self._pool.submit(_call, method.__name__, args, kwargs).result()
        except BrokenProcessPool:
            raise GrokError(f"bench: the process of {self._name} ended before it answered") from None

    def call(self, method: Callable[Concatenate[C, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the candidate's method of this name returned."""
        return self.timed(method, *args, **kwargs)[1]

    def __enter__(self) -> "WorkerProcess[C]":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def speed(worker: WorkerProcess[Candidate], steps: int) -> float:
    """Steps per second over the next `steps`."""
    return steps / worker.timed(Candidate.advance, steps)[0]


def _build(prepare: Callable[[], None] | None, work: bytes) -> None:
    """Runs first in the process. `work` is unpickled here because unpickling loads torch."""
    global _candidate
    if prepare is not None:
        prepare()
    build, args = pickle.loads(work)
    _candidate = build(*args)


def _call(method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, Any]:
    begin = perf_counter()
    value = getattr(_candidate, method)(*args, **kwargs)
    return perf_counter() - begin, value
