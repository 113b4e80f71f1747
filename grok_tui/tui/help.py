"""The help page: every key, and what each number on the live screen means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from . import theme
from .keys import KEYS, shown
from .static_text import StaticText, styled

MEANINGS = (
    ("kernel distance", "1 − cosine between the empirical NTK now and at step 0; 0: lazy, it has not turned"),
    ("drift", "‖K − K₀‖ / ‖K₀‖: the same, but it grows with the kernel's scale too"),
    ("alignment", "how well the kernel fits the labels, 0 to 1"),
    ("velocity", "kernel distance per step since the kernel before"),
    ("weight norm", "√ of the sum of all squared weights; the delay law says test follows when it is low"),
    ("lin. train, test", "losses of the linearised network, trained beside: its kernel cannot turn"),
    ("K₀ test", "test loss of kernel regression with the kernel of step 0"),
    ("error terms", "what the test loss of a committee machine is made of: variance, alignment, linear"),
    ("spectrum", "effective rank of the kernel, and its largest eigenvalues"),
    ("Fourier", "gini, energy: how few frequencies carry the embedding of the residues, 0 to 1"),
    ("angle", "degrees that the weights have turned, from init and from t_mem"),
    ("bits", "share of the first layer's squared weight on the bits that the parity is taken over"),
    ("memorised", "t_mem: first row at which the train data is fitted, by the preset's threshold"),
    ("grokked", "t_grok: first row at which the test data is; delay = t_grok − t_mem"),
    ("knobs", "what the optimizer holds now; every change is a mark on the chart and a line in events.jsonl"),
    ("hold_norm, norm", "the norm held after every step; all weights rescaled once (=)"),
    ("pace", "steps a second that training keeps to, so that eyes can follow; g lets it go"),
)


COLUMNS = (("training", "knobs", "list"), ("chart", "panes", "app"))
"""Which groups stand in which column."""


def column(groups: Iterable[str], keymap: Mapping[str, str]) -> list[Text]:
    """The keys of some groups, a line each."""
    lines = []
    for group in groups:
        lines.append(styled(group, f"bold {theme.TEXT}"))
        for key in KEYS:
            if key.group == group:
                line = styled(f"  {shown(key, keymap):<6}", f"bold {theme.TEST}")
                lines.append(line.append(key.help, theme.TEXT))
        lines.append(Text())
    return lines


def keys_text(keymap: Mapping[str, str], width: int) -> Text:
    """All keys by group, in two columns where they fit."""
    left, right = (column(groups, keymap) for groups in COLUMNS)
    if width < 76:
        return Text("\n").join([*left, *right])
    rows = []
    for i in range(max(len(left), len(right))):
        row = left[i].copy() if i < len(left) else Text()
        row.append(" " * (40 - row.cell_len))
        rows.append(row.append_text(right[i]) if i < len(right) else row)
    return Text("\n").join(rows)


def meanings_text(width: int) -> Text:
    """What the meters show, each meaning beside its name."""
    text = styled("\nwhat the screen shows\n", f"bold {theme.TEXT}")
    for name, meaning in MEANINGS:
        for i, part in enumerate(wrap(meaning, max(width - 19, 20))):
            text.append(f"  {'' if i else name:<17}", theme.TRAIN).append(f"{part}\n", theme.TEXT)
    return text


class Help(ModalScreen[None]):
    """All keys, grouped, and the meaning of each meter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark", "dismiss", "close"),
        ("j", "scroll(1)", ""),
        ("k", "scroll(-1)", ""),
    ]

    def __init__(self, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self.keymap = keymap

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with VerticalScroll(id="help"):
            yield StaticText(id="help-text")
        yield StaticText(id="help-foot")

    def on_mount(self) -> None:
        """Write the page."""
        page = keys_text(self.keymap, self.size.width).append_text(meanings_text(self.size.width - 5))
        self.query_one("#help-text", StaticText).update(page)
        self.query_one("#help-foot", StaticText).show(styled("↑ ↓ scroll    esc closes", theme.DIM))

    def action_scroll(self, by: int) -> None:
        """Move the page."""
        self.query_one("#help", VerticalScroll).scroll_relative(y=3 * by, animate=False)
