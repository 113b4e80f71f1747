"""Every key: bindings, footers, help and palette are made from this table."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType

from ..config.fields import brief
from ..config.load import read_toml
from ..errors import UsageError, nearest
from . import theme
from .static_text import styled


class Key(NamedTuple):
    """One thing that a key does. The id is what a keymap names; the label is for the footer and the palette."""

    id: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    where: str
    """The screens: `gallery`, `live`, `both`; or `app`, which acts on every screen."""


WD, LR = "'optim.weight_decay'", "'optim.lr'"

# fmt: off
KEYS = tuple(Key(*row) for row in (
    ("pause", "space", "pause", "pause", "pause training, or go on", "training", "live"),
    ("chunk", ".", "ask('chunk')", "one row", "train to the next row, while paused", "training", "live"),
    ("mark", "m", "mark", "mark", "mark this step on the chart", "training", "live"),
    ("again", "r", "again(False)", "run again", "run it again with the same seed", "training", "live"),
    ("reseed", "R", "again(True)", "next seed", "run it again with the next seed", "training", "live"),
    ("stop", "s", "stop", "stop", "save and stop a run; asks first", "training", "both"),
    ("wd-down", "w", f"ask('turn', {WD}, False)", "less weight decay", "weight decay down by 10^¼", "knobs", "live"),
    ("wd-up", "W", f"ask('turn', {WD}, True)", "more weight decay", "weight decay up by 10^¼", "knobs", "live"),
    ("lr-down", "l", f"ask('turn', {LR}, False)", "lower lr", "learning rate down by 10^¼", "knobs", "live"),
    ("lr-up", "L", f"ask('turn', {LR}, True)", "higher lr", "learning rate up by 10^¼", "knobs", "live"),
    ("set", "=", "set", "set", "set a knob: wd 1e-3, norm x0.7", "knobs", "live"),
    ("slower", "<", "ask('pace', False)", "slower", "half as many steps per second", "knobs", "live"),
    ("faster", ">", "ask('pace', True)", "faster", "twice as many steps per second", "knobs", "live"),
    ("full-speed", "g", "ask('full_speed')", "full speed", "as many steps per second as it can", "knobs", "live"),
    ("chart", "v", "chart", "chart", "next chart", "chart", "live"),
    ("log-x", "x", "log_x", "log x", "step axis log or linear", "chart", "live"),
    ("log-y", "y", "log_y", "log y", "value axis log or linear", "chart", "live"),
    ("pane-none", "1", "pane(0)", "chart alone", "no side pane", "panes", "live"),
    ("pane-presets", "2", "pane(1)", "presets", "presets; enter starts one", "panes", "live"),
    ("pane-runs", "3", "pane(2)", "runs", "runs; enter watches one", "panes", "live"),
    ("pane-events", "4", "pane(3)", "events", "what happened in this run", "panes", "live"),
    ("pane-config", "5", "pane(4)", "config", "the whole config of this run", "panes", "live"),
    ("pane-back", "[", "next_pane(-1)", "previous pane", "previous side pane", "panes", "live"),
    ("pane-next", "]", "next_pane(1)", "next pane", "next side pane", "panes", "live"),
    ("down", "j,down", "move(1)", "down", "next line of the list or pane", "list", "both"),
    ("up", "k,up", "move(-1)", "up", "previous line of the list or pane", "list", "both"),
    ("choose", "enter", "choose", "start", "start the preset, or watch the run", "list", "both"),
    ("card-down", "J", "card(1)", "card down", "further down the description", "list", "gallery"),
    ("card-up", "K", "card(-1)", "card up", "back up the description", "list", "gallery"),
    ("filter", "/", "filter", "filter", "show only lines that contain some words", "list", "gallery"),
    ("back", "escape", "back", "back", "back to the run", "list", "gallery"),
    ("new", "n", "new", "new run", "to the gallery of presets", "app", "app"),
    ("detach", "D", "detach", "detach", "leave; training goes on", "app", "app"),
    ("palette", ":,ctrl+p", "command_palette", "palette", "find a key by its name", "app", "app"),
    ("help", "?", "help", "help", "this page", "app", "app"),
    ("quit", "q,ctrl+q", "quit", "quit", "leave; asks while a run trains", "app", "app"),
))
# fmt: on
BY_ID = {key.id: key for key in KEYS}

NAMED = {"space": "space", "enter": "enter", "escape": "esc", "down": "↓", "up": "↑"}


def bindings(where: str) -> list[BindingType]:
    """The bindings of one screen, or of the app; a keymap may move any of them by its id."""
    return [Binding(key.keys, key.action, key.label, show=False, id=key.id) for key in here(where)]


def here(where: str) -> list[Key]:
    """The keys of one screen, or of the app, in the order of the table."""
    wanted = (where,) if where == "app" else (where, "both")
    return [key for key in KEYS if key.where in wanted]


def keymap_of(app: App[Any]) -> Mapping[str, str]:
    """The keys that the user has moved, by id. Textual sets them in public, but shows them in private only."""
    return app._keymap


def keymap_file() -> Path:
    """The file of a user's own keys."""
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
    """Entries (ids, word) as `w/W weight decay`; without room the middle ones are left out, the last two never."""
    texts = []
    for ids, word in entries:
        text = styled("/".join(shown(BY_ID[id], keymap) for id in ids.split()), f"bold {theme.TEXT}")
        texts.append(text.append(f" {word}", theme.DIM))
    while sum(text.cell_len + 3 for text in texts) > width and len(texts) > 2:
        del texts[-3]
    return Text("   ").join(texts)
