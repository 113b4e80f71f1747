"""The meters below the chart: each is a heading, a value and a last row, or three rows of a table; all pure text."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from ..config.steering import HOLD, short_name
from ..numbers import grouped, ratio, short
from ..store.reader import RunReader
from ..verdict.series import Time, direction, is_kernel_machine, knobs_of, phases_of, trend
from . import theme
from .run_view import is_live, knobs_shown, pace_of
from .static_text import styled

BARS = "▁▂▃▄▅▆▇█"
Array = NDArray[np.float64]


def sparkline(steps: Array, values: Array, width: int, *, log_x: bool = True) -> str:
    """The last value in each of `width` stretches of the steps, which are log-spaced as on the chart."""
    good = np.isfinite(values) & (steps >= (1 if log_x else 0))
    steps, values = steps[good], np.clip(values[good], -1e300, 1e300)
    if len(values) < 2 or width < 2:
        return ""
    place = np.log(steps) if log_x else steps
    edges = np.linspace(place[0], place[-1], width + 1)[1:]
    chosen = values[np.maximum(np.searchsorted(place, edges + 1e-9, side="right") - 1, 0)]
    low = float(chosen.min())
    span = float(chosen.max()) - low
    levels = np.rint((chosen - low) / span * (len(BARS) - 1)).astype(int) if span > 0 else np.zeros(width, int)
    return "".join(BARS[level] for level in levels)


def scale(value: float, width: int) -> Text:
    """`0 ──◆─────── 1`: where a number between 0 and 1 lies."""
    track = min(width, 30) - 4
    if track < 4 or not np.isfinite(value):
        return Text()
    at = min(max(round(value * (track - 1)), 0), track - 1)
    text = styled("0 ", theme.DIM).append("─" * at, theme.TRAIN_BARS).append("◆", theme.TRAIN)
    return text.append("─" * (track - 1 - at), theme.FAINT).append(" 1", theme.DIM)


def heading(text: str) -> Text:
    return styled(text, theme.DIM)


def kernel(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """Kernel distance, on its scale from 0 to 1, and kernel drift, which has no upper end."""
    distance, drift = reader.last("kernel/distance"), reader.last("kernel/drift")
    name = heading("kernel distance" if width >= 14 else "kernel dist.")
    if distance is None:
        never = not reader.config.measure.kernel_per_decade or not is_live(reader.info)
        return [name, styled("not measured" if never else "not measured yet", theme.DIM), Text()]
    value = styled(ratio(distance), f"bold {theme.BRIGHT}")
    if width >= 24:
        value.append(f"  kernel drift {short(drift)}", theme.DIM)
    return [name, value, scale(distance, width)]


def norm(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """The norm of the weights, or of a kernel machine's metric M, and whether it rises or falls."""
    name = heading("norm of M" if is_kernel_machine(reader.config) else "weight norm")
    now = reader.last("norm/weight")
    if now is None:
        return [name, styled("–", theme.DIM), Text()]
    value = styled(short(now), f"bold {theme.BRIGHT}")
    is_held = knobs_of(reader).get(HOLD, 0) > 0
    value.append(f"  {'held' if is_held else direction(trend(reader, 'norm/weight'))}", theme.TEXT)
    if width >= 24:
        value.append(f", top {short(float(np.nanmax(reader.series('norm/weight')[1])))}", theme.DIM)
    return [name, value, styled(sparkline(*reader.series("norm/weight"), width, log_x=log_x), theme.THIRD_BARS)]


