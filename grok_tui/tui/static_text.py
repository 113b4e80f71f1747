"""A line or block of text that costs nothing while it stays the same."""

from __future__ import annotations

import re

from rich.text import Text
from textual.widgets import Static


class StaticText(Static):
    """A static that repaints only when what it shows has changed."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self.shown = Text()

    def show(self, text: Text) -> None:
        """Show `text`, if it is not what is already there."""
        if text != self.shown or text.spans != self.shown.spans:
            self.shown = text
            self.update(text, layout=False)


def both_ends(left: Text, right: Text, width: int) -> Text:
    """One row with text at both ends; where both do not fit, the left one is cut."""
    room = width - right.cell_len - 1
    if left.cell_len > room:
        left = left.copy()
        left.truncate(max(room, 0), overflow="ellipsis")
    row = left.copy()
    row.append(" " * (width - left.cell_len - right.cell_len))
    return row.append_text(right)


def styled(text: str, style: str) -> Text:
    """Text whose style ends with it: what is appended has its own."""
    return Text().append(text, style)


def one_line(text: str) -> str:
    """The first line of a message, a long path at its start cut down to its last part: the end is what matters."""
    return re.sub(r"^/\S*/(?=[^/\s]+: )", "…/", text.partition("\n")[0])
