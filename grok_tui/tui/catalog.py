"""The list of presets by source and claim, and of runs: the gallery shows it, and so do the side panes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..claims import registry
from ..claims.claim import SOURCES, Claim
from ..config import presets
from ..config.schema import THEORIES, RunConfig
from ..errors import UsageError
from ..numbers import compact
from ..store import runs as store_runs
from ..store.rundir import RunDir
from . import theme
from .run_view import status_of
from .static_text import styled

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
    return Entry("", styled(text, f"bold {theme.DIM}"))


def preset_entries(needle: str = "") -> list[Entry]:
    """Presets under the claims of each source, then those that serve no claim by theory; those that contain `needle`.

    A preset stands once: under the first of its claims, or the first that contains `needle`.
    """
    known = {name: config for name, config in known_presets().items() if is_wanted(name, config, needle)}
    entries: list[Entry] = []
    homes = {name: home(served, needle) for name in known if (served := registry.of_preset(name))}
    for id, source in SOURCES.items():
        claims = [claim for claim in dict.fromkeys(homes.values()) if claim.source == id]
        if claims:
            entries.append(heading(source.title))
        for claim in sorted(claims, key=registry.CLAIMS.index):
            entries.append(Entry("", styled(f" {claim.title}", theme.QUIETER)))
            entries += [preset_entry(name, known[name], "   ") for name in claim.presets if homes.get(name) is claim]
    for theory in THEORIES:
        rest = [name for name in known if name not in homes and theory_of(known[name]) == theory]
        if rest:
            entries.append(heading(f"{'more: ' if registry.CLAIMS else ''}{theory or 'other'}"))
            entries += [preset_entry(name, known[name], "  ") for name in rest]
    return entries


def preset_entry(name: str, config: RunConfig | str, indent: str) -> Entry:
    """A preset's line; one that cannot be read stands out."""
    return Entry(
        f"preset:{name}", styled(f"{indent}{name}", theme.BAD if isinstance(config, str) else theme.TEXT), name
    )


def theory_of(config: RunConfig | str) -> str:
    """The theory that a preset speaks for."""
    return config.theory if isinstance(config, RunConfig) else ""


def is_wanted(name: str, config: RunConfig | str, needle: str) -> bool:
    """Whether a preset, or a claim that it serves, contains `needle`."""
    title = config.title if isinstance(config, RunConfig) else ""
    own = f"{name} {title} {theory_of(config)}".lower()
    return needle.lower() in own or any(is_about(claim, needle) for claim in registry.of_preset(name))


def is_about(claim: Claim, needle: str) -> bool:
    """Whether a claim, or its source, contains `needle`."""
    source = SOURCES[claim.source]
    return needle.lower() in f"{claim.id} {claim.title} {source.title} {source.paper}".lower()


def home(claims: list[Claim], needle: str) -> Claim:
    """The claim under which a preset stands."""
    return next((claim for claim in claims if is_about(claim, needle)), claims[0])


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
    line = styled(f"{'▸' if is_current else ' '}", theme.TEXT).append(sign, colour)
    line.append(f" {name[:14]:<14} {short_seeds(info):<3}", theme.TEXT)
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

    def show(self, entries: list[Entry], first: str = "") -> None:
        """List these; with `first` given, begin there."""
        self.first = first or self.first
        if not first and [(e.id, e.text) for e in entries] == [(e.id, e.text) for e in self.entries]:
            return
        chosen = None if first else self.chosen()
        self.entries = entries
        self.set_options([Option(e.text, id=e.id or None, disabled=not e.id) for e in entries])
        ids = [entry.id for entry in entries]
        wanted = chosen.id if chosen and chosen.id in ids else self.first
        if wanted in ids:
            self.highlighted = ids.index(wanted)
        else:
            self.highlighted = next((i for i, id in enumerate(ids) if id), None)
        if chosen is None:
            self.call_after_refresh(self.centre)

    def on_resize(self) -> None:
        """Keep the line in view."""
        self.call_after_refresh(self.centre)

    def centre(self) -> None:
        """Bring the line into the middle, so that what stands around it is seen."""
        self.scroll_to(y=(self.highlighted or 0) - self.scrollable_content_region.height // 2, animate=False)

    def scroll_to_highlight(self, top: bool = False) -> None:
        """Bring the line into view, and the headings right above it."""
        super().scroll_to_highlight(top)
        if self.highlighted is None or top:
            return
        above = self.highlighted
        while above and not self.entries[above - 1].id:
            above -= 1
        if above < self.scroll_offset.y:
            self.scroll_to(y=above, animate=False, immediate=True)

    def chosen(self) -> Entry | None:
        """The line that is highlighted."""
        if self.highlighted is None or self.highlighted >= len(self.entries):
            return None
        return self.entries[self.highlighted]


def short_seeds(info: dict[str, Any]) -> str:
    """s0 for seed 0, 16s for 16 seeds."""
    return f"{len(info['seeds'])}s" if "seeds" in info else f"s{info.get('seed', '')}"
