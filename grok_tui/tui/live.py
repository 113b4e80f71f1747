"""The live screen: one run, whatever its state, read from its directory four times a second."""

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
from .base_screen import BaseScreen, host_of
from .catalog import Catalog, Listing
from .chart import Chart
from .keys import bindings
from .live_text import brief, footer_keys, header, tabs, words
from .meters import meters
from .prompt import Prompt, branch_prompt, knob_prompt, mark_prompt, refused_prompt
from .remote import RunControl
from .run_view import takes_every_core
from .side import LISTS, PANES, Side
from .static_text import StaticText, one_line

POLL = 0.25
"""Seconds between two looks at the directory."""
POLL_WAITING = 0.04
"""The same, while a request waits for its answer."""
PATIENCE = 5.0
"""Seconds after which the answer to a request is no longer waited for."""
DRAW, SLOWEST = 0.5, 5.0
"""Least and most seconds between two drawings, if only rows are new."""
SPARING = 125
"""If training uses every core, a drawing waits SPARING × (processor time of the last drawing), within [DRAW, SLOWEST]:
a drawing holds up one training thread, and the others wait for it."""
NO_PANE = "no list is shown: 2 presets, 3 runs, 4 events, 5 config"
TOO_SMALL = "charts and side panes need 60 columns and 16 rows"
REDRAW = 0.1
"""Least seconds between two drawings, if something happened."""


