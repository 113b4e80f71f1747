"""The meters below the chart: each is a heading, a value and a last row; all pure text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from ..numbers import grouped, ratio, short
from ..store.reader import RunReader
from ..verdict.series import HOLD, direction, is_kernel_machine, knobs_of, phases_of, trend
from . import theme
from .run_view import knobs_shown, pace_of, short_name
from .static_text import styled

BARS = "▁▂▃▄▅▆▇█"
Array = NDArray[np.float64]


def sparkline(steps: Array, values: Array, width: int, *, log_x: bool = True, from_zero: bool = False) -> str:
    """The last value in each of `width` stretches of the steps, which are log-spaced as on the chart."""
    good = np.isfinite(values) & (steps >= (1 if log_x else 0))
    steps, values = steps[good], values[good]
    if len(values) < 2 or width < 2:
        return ""
    place = np.log(steps) if log_x else steps
    edges = np.linspace(place[0], place[-1], width + 1)[1:]
    chosen = values[np.maximum(np.searchsorted(place, edges + 1e-9, side="right") - 1, 0)]
    low = min(0.0, float(chosen.min())) if from_zero else float(chosen.min())
    span = float(chosen.max()) - low
    levels = np.rint((chosen - low) / span * (len(BARS) - 1)).astype(int) if span > 0 else np.zeros(width, int)
    return "".join(BARS[level] for level in levels)


def heading(text: str) -> Text:
    """A meter's name."""
    return styled(text, theme.DIM)


def kernel(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """How far the kernel has turned from where it began, 0 to 1; and its drift, which grows with its scale."""
    distance, drift = reader.last("kernel/distance"), reader.last("kernel/drift")
    if distance is None:
        never = not reader.config.measure.kernel_per_decade
        return [heading("kernel distance"), styled("not measured" if never else "not measured yet", theme.DIM), Text()]
    value = styled(ratio(distance), f"bold {theme.BRIGHT}")
    value.append(f"  drift {short(drift)}", theme.DIM)
    line = sparkline(*reader.series("kernel/distance"), width, log_x=log_x, from_zero=True)
    return [heading("kernel distance"), value, styled(line, theme.TRAIN_BARS)]


def norm(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """The norm of the weights, or of a kernel machine's metric M, and where it is going."""
    name = heading("norm of M" if is_kernel_machine(reader.config) else "weight norm")
    now = reader.last("norm/weight")
    if now is None:
        return [name, styled("–", theme.DIM), Text()]
    value = styled(short(now), f"bold {theme.BRIGHT}")
    is_held = knobs_of(reader).get(HOLD, 0) > 0
    value.append(f"  {'held' if is_held else direction(trend(reader, 'norm/weight'))}", theme.TEXT)
    if width >= 24:
        value.append(f", top {short(float(np.nanmax(reader.series('norm/weight')[1])))}", theme.DIM)
    line = sparkline(*reader.series("norm/weight"), width, log_x=log_x)
    return [name, value, styled(line, theme.THIRD_BARS)]


def phase(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """t_mem, t_grok and the delay between them."""
    phases = phases_of(reader)
    if phases.t_grok is not None:
        value = styled("grokked ", f"bold {theme.GOOD}").append(grouped(phases.t_grok), theme.TEXT)
    elif phases.t_mem is not None:
        value = styled("memorised ", f"bold {theme.MEMORISED}").append(grouped(phases.t_mem), theme.TEXT)
    else:
        value = styled("not memorised yet" if len(reader) else "–", theme.DIM)
    last = Text()
    if phases.delay is not None:
        last.append(f"delay {grouped(phases.delay)}", theme.DIM)
        if width >= 24:
            last.append(f", memorised {grouped(phases.t_mem or 0)}", theme.DIM)
    elif phases.t_mem is not None:
        last.append("not grokked yet", theme.DIM)
    return [heading("phase"), value, last]


def knobs(reader: RunReader, width: int, log_x: bool) -> list[Text]:
    """The knobs as the optimizer holds them now, those first that matter most; below them a norm held, and the pace."""
    values = knobs_shown(reader)
    held, value = values.pop(HOLD, 0.0), Text()
    for key in values:
        name, number = short_name(key), short(values[key])
        if value.cell_len + len(name) + len(number) + 1 + 2 * bool(value) > width:
            break
        value.append(f"{'  ' if value else ''}{name} ", theme.DIM).append(number, f"bold {theme.BRIGHT}")
    pace = pace_of(reader)
    speed = f"pace {short(pace)}/s" if pace else "full speed"
    if not held:
        return [heading("knobs"), value, styled(speed, theme.DIM)]
    last = styled("hold_norm ", theme.DIM).append(short(held), f"bold {theme.BRIGHT}")
    if last.cell_len + 2 + len(speed) <= width:
        last.append(f"  {speed}", theme.DIM)
    return [heading("knobs"), value, last]


METERS = ((kernel, 0.25), (norm, 0.23), (phase, 0.24), (knobs, 0.28))
"""The meters from left to right, with their share of the width."""


def meters(reader: RunReader | None, width: int, log_x: bool) -> Text:
    """All meters beside one another, three rows."""
    rows: Sequence[Text] = [Text(), Text(), Text()]
    start = 0.0
    for meter, share in METERS:
        room = int(start + share * width + 1e-9) - int(start) - (meter is not knobs)
        cells = meter(reader, min(room - (meter is not knobs), 40), log_x) if reader is not None else [Text()] * 3
        for row, cell in zip(rows, cells, strict=True):
            row.append(" " * (int(start) - row.cell_len))
            shown = cell.copy()
            shown.truncate(room, overflow="ellipsis")
            row.append_text(shown)
        start += share * width
    return Text("\n").join(rows)
