"""One line to type into: a knob and its value, or the word for a mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ..config.fields import NORM
from ..config.steering import Change, knob_of, split_change
from ..errors import UsageError
from ..numbers import short
from ..verdict.series import HOLD
from . import theme
from .run_view import short_name
from .static_text import StaticText, styled

Knobs = dict[str, float]
"""What can be set, with its value now: the knobs, and the norm of the weights where there is one."""
Request = tuple[str, float | str]
"""A field, and a number or a relative text such as `x2` or `/2`."""


def parse_request(text: str, knobs: Knobs, last: str) -> Request:
    """Read `wd 1e-3`, `wd = x2`, `lr /2` or a bare value for the knob `last`; refuse what the run would refuse."""
    name, value = split_change(text)
    key = knob_of(name, knobs) if name else last
    if key not in knobs:
        raise UsageError(f"which one? write {' or '.join(f'{short_name(k)} {value or 1}' for k in list(knobs)[:2])}")
    if not value:
        raise UsageError(f"{short_name(key)} what? a number, x2 or /2")
    change = Change.parse(key, value)
    change.of(knobs[key] or (knobs[NORM] if key == HOLD else 0.0))  # a norm that is free is held where it is
    return key, change.number if change.kind == "to" else str(change)


class Prompt(ModalScreen[Any]):
    """Ask for one line at the bottom of the screen. A line that `read` refuses stays, with the reason below it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "cancel")]

    def __init__(self, title: str, hint: Callable[[str], str], read: Callable[[str], Any]) -> None:
        super().__init__()
        self.question = title
        self.hint = hint
        self.read = read

    def compose(self) -> ComposeResult:
        """Title, line, hint."""
        with Vertical(id="prompt"):
            yield StaticText(id="prompt-title")
            line = Input(id="prompt-line", compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield StaticText(id="prompt-hint")

    def on_mount(self) -> None:
        """Show what is asked."""
        self.query_one("#prompt-title", StaticText).show(styled(self.question, f"bold {theme.TEXT}"))
        self.say(self.hint(""), theme.DIM)

    def say(self, text: str, colour: str) -> None:
        """Write below the line."""
        self.query_one("#prompt-hint", StaticText).show(styled(text, colour))

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new try: the old reason goes."""
        self.say(self.hint(event.value), theme.DIM)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand back what was read, or say why not."""
        try:
            self.dismiss(self.read(event.value))
        except UsageError as error:
            self.say(str(error), theme.BAD)


EXAMPLES = {"optim.weight_decay": "1e-3", "optim.lr": "x2", "optim.ridge": "1e-6", HOLD: "x1", NORM: "x0.7"}
MEANS = {
    HOLD: "held after every step: x1 as it is now, x0.85 lower, 40, 0 lets it go",
    NORM: "all weights rescaled, once: x0.7, or the norm to come to, 40",
}
"""What is said while a knob is typed whose name does not say it."""


def knob_prompt(knobs: Knobs, last: str) -> Prompt:
    """Ask for a knob and its value."""
    shown = [f"{short_name(key)} {short(value)}" for key, value in knobs.items() if value or key != HOLD]
    now = f"now: {'  '.join(shown)}"
    examples = ", ".join(f"{short_name(key)} {value}" for key, value in EXAMPLES.items() if key in knobs)

    def hint(typed: str) -> str:
        name = split_change(typed)[0]
        return next((means for key, means in MEANS.items() if key in knobs and short_name(key) == name), now)

    title = f"set a knob: {examples}; a bare number is {short_name(last)}"
    return Prompt(title, hint, lambda text: parse_request(text, knobs, last))


def mark_prompt() -> Prompt:
    """Ask for a mark's label, which may be empty."""
    title = "mark this step: a word for it, or just enter"
    return Prompt(title, lambda typed: "esc leaves it", lambda text: text.strip()[:24])
