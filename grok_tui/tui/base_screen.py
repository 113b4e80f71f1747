"""What the gallery and the live screen share: a footer of keys, a line for notices, and what they ask of the app."""

from typing import Any, ClassVar, Protocol, cast

from rich.text import Text
from textual.dom import DOMNode
from textual.events import Key
from textual.screen import Screen
from textual.timer import Timer

from ..config.schema import RunConfig
from ..store.rundir import RunDir
from . import theme
from .catalog import Listing
from .keys import NAMED, footer, keymap_of
from .static_text import StaticText, one_line, styled

NOTICE_SECONDS = 6.0


class Host(Protocol):
    """What screens ask of the app. If other runs are training, what would start one asks first."""

    def start_preset(self, name: str) -> None: ...
    def start_config(self, config: RunConfig, preset: str) -> None: ...
    def resume_run(self, run: RunDir) -> None: ...
    def branch_run(self, run: RunDir, changes: dict[str, Any]) -> None: ...
    def stop_run(self, run: RunDir) -> None: ...
    def watch_run(self, run: RunDir | None) -> None: ...


def host_of(node: DOMNode) -> Host:
    """The app to which a widget belongs."""
    return cast(Host, node.app)


class BaseScreen(Screen[None]):
    """A full screen. It shows at most one notice, and a new one replaces it."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    where: ClassVar[str]
    """Which keys of the table apply here."""
    notice: Text | None = None
    listing: Listing = Listing()
    """The runs as they were listed last."""
    _timer: Timer | None = None

    def say(self, text: str, colour: str = theme.WARN) -> None:
        """Show one line for some seconds; an empty one is not shown."""
        if not text:
            return
        if self._timer:
            self._timer.stop()
        self.notice = styled(one_line(text), colour)
        self._timer = self.set_timer(NOTICE_SECONDS, self.clear_notice)
        if self.is_mounted:
            self.show_words()

    def clear_notice(self) -> None:
        self.notice = None
        if self.is_mounted:
            self.show_words()

    def on_key(self, event: Key) -> None:
        """Say so if a key does nothing here."""
        if event.key not in self.active_bindings:
            name = event.character if event.character and event.is_printable else NAMED.get(event.key, event.key)
            self.say(f"{name} does nothing here; ? lists the keys")

    def show_words(self) -> None:
        raise NotImplementedError

    def show_listing(self, listing: Listing) -> None:
        self.listing = listing

    def show_footer(self, entries: list[tuple[str, str]]) -> None:
        self.query_one("#footer", StaticText).show(footer(entries, keymap_of(self.app), self.size.width - 2))
