"""Two sides in turn, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import sleep
from typing import Any

from .records import Bench, Measured, Target
from .sides import Side

Measure = Callable[[], float]

PAUSE = 0.3
"""Seconds before each side's turn: the other one's idle threads spin for a while before they sleep."""


def alternate(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """What each measure gives, once a round; who goes first alternates."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for i in range(rounds):
        for name in list(measures)[:: -1 if i % 2 else 1]:
            sleep(PAUSE)
            found[name].append(measures[name]())
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """above / below, round by round: what slows a whole round down falls out."""
    return [a / b for a, b in zip(above, below, strict=True)]


@contextmanager
def pair(
    bench: Bench, preset: str, baseline: str, options: dict[str, Any], sets: Sequence[str] = ()
) -> Iterator[tuple[Side, Side]]:
    """Our learner, and the baseline that begins with its data and weights, on as many threads."""
    start = str(bench.folder / "start.safetensors")
    with Side("ours:Learner", preset=preset, sets=list(sets), threads=bench.threads) as ours:
        ours.ask("save", start)
        with Side(f"baselines.{baseline}", start=start, threads=ours.ask("threads")[1], **options) as other:
            yield ours, other


def rounds_of(side: Side, seconds: float) -> Measure:
    """Steps a second, over so many steps as last about so long; the first ones are not counted."""
    speed = side.speed(1)
    for share in (0.02, 0.1, 0.3):
        steps = round(share * seconds * speed)
        speed = side.speed(steps) if steps > 1 else speed
    return warmed(side, max(1, round(seconds * speed)))


def warmed(side: Side, steps: int) -> Measure:
    """Steps a second over so many steps, after a few more: the other side's turn has left the caches cold."""

    def measure() -> float:
        side.ask("advance", 1 + steps // 10)
        return side.speed(steps)

    return measure


def speeds(ours: Sequence[float], baseline: Sequence[float], target: Target, unit: str = "steps/s") -> list[Measured]:
    """Both, and their ratio."""
    each = [Measured("ours", ours, unit), Measured("baseline", baseline, unit)]
    return [*each, Measured("ours / baseline", ratios(ours, baseline), target=target)]


def curves(ours: Side, baseline: Side, steps: int) -> tuple[list[float], list[float]]:
    """The train losses of either side before the first `steps` steps."""
    if (missing := steps - len(baseline.ask("curve")[1])) > 0:
        baseline.ask("advance", missing)
    return ours.ask("curve", steps)[1], baseline.ask("curve")[1][:steps]


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two curves lie apart at most, relatively."""
    return max(abs(a - b) / abs(b) for a, b in zip(one, other, strict=True))
