"""The app: a gallery and a live screen, and what is asked before a run starts, stops or is left alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ..config import fields, presets
from ..config.schema import RunConfig
from ..errors import GrokError, UsageError
from ..store.rundir import RunDir
from .base_screen import BaseScreen
from .catalog import Listing
from .engines import Engines
from .gallery import Gallery
from .keys import bindings, keymap_file, keymap_of, read_keymap
from .leaving import STOP, farewell, question_before_start, quit_question, stop_question
from .live import Live
from .question import Question
from .run_view import training_info
from .signals import watch_signals
from .theme import QUIET, VARIABLES

if TYPE_CHECKING:
    from textual.command import Provider

LISTING = 2.0
"""Least seconds between two listings of the runs."""
STOPPING = "stopping, and saving…"


def palette_provider() -> "type[Provider]":
    """The palette's entries; imported only when it is opened."""
    from .command_palette import KeyCommands

    return KeyCommands


class GrokApp(App[int], inherit_bindings=False):
    """Training belongs to engines of their own: the app may end, or die, at any time."""

    CSS_PATH = "app.tcss"
    TITLE = "grok-tui"
    COMMANDS: ClassVar[set[type["Provider"] | Callable[[], type["Provider"]]]] = {palette_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("app"),
        Binding("ctrl+c", "interrupt", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        runs: Path,
        *,
        preset: str | None = None,
        sets: list[str] | None = None,
        seed: int | None = None,
        run: RunDir | None = None,
        device: str = "auto",
        in_process: bool = False,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.register_theme(QUIET)
        self.theme = QUIET.name
        self.runs = runs
        self.preset = preset
        self.sets = sets
        self.seed = seed
        self.current: RunDir | None = run
        """The run that was watched last."""
        self.engines = Engines(runs, device, in_process)
        self.listing = Listing()
        self._leaving = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLES

    def on_mount(self) -> None:
        """Show what was asked for; if something is wrong with it, the gallery says so."""
        complaint = ""
        try:
            self.set_keymap(read_keymap(keymap_file()))
        except UsageError as error:
            complaint = str(error)
        if not self.is_headless:
            watch_signals(lambda: self.engines.detach(self.current), self.exit)
        self.set_interval(2.0, self.engines.reap)
        if self.preset is not None:
            self.start_preset(self.preset, self.sets, self.seed)
        elif self.current is not None:
            self.watch_run(self.current)
        if not isinstance(self.screen_stack[-1], BaseScreen | Question):
            self.show(Gallery(self.runs))
        if complaint:
            self.say(complaint)
        self.run_worker(self.keep_listing(), group="listing")

    async def keep_listing(self) -> None:
        """List the runs in a thread, less often if it takes long."""
        while True:
            started = monotonic()
            self.listing = await asyncio.to_thread(Listing.read, self.runs)
            for screen in self.screen_stack:
                if isinstance(screen, BaseScreen):
                    screen.show_listing(self.listing)
            await asyncio.sleep(max(LISTING, 50 * (monotonic() - started)))

    def show(self, screen: BaseScreen) -> None:
        screen.listing = self.listing
        if isinstance(self.screen, BaseScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def say(self, text: str) -> None:
        """One line, on the screen that is shown; in the gallery if there is none yet."""
        screen = next((one for one in reversed(self.screen_stack) if isinstance(one, BaseScreen)), None)
        if screen is None:
            screen = Gallery(self.runs)
            self.show(screen)
        screen.say(text)

    def watch_run(self, run: RunDir | None) -> None:
        """Show a run; None: the one that was watched last."""
        run = run or self.current
        if run is None:
            return
        try:
            live = Live(run, self.runs)
        except (UsageError, OSError, ValueError) as error:
            self.say(str(error))
            return
        if self.current is not None and self.current.path != run.path:
            self.engines.drop_pace(self.current)
        self.current = run
        self.show(live)

    def start_preset(self, name: str, sets: list[str] | None = None, seed: int | None = None) -> None:
        try:
            config = presets.load_preset(name, sets)
            if seed is not None:
                config = fields.replace(config, {"train.seed": fields.field("train.seed").convert(seed)})
        except UsageError as error:
            self.say(str(error))
            return
        self.start_config(config, name)

    def begin(self, start: Callable[[], RunDir], run: RunDir | None = None) -> None:
        """Start an engine and watch its run. If other runs are training, ask first what becomes of them.

        run: the one that is to be trained, if it exists.
        """

        def begin_now() -> None:
            try:
                self.watch_run(start())
            except GrokError as error:
                self.say(str(error))

        async def stop_and_begin() -> None:
            if await self.engines.stop(others):
                begin_now()
            else:
                self.say("not stopped within a minute: nothing was started")

        def answered(choice: str | None) -> None:
            if choice == "keep":
                begin_now()
            elif choice == "stop":
                self.say(STOPPING)
                self.run_worker(stop_and_begin())

        others = Listing.read(self.runs).training(besides=run)
        if not others:
            begin_now()
            return
        if not isinstance(self.screen, BaseScreen):
            self.show(Gallery(self.runs))
        self.push_screen(question_before_start(others), answered)

    def start_config(self, config: RunConfig, preset: str) -> None:
        self.begin(lambda: self.engines.start(config, preset))

    def resume_run(self, run: RunDir) -> None:
        self.begin(lambda: self.engines.resume(run), run)

    def branch_run(self, run: RunDir, changes: dict[str, Any]) -> None:
        self.begin(lambda: self.engines.branch(run, changes))

    def stop_run(self, run: RunDir) -> None:
        info = training_info(run)
        if info is None:
            self.say(f"{run.id} is not training: there is nothing to stop")
            return

        def answered(choice: str | None) -> None:
            if choice == STOP.name:
                self.say(STOPPING)
                self.run_worker(self.engines.stop([run]))

        self.push_screen(stop_question(info), answered)

    def action_new(self) -> None:
        if isinstance(self.screen, Gallery):
            self.say("this is the gallery: enter starts a preset")
        else:
            self.show(Gallery(self.runs, can_go_back=self.current is not None))

    def action_help(self) -> None:
        from .help import Help

        self.push_screen(Help(keymap_of(self), getattr(self.screen, "where", "live")))

    def action_command_palette(self) -> None:
        super().action_command_palette()
        self.call_after_refresh(self.still_cursors)

    def still_cursors(self) -> None:
        for line in self.screen.query(Input):
            line.cursor_blink = False

    async def action_quit(self) -> None:
        """Leave; if the run that is watched trains, ask what becomes of it."""
        info = training_info(self.current)
        if info is None and not self.engines.is_training_here:
            await self.leave()
        elif not isinstance(self.screen, Question):
            self.push_screen(quit_question(info, self.engines.in_process), self.quit_answered)

    async def quit_answered(self, choice: str | None) -> None:
        if choice == "detach":
            await self.leave()
        elif choice == STOP.name:
            self._leaving = True
            self.say(STOPPING)
            self.run_worker(self.stop_and_leave(), exclusive=True)

    async def stop_and_leave(self) -> None:
        await self.engines.stop([self.current] if self.current else [])
        await self.leave()

    async def action_detach(self) -> None:
        if self.engines.in_process and training_info(self.current):
            self.say("training lives inside this app (--in-process), and ends with it: q stops and saves")
        else:
            await self.leave()

    async def action_interrupt(self) -> None:
        """ctrl+c: as q; the second one leaves at once."""
        if isinstance(self.screen, Question) or self._leaving:
            await self.leave()
        else:
            await self.action_quit()

    async def leave(self) -> None:
        """Leave, and say on the terminal what goes on training and how to watch it again."""
        self._leaving = True
        await asyncio.to_thread(self.engines.detach, self.current)
        listing = await asyncio.to_thread(Listing.read, self.runs)
        self.exit(0, message=farewell(listing, self.current, self.runs))
