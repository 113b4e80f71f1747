"""The app: it starts runs, shows one, and leaves without losing any."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ..config import fields, presets
from ..config.schema import RunConfig
from ..errors import GrokError, UsageError
from ..store import requests, rundir
from ..store.branch import branch
from ..store.rundir import RunDir
from .base_screen import BaseScreen, BranchRun, ResumeRun, StartConfig, StartPreset, StopRun, WatchRun
from .catalog import Listing
from .gallery import Gallery
from .keys import bindings, keymap_file, keymap_of, read_keymap
from .leaving import STOP, farewell, question_before_start, quit_question, stop_question, training_info
from .live import Live
from .question import Question
from .signals import watch_signals
from .theme import QUIET, VARIABLES

if TYPE_CHECKING:
    from textual.command import Provider

    from ..engine.launch import InProcess

LISTING = 2.0
"""Least seconds between two listings of the runs."""
STOPPING = 60.0
"""Most seconds that an engine is waited for to save and stop."""


def palette_provider() -> "type[Provider]":
    """The palette's entries; read only when it is opened."""
    from .command_palette import KeyCommands

    return KeyCommands


class GrokApp(App[int], inherit_bindings=False):
    """Gallery and live screen. Training belongs to engines of their own: the app may end, or die, at any time."""

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
        self.device = device
        self.in_process = in_process
        self.current: RunDir | None = run
        """The run that was watched last."""
        self.listing = Listing()
        self._hosts: list[InProcess] = []
        self._engines: list[Popen[bytes]] = []
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
            watch_signals(self.detach, self.exit)
        self.set_interval(2.0, self.reap)
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
        """List the runs in a thread of its own, less often if it takes long."""
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

    def start_preset(self, name: str, sets: list[str] | None = None, seed: int | None = None) -> None:
        try:
            config = presets.load_preset(name, sets)
            if seed is not None:
                config = fields.replace(config, {"train.seed": fields.field("train.seed").convert(seed)})
        except UsageError as error:
            self.say(str(error))
            return
        self.ask_before_start(lambda: self.start(config, name))

    def ask_before_start(self, start: Callable[[], None], run: RunDir | None = None) -> None:
        """Start; if other runs are training, ask first what becomes of them. `run`: the one to be started, if known."""
        others = Listing.read(self.runs).training(besides=run)
        if not others:
            start()
            return

        async def stop_and_start() -> None:
            await self.stop_runs(others)
            start()

        def answered(choice: str | None) -> None:
            if choice == "keep":
                start()
            elif choice == "stop":
                self.say("stopping, and saving…")
                self.run_worker(stop_and_start())

        if not isinstance(self.screen, BaseScreen):
            self.show(Gallery(self.runs))
        self.push_screen(question_before_start(others), answered)

    def start(self, config: RunConfig, preset: str) -> None:
        try:
            run = rundir.create(self.runs, config, preset=preset, device=self.device, pace=config.train.pace)
        except UsageError as error:
            self.say(str(error))
        except OSError as error:
            self.say(f"--runs {self.runs}: cannot be written: {error.strerror}")
        else:
            self.launch(run)

    def launch(self, run: RunDir, resume: bool = False) -> None:
        """Give a run to an engine, in its own process or in this one, and watch it."""
        from ..engine import launch

        try:
            options: dict[str, Any] = {}
            if resume:  # what is asked from now on is asked of the new engine
                options = {"lock": run.acquire(), "requests_from": run.commands_jsonl.stat().st_size}
                run.update_info(status="starting", ended=None, error=None)
            if self.in_process:
                self._hosts.append(launch.host_in_process(run, resume=resume, **options))
            else:
                self._engines.append(launch.spawn(run, resume=resume, **options))
        except (GrokError, OSError) as error:
            self.say(f"the engine did not start: {error}")
            return
        self.watch_run(run)

    def watch_run(self, run: RunDir) -> None:
        try:
            live = Live(run, self.runs)
        except (UsageError, OSError, ValueError) as error:
            self.say(str(error))
            return
        if self.current is not None and self.current.path != run.path:
            self.drop_pace()
        self.current = run
        self.show(live)

    def reap(self) -> None:
        """Collect engines that have ended, so that none stays behind as a zombie."""
        self._engines = [engine for engine in self._engines if engine.poll() is None]

    def on_start_preset(self, message: StartPreset) -> None:
        self.start_preset(message.name)

    def on_start_config(self, message: StartConfig) -> None:
        self.ask_before_start(lambda: self.start(message.config, message.preset))

    def on_watch_run(self, message: WatchRun) -> None:
        run = message.run or self.current
        if run is not None:
            self.watch_run(run)

    def on_resume_run(self, message: ResumeRun) -> None:
        self.ask_before_start(lambda: self.launch(message.run, resume=True), message.run)

    def on_branch_run(self, message: BranchRun) -> None:

        def start() -> None:
            try:
                made = branch(message.run, self.runs, message.changes)
            except (GrokError, OSError) as error:
                self.say(str(error))
            else:
                self.launch(made)

        self.ask_before_start(start)

    def on_stop_run(self, message: StopRun) -> None:
        run, info = message.run, training_info(message.run)
        if info is None:
            self.say(f"{run.id} is not training: there is nothing to stop")
            return

        def answered(choice: str | None) -> None:
            if choice == STOP.name:
                self.say("stopping, and saving…")
                self.run_worker(self.stop_runs([run]))

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

    def drop_pace(self) -> None:
        """Nobody watches the run any more: it need not keep to a pace."""
        info = training_info(self.current)
        if self.current is not None and info is not None and info["asked"].get("pace"):
            with suppress(OSError):
                requests.send(self.current, "pace", pace=0.0)

    async def action_quit(self) -> None:
        """Leave; if the run that is watched trains, ask what becomes of it."""
        info = training_info(self.current)
        if info is None and not any(host.is_alive() for host in self._hosts):
            await self.leave()
        elif not isinstance(self.screen, Question):
            self.push_screen(quit_question(info, self.in_process), self.quit_answered)

    async def quit_answered(self, choice: str | None) -> None:
        if choice == "detach":
            await self.leave()
        elif choice == STOP.name:
            self._leaving = True
            self.say("stopping, and saving…")
            self.run_worker(self.stop_and_leave(), exclusive=True)

    async def action_detach(self) -> None:
        if self.in_process and training_info(self.current):
            self.say("training lives inside this app (--in-process), and ends with it: q stops and saves")
        else:
            await self.leave()

    async def action_interrupt(self) -> None:
        """ctrl+c: as q; the second one leaves at once."""
        if isinstance(self.screen, Question) or self._leaving:
            await self.leave()
        else:
            await self.action_quit()

    async def stop_runs(self, runs: list[RunDir]) -> None:
        """Ask engines to save and stop, and wait until they have."""
        deadline = monotonic() + STOPPING
        for run in runs:
            with suppress(OSError):
                requests.send(run, "stop")
        while any(training_info(run) for run in runs) and monotonic() < deadline:
            await asyncio.sleep(0.1)

    async def stop_and_leave(self) -> None:
        await self.stop_runs([self.current] if self.current else [])
        await self.leave()

    async def leave(self, code: int = 0) -> None:
        """Leave, and say on the terminal what goes on training and how to watch it again."""
        self._leaving = True
        await asyncio.to_thread(self.detach)
        listing = await asyncio.to_thread(Listing.read, self.runs)
        self.exit(code, message=farewell(listing, self.current, self.runs) or None)

    def detach(self) -> None:
        """See to it that training can go on without the app: at full speed; in this process it is saved and stopped."""
        if not self._hosts:
            self.drop_pace()
        for host in self._hosts:
            host.stop()
