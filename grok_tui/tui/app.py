"""The app: it starts runs, shows one, and knows how to leave without losing any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ..config import fields, presets
from ..config.schema import RunConfig
from ..errors import GrokError, UsageError
from ..store import requests, rundir
from ..store.rundir import RunDir
from .base_screen import BaseScreen
from .gallery import Gallery
from .keys import bindings, keymap_file, read_keymap
from .live import Live
from .messages import PresetChosen, RunChosen, RunRepeated, RunResumed
from .quit import QuitPrompt
from .run_view import is_live
from .signals import watch_signals
from .theme import QUIET, VARIABLES

if TYPE_CHECKING:
    from textual.command import Provider

    from ..engine.launch import InProcess


def palette_provider() -> type[Provider]:
    """The palette's entries; read only when it is opened."""
    from .command_palette import KeyCommands

    return KeyCommands


class GrokApp(App[int], inherit_bindings=False):
    """Gallery and live screen. Training belongs to engines of their own: this may end, or die, at any time."""

    CSS_PATH = "app.tcss"
    TITLE = "grok-tui"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {palette_provider}
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
        self._hosts: list[InProcess] = []
        self._engines: list[Popen[bytes]] = []
        self._leaving = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The stylesheet's own variables, which no other theme has."""
        return VARIABLES

    def on_mount(self) -> None:
        """Show what was asked for; whatever is wrong with it, the gallery says."""
        complaint = ""
        try:
            self.set_keymap(read_keymap(keymap_file()))
        except UsageError as error:
            complaint = str(error)
        if not self.is_headless:
            watch_signals(self.forsake, self.exit)
        self.set_interval(2.0, self.reap)
        if self.preset is not None:
            self.start_preset(self.preset, self.sets, self.seed)
        elif self.current is not None:
            self.watch_run(self.current)
        if not isinstance(self.screen, BaseScreen):
            self.show(Gallery(self.runs))
        if complaint:
            self.say(complaint)

    def show(self, place: BaseScreen) -> None:
        """Make a place the only screen."""
        if isinstance(self.screen, BaseScreen):
            self.switch_screen(place)
        else:
            self.push_screen(place)

    def say(self, text: str) -> None:
        """One line, wherever the user is; if nowhere yet, in the gallery."""
        if not isinstance(self.screen, BaseScreen):
            self.show(Gallery(self.runs))
        if isinstance(self.screen, BaseScreen):
            self.screen.say(text)

    def start_preset(self, name: str, sets: list[str] | None = None, seed: int | None = None) -> None:
        """Run a preset and watch it."""
        try:
            config = presets.load_preset(name, sets)
            if seed is not None:
                config = fields.replace(config, {"train.seed": fields.field("train.seed").convert(seed)})
        except UsageError as error:
            self.say(str(error))
            return
        self.start(config, name)

    def start(self, config: RunConfig, preset: str) -> None:
        """Make a run, give it to an engine, and watch it."""
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
            if self.in_process:
                self._hosts.append(launch.host_in_process(run, resume=resume))
            else:
                self._engines.append(launch.spawn(run, resume=resume))
        except (GrokError, OSError) as error:
            self.say(f"the engine did not start: {error}")
            return
        self.watch_run(run)

    def watch_run(self, run: RunDir) -> None:
        """Show a run; one that cannot be read is a line in the gallery."""
        try:
            live = Live(run, self.runs)
        except (UsageError, OSError, ValueError) as error:
            self.say(str(error))
            return
        if self.current is not None and self.current.path != run.path:
            self.let_go()
        self.current = run
        self.show(live)

    def reap(self) -> None:
        """Collect engines that have ended, so that none stays behind as a zombie."""
        self._engines = [engine for engine in self._engines if engine.poll() is None]

    def on_preset_chosen(self, message: PresetChosen) -> None:
        """A list's line: run it."""
        self.start_preset(message.name)

    def on_run_chosen(self, message: RunChosen) -> None:
        """A list's line: watch it."""
        self.watch_run(message.run)

    def on_run_repeated(self, message: RunRepeated) -> None:
        """Once more."""
        self.start(message.config, message.preset)

    def on_run_resumed(self, message: RunResumed) -> None:
        """Go on from the last checkpoint."""
        self.launch(message.run, resume=True)

    def action_new(self) -> None:
        """To the gallery."""
        if not isinstance(self.screen, Gallery):
            self.show(Gallery(self.runs, can_go_back=self.current is not None))

    def action_return_to_run(self) -> None:
        """From the gallery back to the run."""
        if self.current is not None:
            self.watch_run(self.current)

    def action_help(self) -> None:
        """All keys."""
        from .help import Help

        self.push_screen(Help(self._keymap))

    def action_command_palette(self) -> None:
        """Everything the keys can do; by name."""
        super().action_command_palette()
        self.call_after_refresh(self.still_cursors)

    def still_cursors(self) -> None:
        """Nothing blinks, nor do the inputs that are not made here."""
        for line in self.screen.query(Input):
            line.cursor_blink = False

    def training(self) -> dict[str, Any] | None:
        """The run.json of the run that was watched last, where an engine has it in hand."""
        if self.current is None:
            return None
        try:
            info = self.current.info()
        except UsageError:
            return None
        return info if is_live(info) else None

    def let_go(self) -> None:
        """Nobody will watch the run any more: it need not keep to a pace."""
        info = self.training()
        if self.current is not None and info is not None and info["asked"].get("pace"):
            try:
                requests.send(self.current, "pace", pace=0.0)
            except OSError:
                return

    async def action_quit(self) -> None:
        """Leave; with a run in training, ask what becomes of it."""
        info = self.training()
        if info is None and not any(host.is_alive() for host in self._hosts):
            await self.leave()
        elif not isinstance(self.screen, QuitPrompt):
            name = str(info.get("name")) if info else "a run"
            self.push_screen(QuitPrompt(name, can_detach=not self.in_process), self.answered)

    async def answered(self, choice: str | None) -> None:
        """What the user wants done with the training."""
        if choice == "detach":
            await self.leave()
        elif choice == "stop":
            await self.stop_and_leave()

    async def action_detach(self) -> None:
        """Leave; training goes on."""
        if self.in_process and self.training():
            self.say("training lives inside this app (--in-process), and ends with it: q stops and saves")
        else:
            await self.leave()

    async def action_interrupt(self) -> None:
        """ctrl+c: as q; the second one leaves at once."""
        if isinstance(self.screen, QuitPrompt) or self._leaving:
            await self.leave()
        else:
            await self.action_quit()

    async def stop_and_leave(self) -> None:
        """Ask the engine to save and stop, wait until it has, and go."""
        self._leaving = True
        self.say("stopping, and saving…")
        self.run_worker(self._stop_and_leave(), exclusive=True)

    async def _stop_and_leave(self) -> None:
        waited = 0.0
        while self.current is not None and self.training() is not None and waited < 60:
            if waited % 2 == 0:  # asked again: an engine that is still starting did not hear the first
                requests.send(self.current, "stop")
            await asyncio.sleep(0.1)
            waited = round(waited + 0.1, 1)
        await self.leave()

    async def leave(self, code: int = 0) -> None:
        """Go. What trains inside this process is stopped and saved first; what trains outside is let go."""
        self._leaving = True
        await asyncio.to_thread(self.forsake)
        self.exit(code)

    def forsake(self) -> None:
        """Make sure that training is in good hands: stopped and saved in this process, let go elsewhere."""
        if not self._hosts:
            self.let_go()
        for host in self._hosts:
            host.stop()
