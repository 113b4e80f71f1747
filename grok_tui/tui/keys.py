"""Every key, once: bindings, footers, help and palette are all made from this table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual.binding import Binding, BindingType

from ..config.fields import brief
from ..config.load import read_toml
from ..errors import UsageError, nearest
from . import theme
from .static_text import styled


@dataclass(frozen=True)
class Key:
    """One thing a key does. The id is what a keymap names."""

    id: str
    keys: str
    action: str
    label: str
    """What the footer and the palette call it."""
    help: str
    group: str
    where: str
    """`app`, `gallery` or `live`."""


KEYS = (
    Key("pause", "space", "pause", "pause", "pause training, or go on", "training", "live"),
    Key("chunk", ".", "chunk", "one chunk", "one chunk while paused", "training", "live"),
    Key("mark", "m", "mark", "mark", "mark this step on the chart", "training", "live"),
    Key("again", "r", "again(False)", "again", "run it again with the same seed", "training", "live"),
    Key("reseed", "R", "again(True)", "new seed", "run it again with the next seed", "training", "live"),
    Key(
        "wd-down",
        "w",
        "turn('optim.weight_decay', False)",
        "less weight decay",
        "weight decay down by 10^¼",
        "knobs",
        "live",
    ),
    Key(
        "wd-up",
        "W",
        "turn('optim.weight_decay', True)",
        "more weight decay",
        "weight decay up by 10^¼",
        "knobs",
        "live",
    ),
    Key("lr-down", "l", "turn('optim.lr', False)", "lower lr", "learning rate down by 10^¼", "knobs", "live"),
    Key("lr-up", "L", "turn('optim.lr', True)", "higher lr", "learning rate up by 10^¼", "knobs", "live"),
    Key("set", "=", "set", "set", "set a knob: wd 1e-3, norm x0.7", "knobs", "live"),
    Key("slower", "<", "pace(False)", "slower", "half the pace", "knobs", "live"),
    Key("faster", ">", "pace(True)", "faster", "twice the pace", "knobs", "live"),
    Key("full-speed", "g", "full_speed", "full speed", "let it go: no pace", "knobs", "live"),
    Key("chart", "v", "chart", "chart", "next chart", "chart", "live"),
    Key("log-x", "x", "log_x", "log x", "step axis log or linear", "chart", "live"),
    Key("log-y", "y", "log_y", "log y", "value axis log or linear", "chart", "live"),
    Key("pane-none", "1", "pane(0)", "chart alone", "no side pane", "panes", "live"),
    Key("pane-presets", "2", "pane(1)", "presets", "presets; enter starts", "panes", "live"),
    Key("pane-runs", "3", "pane(2)", "runs", "runs; enter watches", "panes", "live"),
    Key("pane-events", "4", "pane(3)", "events", "what happened", "panes", "live"),
    Key("pane-config", "5", "pane(4)", "config", "the whole config", "panes", "live"),
    Key("pane-back", "[", "next_pane(-1)", "previous pane", "previous side pane", "panes", "live"),
    Key("pane-next", "]", "next_pane(1)", "next pane", "next side pane", "panes", "live"),
    Key("down", "j,down", "down", "down", "next line of the list", "list", "gallery"),
    Key("up", "k,up", "up", "up", "line before", "list", "gallery"),
    Key("card-down", "J", "card(1)", "card down", "further down the card", "list", "gallery"),
    Key("card-up", "K", "card(-1)", "card up", "back up the card", "list", "gallery"),
    Key("choose", "enter", "choose", "start", "start it, or watch the run", "list", "gallery"),
    Key("filter", "/", "filter", "filter", "show what contains a text", "list", "gallery"),
    Key("back", "escape", "back", "back", "back to the run", "list", "gallery"),
    Key("new", "n", "new", "new run", "the gallery", "app", "app"),
    Key("detach", "D", "detach", "detach", "leave; training goes on", "app", "app"),
    Key("palette", ":,ctrl+p", "command_palette", "palette", "all this, by name", "app", "app"),
    Key("help", "?", "help", "help", "this page", "app", "app"),
    Key("quit", "q,ctrl+q", "quit", "quit", "leave; asks while it trains", "app", "app"),
)
BY_ID = {key.id: key for key in KEYS}

NAMED = {"space": "space", "enter": "enter", "escape": "esc", "down": "↓", "up": "↑"}


def bindings(where: str) -> list[BindingType]:
    """The bindings of one place; a keymap may move any of them by its id."""
    return [Binding(key.keys, key.action, key.label, show=False, id=key.id) for key in KEYS if key.where == where]


def keymap_file() -> Path:
    """Where a user's own keys are read from."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "grok-tui" / "keys.toml"


def read_keymap(path: Path) -> dict[str, str]:
    """Read `id = "keys"` lines; a wrong id or value is one line naming the file and the nearest match."""
    if not os.path.lexists(path):
        return {}
    document = read_toml(path)
    for id, keys in document.items():
        if id not in BY_ID:
            raise UsageError(f"{path}: {brief(id)}: no such key; {nearest(id[:60], BY_ID)}")
        if not isinstance(keys, str) or not keys.strip():
            raise UsageError(f'{path}: {id}: expected the name of a key, such as "p" or "ctrl+t"')
    return document


def shown(key: Key, keymap: Mapping[str, str]) -> str:
    """How a key is written: the first of its keys, as one presses it."""
    keys = keymap.get(key.id, key.keys)
    first = keys if keys in (",",) else keys.split(",")[0]
    return NAMED.get(first, first)


def footer(entries: Iterable[tuple[str, str]], keymap: Mapping[str, str], width: int) -> Text:
    """At most six (ids, word) entries, `w/W weight decay`; those in the middle give way, the last two never."""
    texts = []
    for ids, word in entries:
        text = styled("/".join(shown(BY_ID[id], keymap) for id in ids.split()), f"bold {theme.TEXT}")
        texts.append(text.append(f" {word}", theme.DIM))
    while sum(text.cell_len + 3 for text in texts) > width and len(texts) > 2:
        del texts[-3]
    return Text("   ").join(texts)
