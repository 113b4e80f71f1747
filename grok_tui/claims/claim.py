"""A claim as a record: what was published, the runs that it needs, and the rule that decides, fixed before they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..store.reader import RunReader


@dataclass(frozen=True)
class Source:
    """A paper, or a part of one."""

    title: str
    paper: str
    """where it was published"""


SOURCES = {
    "S0": Source("From lazy to rich", "Kumar et al., arXiv 2310.06110"),
    "S2": Source("The delay law", "arXiv 2603.13331"),
    "X": Source("Across theories", "arXiv 2606.13753"),
    "S1a": Source("Without weight decay", "Grokking fast and slow, 2025"),
    "S1b": Source("Purely feature learning", "Grokking fast and slow, 2025"),
}
"""In the order in which tables and the gallery show them."""


@dataclass(frozen=True)
class Cell:
    """One set-up of a claim, run once a seed: a preset and what is changed of it."""

    label: str
    preset: str
    set: tuple[str, ...] = ()
    """`KEY=VALUE`, as for `--set`"""
    stop_on_grok: bool = False


@dataclass(frozen=True)
class Runs:
    """The ended runs of a claim: label of a cell -> its runs, a seed each in order."""

    of: Mapping[str, list[RunReader]]

    def __getitem__(self, label: str) -> list[RunReader]:
        return self.of[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.of)


@dataclass(frozen=True)
class Finding:
    """What the rule saw."""

    measured: str
    """the figure to hold against the published one"""
    holds: bool | None
    """whether the claim shows; none: these runs do not decide it"""
    spread: str = ""
    """over seeds"""
    numbers: dict[str, Any] = field(default_factory=dict)
    """what the JSON gets beside"""


@dataclass(frozen=True)
class Curves:
    """A plot of columns against the step, a colour a cell, a line a seed."""

    columns: tuple[str, ...] = ("test/loss",)
    """the first drawn solid, the next dashed, dotted"""
    log_x: bool = True
    log_y: bool = True
    y_label: str = ""


@dataclass(frozen=True)
class Points:
    """A plot of one point a run."""

    x: str
    y: str
    """what the axes say"""
    points: Callable[[Runs], list[tuple[str, float, float]]]
    """(label, x, y)"""
    log_x: bool = False
    log_y: bool = False
    line: bool = False
    """whether a straight line is fitted through all of them, in the axes' own scale"""


@dataclass(frozen=True)
class Claim:
    """What a source says, and how it is checked."""

    id: str
    source: str
    """a key of `SOURCES`"""
    figure: str
    """where in it"""
    title: str
    """a few words"""
    says: str
    """the claim as a sentence"""
    published: str
    """the published figure; UNKNOWN where there is none"""
    rule: str
    """the rule that decides, in words"""
    cells: tuple[Cell, ...]
    judge: Callable[[Runs], Finding]
    plot: Curves | Points
    seeds: int = 3
    quick_seeds: int = 1
    """seeds under `--quick`; 0 leaves the claim out"""
    quick: tuple[str, ...] = ()
    """labels of the cells that `--quick` runs; empty: all"""
    tried: str = ""
    """where it differs: what was tried"""

    def cells_of(self, is_quick: bool) -> tuple[Cell, ...]:
        """The cells to run."""
        return tuple(cell for cell in self.cells if not (is_quick and self.quick) or cell.label in self.quick)

    def seeds_of(self, is_quick: bool) -> range:
        """The seeds to run each cell with."""
        return range(self.quick_seeds if is_quick else self.seeds)

    @property
    def presets(self) -> tuple[str, ...]:
        """The presets that it runs, each once."""
        return tuple(dict.fromkeys(cell.preset for cell in self.cells))


def verdict(finding: Finding) -> str:
    """The last column of the table."""
    return {True: "agrees", False: "differs", None: "not decided"}[finding.holds]
