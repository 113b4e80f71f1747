"""What the gallery and the live screen have in common: a footer of keys, and one line for what must be said now."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.screen import Screen
from textual.timer import Timer

from . import theme
from .keys import footer
from .static_text import StaticText, one_line, styled

SECONDS = 6.0
"""How long a notice stands."""


class BaseScreen(Screen[None]):
    """A full screen. It shows at most one notice, and a new one replaces it."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    where: ClassVar[str]
    """Which keys of the table apply here."""
    said: Text | None = None
    """The notice that stands."""
    _timer: Timer | None = None

    def say(self, text: str, colour: str = theme.WARN) -> None:
        """Show one line for some seconds."""
        if self._timer:
            self._timer.stop()
        self.said = styled(one_line(text), colour)
        self._timer = self.set_timer(SECONDS, self.unsay)
        if self.is_mounted:
            self.show_said()

    def unsay(self) -> None:
        """Take the notice away."""
        self.said = None
        if self.is_mounted:
            self.show_said()

    def show_said(self) -> None:
        """Draw the notice, or what stands in its place."""
        raise NotImplementedError

    def show_footer(self, entries: list[tuple[str, str]]) -> None:
        """Show the keys that matter most here."""
        bar = self.query_one("#footer", StaticText)
        bar.show(footer(entries, self.app._keymap, self.size.width - 2))
