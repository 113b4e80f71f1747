"""A claim as a record: what was published, the runs that it needs, and the rule that decides, fixed before they run."""

from dataclasses import dataclass, field
from typing import Any

from ..config.load import load
from ..config.presets import path
from ..sweep.plan import Cell
from .criteria import Criterion, Quantity, Runs, by_name, measured, published_text, spread
from .figures import Figure, Undecided


@dataclass(frozen=True)
class Source:
    """A paper, or a part of one."""

    title: str
    paper: str


SOURCES = {
    "S0": Source("From lazy to rich", "Kumar et al., arXiv 2310.06110"),
    "S2": Source("The delay law", "arXiv 2603.13331"),
    "X": Source("Across theories", "arXiv 2606.13753"),
    "S1a": Source("Without weight decay", "Grokking fast and slow, 2025"),
    "S1b": Source("Purely feature learning", "Grokking fast and slow, 2025"),
}
"""In the order in which tables and the gallery show them."""


@dataclass(frozen=True)
class Setup:
    """A preset and what is changed of it, run once per seed."""

    label: str
    preset: str
    set: tuple[str, ...] = ()
    """`KEY=VALUE`, as for `--set`"""
    stop_on_grok: bool = False

    def cell(self) -> Cell:
        """What a sweep runs. The environment does not change it: a claim says what is run."""
        config = load(path(self.preset), list(self.set), env={})
        return Cell(self.label, config, self.preset, "grok" if self.stop_on_grok else None)


@dataclass(frozen=True)
class Finding:
    """What the rule found in the runs."""

    measured: str
    """the measured values, or why the runs do not decide"""
    holds: bool | None
    """None: not decided"""
    spread: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return {True: "agrees", False: "differs", None: "not decided"}[self.holds]


@dataclass(frozen=True)
class Curves:
    """A plot of columns against the step: a colour per set-up, a line per seed."""

    columns: tuple[str, ...] = ("test/loss",)
    """the first is solid, the next are dashed and dotted"""
    log_x: bool = True
    log_y: bool = True


ACCURACIES = Curves(("test/acc", "train/acc"), log_y=False)


@dataclass(frozen=True)
class Points:
    """A plot of one point per run."""

    x: Figure
    y: Figure
    log_x: bool = False
    log_y: bool = False
    line: bool = False
    """fit a straight line through all points, straight on these axes"""


@dataclass(frozen=True)
class Claim:
    """What a source says, and how it is checked."""

    id: str
    source: str
    """a key of `SOURCES`"""
    figure: str
    """where in the source"""
    title: str
    says: str
    published: str
    """the published result; UNKNOWN if there is none. Each {} becomes a published number of the rule, in order"""
    rule: Criterion
    setups: tuple[Setup, ...]
    plot: Curves | Points = ACCURACIES
    shown: tuple[Quantity, ...] = ()
    """quantities that are measured and shown, but not judged"""
    seeds: int = 3
    quick_seeds: int = 1
    """seeds under `--quick`; 0 leaves the claim out"""
    quick: tuple[str, ...] = ()
    """labels of the set-ups that `--quick` runs; empty: all"""
    tried: str = ""
    """if it differs: what was tried"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", self.published.format(*map(published_text, self.rule.published)))

    def setups_of(self, is_quick: bool) -> tuple[Setup, ...]:
        return tuple(setup for setup in self.setups if not (is_quick and self.quick) or setup.label in self.quick)

    def seeds_of(self, is_quick: bool) -> range:
        return range(self.quick_seeds if is_quick else self.seeds)

    @property
    def rule_text(self) -> str:
        """The rule in words, and what its quantities mean."""
        meanings = dict.fromkeys(quantity.meaning for quantity in self.rule.quantities if quantity.meaning)
        return " ".join([f"{self.rule.text[:1].upper()}{self.rule.text[1:]}.", *meanings])

    @property
    def presets(self) -> tuple[str, ...]:
        """The presets that it runs, each once."""
        return tuple(dict.fromkeys(setup.preset for setup in self.setups))

    def judge(self, runs: Runs) -> Finding:
        """Apply the rule. A rule that finds no answer, or runs that do not decide it, are no error."""
        quantities = (*self.rule.quantities, *self.shown)
        try:
            holds = self.rule.holds(runs)
            values = {name: of.get("", of) for name, of in by_name(quantities, runs).items()}
            return Finding(measured(quantities, runs), holds, spread(self.rule.quantities, runs), values)
        except Undecided as error:
            return Finding(str(error), None)
        except Exception as error:
            diverged = [run.run.id for run in runs.all() if run.info["status"] == "failed"]
            reason = f"the rule found no answer: {type(error).__name__}: {error}"
            return Finding(f"diverged: {', '.join(diverged)}; {reason}" if diverged else reason, None)


@dataclass(frozen=True)
class Judged:
    """A claim, and what its rule found in its runs."""

    claim: Claim
    finding: Finding
    runs: Runs
