"""The chart widget: it draws if there is something new to draw, and repaints only the rows that changed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ..store.reader import RunReader
from . import theme
from .charts import MODES, View, modes_of
from .charts.plot import NOTHING, centred
from .static_text import literal, styled

TILED = (110, 32)
"""From this width and height on, two further modes are drawn below the chosen one."""


class Chart(Widget):
    """Draws one mode of a run, or three. Drawing takes milliseconds, and it takes them from the training beside it."""

    def __init__(self) -> None:
        super().__init__(id="chart")
        self.log_x = True
        self.mode = MODES[0]
        """The chosen mode."""
        self._log_y = {mode.name: mode.log_y for mode in MODES}
        self._strips: list[Strip] = []
        self._shown: list[Text] = []
        self._drawn: tuple[list[RunReader], str] | None = None
        """What was drawn last."""

    @property
    def log_y(self) -> bool:
        """Whether this mode's y axis is logarithmic; each mode remembers its own."""
        return self._log_y[self.mode.name]

    def next_mode(self, run: RunReader) -> bool:
        """Go to the next mode that the run has columns for; false if there is no other."""
        modes, before = modes_of(run), self.mode
        after = modes[modes.index(self.mode) + 1 :] if self.mode in modes else []
        self.mode = (after or modes)[0]
        return self.mode is not before

    def toggle_log_y(self) -> None:
        self._log_y[self.mode.name] = not self.log_y

    def rows(self) -> list[str]:
        return [row.plain for row in self._shown]

    def on_resize(self) -> None:
        if self._drawn:
            self.draw(*self._drawn)

    def draw(self, runs: list[RunReader], instead: str = "") -> None:
        """Draw the first run, the others behind it; or the line `instead` while there is nothing to draw."""
        self._drawn = (runs, instead)
        width, height = self.size
        if width < 20 or height < 5:
            return
        if not len(runs[0]):
            self._show(centred(instead or NOTHING, width, height), width)
            return
        view = View(runs, self.mode, self.log_x, self.log_y)
        others = [mode for mode in modes_of(runs[0]) if mode is not self.mode][:2]
        if not others or width < TILED[0] or height < TILED[1]:
            self._show(self.mode.draw(view, width, height), width)
            return
        upper, each = height * 3 // 5, (width - 2) // len(others)
        rows = self.mode.draw(view, width, upper)
        tiles = []
        for mode in others:
            small = replace(view, mode=mode, log_y=self._log_y[mode.name], has_marks_named=False)
            tiles.append([styled(f"       {mode.name}", theme.DIM), *mode.draw(small, each, height - upper - 2)])
        rows.append(Text())
        for parts in zip(*tiles, strict=True):
            row = Text()
            for i, part in enumerate(parts):
                row.append(" " * (i * (each + 2) - row.cell_len)).append_text(part)
            rows.append(row)
        self._show(rows, width)

    def _show(self, rows: list[Text], width: int) -> None:
        rows = list(map(literal, rows))
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
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strips[y].crop_extend(0, self.size.width, self.rich_style)


def on_background(segments: Iterable[Segment], background: Style) -> Iterator[Segment]:
    """Keep the colour of what is drawn, and put it on the screen's background."""
    for text, style, _ in segments:
        yield Segment(text, background + Style.from_color(style.color) if style and style.color else background)
