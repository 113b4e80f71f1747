"""Axes: limits that stay put while a run grows, decade ticks, and curves cut down to what a terminal can show."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

from ..numbers import compact, short

Array = NDArray[np.float64]
Ticks = list[tuple[float, str]]

STEPS_OF_TEN = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """From values to a place between 0 and 1."""

    low: float
    high: float
    log: bool

    def place(self, values: Array) -> Array:
        """Where values lie, 0 at `low` and 1 at `high`; on a log axis what is not positive lies at 0."""
        if not self.log:
            return (np.asarray(values, float) - self.low) / (self.high - self.low)
        clamped = np.maximum(np.asarray(values, float), self.low)
        return np.log(clamped / self.low) / np.log(self.high / self.low)

    def ticks(self, room: int) -> Ticks:
        """At most about `room` ticks with their labels, in order."""
        return log_ticks(self.low, self.high, room) if self.log else linear_ticks(self.low, self.high, room)


def step_axis(last: float, log: bool, budget: float, live: bool) -> Axis:
    """The x axis. While the run grows the end jumps in small strides, so that the picture mostly stays put."""
    last = max(last, 10.0)
    if not live:
        high = last
    elif log:
        high = 10 ** (ceil(8 * log10(last) + 1e-9) / 8)
    else:
        ten = 10.0 ** floor(log10(last))
        high = next(s * ten for s in STEPS_OF_TEN if s * ten >= last)
    return Axis(1.0 if log else 0.0, max(min(high, max(budget, last)), 10.0), log)


def value_axis(values: Array, log: bool, limits: tuple[float, float] | None = None) -> Axis:
    """The y axis around `values`, which must be finite; limits of quarter decades on a log axis."""
    if log and (values > 0).any():
        positive = values[values > 0]
        low = floor(4 * log10(float(positive.min())) - 0.2) / 4
        high = ceil(4 * log10(float(positive.max())) + 0.2) / 4
        if high - low < 0.5:
            low, high = low - 0.25, high + 0.25
        return Axis(10**low, 10**high, True)
    if limits:
        low, high = limits
        return Axis(min(low, float(values.min(initial=low))), max(high, float(values.max(initial=high))), False)
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    stride = nice_stride((high - low) or abs(high) or 1.0, 8)
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
    """Decades; every second or third where they are many, 1-2-5 between them where they are few."""
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    decades = last - first + 1
    if decades >= 2 or room < 3:
        every = max(1, ceil(decades / max(room, 1)))
        return [(10.0**e, label(10.0**e)) for e in range(first, last + 1) if e % every == 0]
    marks = [m * 10.0**e for e in range(first - 1, last + 2) for m in (1, 2, 3, 5, 7)]
    ticks = [(v, label(v)) for v in marks if low <= v * (1 + 1e-9) and v <= high * (1 + 1e-9)]
    return ticks[:: max(1, ceil(len(ticks) / room))]


def label(value: float) -> str:
    """`100k`, `1k`, `10`, `0.1`, `1e-3`: at most five characters."""
    return compact(value) if value >= 1000 else short(value)


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
