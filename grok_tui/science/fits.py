"""Least-squares fits to measurements of runs: exponential decay of a norm, straight lines. Without torch."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, pi, sqrt, tan

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contraction:
    """V = amplitude exp(-gamma t) + floor; t in steps since the first fitted row."""

    gamma: float
    """rate per step; 0 if r2 is NaN"""
    floor: float
    """C, not below 0"""
    amplitude: float
    """A, not below 0"""
    r2: float
    """share of the variance of V that is explained; NaN if V does not fall, changes by rounding, or has < 4 rows"""


@dataclass(frozen=True)
class Line:
    """y = slope x + intercept, by least squares."""

    slope: float
    intercept: float
    r2: float
    """share of the variance of y that is explained; NaN if all y are equal"""
    interval: tuple[float, float]
    """confidence interval of the slope; infinite if n < 3"""
    n: int
    """number of points"""


def contraction_rate(steps: npt.ArrayLike, squared_norm: npt.ArrayLike) -> Contraction:
    """Least-squares fit of V_t = A exp(-gamma t) + C with A, C >= 0 to all rows given, each with the same weight.

    steps: (n,), increasing; squared_norm: V = ‖theta‖^2, (n,). t counts from steps[0]: for the contraction after
    memorisation pass the rows from t_mem on; then A = V_mem - C. gamma is per step. Decay alone,
    w <- (1 - eta lambda) w, has gamma = 2 eta lambda.

    Numerics. For each gamma the best A and C are known in closed form; gamma is searched on a log grid, then by golden
    section, between 1e-4 / (steps[-1] - steps[0]) and 10 / (steps[1] - steps[0]): a fall within the first interval
    cannot be resolved. If V falls by a small part of itself, gamma and C are nearly exchangeable; C >= 0 bounds both.

    ValueError: lengths that differ, steps that do not increase, V that is negative or not finite.
    arXiv 2603.13331 (V_t after memorisation; there gamma is .0014 at eta 1e-3, lambda 1, AdamW).
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
    """The best A >= 0 and C >= 0 for this rate, and the remaining sum of squares.

    If the unconstrained fit has one of them below 0, it is 0 in the constrained fit.
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
    """The argument of the least error: the best grid point, refined by golden section between its neighbours."""
    best = int(np.argmin([error(float(point)) for point in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    ratio = (sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = error(left), error(right)
    for _ in range(60):  # the bracket shrinks by 0.618 each time: 60 times is float64's precision
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

    x, y: (n,). The interval assumes independent normal errors of equal variance. ValueError: lengths that differ,
    values that are not finite, fewer than two different x, a level outside 0..1.
    Draper and Smith 1998, Applied Regression Analysis, chapter 1.
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


def t_quantile(level: float, degrees: int) -> float:
    """The q with P(|T| < q) = level, for Student's t with `degrees` degrees of freedom, a whole number from 1.

    By bisection in theta = atan(q / sqrt(degrees)) of the exact finite sums for P.
    Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    odd, k = degrees % 2, np.arange(1, degrees // 2)
    factors = 2 * k / (2 * k + 1) if odd else (2 * k - 1) / (2 * k)
    terms = np.concatenate([[1.0], np.cumprod(factors)])[: degrees // 2]
    powers = 2 * np.arange(degrees // 2) + odd

    def probability(theta: float) -> float:
        series = float(np.sin(theta) * (terms @ np.cos(theta) ** powers))
        return 2 / pi * (theta + series) if odd else series

    low, high = 0.0, pi / 2
    for _ in range(60):  # to 2^-60 of a right angle
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
