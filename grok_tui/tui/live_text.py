"""The live screen's lines of text, from what was read and the room there is."""

from textwrap import TextWrapper

from rich.text import Text

from ..config.steering import short_name
from ..numbers import grouped, ratio, short
from ..store.reader import RunReader
from ..verdict import verdict
from ..verdict.series import is_kernel_machine, knobs_of, phases_of, step_of, unit_of
from . import theme
from .chart import Chart
from .charts import Mode, modes_of
from .charts.lines import legend
from .meters import when
from .run_view import is_live, knobs_shown, measuring_of, pace_of, seeds_of, speed_of, status_of
from .static_text import both_ends, styled


def header(reader: RunReader, width: int, lost: str = "", others: int = 0) -> Text:
    """The run, its speed and its status; `others`: how many other runs are training."""
    info = reader.info
    left = styled(str(info.get("name") or reader.run.id), f"bold {theme.BRIGHT}")
    left.append(f"  {seeds_of(info)}  {(info['used'] or info['asked'])['device']}", theme.DIM)
    if speed_of(reader) and info["status"] == "running":
        left.append(f"  {short(speed_of(reader))} {unit_of(reader.config)}s/s", theme.DIM)
    sign, word, colour = ("✗", "lost", theme.BAD) if lost else status_of(info)
    right = styled(f"+{others} training   ", theme.WARN) if others else Text()
    right.append(f"{sign} {word}", colour)
    if width >= 36:
        right.append(f"   {grouped(step_of(reader))}", f"bold {theme.BRIGHT}")
        right.append(f" / {grouped(reader.config.train.steps)}", theme.DIM)
    measuring = measuring_of(info)
    if left.cell_len + len(measuring) + 4 + right.cell_len <= width:
        left.append(f"  {measuring}", theme.DIM)
    return both_ends(left, right, width)


def tabs(chart: Chart, reader: RunReader, width: int) -> Text:
    """The chart modes; how the curves are told apart, if there is room; and the state of the axes."""
    right = styled(f"{'log' if chart.log_x else 'lin'} x  {'log' if chart.log_y else 'lin'} y", theme.DIM)
    left = mode_names(modes_of(reader), chart.mode, width - right.cell_len - 2)
    entries, room = legend(chart.mode.panels(reader)), width - left.cell_len - right.cell_len - 6
    while entries and sum(entry.cell_len + 2 for entry in entries) > room:
        entries = entries[1:] if len(entries) > 2 else []
    return both_ends(left, Text("  ").join([*entries, Text("  ").append_text(right)]), width)


def mode_names(modes: list[Mode], current: Mode, width: int) -> Text:
    """The names of the modes: in full, or short except for the chosen one, or only those around it."""
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
    return sum(len(name) + 2 for _, name in shown)


def words(reader: RunReader, width: int, most: int = 3, lost: str = "") -> Text:
    """What the run shows, on at most so many rows: one sentence, the theory, and as much more as there is room for.

    Sentences that name the theory come before others if there is not room for all.
    """
    if lost:
        return styled(lost, theme.BAD)
    found = verdict(reader)
    theory = found.theory if found.theory.endswith("theory") or not found.theory else f"theory: {found.theory}"
    kept: list[str] = []
    for more in sorted(found.more, key=lambda more: not found.theory or found.theory not in more.lower()):
        chosen = [one for one in found.more if one in (*kept, more)]
        if fits([found.says, *chosen], theory, width, most):
            kept = chosen
    rows = wrapped(" ".join([found.says, *kept]), width) or [""]
    lines = [styled(row, theme.TEXT) for row in rows[:most]]
    if not theory:
        return Text("\n").join(lines)
    if lines[-1].cell_len + 3 + len(theory) > width:
        lines.append(Text())
    lines[-1] = both_ends(lines[-1], styled(theory, f"italic {theme.STEER}"), width)
    return Text("\n").join(lines)


def wrapped(text: str, width: int) -> list[str]:
    """Rows of text; the id of a run in it is not broken at its hyphens."""
    return TextWrapper(width, break_on_hyphens=False).wrap(text)


def fits(sentences: list[str], theory: str, width: int, most: int) -> bool:
    """Whether the sentences, and the theory at the end of the last row, fit into so many rows."""
    rows = wrapped(" ".join(sentences), width)
    needs_row = bool(theory) and len(rows[-1]) + 3 + len(theory) > width
    return len(rows) + needs_row <= most


def footer_keys(reader: RunReader) -> list[tuple[str, str]]:
    """The keys that matter most in this state."""
    status = reader.info["status"]
    last = [("help", "help"), ("quit", "quit")]
    decay = [("wd-down wd-up", "weight decay")] if "optim.weight_decay" in knobs_of(reader) else []
    if status == "paused":
        return [("pause", "go on"), ("chunk", "one row"), *decay, ("set", "set"), ("chart", "chart"), *last]
    if status == "interrupted":
        return [("pause", "go on"), ("again", "run again"), ("new", "new run"), ("chart", "chart"), *last]
    if status == "failed":
        return [
            ("pause", "go on with other lr"),
            ("again", "run again"),
            ("new", "new run"),
            ("chart", "chart"),
            *last,
        ]
    if not is_live(reader.info):
        return [("again", "run again"), ("reseed", "next seed"), ("new", "new run"), ("chart", "chart"), *last]
    keys = [("pause", "pause"), *decay, ("lr-down lr-up", "lr"), ("set", "set"), ("chart", "chart")]
    return [*keys, ("log-x", "log x"), ("mark", "mark"), ("stop", "stop"), ("new", "new run"), *last]


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
    if phases.mem:
        grok = f"  grokked {when(phases.grok, 16)}" if phases.grok else ""
        rows.append(("phase", f"memorised {when(phases.mem, 8)}{grok}"))
    pace = pace_of(reader)
    knobs = "  ".join(f"{short_name(key)} {short(value)}" for key, value in list(knobs_shown(reader).items())[:3])
    rows.append(("knobs", f"{knobs}{f'  pace {short(pace)}/s' if pace else ''}"))
    text = Text()
    for what, how in rows:
        text.append(f"{what:<8}", theme.DIM).append(f"{how}\n", theme.TEXT)
    return text
