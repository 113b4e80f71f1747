"""The live screen's lines of text, from what was read and the room there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ..store.read import RunReader
from . import theme
from .modes import MODES
from .numbers import grouped, ratio, short
from .printed import both_ends, ink
from .reading import is_live, knobs_of, pace_of, phases_of, short_name, speed_of, status_of, step_of
from .words import sentence

if TYPE_CHECKING:
    from .chart import Chart


def header(reader: RunReader, width: int, lost: str = "") -> Text:
    """Who it is, how fast; and how it stands."""
    info = reader.info
    left = ink(str(info.get("name") or reader.run.id), f"bold {theme.BRIGHT}")
    left.append(f"  seed {info.get('seed')}  {info.get('device')}", theme.DIM)
    if speed_of(reader) and info["status"] == "running":
        left.append(f"  {short(speed_of(reader))} steps/s", theme.DIM)
    sign, word, colour = ("✗", "lost", theme.BAD) if lost else status_of(info)
    right = ink(f"{sign} {word}", colour)
    right.append(f"   {grouped(step_of(reader))}", f"bold {theme.BRIGHT}")
    right.append(f" / {grouped(reader.config.train.steps)}", theme.DIM)
    return both_ends(left, right, width)


def tabs(chart: Chart, reader: RunReader, width: int) -> Text:
    """The chart modes; how its lines are told apart; and the state of its axes."""
    left = Text()
    for mode in MODES:
        left.append(mode.name, f"bold {theme.BRIGHT}" if mode is chart.mode else theme.DIM).append("  ")
    right = Text()
    for line in [line for panel in chart.mode.read(reader)[:1] for line in panel.lines]:
        if line.label in ("train", "test"):
            right.append(f"{'╌╌' if line.dashed else '──'} {line.label}  ", line.colour)
    axes = ink(f"  {'log' if chart.log_x else 'lin'} x  {'log' if chart.log_y else 'lin'} y", theme.DIM)
    right.append_text(axes)
    if left.cell_len + right.cell_len > width:
        right = axes
    return both_ends(left, right, width)


def words(reader: RunReader, width: int, lost: str = "") -> Text:
    """The plain sentence, more of it where there is room, and the theory at the end."""
    if lost:
        return ink(lost, theme.BAD)
    told = sentence(reader)
    says = told.says
    if told.more and len(says) + 1 + len(told.more) + len(told.theory) + 3 <= width:
        says = f"{says} {told.more}"
    text = ink(says, theme.TEXT)
    if told.theory and len(says) + 3 + len(told.theory) <= width:
        return both_ends(text, ink(told.theory, f"italic {theme.STEER}"), width)
    return text


def footer_keys(reader: RunReader) -> list[tuple[str, str]]:
    """The six keys that matter most in this state."""
    status = reader.info["status"]
    last = [("help", "help"), ("quit", "quit")]
    if status == "paused":
        return [("pause", "go on"), ("chunk", "one chunk"), ("wd-down wd-up", "weight decay"), ("set", "set"), *last]
    if status == "interrupted":
        return [("pause", "go on"), ("again", "again"), ("new", "new run"), ("chart", "chart"), *last]
    if not is_live(reader.info):
        return [("again", "again"), ("reseed", "new seed"), ("new", "new run"), ("chart", "chart"), *last]
    return [("pause", "pause"), ("wd-down wd-up", "weight decay"), ("set", "set"), ("chart", "chart"), *last]


def brief(reader: RunReader) -> Text:
    """The run in words and numbers alone."""
    rows = []
    for name in ("loss", "acc"):
        train, test = reader.last(f"train/{name}"), reader.last(f"test/{name}")
        if train is not None:
            write = short if name == "loss" else ratio
            rows.append((name, f"train {write(train)}  test {write(test)}"))
    if (norm := reader.last("norm/weight")) is not None:
        rows.append(("norm", short(norm)))
    if (distance := reader.last("kernel/distance")) is not None:
        rows.append(("kernel", f"distance {ratio(distance)}"))
    phases = phases_of(reader)
    if phases.t_mem is not None:
        grok = f"  grokked {grouped(phases.t_grok)}" if phases.t_grok is not None else ""
        rows.append(("phase", f"memorised {grouped(phases.t_mem)}{grok}"))
    pace = pace_of(reader)
    knobs = "  ".join(f"{short_name(key)} {short(value)}" for key, value in list(knobs_of(reader).items())[:3])
    rows.append(("knobs", f"{knobs}{f'  pace {short(pace)}/s' if pace else ''}"))
    text = Text()
    for what, how in rows:
        text.append(f"{what:<8}", theme.DIM).append(f"{how}\n", theme.TEXT)
    return text
