"""The help page: the keys of a screen, and what each number on the live screen means."""

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from ..config.measures import MEASURES
from . import theme
from .keys import Key, here, shown
from .static_text import StaticText, styled

MEANINGS = (
    ("grokking", "a network fits its train data early, and the test data only much later, long after it memorised"),
    ("memorised", "t_mem: the first step at which the train data pass the thresholds in [phase] of the config"),
    ("grokked", "t_grok: the first step at which the test data do; delay = t_grok − t_mem"),
    ("knobs", "the values that the optimizer uses now; each change is a mark on the chart"),
    ("hold_norm, norm", "hold_norm rescales the weights after every step; norm rescales them once"),
    ("pace", "steps per second that training keeps to while it is watched; g returns to full speed"),
)


COLUMNS = (("training", "knobs", "list"), ("chart", "panes", "app"))
"""Which groups stand in which column."""


def column(groups: Iterable[str], keys: list[Key], keymap: Mapping[str, str]) -> list[Text]:
    """The keys of some groups, a line each."""
    lines = []
    for group in groups:
        found = [key for key in keys if key.group == group]
        lines += [styled(group, f"bold {theme.TEXT}")] if found else []
        for key in found:
            lines.append(styled(f"  {shown(key, keymap):<6}", f"bold {theme.TEST}").append(key.help, theme.TEXT))
        lines += [Text()] if found else []
    return lines


def keys_text(keymap: Mapping[str, str], width: int, where: str = "live") -> Text:
    """The keys of a screen by group, in two columns if they fit."""
    left, right = (column(groups, [*here(where), *here("app")], keymap) for groups in COLUMNS)
    if width < 88:
        return Text("\n").join([*left, *right])
    rows = []
    for i in range(max(len(left), len(right))):
        row = left[i].copy() if i < len(left) else Text()
        row.append(" " * (50 - row.cell_len))
        rows.append(row.append_text(right[i]) if i < len(right) else row)
    return Text("\n").join(rows)


def meanings_text(width: int) -> Text:
    """What the meters show, each meaning beside its name."""
    text = styled("\nwhat the screen shows\n", f"bold {theme.TEXT}")
    measured = [(measure.name, measure.meaning) for measure in MEASURES.values()]
    for name, meaning in [*MEANINGS, *measured]:
        for i, part in enumerate(wrap(meaning, max(width - 19, 20))):
            text.append(f"  {'' if i else name:<17}", theme.TRAIN).append(f"{part}\n", theme.TEXT)
    return text


class Help(ModalScreen[None]):
    """The keys of the screen below, grouped, and the meaning of each meter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark", "dismiss", "close"),
        ("j,down", "scroll(1)", ""),
        ("k,up", "scroll(-1)", ""),
    ]

    def __init__(self, keymap: Mapping[str, str], where: str) -> None:
        super().__init__()
        self.keymap = keymap
        self.where = where

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield StaticText(id="help-text")
        yield StaticText(id="help-foot")

    def on_mount(self) -> None:
        page = keys_text(self.keymap, self.size.width, self.where).append_text(meanings_text(self.size.width - 5))
        self.query_one("#help-text", StaticText).show(page, layout=True)
        self.query_one("#help-foot", StaticText).show(styled("j k scroll    esc closes", theme.DIM))

    def action_scroll(self, by: int) -> None:
        self.query_one("#help", VerticalScroll).scroll_relative(y=3 * by, animate=False)
