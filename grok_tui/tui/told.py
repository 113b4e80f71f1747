"""How a sentence is built: what it consists of, and the turns of phrase that several regimes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..numbers import compact, grouped, short
from ..verdict.series import direction
from .facts import Facts

DELAY_LAW = "delay law"
LAZY_TO_RICH = "lazy to rich"
NEITHER = "neither theory"


@dataclass(frozen=True)
class Sentence:
    """`says` fits on 80 columns; of `more`, what a wider screen has room for."""

    says: str
    more: tuple[str, ...] = ()
    theory: str = ""


Saying = Callable[[Facts], Sentence]


@dataclass(frozen=True)
class Regime:
    """What to say once it has memorised, once it generalised late, and where it ended in between."""

    waiting: Saying
    grokked: Saying
    ended: Saying


def count(steps: int) -> str:
    """A number of steps, short enough for the sentence."""
    return grouped(steps) if steps < 100_000 else compact(steps)


def mem(f: Facts) -> str:
    """The step at which it memorised."""
    return count(f.phases.t_mem or 0)


def late(f: Facts) -> str:
    """The step at which it grokked, and how many steps late."""
    delay = f.phases.delay or 0
    return f"{count(f.phases.t_grok or 0)}, {count(delay)} step{'' if delay == 1 else 's'}"


def risen(f: Facts) -> str:
    """`, norm 9 → 11` where it rises."""
    return f", norm {short(f.norm_start)} → {short(f.norm)}" if direction(f.norm_change) == "rising" else ""


def beside(f: Facts) -> tuple[str, ...]:
    """What a reader of the sentence should know too: the twin, a norm that was set, the task."""
    found = []
    if f.twin_loss is not None and f.loss[1] is not None and f.twin_loss > 2 * f.loss[1]:
        found.append(f"The linearised network's test loss is still {short(f.twin_loss)}.")
    if f.rescale:
        found.append(f"The norm was set {short(f.rescale.old)} → {short(f.rescale.new)} at {count(f.rescale.step)}.")
    if f.eigenvector:
        found.append(f"The target is eigenvector {f.eigenvector} of the kernel at init.")
    return tuple(found)


def pulls(f: Facts) -> str:
    """Whether weight decay has a part in it."""
    return f"weight decay {short(f.wd, 2)} pulls too" if f.ever_decayed and f.wd else "no weight decay"


def cut(text: str, width: int = 78) -> str:
    """The first line of `text`, no longer than `width`."""
    line = text.partition("\n")[0]
    return line if len(line) <= width else line[: width - 1] + "…"
