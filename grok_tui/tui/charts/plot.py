"""Charts of curves as rows of text: plotext draws the curves in braille; axes, names and marks are laid around them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotext
from rich.text import Text

from ...numbers import short
from .. import theme
from ..static_text import styled
from .axis import Axis, decimate, trace, value_axis
from .lines import Line, Panel, Panels, dimmed
from .marks import Label, Mark, labels, merged
from .view import Draw, View

LEFT = 7
"""Columns for the y labels and the axis."""
STROKES = {"dashed": (4, 2), "dotted": (1, 3)}
"""Dots drawn and dots left out along a line."""
MERGE = 12
"""Changes of a knob within so many columns of one another share a label."""
WIDE, VALUE = 100, 8
"""From so many columns on, lines have their full names, and the last value in so many columns."""
NOTHING = "nothing measured yet"


@dataclass(frozen=True)
class Frame:
    """The room that a picture has, and what all its panels share."""

    width: int
    height: int
    steps: Axis
    log_y: bool
    marks: list[Mark]
    unit: str = "steps"
    """What the step axis counts."""
    has_labels: bool = True
    """Whether the marks are named."""

    def name(self, line: Line) -> str:
        """What stands at the end of a line."""
        if self.width < WIDE:
            return line.short or line.label
        return line.label if line.is_quiet else f"{line.label} {short(float(line.values[-1]))}"

    def columns(self, panels: list[Panel]) -> int:
        """Columns of the canvas: what the y labels, and the names at the ends of the lines, leave of the width."""
        names = [len(self.unit)]
        for line in (line for panel in panels for line in panel.lines):
            is_long = self.width >= WIDE
            names.append(len(line.label) + VALUE * (not line.is_quiet) if is_long else len(self.name(line)))
        return max(self.width - LEFT - max(names) - 2, 8)

    def column(self, step: float, columns: int) -> int:
        """The canvas column of a step: the one that holds its dot."""
        place = float(self.steps.place(np.array([float(step)]))[0])
        return min(max(round(place * (2 * columns - 1)) // 2, 0), columns - 1)


def drawn(read: Panels) -> Draw:
    """The `draw` of a mode: the curves of the run that is watched, before those of the other runs."""

    def draw(view: View, width: int, height: int) -> list[Text]:
        panels, *others = (read(run) for run in view.runs)
        for label, behind in zip(view.labels[1:], others, strict=True):
            for i, other in enumerate(behind):
                quiet = [dimmed(line, label) for line in other.lines if not line.is_quiet]
                panels[i] = replace(panels[i], lines=[*quiet, *panels[i].lines])
        if not any(panel.lines for panel in panels):
            return centred(NOTHING, width, height)
        frame = Frame(width, height, view.steps, view.log_y, view.marks, view.unit, view.has_marks_named)
        return picture([panel for panel in panels if panel.lines], frame)

    return draw


def centred(text: str, width: int, height: int) -> list[Text]:
    rows = [Text() for _ in range(height)]
    rows[height // 2] = styled(text.center(width), theme.DIM)
    return rows


def picture(panels: list[Panel], frame: Frame) -> list[Text]:
    """Draw panels above one another, under the labels of the marks and over one step axis."""
    if frame.height < 30:
        panels = [panel for panel in panels if not panel.is_optional] or panels[:1]
    columns = frame.columns(panels)
    seen = [mark for mark in frame.marks if frame.steps.low <= max(mark.step, 1) and mark.step <= frame.steps.high]
    together = merged(seen, lambda step: frame.column(step, columns), MERGE)
    rows = []
    if frame.has_labels:
        most = 3 if frame.height >= 24 else 2
        placed = labels(together, lambda s: frame.column(s, columns), frame.width - LEFT, most)
        least = 2 if frame.height >= 24 else 1
        rows = label_rows(placed, max(least, 1 + max((label.row for label in placed), default=0)))
    frame = replace(frame, marks=seen)
    for height, panel in zip(shares(frame.height - len(rows) - 2, len(panels)), panels, strict=True):
        if panel is not panels[0]:
            rows.append(Text())
        rows += panel_rows(panel, frame, together, columns, height)
    return rows + step_rows(frame, columns)


def shares(height: int, count: int) -> list[int]:
    """Split rows among panels, with an empty row between them; the spare ones go to the first."""
    each, spare = divmod(max(height - (count - 1), count), count)
    return [each + (i < spare) for i in range(count)]


def label_rows(placed: list[Label], rows: int) -> list[Text]:
    lines = [Text(" " * LEFT) for _ in range(rows)]
    for label in placed:
        line = lines[rows - 1 - label.row]
        line.append(" " * (LEFT + label.column - line.cell_len))
        line.append(label.text, label.colour)
    return lines


def panel_rows(panel: Panel, frame: Frame, marks: list[Mark], columns: int, height: int) -> list[Text]:
    """One panel: y labels, curves with their names at the end, marks behind them."""
    drawn = [shown for line in panel.lines if len((shown := clipped(line, frame.steps)).steps)]
    if not drawn:
        return [styled(" " * (LEFT - 1) + "│", theme.FAINT) for _ in range(height)]
    values = np.concatenate([line.values for line in drawn])
    axis = value_axis(values, frame.log_y, panel.limits)
    canvas = curves(drawn, axis, frame, marks, columns, height)
    room = max(2, int(height / (1.6 if axis.log else 3)))
    tick_rows = {row_of(value, axis, height): text for value, text in axis.ticks(room)}
    rows = []
    for row, body in enumerate(canvas):
        tick = tick_rows.get(row)
        head = styled(f"{tick or '':>{LEFT - 2}} ", theme.DIM)
        head.append("┤" if tick else "│", theme.FAINT)
        rows.append(head + body)
    end = max(frame.column(float(line.steps[-1]), columns) for line in drawn)  # beyond it there is no curve to cover
    for row, line in line_ends(drawn, axis, height).items():
        rows[row] = named_end(rows[row], LEFT + end + 2, frame.name(line), line.colour)
    return rows


def clipped(line: Line, steps: Axis) -> Line:
    """The part of a curve that the step axis shows: step 0 has no place on a log axis."""
    inside = line.steps >= steps.low
    band = line.band and (line.band[0][inside], line.band[1][inside])
    return replace(line, steps=line.steps[inside], values=line.values[inside], band=band)


def row_of(value: float, axis: Axis, height: int) -> int:
    """The row, counted from the top, of a value."""
    place = float(axis.place(np.array([value]))[0])
    dot = min(max(round(place * (4 * height - 1)), 0), 4 * height - 1)
    return height - 1 - dot // 4


def curves(lines: list[Line], axis: Axis, frame: Frame, marks: list[Mark], columns: int, height: int) -> list[Text]:
    """Draw with plotext on a bare canvas whose unit is the braille dot, so that it has no log to take."""
    right, top = 2 * columns - 1, 4 * height - 1
    plotext.clear_figure()
    plotext.limit_size(False, False)  # the canvas may be larger than the terminal says that it is
    plotext.theme("clear")
    plotext.plot_size(columns, height)
    plotext.frame(False)
    plotext.xticks([]), plotext.yticks([])
    plotext.xlim(0, right), plotext.ylim(0, top)
    long = {step for mark in marks for step in (mark.step, mark.last)}  # the first and the last of several
    for mark in frame.marks:
        x = frame.column(mark.step, columns) / max(columns - 1, 1) * right
        up = np.linspace(0, top, height) if mark.step in long else np.array([float(top)])
        plotext.scatter([x] * len(up), up.tolist(), marker="┊", color=rgb(mark.colour))
    for line in [line for line in lines if line.band]:
        dots_x, dots_y = shade(line, frame, axis, right, top)
        scatter(dots_x, dots_y, theme.BANDS.get(line.colour, theme.FAINT))
    for line in lines:
        along, up = frame.steps.place(line.steps) * right, axis.place(line.values) * top
        keep = decimate(along / 2, up)
        dots_x, dots_y = trace(along[keep], up[keep])
        dash, gap = STROKES.get(line.stroke, (1, 0))
        if len(dots_x) > dash:
            inked = np.arange(len(dots_x)) % (dash + gap) < dash
            dots_x, dots_y = dots_x[inked], dots_y[inked]
        scatter(dots_x, dots_y, line.colour)
    drawn = Text.from_ansi(plotext.build()).split("\n")
    return [drawn[row] if row < len(drawn) else Text() for row in range(height)]


def scatter(x: Any, y: Any, colour: str) -> None:
    plotext.scatter(x.tolist(), y.tolist(), marker="braille", color=rgb(colour))


def shade(line: Line, frame: Frame, axis: Axis, right: int, top: int) -> tuple[Any, Any]:
    """A quarter of all dots between the edges of a line's band."""
    assert line.band is not None
    along = frame.steps.place(line.steps) * right
    across = np.arange(np.ceil(along[0]), np.floor(along[-1]) + 1)
    low, high = (np.interp(across, along, np.clip(axis.place(edge), 0, 1) * top) for edge in line.band)
    columns, rows = np.meshgrid(across, np.arange(top + 1), indexing="ij")
    inside = (rows >= low[:, None]) & (rows <= high[:, None]) & ((columns + 2 * rows) % 4 == 0)
    return columns[inside], rows[inside]


