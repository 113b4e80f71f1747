"""The list of presets by theory and of runs: the gallery shows it, and so do the side panes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..config import presets
from ..config.schema import RunConfig
from ..errors import UsageError
from ..store import runs as store_runs
from ..store.rundir import RunDir
from . import theme
from .numbers import compact
from .printed import ink
from .reading import status_of

GROUPS = ("delay law", "lazy to rich", "neither", "")
"""In this order; presets that name no theory come last."""
NEWEST = 60
"""How many runs are listed."""


@dataclass(frozen=True)
class Entry:
    """A line of the list. Headings have no id and cannot be chosen."""

    id: str
    text: Text
    preset: str = ""
    run: RunDir | None = None


@cache
def known_presets() -> dict[str, RunConfig | str]:
    """Every preset's config, or the one line that says what is wrong with it."""
    found: dict[str, RunConfig | str] = {}
    for name in presets.names():
        try:
            found[name] = presets.load_preset(name)
        except UsageError as error:
            found[name] = str(error)
    return found


def heading(text: str) -> Entry:
    """A line that names what follows."""
    return Entry("", ink(text, theme.DIM))


def preset_entries(needle: str = "") -> list[Entry]:
    """Presets grouped by theory, those that contain `needle`."""
    entries = []
    for group in GROUPS:
        members = []
        for name, config in known_presets().items():
            theory, title = (config.theory, config.title) if isinstance(config, RunConfig) else ("", "")
            if theory == group and needle.lower() in f"{name} {title} {theory}".lower():
                colour = theme.TEXT if isinstance(config, RunConfig) else theme.BAD
                members.append(Entry(f"preset:{name}", ink(f"  {name}", colour), preset=name))
        if members:
            entries += [heading(group or "other"), *members]
    return entries


def run_entries(runs: Path, needle: str = "", current: str = "") -> tuple[list[Entry], list[str]]:
    """The newest runs that contain `needle`, newest first; and a line for each directory that is no run."""
    found, skipped = store_runs.listed(runs)
    entries = []
    for run, info in reversed(found[-NEWEST:]):
        if needle.lower() in f"{run.id} {info['status']}".lower():
            entries.append(Entry(f"run:{run.id}", run_line(run, info, run.id == current), run=run))
    return entries, skipped


def run_line(run: RunDir, info: dict[str, Any], is_current: bool = False) -> Text:
    """`● modadd-fast s0    3.4k`; a grokked run shows where."""
    sign, _, colour = status_of(info)
    result = info.get("result") or {}
    step = compact((info.get("progress") or {}).get("step") or 0)
    name = str(info.get("name") or run.id)
    line = ink(f"{'▸' if is_current else ' '}", theme.TEXT).append(sign, colour)
    line.append(f" {name[:14]:<14} {'s' + str(info.get('seed', '')):<3}", theme.TEXT)
    if result.get("t_grok") is not None:
        return line.append(f" {compact(result['t_grok']):>5}", theme.GOOD)
    return line.append(f" {step:>5}", theme.DIM)


class Catalog(OptionList):
    """An option list that is rebuilt only when its lines have changed, and keeps its place."""

    def __init__(self, id: str, first: str = "") -> None:
        super().__init__(id=id, compact=True, markup=False)
        self.first = first
        """The line to start on."""
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        """List these."""
        if [(e.id, e.text) for e in entries] == [(e.id, e.text) for e in self.entries]:
            return
        chosen = self.chosen()
        self.entries = entries
        self.set_options([Option(e.text, id=e.id or None, disabled=not e.id) for e in entries])
        ids = [entry.id for entry in entries]
        wanted = chosen.id if chosen and chosen.id in ids else self.first
        if wanted in ids:
            self.highlighted = ids.index(wanted)
        else:
            self.highlighted = next((i for i, id in enumerate(ids) if id), None)

    def chosen(self) -> Entry | None:
        """The line that is highlighted."""
        if self.highlighted is None or self.highlighted >= len(self.entries):
            return None
        return self.entries[self.highlighted]
