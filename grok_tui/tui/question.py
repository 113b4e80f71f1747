"""A question with a few answers, each given by a key."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from . import theme
from .static_text import StaticText, styled


class Answer(NamedTuple):
    """One way to answer: `keys` are Textual's names, the first one is shown; `name` is what the question returns."""

    keys: tuple[str, ...]
    name: str
    label: str
    why: str = ""


CANCEL = Answer(("escape", "n"), "cancel", "cancel")


class Question(ModalScreen[str]):
    """Asks, and is dismissed with the name of the answer. Other keys are named as no answer."""

    def __init__(self, title: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self.question = title
        self.answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield StaticText(id="question-text")

    def on_mount(self) -> None:
        self.show("")

    def show(self, note: str) -> None:
        """The question, the answers, and below them a note."""
        text = styled(self.question, f"bold {theme.TEXT}").append("\n")
        for answer in self.answers:
            key = "esc" if answer.keys[0] == "escape" else answer.keys[0]
            text.append(f"\n{key:>5}  ", f"bold {theme.TEST}").append(f"{answer.label:<15}", theme.TEXT)
            text.append(f" {answer.why}", theme.DIM)
        text.append(f"\n\n{note}" if note else "", theme.WARN)
        self.query_one("#question-text", StaticText).show(text, layout=True)

    def on_key(self, event: Key) -> None:
        """Answer; a key that is no answer does nothing else either."""
        if event.key == "ctrl+c":
            return
        event.stop()
        event.prevent_default()
        chosen = next((answer.name for answer in self.answers if event.key in answer.keys), None)
        if chosen:
            self.dismiss(chosen)
        else:
            self.show(f"{event.character or event.key} is no answer here")
