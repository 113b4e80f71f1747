"""Laws fitted to what runs measured: how fast a norm contracts, straight lines, powers. Without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, pi, sqrt, tan

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contraction:
    """V = amplitude exp(-gamma t) + floor, t in steps since the first of the steps that were fitted."""

    gamma: float
    """rate per step; 0 where r2 is NaN"""
    floor: float
    """C, not below 0"""
    amplitude: float
    """A, not below 0"""
    r2: float
    """share of the variance of V that is explained; NaN where V does not fall, moves by rounding, or has < 4 rows"""


@dataclass(frozen=True)
class Line:
    """y = slope x + intercept, by least squares."""

    slope: float
    intercept: float
    r2: float
    """share of the variance of y that is explained; NaN where all y are equal"""
    interval: tuple[float, float]
    """confidence interval of the slope; infinite below 3 points"""
    n: int
    """number of points"""


def contraction_rate(steps: npt.ArrayLike, squared_norm: npt.ArrayLike) -> Contraction:
    """Least-squares fit of V_t = A exp(-gamma t) + C with A, C >= 0 over the rows given, all weighted alike.

    steps: (n,), increasing; squared_norm: V = ‖theta‖^2, (n,). t counts from steps[0]: give the rows after t_mem,
    and A is V_mem - C. gamma is per step; decay alone, w <- (1 - eta lambda) w, has gamma = 2 eta lambda. A and C
    are linear given gamma, which is searched on a log grid, then by golden section. It is at
    least 1e-4 / (steps[-1] - steps[0]) and at most 10 / (steps[1] - steps[0]): rows cannot date a fall within the
    first interval. Where V falls by a small part of itself, they hardly tell gamma from C, and C >= 0 holds them.
    ValueError: lengths that differ, steps that do not increase, V that is negative or not finite.
    arXiv 2603.13331 (V_t after memorisation; their gamma is .0014 at eta 1e-3, lambda 1, AdamW).
    """
    t, v = _columns(steps, squared_norm)
    if (np.diff(t) <= 0).any():
        raise ValueError("steps must increase")
    if (v < 0).any():
        raise ValueError("a squared norm is not negative")
    still = Contraction(gamma=0.0, floor=float(v.mean()) if v.size else nan, amplitude=0.0, r2=nan)
    if v.size < 4 or np.ptp(v) <= 1e-12 * v.max():
        return still
    t, span = (t - t[0]) / (t[-1] - t[0]), float(t[-1] - t[0])

    def error(log_rate: float) -> float:
        return _exponential(t, v, float(np.exp(log_rate)))[2]

    log_rate = _minimum(error, np.linspace(np.log(1e-4), np.log(10 / t[1]), 200))
    rate = float(np.exp(log_rate))
    amplitude, floor, squares = _exponential(t, v, rate)
    if amplitude == 0:
        return still
    return Contraction(rate / span, floor, amplitude, 1 - squares / float(np.square(v - v.mean()).sum()))


def _exponential(t: Array, v: Array, rate: float) -> tuple[float, float, float]:
    """The best A >= 0 and C >= 0 given the rate, and the sum of squares that they leave.

    Whichever of the two the free fit has below 0 is 0 in the constrained one.
    """
    fall = np.exp(-rate * t)
    centred = fall - fall.mean()
    amplitude = float(centred @ v / (centred @ centred))
    floor = float(v.mean()) - amplitude * float(fall.mean())
    if amplitude <= 0:
        amplitude, floor = 0.0, float(v.mean())
    elif floor < 0:
        amplitude, floor = float(fall @ v / (fall @ fall)), 0.0
    return amplitude, floor, float(np.square(v - floor - amplitude * fall).sum())


def _minimum(error: Callable[[float], float], grid: Array) -> float:
    """The least error on the grid, refined by golden section between the neighbours of the best point."""
    best = int(np.argmin([error(float(point)) for point in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    ratio = (sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = error(left), error(right)
    for _ in range(60):  # 0.6^60 of the bracket: all digits
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = error(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = error(right)
    return (low + high) / 2


def straight_line(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Line:
    """Least squares y = slope x + intercept, with the slope's interval at `level` by Student's t, n - 2 degrees.

    x, y: (n,). The interval holds for independent normal errors of one size. ValueError: lengths that differ,
    values that are not finite, fewer than two different x, a level outside 0..1.
    """
    x, y = _columns(x, y)
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")
    if x.size == 0 or np.ptp(x) == 0:
        raise ValueError("a line needs two different x")
    n, dx, dy = x.size, x - x.mean(), y - y.mean()
    sxx, syy = float(dx @ dx), float(dy @ dy)
    slope = float(dx @ dy) / sxx
    squares = float(np.square(dy - slope * dx).sum())
    half = t_quantile(level, n - 2) * sqrt(squares / (n - 2) / sxx) if n > 2 else inf
    return Line(
        slope=slope,
        intercept=float(y.mean()) - slope * float(x.mean()),
        r2=1 - squares / syy if np.ptp(y) else nan,
        interval=(slope - half, slope + half),
        n=n,
    )


def power_law(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Line:
    """y = exp(intercept) x^slope: `straight_line` of ln y on ln x, so the slope is the exponent.

    Least squares in logs: relative errors count, and r2 is that of ln y. ValueError as there, and where x or y
    is not positive.
    """
    x, y = _columns(x, y)
    if (x <= 0).any() or (y <= 0).any():
        raise ValueError("a power law needs positive x and y")
    return straight_line(np.log(x), np.log(y), level)


def t_quantile(level: float, degrees: int) -> float:
    """The q with P(|T| < q) = level, T Student's with a whole number of degrees of freedom, 1 or more.

    By bisection of the exact finite sums of Abramowitz and Stegun 1964, 26.7.3 and 26.7.4, in
    theta = atan(t / sqrt(degrees)).
    """
    odd, k = degrees % 2, np.arange(1, degrees // 2)
    factors = 2 * k / (2 * k + 1) if odd else (2 * k - 1) / (2 * k)
    terms = np.concatenate([[1.0], np.cumprod(factors)])[: degrees // 2]
    powers = 2 * np.arange(degrees // 2) + odd

    def probability(theta: float) -> float:
        series = float(np.sin(theta) * (terms @ np.cos(theta) ** powers))
        return 2 / pi * (theta + series) if odd else series

    low, high = 0.0, pi / 2
    for _ in range(60):  # 2^-60 of a right angle
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) < level else (low, middle)
    return sqrt(degrees) * tan(low)


def _columns(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
    """Both as float64 vectors of one length, all finite."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"two columns of one length are needed, not shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("every value must be finite")
    return x, y