class Live(BaseScreen):
    """Watch and steer one run."""

    where = "live"
    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    def __init__(self, run: RunDir, runs: Path) -> None:
        super().__init__()
        run.info()  # a directory that is no run says so before its other files are missed
        self.reader = RunReader(run)
        self.control = RunControl(self.reader)
        self.behind = parent_of(self.reader, runs)
        self.lost = ""
        """Why the directory can no longer be read."""
        self.pane: int | None = None
        """The pane that was asked for; None: by the width."""
        self._seen = list(self.reader.events)
        self._stale = True
        self._urgent = False
        self._drawn = self._busy = 0.0
        self._cost: float | None = 0.0
        """Processor time of the last drawing with its painting; None: not known yet."""
        self._asked = 0.0
        self._rows_of_words = 1

    def compose(self) -> ComposeResult:
        yield StaticText(id="header", classes="bar")
        with Horizontal(id="middle"):
            yield Side(self.reader)
            with Vertical(id="main"):
                yield StaticText(id="tabs")
                yield Chart()
        yield StaticText(id="brief")
        yield StaticText(id="meters")
        yield StaticText(id="words")
        yield StaticText(id="footer", classes="bar")

    def on_mount(self) -> None:
        self.set_interval(POLL, self.tick)
        self.waiting = self.set_interval(POLL_WAITING, self.tick_while_waiting, pause=True)

    def on_resize(self, event: Resize) -> None:
        """Lay out anew: what is shown depends on the room."""
        width, height = event.size
        self.set_class(width < 60 or height < 16, "-tiny")
        self.set_class(width >= 120, "-wide")
        self.set_class(height >= 34, "-tall")
        self._rows_of_words = self.query_one("#words").styles.height = 1
        self.show_pane()
        self.call_after_refresh(self.show_all)

    @property
    def is_tiny(self) -> bool:
        return self.has_class("-tiny")

    @property
    def pane_number(self) -> int:
        if self.is_tiny:
            return 0
        return self.pane if self.pane is not None else int(self.has_class("-wide"))

    def tick(self) -> None:
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

    def tick_while_waiting(self) -> None:
        """Look for the answer to a request."""
        self.tick()
        if not self.control.waiting or monotonic() - self._asked > PATIENCE:
            if self.reader.info["status"] != "starting":
                self.control.waiting.clear()
            self.waiting.pause()

    def follow(self) -> bool:
        """Act on new events; true if one of them should be seen at once."""
        seen = {id(event) for event in self._seen}
        new = [event for event in self.reader.events if id(event) not in seen]
        self._seen = list(self.reader.events)  # not its length: a run that resumes may lose events
        self._stale = True
        if answered := self.control.take_answers(new):
            self.clear_notice()
        for event in new:
            if event.get("type") == "refused":
                self.say(f"refused: {event.get('reason')}")
            elif event.get("type") == "warning":
                self.say(str(event.get("message")))
        return answered or any(event.get("type") != "checkpoint" for event in new)

    def show_all(self) -> None:
        if self.is_mounted:
            self._stale = self._urgent = False
            self._drawn, self._busy, self._cost = monotonic(), process_time(), None
            self.show_texts()
            if not self.is_tiny:
                instead = "starting the engine…" if self.reader.info["status"] == "starting" else ""
                self.query_one(Chart).draw([self.reader, *self.behind], instead)

    def show_texts(self) -> None:
        """Header, tabs, meters, words, footer and pane; each repaints only if its text is another."""
        width, chart = self.size.width, self.query_one(Chart)
        others = len(self.listing.training(besides=self.reader.run))
        self.query_one("#header", StaticText).show(header(self.reader, width - 2, self.lost, others))
        if self.is_tiny:
            self.query_one("#brief", StaticText).show(brief(self.reader), layout=True)
        else:
            self.query_one("#tabs", StaticText).show(tabs(chart, self.reader, self.query_one("#tabs").size.width - 2))
            self.query_one("#meters", StaticText).show(meters(self.reader, width - 2, chart.log_x))
        self.show_words()
        self.show_footer(footer_keys(self.reader))
        self.show_pane()

    def show_words(self) -> None:
        """The notice, or what the run shows. Rows once taken are kept, so that the chart does not jump."""
        width = self.size.width - 2
        most = 3 if width >= 78 else 4
        text = self.notice or words(self.reader, width, most, self.lost)
        line, rows = self.query_one("#words", StaticText), text.plain.count("\n") + 1
        if rows > self._rows_of_words:
            self._rows_of_words = rows
            line.styles.height = rows
        line.show(text)

    def show_pane(self) -> None:
        self.query_one(Side).show(self.pane_number, self.listing)

    def show_listing(self, listing: Listing) -> None:
        """How many other runs are training, and the lists of runs."""
        before, self.listing = self.listing, listing
        if self.is_mounted:
            self.show_pane()
            if len(before.training()) != len(listing.training()):
                self.show_texts()

    def action_ask(self, request: str, first: Any = None, second: Any = None) -> None:
        """Send a request of RunControl, with up to two arguments, or say why not; then look for the answer."""
        try:
            getattr(self.control, request)(*(arg for arg in (first, second) if arg is not None))
        except UsageError as error:
            self.say(str(error))
            return
        if self.reader.info["status"] == "starting":
            self.say("the engine is starting; it will do this as soon as it runs")
        self._asked = monotonic()
        self.waiting.resume()

    def ask_for(self, what: str, prompt: Prompt, request: str) -> None:
        """Have a line typed and send it. Without an engine the line is typed too, but it does nothing."""
        try:
            self.control.check_live(what)
        except UsageError as error:
            self.app.push_screen(refused_prompt(str(error)))
            return

        def send(read: Any) -> None:
            if read is not None:
                self.action_ask(request, *(read if isinstance(read, tuple) else (read,)))

        self.app.push_screen(prompt, send)

    def action_set(self) -> None:
        self.ask_for("set", knob_prompt(self.control), "set")

    def action_mark(self) -> None:
        self.ask_for("mark", mark_prompt(), "mark")

    def action_pause(self) -> None:
        """Pause or go on; a run that stopped goes on from its checkpoint, one that failed in a branch."""
        status, run = "" if self.lost else self.reader.info["status"], self.reader.run
        if status == "interrupted":
            host_of(self).resume_run(run)
        elif status == "failed" and (steps := run.checkpoint_steps()):

            def branch(read: Any) -> None:
                if read is not None:
                    host_of(self).branch_run(run, dict([read]))

            self.app.push_screen(branch_prompt(self.control, steps[-1]), branch)
        else:
            self.action_ask("pause")

    def action_again(self, reseed: bool) -> None:
        """The same run anew, as it was configured."""
        config, info = self.reader.config, self.reader.info
        if reseed:
            config = replace(config, {"train.seed": config.train.seed + 1})
        host_of(self).start_config(config, str(info.get("preset") or info.get("name")))

    def action_stop(self) -> None:
        """Stop the run that is chosen in the list, or else the run that is watched."""
        catalog = self.query_one(Catalog)
        entry = catalog.chosen() if catalog.has_focus else None
        host_of(self).stop_run((entry and entry.run) or self.reader.run)

    def action_chart(self) -> None:
        if not self.query_one(Chart).next_mode(self.reader):
            self.say("there is no other chart before the first row")
        self.show_chart()

    def action_log_x(self) -> None:
        chart = self.query_one(Chart)
        chart.log_x = not chart.log_x
        self.show_chart()

    def action_log_y(self) -> None:
        self.query_one(Chart).toggle_log_y()
        self.show_chart()

    def show_chart(self) -> None:
        self.say(TOO_SMALL if self.is_tiny else "")
        self.show_all()

    def action_pane(self, number: int) -> None:
        if self.is_tiny:
            self.say(TOO_SMALL)
            return
        if number == self.pane_number:
            self.say(f"the pane {PANES[number]} is shown already" if number else "no side pane is shown")
        self.pane = number
        self.show_pane()
        if PANES[number] in LISTS:
            self.query_one(Catalog).focus()
        else:
            self.set_focus(None)
        self.call_after_refresh(self.show_all)

    def action_next_pane(self, by: int) -> None:
        self.action_pane((self.pane_number + by) % len(PANES))

    def action_move(self, by: int) -> None:
        self.say(self.query_one(Side).move(by) if self.pane_number else NO_PANE)

    def action_choose(self) -> None:
        """Enter in a list; the list itself handles it while it has the keys."""
        self.say("enter chooses in a list: 2 presets, 3 runs; j and k move")


def parent_of(reader: RunReader, runs: Path) -> list[RunReader]:
    """The run from which this one branched, to be drawn behind it; none if it is not a branch or its parent is gone."""
    parent = reader.info.get("parent")
    try:
        return [RunReader(RunDir(runs / Path(str(parent["run"])).name))] if parent else []
    except (UsageError, OSError, ValueError, KeyError, TypeError):
        return []
