"""A line or block of text that costs nothing while it stays the same."""

import re

from rich.text import Text
from textual.visual import VisualType
from textual.widgets import Static

from ..errors import UNPRINTABLE


class StaticText(Static):
    """A static that repaints only when what it shows has changed."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self.shown = Text()

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show something else."""
        super().update(literal(content) if isinstance(content, Text) else content, layout=layout)

    def show(self, text: Text, *, layout: bool = False) -> None:
        """Show `text`, if it is not what is already there; `layout`: its height may differ."""
        if text != self.shown or text.spans != self.shown.spans:
            self.shown = text
            self.update(text, layout=layout)


def literal(text: Text) -> Text:
    """The text with every control character replaced by a mark, so that no file can send one to the terminal."""
    found = UNPRINTABLE.search(text.plain.replace("\n", ""))
    if found is None:
        return text
    text = text.copy()
    text.plain = "\n".join(UNPRINTABLE.sub("\ufffd", line) for line in text.plain.split("\n"))  # as long: styles stay
    return text


def both_ends(left: Text, right: Text, width: int) -> Text:
    """One row with text at both ends; if both do not fit, the left one is cut."""
    room = width - right.cell_len - 1
    if left.cell_len > room:
        left = left.copy()
        left.truncate(max(room, 0), overflow="ellipsis")
    row = left.copy()
    row.append(" " * (width - left.cell_len - right.cell_len))
    return row.append_text(right)


def styled(text: str, style: str) -> Text:
    """A Text with one styled span; later appends do not inherit the style, as they would with Text(text, style)."""
    return Text().append(text, style)


def one_line(text: str) -> str:
    """The first line of a message; of a path at its start only the last part is kept."""
    return re.sub(r"^/\S*/(?=[^/\s]+: )", "…/", text.partition("\n")[0])
