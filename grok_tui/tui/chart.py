"""The chart widget: it draws when there is something new to draw, and repaints only the rows that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual_plotext import PlotextPlot

from ..store.reader import RunReader
from ..verdict.series import step_of, unit_of
from . import theme
from .marks import marks_of
from .modes import MODES, modes_of
from .picture import Frame, picture
from .run_view import is_live
from .scale import step_axis
from .static_text import styled

NOTHING = "nothing measured yet"


class Chart(PlotextPlot):
    """Draws one mode of a run. `draw` costs milliseconds, and time it takes from the training beside it."""

    def __init__(self) -> None:
        super().__init__(id="chart")
        self.log_x = True
        self.mode = MODES[0]
        """The mode on show."""
        self._log_y = {mode.name: mode.log_y for mode in MODES}
        self._strips: list[Strip] = []
        self._shown: list[Text] = []

    @property
    def log_y(self) -> bool:
        """Whether this mode's y axis is logarithmic; each mode remembers its own."""
        return self._log_y[self.mode.name]

    def next_mode(self, reader: RunReader) -> None:
        """Go to the next mode that the run has something for."""
        modes = modes_of(reader)
        after = modes[modes.index(self.mode) + 1 :] if self.mode in modes else []
        self.mode = (after or modes)[0]

    def toggle_log_y(self) -> None:
        """Switch this mode's y axis between log and linear."""
        self._log_y[self.mode.name] = not self.log_y

    def rows(self) -> list[str]:
        """The chart as plain text."""
        return [row.plain for row in self._shown]

    def draw(self, reader: RunReader | None, instead: str = "") -> None:
        """Draw the run as it was read; or the line `instead` while there is nothing to draw."""
        width, height = self.size
        if width < 20 or height < 5:
            return
        panels = self.mode.read(reader) if reader is not None else []
        if reader is None or not any(len(line.steps) for panel in panels for line in panel.lines):
            rows = centred(instead or NOTHING, width, height)
        else:
            axis = step_axis(step_of(reader), self.log_x, reader.config.train.steps, is_live(reader.info))
            unit = f"{unit_of(reader.config)}s"
            frame = Frame(width, height, axis, self.log_y, marks_of(reader.events), unit)
            rows = picture(self.plt, panels, frame)
        self._show(rows, width)

    def _show(self, rows: list[Text], width: int) -> None:
        before, self._shown = self._shown, rows
        same_shape = len(before) == len(rows) and len(self._strips) == len(rows)
        console, background = self.app.console, Style(bgcolor=self.rich_style.bgcolor)
        strips, dirty = [], []
        for y, row in enumerate(rows):
            if same_shape and before[y] == row and before[y].spans == row.spans:
                strips.append(self._strips[y])
                continue
            strips.append(Strip(on_background(row.render(console, end=""), background)))
            dirty.append(Region(0, y, width, 1))
        self._strips = strips
        if not same_shape:
            self.refresh()
        elif dirty:
            self.refresh(*dirty)

    def render_line(self, y: int) -> Strip:
        """One row, as the screen asks for it."""
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strips[y].crop_extend(0, self.size.width, self.rich_style)


def on_background(segments: Iterable[Segment], background: Style) -> Iterator[Segment]:
    """Keep the colour of what is drawn, and put it on the screen's background."""
    for text, style, _ in segments:
        yield Segment(text, background + Style.from_color(style.color) if style and style.color else background)


def centred(text: str, width: int, height: int) -> list[Text]:
    """One line in the middle of nothing."""
    rows = [Text() for _ in range(height)]
    rows[height // 2] = styled(text.center(width), theme.DIM)
    return rows
