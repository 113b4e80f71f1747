"""One line to type into: a knob and its value, or the label of a mark."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ..config.fields import NORM
from ..config.steering import HOLD, short_name, split_change
from ..errors import UsageError
from ..numbers import grouped, short
from . import theme
from .remote import Doubt, RunControl
from .run_view import settable
from .static_text import StaticText, styled

Read = Callable[[str, bool], Any]
"""Reads a line; true if the line has been confirmed. It raises UsageError, or Doubt to have the line confirmed."""


class Prompt(ModalScreen[Any]):
    """Asks for one line at the bottom of the screen. A line that is refused stays, with the reason below it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "cancel")]

    def __init__(self, title: str, hint: Callable[[str], str], read: Read, value: str = "") -> None:
        super().__init__()
        self.question = title
        self.hint = hint
        self.read = read
        self.value = value
        self._doubted = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="prompt"):
            yield StaticText(id="prompt-title")
            line = Input(self.value, id="prompt-line", compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield StaticText(id="prompt-hint")

    def on_mount(self) -> None:
        self.query_one("#prompt-title", StaticText).show(styled(self.question, f"bold {theme.TEXT}"))
        self.say(self.hint(""), theme.DIM)

    def say(self, text: str, colour: str) -> None:
        self.query_one("#prompt-hint", StaticText).show(styled(text, colour))

    def on_input_changed(self, event: Input.Changed) -> None:
        self.say(self.hint(event.value), theme.DIM)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand back what was read, or say why not."""
        try:
            self.dismiss(self.read(event.value, event.value == self._doubted))
        except Doubt as doubt:
            self._doubted = event.value
            self.say(str(doubt), theme.WARN)
        except UsageError as error:
            self.say(str(error), theme.BAD)


EXAMPLES = {"optim.weight_decay": "1e-3", "optim.lr": "x2", "optim.ridge": "1e-6", HOLD: "x1", NORM: "x0.7"}
MEANS = {
    HOLD: "held after every step: x1 as it is now, x0.85 lower, 40; 0 holds it no longer",
    NORM: "all weights rescaled once: x0.7, or to a norm, 40",
}
"""What is said while a knob is typed whose name does not say it."""


def knob_prompt(control: RunControl) -> Prompt:
    can_be_set = settable(control.reader)
    shown = [f"{short_name(key)} {short(value)}" for key, value in can_be_set.items() if value or key != HOLD]
    now = f"now: {'  '.join(shown)}"
    examples = ", ".join(f"{short_name(key)} {value}" for key, value in EXAMPLES.items() if key in can_be_set)

    def hint(typed: str) -> str:
        name = split_change(typed)[0]
        return next((means for key, means in MEANS.items() if key in can_be_set and short_name(key) == name), now)

    return Prompt(f"set a knob: {examples}", hint, control.read_change)


def branch_prompt(control: RunControl, step: int) -> Prompt:
    """Ask which knob is to have another value in a run that goes on from a checkpoint of this one."""
    lr = settable(control.reader).get("optim.lr")
    title = f"go on from step {grouped(step)} in a new run, with another value of a knob"
    return Prompt(title, lambda typed: "esc cancels", control.read_change, f"lr {short(lr / 10)}" if lr else "")


def mark_prompt() -> Prompt:
    title = "mark this step: a label, or just enter"
    return Prompt(title, lambda typed: "esc cancels", lambda text, confirmed: text.strip()[:24])


def refused_prompt(reason: str) -> Prompt:
    """A prompt that cannot be answered. What is typed into it is read by nothing, rather than as keys."""
    return Prompt(reason, lambda typed: "esc or enter closes this line", lambda text, confirmed: None)
