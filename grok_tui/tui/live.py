"""The live screen: one run, whatever its state, read from its directory four times a second."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, process_time
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from ..config.fields import replace
from ..errors import UsageError
from ..store.reader import RunReader
from ..store.rundir import RunDir
from .base_screen import BaseScreen
from .chart import Chart
from .keys import bindings
from .live_text import brief, footer_keys, header, tabs, words
from .messages import RunRepeated, RunResumed
from .meters import meters
from .prompt import knob_prompt, mark_prompt
from .remote import RunControl
from .run_view import settable, takes_every_core
from .side import PANES, Side
from .static_text import StaticText, one_line

POLL = 0.25
"""Seconds between two looks at the directory."""
HURRY = 0.04
"""The same, while a request waits for its answer."""
PATIENCE = 5.0
"""Seconds that a request is waited for in a hurry."""
DRAW, SLOWEST = 0.5, 5.0
"""Least and most seconds between two drawings, when only rows are new."""
SPARING = 125
"""Where training takes every core, a drawing waits, between these two, so many times as long as the last one kept the
processor busy: threads that work in step wait for the one that was held up."""
REDRAW = 0.1
"""Least seconds between two drawings, when something happened."""
LISTING = 2.0
"""Seconds between two listings of the runs."""


class Live(BaseScreen):
    """Watch and steer one run."""

    where = "live"
    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    def __init__(self, run: RunDir, runs: Path) -> None:
        super().__init__()
        run.info()  # what is no run at all says so before its other files are missed
        self.reader = RunReader(run)
        self.desk = RunControl(self.reader)
        self.runs = runs
        self.lost = ""
        """Why the directory can no longer be read."""
        self.pane: int | None = None
        """The pane that was asked for; none: by the width."""
        self._seen = len(self.reader.events)
        self._stale = True
        self._urgent = False
        self._drawn = self._busy = 0.0
        self._cost: float | None = 0.0
        """Seconds of the processor's time that the last drawing took with its painting; none: not known yet."""
        self._listed = 0.0
        self._asked = 0.0

    def compose(self) -> ComposeResult:
        """Header; side pane and chart; meters; words; keys. And a text for screens too small for all that."""
        yield StaticText(id="header", classes="bar")
        with Horizontal(id="middle"):
            yield Side(self.runs, self.reader.run.id, str(self.reader.info.get("preset")))
            with Vertical(id="main"):
                yield StaticText(id="tabs")
                yield Chart()
        yield StaticText(id="brief")
        yield StaticText(id="meters")
        yield StaticText(id="words")
        yield StaticText(id="footer", classes="bar")

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(POLL, self.tick)
        self.hurry = self.set_interval(HURRY, self.tick_in_a_hurry, pause=True)

    def on_resize(self, event: Resize) -> None:
        """Lay out anew: what is shown depends on the room."""
        width, height = event.size
        self.set_class(width < 60 or height < 16, "-tiny")
        self.set_class(width >= 120, "-wide")
        self.set_class(height >= 34, "-tall")
        self.show_pane()
        self.call_after_refresh(self.show_all)

    @property
    def is_tiny(self) -> bool:
        """Whether there is room for words only."""
        return self.has_class("-tiny")

    @property
    def pane_number(self) -> int:
        """The pane on show."""
        if self.is_tiny:
            return 0
        return self.pane if self.pane is not None else int(self.has_class("-wide"))

    def tick(self) -> None:
        """Take in what is new, and show what changed."""
        if self.lost:
            return
        try:
            changed = self.reader.refresh()
        except (UsageError, OSError, ValueError) as error:
            self.lost = one_line(str(error))
            self.show_texts()
            return
        self._urgent |= changed and self.follow()
        if self._cost is None:
            self._cost = process_time() - self._busy
        sparing = SPARING * self._cost if takes_every_core(self.reader) else 0.0
        pause = REDRAW if self._urgent else min(max(DRAW, sparing), SLOWEST)
        if self._stale and monotonic() - self._drawn >= pause:
            self.show_all()
        else:
            self.show_pane()

    def tick_in_a_hurry(self) -> None:
        """Look for the answer to a request."""
        self.tick()
        if not self.desk.waiting or monotonic() - self._asked > PATIENCE:
            self.desk.waiting.clear()
            self.hurry.pause()

    def follow(self) -> bool:
        """Act on new events; true where one of them should be seen at once."""
        new = self.reader.events[self._seen :]
        self._seen = len(self.reader.events)
        self._stale = True
        answered = self.desk.heard(new)
        for event in new:
            if event.get("type") == "refused":
                self.say(f"refused: {event.get('reason')}")
            elif event.get("type") == "warning":
                self.say(str(event.get("message")))
        return answered or any(event.get("type") != "checkpoint" for event in new)

    def draw(self) -> None:
        """Draw the chart now."""
        if self.is_tiny:
            return
        instead = "starting the engine…" if self.reader.info["status"] == "starting" else ""
        self.query_one(Chart).draw(self.reader, instead)

    def show_all(self) -> None:
        """Everything, whether it changed or not."""
        if self.is_mounted:
            self._stale = self._urgent = False
            self._drawn, self._busy, self._cost = monotonic(), process_time(), None
            self.show_texts()
            self.draw()

    def show_texts(self) -> None:
        """Header, tabs, meters, words, footer and pane; each repaints only if its text is another."""
        width, chart = self.size.width, self.query_one(Chart)
        self.query_one("#header", StaticText).show(header(self.reader, width - 2, self.lost))
        if self.is_tiny:
            self.query_one("#brief", StaticText).show(brief(self.reader))
        else:
            self.query_one("#tabs", StaticText).show(tabs(chart, self.reader, self.query_one("#tabs").size.width - 2))
            self.query_one("#meters", StaticText).show(meters(self.reader, width - 2, chart.log_x))
        self.show_said()
        self.show_footer(footer_keys(self.reader))
        self.show_pane()

    def show_said(self) -> None:
        """The notice, or the words in its place."""
        self.query_one("#words", StaticText).show(self.said or words(self.reader, self.size.width - 2, self.lost))

    def show_pane(self) -> None:
        """The side pane; the lists of runs only now and then."""
        side, number = self.query_one(Side), self.pane_number
        due = monotonic() - self._listed > max(LISTING, 50 * side.cost)
        if number != side.number or PANES[number] == "events" or (due and number):
            self._listed = monotonic()
            side.show(number, self.reader)
        side.display = number > 0

    def ask(self, request: Any, *args: Any) -> None:
        """Send a request, or say why not; then look out for the answer."""
        try:
            request(*args)
        except UsageError as error:
            self.say(str(error))
            return
        self._asked = monotonic()
        self.hurry.resume()

    def action_pause(self) -> None:
        """Pause or go on; a run that stopped early goes on from its checkpoint."""
        if self.reader.info["status"] == "interrupted" and not self.lost:
            self.post_message(RunResumed(self.reader.run))
        else:
            self.ask(self.desk.pause)

    def action_chunk(self) -> None:
        """One chunk of steps."""
        self.ask(self.desk.chunk)

    def action_turn(self, key: str, up: bool) -> None:
        """A knob by a quarter of a decade."""
        self.ask(self.desk.turn, key, up)

    def action_pace(self, faster: bool) -> None:
        """Twice or half the pace."""
        self.ask(self.desk.pace, faster)

    def action_full_speed(self) -> None:
        """No pace."""
        self.ask(self.desk.full_speed)

    def action_set(self) -> None:
        """Ask for a knob and a value."""
        try:
            self.desk.check_listening("steer")
        except UsageError as error:
            self.say(str(error))
            return

        def answered(request: tuple[str, float | str] | None) -> None:
            if request:
                self.ask(self.desk.set, *request)

        self.app.push_screen(knob_prompt(settable(self.reader), self.desk.last_knob), answered)

    def action_mark(self) -> None:
        """Ask for a label and mark the step."""
        try:
            self.desk.check_listening("mark")
        except UsageError as error:
            self.say(str(error))
            return

        def answered(label: str | None) -> None:
            if label is not None:
                self.ask(self.desk.mark, label)

        self.app.push_screen(mark_prompt(), answered)

    def action_again(self, reseed: bool) -> None:
        """The same run anew, as it was configured."""
        config, info = self.reader.config, self.reader.info
        if reseed:
            config = replace(config, {"train.seed": config.train.seed + 1})
        self.post_message(RunRepeated(config, str(info.get("preset") or info.get("name"))))

    def action_chart(self) -> None:
        """Next chart mode."""
        self.query_one(Chart).next_mode(self.reader)
        self.show_all()

    def action_log_x(self) -> None:
        """Step axis log or linear."""
        chart = self.query_one(Chart)
        chart.log_x = not chart.log_x
        self.show_all()

    def action_log_y(self) -> None:
        """Value axis log or linear."""
        self.query_one(Chart).toggle_log_y()
        self.show_all()

    def action_pane(self, number: int) -> None:
        """Show one of the side panes, or none."""
        self.pane = number
        self._listed = 0.0
        self.show_pane()
        if PANES[number] in ("presets", "runs"):
            self.query_one("#side-list").focus()
        elif number:
            self.query_one("#side-scroll").focus()
        else:
            self.set_focus(None)
        self.call_after_refresh(self.show_all)

    def action_next_pane(self, by: int) -> None:
        """The pane after or before."""
        self.action_pane((self.pane_number + by) % len(PANES))
