"""Axes: limits that stay put while a run grows, ticks at round values, and curves cut down to what a terminal shows."""

from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

from ...numbers import compact, short

Array = NDArray[np.float64]
Ticks = list[tuple[float, str]]

STEPS_OF_TEN = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
SMALLEST, LARGEST = 1e-300, 1e300
"""Values beyond are drawn at the edge: their ratios and differences would not be finite."""
DECADES, ABOVE = 12, 4
"""A log axis ends so many decades above most values, and begins so many below that: the rest is drawn at its edges."""


@dataclass(frozen=True)
class Axis:
    """From values to a place between 0 and 1."""

    low: float
    high: float
    log: bool

    def place(self, values: Array) -> Array:
        """Where values lie: 0 at `low` or below, 1 at `high` or above."""
        values = np.clip(np.asarray(values, float), self.low, self.high)
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        return np.log(values / self.low) / np.log(self.high / self.low)

    def ticks(self, room: int) -> Ticks:
        """At most about `room` ticks with their labels, in order."""
        return log_ticks(self.low, self.high, room) if self.log else linear_ticks(self.low, self.high, room)


def step_axis(last: float, log: bool, budget: float, live: bool, first: float = 0) -> Axis:
    """The x axis. While the run grows, its end jumps in small strides, so that the picture mostly stays put.

    first: the first step that was measured; budget: the steps that the run is to take.
    """
    last = max(last, 10.0)
    if not live:
        high = last
    elif log:
        high = 10 ** (ceil(8 * log10(last) + 1e-9) / 8)
    else:
        ten = 10.0 ** floor(log10(last))
        high = next(s * ten for s in STEPS_OF_TEN if s * ten >= last)
    low = 10 ** (floor(8 * log10(first)) / 8) if log and first >= 10 else float(log)
    return Axis(low, max(min(high, max(budget, last)), 10.0, 1.1 * low), log)


def value_axis(values: Array, log: bool, limits: tuple[float, float] | None = None) -> Axis:
    """The y axis around finite `values`; limits of quarter decades on a log axis."""
    values = np.clip(values, -LARGEST, LARGEST)
    positive = values[values >= SMALLEST]
    if log and len(positive):
        low = floor(4 * log10(float(positive.min())) - 0.2) / 4
        high = ceil(4 * log10(float(positive.max())) + 0.2) / 4
        high = min(high, ceil(4 * (log10(float(np.quantile(positive, 0.95))) + ABOVE)) / 4)
        if high - low < 0.5:
            low, high = low - 0.25, high + 0.25
        return Axis(10 ** max(low, high - DECADES), 10**high, True)
    values = np.where(np.abs(values) < SMALLEST, 0, values)
    if limits:
        low, high = limits
        return Axis(min(low, float(values.min(initial=low))), max(high, float(values.max(initial=high))), False)
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    span = high - low if high - low > 1e-9 * abs(high) else abs(high)
    stride = nice_stride(span or 1.0, 8)
    low, high = floor(low / stride) * stride, ceil(high / stride) * stride
    return Axis(low, high if high > low else low + stride, False)


def nice_stride(span: float, room: int) -> float:
    """1, 2 or 5 times a power of ten, so that `span` holds at most `room` of them."""
    rough = span / max(room, 1)
    ten = 10.0 ** floor(log10(rough))
    return next(m * ten for m in (1, 2, 5, 10) if m * ten >= rough * (1 - 1e-9))


def linear_ticks(low: float, high: float, room: int) -> Ticks:
    """Round values at an even stride: as many as there is room for, and two at least, since one gives no scale."""
    values: list[float] = []
    for strides in count(max(room - 1, 1)):
        stride = nice_stride(high - low, strides)
        values = [i * stride for i in range(ceil(low / stride - 1e-9), floor(high / stride + 1e-9) + 1)]
        if len(values) >= 2:
            break
    return [(v, label(v)) for v in values]


def log_ticks(low: float, high: float, room: int) -> Ticks:
    """Decades; every second or third if there are many, 1-2-5 between them if there are few."""
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    decades = last - first + 1
    if decades >= 3 or room < 3:
        every = max(1, ceil(decades / max(room, 1)))
        return [(10.0**e, label(10.0**e)) for e in range(first, last + 1) if e % every == 0]
    for between in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        marks = [m * 10.0**e for e in range(first - 1, last + 2) for m in between]
        ticks = [(v, label(v)) for v in marks if low <= v * (1 + 1e-9) and v <= high * (1 + 1e-9)]
        if len(ticks) <= room:
            break
    return ticks


def label(value: float) -> str:
    """`100k`, `1k`, `10`, `0.1`, `1e-3`: at most five characters; empty if that is too few."""
    texts = (compact(value) if 1000 <= value < 1e9 else short(value, 2), short(value, 1))
    return next((text for text in texts if len(text) <= 5), "")


def decimate(columns: Array, values: Array) -> NDArray[np.intp]:
    """Indices of the lowest and the highest value in each whole column, in order: a spike survives."""
    bucket = np.floor(columns).astype(np.int64)
    order = np.lexsort((values, bucket))
    starts = np.flatnonzero(np.diff(bucket[order], prepend=bucket[order[:1]] - 1))
    ends = np.append(starts[1:], len(order)) - 1
    return np.unique(np.concatenate((order[starts], order[ends])))


def trace(x: Array, y: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The dots of the line through the points (x, y), given in dots: no gaps, and each step one dot long."""
    if len(x) < 2:
        return np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    dx, dy = np.diff(x), np.diff(y)
    count = np.maximum(np.ceil(np.maximum(np.abs(dx), np.abs(dy))), 1).astype(np.int64)
    segment = np.repeat(np.arange(len(dx)), count)
    part = (np.arange(len(segment)) - (np.cumsum(count) - count)[segment]) / count[segment]
    along_x = np.append(x[segment] + part * dx[segment], x[-1])
    along_y = np.append(y[segment] + part * dy[segment], y[-1])
    return np.rint(along_x).astype(np.int64), np.rint(along_y).astype(np.int64)