def phase(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """t_mem, t_grok and the delay between them; for many seeds those of the median."""
    phases, last = phases_of(reader), Text()
    name = heading("phase of the median" if "seeds" in reader.info else "phase")
    if phases.grok:
        value = styled("grokked ", f"bold {theme.GOOD}").append(when(phases.grok, width - 8), theme.TEXT)
        if phases.mem:
            last.append(f"delay {grouped(phases.delay or 0)}", theme.DIM)
            memorised = f", memorised {when(phases.mem, width - last.cell_len - 12)}"
            last.append(memorised if last.cell_len + len(memorised) <= width else "", theme.DIM)
    elif phases.mem:
        value = styled("memorised ", f"bold {theme.MEMORISED}").append(when(phases.mem, width - 10), theme.TEXT)
        last.append("not grokked yet" if is_live(reader.info) else "not grokked", theme.DIM)
    else:
        yet = " yet" if is_live(reader.info) else ""
        value = styled(f"not memorised{yet}" if len(reader) else "–", theme.DIM)
    return [name, value, last]


def when(time: Time, width: int) -> str:
    """`772`, or `772 (after 758)` if it may have been at any step after 758."""
    interval = f"{grouped(time.step)} (after {grouped(time.after or 0)})"
    between = f"{grouped(time.after or 0)}–{grouped(time.step)}"
    options = (interval, between) if time.width else ()
    return next((text for text in options if len(text) <= width), grouped(time.step))


def knobs(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """The knobs as the optimizer holds them now, those first that matter most; below them a norm held, and the pace."""
    values = knobs_shown(reader)
    held, value = values.pop(HOLD, 0.0), Text()
    for key in values:
        name, number = short_name(key), short(values[key], 2 if width < 30 else 3)
        if value.cell_len + len(name) + len(number) + 1 + 2 * bool(value) > width:
            break
        value.append(f"{'  ' if value else ''}{name} ", theme.DIM).append(number, f"bold {theme.BRIGHT}")
    pace = pace_of(reader)
    speed = (f"pace {short(pace)}/s" if pace else "full speed") if is_live(reader.info) else ""
    if not held:
        return [heading("knobs"), value, styled(speed, theme.DIM)]
    last = styled("hold_norm ", theme.DIM).append(short(held), f"bold {theme.BRIGHT}")
    if last.cell_len + 2 + len(speed) <= width:
        last.append(f"  {speed}", theme.DIM)
    return [heading("knobs"), value, last]


LAST_ROWS = (("train/loss", "train loss"), ("test/loss", "test loss"), ("norm/weight", "weight norm"))


def last_rows(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """The last rows of a run that failed, a column each: steps, and two of the numbers that went wrong."""
    count = min(max((width - 12) // 8, 1), len(reader))
    steps = reader.steps[len(reader) - count :]
    rows = [heading(f"{'last rows':<11}")]
    rows[0].append("".join(f" {grouped(step):>7}" for step in steps), theme.DIM)
    for column, name in LAST_ROWS:
        if len(rows) < 3 and reader.last(column) is not None:
            numbers = "".join(f" {short(reader.at(column, step)):>7}" for step in steps)
            rows.append(heading(f"{name:<11}").append(numbers, theme.TEXT))
    return [*rows, Text(), Text()][:3]


Meter = Callable[[RunReader, int, bool], list[Text]]
METERS: tuple[tuple[Meter, float], ...] = ((kernel, 0.25), (norm, 0.22), (phase, 0.24), (knobs, 0.29))
"""The meters from left to right, with their share of the width."""
OF_FAILED: tuple[tuple[Meter, float], ...] = ((last_rows, 0.47), (phase, 0.24), (knobs, 0.29))


def meters(reader: RunReader, width: int, log_x: bool) -> Text:
    """All meters beside one another, three rows."""
    rows = [Text(), Text(), Text()]
    start = 0.0
    for meter, share in OF_FAILED if reader.info["status"] == "failed" else METERS:
        room = int(start + share * width + 1e-9) - int(start) - (meter is not knobs)
        cells = meter(reader, min(room - (meter is not knobs), 56 if meter is last_rows else 40), log_x)
        for row, cell in zip(rows, cells, strict=True):
            row.append(" " * (int(start) - row.cell_len))
            shown = cell.copy()
            shown.truncate(room, overflow="ellipsis")
            row.append_text(shown)
        start += share * width
    return Text("\n").join(rows)
