"""Leaving while a run trains: detach, stop and save, or stay."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from . import theme
from .static_text import StaticText, styled


class QuitPrompt(ModalScreen[str]):
    """Asks what becomes of the training. Dismissed with `detach`, `stop` or `stay`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("d,D", "choose('detach')", "detach"),
        ("s", "choose('stop')", "stop and save"),
        ("escape,q,n", "choose('stay')", "stay"),
    ]

    def __init__(self, name: str, *, can_detach: bool) -> None:
        super().__init__()
        self.run_name = name
        self.can_detach = can_detach

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(id="quit"):
            yield StaticText(id="quit-text")

    def on_mount(self) -> None:
        """Show the choices that exist."""
        rows = [("s", "stop and save", "leave once it is written"), ("esc", "stay", "")]
        if self.can_detach:
            rows.insert(0, ("d", "detach", "training goes on, at full speed"))
        text = styled(f"{self.run_name} is training", f"bold {theme.TEXT}").append("\n")
        for key, what, why in rows:
            text.append(f"\n{key:>5}  ", f"bold {theme.TEST}").append(f"{what:<15}", theme.TEXT).append(why, theme.DIM)
        self.query_one("#quit-text", StaticText).update(text)

    def saving(self) -> None:
        """Say that the engine was asked to stop."""
        self.query_one("#quit-text", StaticText).update(styled("stopping and saving…", theme.DIM))

    def action_choose(self, choice: str) -> None:
        """Answer."""
        if choice != "detach" or self.can_detach:
            self.dismiss(choice)