def rgb(colour: str) -> tuple[int, int, int]:
    """`#5fafd7` as plotext takes it."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def line_ends(lines: list[Line], axis: Axis, height: int) -> dict[int, Line]:
    """The row of each line's name: that of its last value, or the nearest free one."""
    taken: dict[int, Line] = {}
    for line in sorted(lines, key=lambda line: (line.is_quiet, -line.values[-1])):
        row = row_of(float(line.values[-1]), axis, height)
        free = sorted(set(range(height)) - set(taken), key=lambda other: (abs(other - row), -other))
        if free:
            taken[free[0]] = line
    return taken


def named_end(row: Text, column: int, name: str, colour: str) -> Text:
    """A row of the picture with a line's name in it; it covers marks only, as no curve goes so far."""
    end = column + len(name)
    row.pad_right(max(0, end - len(row)))
    return Text().append_text(row[:column]).append(name, colour).append_text(row[end:])


def step_rows(frame: Frame, columns: int) -> list[Text]:
    """The step axis: a rule with ticks, and their labels below."""
    ticks = {frame.column(value, columns): text for value, text in frame.steps.ticks(max(2, columns // 7))}
    rule = styled(" " * (LEFT - 1) + "└", theme.FAINT)
    rule.append("".join("┬" if column in ticks else "─" for column in range(columns)), theme.FAINT)
    names = styled(" " * LEFT, theme.DIM)
    for column, text in ticks.items():
        start = max(LEFT + column - len(text) // 2, 0)
        if start > names.cell_len or column == 0:
            names.append(" " * (start - names.cell_len) + text, theme.DIM)
    names.append(" " * max(0, LEFT + columns + 2 - names.cell_len) + frame.unit, theme.QUIETER)
    return [rule, names]
