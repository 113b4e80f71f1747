"""The live screen's lines of text, from what was read and the room there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ..numbers import grouped, ratio, short
from ..store.reader import RunReader
from ..verdict import verdict
from ..verdict.series import is_kernel_machine, knobs_of, phases_of, step_of, unit_of
from . import theme
from .modes import Mode, modes_of
from .run_view import is_live, knobs_shown, measuring_of, pace_of, seeds_of, short_name, speed_of, status_of
from .static_text import both_ends, styled

if TYPE_CHECKING:
    from .chart import Chart


def header(reader: RunReader, width: int, lost: str = "") -> Text:
    """Who it is, how fast; and how it stands."""
    info = reader.info
    left = styled(str(info.get("name") or reader.run.id), f"bold {theme.BRIGHT}")
    left.append(f"  {seeds_of(info)}  {info.get('device')}", theme.DIM)
    if speed_of(reader) and info["status"] == "running":
        left.append(f"  {short(speed_of(reader))} {unit_of(reader.config)}s/s", theme.DIM)
    sign, word, colour = ("✗", "lost", theme.BAD) if lost else status_of(info)
    right = styled(f"{sign} {word}", colour)
    right.append(f"   {grouped(step_of(reader))}", f"bold {theme.BRIGHT}")
    right.append(f" / {grouped(reader.config.train.steps)}", theme.DIM)
    measuring = measuring_of(info)
    if left.cell_len + len(measuring) + 4 + right.cell_len <= width:
        left.append(f"  {measuring}", theme.FAINT)
    return both_ends(left, right, width)


def tabs(chart: Chart, reader: RunReader, width: int) -> Text:
    """The chart modes; how its lines are told apart, where there is room; and the state of its axes."""
    axes = styled(f"{'log' if chart.log_x else 'lin'} x  {'log' if chart.log_y else 'lin'} y", theme.DIM)
    legend = Text()
    for line in [line for panel in chart.mode.read(reader)[:1] for line in panel.lines]:
        if line.label in ("train", "test"):
            legend.append(f"{'╌╌' if line.stroke == 'dashed' else '──'} {line.label}  ", line.colour)
    modes = modes_of(reader)
    left = mode_names(modes, chart.mode, width - axes.cell_len - 2)
    if left.cell_len + 2 + legend.cell_len + 2 + axes.cell_len <= width:
        axes = legend.append("  ").append_text(axes)
    return both_ends(left, axes, width)


def mode_names(modes: list[Mode], current: Mode, width: int) -> Text:
    """The modes' names: in full, or short beside the one on show, or only those around it."""
    shown = [(mode, mode.name) for mode in modes]
    if room_for(shown) > width:
        shown = [(mode, mode.name if mode is current else mode.short) for mode in modes]
    at, first, last = modes.index(current) if current in modes else 0, 0, len(modes)
    while last - first > 1 and room_for(shown[first:last]) + 3 * (last - first < len(modes)) > width:
        first, last = (first, last - 1) if last - 1 - at >= at - first else (first + 1, last)
    text = styled("… " if first else "", theme.DIM)
    for mode, name in shown[first:last]:
        text.append(name, f"bold {theme.BRIGHT}" if mode is current else theme.DIM).append("  ")
    return text.append("…" if last < len(modes) else "", theme.DIM)


def room_for(shown: list[tuple[Mode, str]]) -> int:
    """Columns that so many names take."""
    return sum(len(name) + 2 for _, name in shown)


def words(reader: RunReader, width: int, lost: str = "") -> Text:
    """The plain sentence, as much more as there is room for, and the theory at the end."""
    if lost:
        return styled(lost, theme.BAD)
    told = verdict(reader)
    says = told.says
    for more in told.more:
        if len(says) + 1 + len(more) + 3 + len(told.theory) <= width:
            says = f"{says} {more}"
    text = styled(says, theme.TEXT)
    if told.theory and len(says) + 3 + len(told.theory) <= width:
        return both_ends(text, styled(told.theory, f"italic {theme.STEER}"), width)
    return text


def footer_keys(reader: RunReader) -> list[tuple[str, str]]:
    """The six keys that matter most in this state."""
    status = reader.info["status"]
    last = [("help", "help"), ("quit", "quit")]
    decay = [("wd-down wd-up", "weight decay")] if "optim.weight_decay" in knobs_of(reader) else []
    if status == "paused":
        return [("pause", "go on"), ("chunk", "one chunk"), *decay, ("set", "set"), *last]
    if status == "interrupted":
        return [("pause", "go on"), ("again", "again"), ("new", "new run"), ("chart", "chart"), *last]
    if not is_live(reader.info):
        return [("again", "again"), ("reseed", "new seed"), ("new", "new run"), ("chart", "chart"), *last]
    return [("pause", "pause"), *decay, ("set", "set"), ("chart", "chart"), *last]


def brief(reader: RunReader) -> Text:
    """The run in words and numbers alone."""
    rows = []
    for name in ("loss", "acc"):
        train, test = reader.last(f"train/{name}"), reader.last(f"test/{name}")
        if train is not None:
            write = short if name == "loss" else ratio
            rows.append((name, f"train {write(train)}  test {write(test)}"))
    if (norm := reader.last("norm/weight")) is not None:
        rows.append(("‖M‖" if is_kernel_machine(reader.config) else "norm", short(norm)))
    if (distance := reader.last("kernel/distance")) is not None:
        rows.append(("kernel", f"distance {ratio(distance)}"))
    phases = phases_of(reader)
    if phases.t_mem is not None:
        grok = f"  grokked {grouped(phases.t_grok)}" if phases.t_grok is not None else ""
        rows.append(("phase", f"memorised {grouped(phases.t_mem)}{grok}"))
    pace = pace_of(reader)
    knobs = "  ".join(f"{short_name(key)} {short(value)}" for key, value in list(knobs_shown(reader).items())[:3])
    rows.append(("knobs", f"{knobs}{f'  pace {short(pace)}/s' if pace else ''}"))
    text = Text()
    for what, how in rows:
        text.append(f"{what:<8}", theme.DIM).append(f"{how}\n", theme.TEXT)
    return text
