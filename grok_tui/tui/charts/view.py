"""What a chart is asked to show: the runs, the mode and the axes."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text

from ...store.reader import RunReader
from ...verdict.series import step_of, unit_of
from ..run_view import is_live
from .axis import Axis, step_axis
from .lines import Panels
from .marks import Mark, marks_of


@dataclass(frozen=True)
class Mode:
    """A way to look at a run."""

    name: str
    short: str
    """The name if there is little room."""
    needs: tuple[str, ...]
    """Columns without which there is nothing to show."""
    draw: "Draw"
    panels: Panels
    """The curves, for the legend; none for a chart without curves."""
    log_y: bool = False
    """Whether the y axis is logarithmic at first."""


Draw = Callable[["View", int, int], list[Text]]
"""Draws a view as rows of text; its width and height are in characters."""


@dataclass(frozen=True)
class View:
    """The run that is watched comes first; the others are drawn behind it."""

    runs: list[RunReader]
    mode: Mode
    log_x: bool = True
    log_y: bool = True
    has_marks_named: bool = True
    """Whether the marks have labels."""

    @property
    def labels(self) -> list[str]:
        """What tells the runs apart: their names, or else their seeds, or else the ends of their ids."""
        names = [str(run.info.get("name")) for run in self.runs]
        seeds = [f"s{run.info.get('seed')}" for run in self.runs]
        return next(
            (each for each in (names, seeds) if len(set(each)) == len(each)), [run.run.id[-4:] for run in self.runs]
        )

    @property
    def steps(self) -> Axis:
        """The step axis, long enough for every run."""
        watched = self.runs[0]
        last = max(step_of(run) for run in self.runs)
        first = min((float(run.steps[run.steps > 0][:1].sum()) for run in self.runs), default=0.0)
        return step_axis(last, self.log_x, watched.config.train.steps, is_live(watched.info), first)

    @property
    def unit(self) -> str:
        return f"{unit_of(self.runs[0].config)}s"

    @property
    def marks(self) -> list[Mark]:
        return marks_of(self.runs[0].events)
