"""Fitted laws against exact curves, brute force, numpy's own fits and printed t tables."""

from __future__ import annotations

import subprocess
import sys
from math import inf, isnan, sqrt

import numpy as np
import pytest

from grok_tui.science.fits import contraction_rate, straight_line, t_quantile

GRIDS = {
    "even": np.arange(0.0, 3001.0, 10),
    "geometric": np.unique(np.geomspace(1, 3000, 120).astype(int)).astype(float),
    "five rows": np.array([0.0, 300.0, 800.0, 1500.0, 3000.0]),
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("gamma", [1e-4, 1.4e-3, 8e-3])
@pytest.mark.parametrize(("floor", "amplitude"), [(300.0, 3600.0), (0.0, 50.0), (1e-6, 1e-4)])
def test_contraction_recovers_an_exact_exponential(grid: str, gamma: float, floor: float, amplitude: float) -> None:
    t = GRIDS[grid]
    fit = contraction_rate(t, amplitude * np.exp(-gamma * (t - t[0])) + floor)
    assert fit.gamma == pytest.approx(gamma, rel=1e-6)
    assert fit.amplitude == pytest.approx(amplitude, rel=1e-6)
    assert fit.floor == pytest.approx(floor, rel=1e-6, abs=1e-6 * amplitude)
    assert fit.r2 == pytest.approx(1)


def brute_force(t: np.ndarray, v: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
    """(rate, squares) of the best A exp(-rate t) + C with A, C >= 0, by trying every rate and every sign pattern."""
    best = (0.0, inf)
    for rate in rates:
        both = np.stack([np.exp(-rate * t), np.ones_like(t)], axis=1)
        for chosen in ([0], [1], [0, 1]):
            part = np.linalg.lstsq(both[:, chosen], v, rcond=None)[0]
            squares = float(np.square(v - both[:, chosen] @ part).sum())
            if (part >= 0).all() and squares < best[1]:
                best = (float(rate), squares)
    return best


@pytest.mark.parametrize("shape", ["noise on a floor", "noise without a floor", "straight", "slow, then fast"])
def test_contraction_is_the_best_of_all_rates(shape: str) -> None:
    t = np.arange(40.0)
    noise = np.random.default_rng(1).normal(size=40)
    v = {
        "noise on a floor": 20 + 30 * np.exp(-0.2 * t) + noise,
        "noise without a floor": np.abs(30 * np.exp(-0.1 * t) + noise),
        "straight": 100 - 2 * t,
        "slow, then fast": 1600 - t**2,
    }[shape]
    fit = contraction_rate(t, v)
    squares = np.square(v - fit.floor - fit.amplitude * np.exp(-fit.gamma * t)).sum()
    rate, least = brute_force(t, v, np.geomspace(1e-3, 2, 1500))
    assert squares <= least * (1 + 1e-12)
    assert fit.gamma == pytest.approx(rate, rel=6e-3)  # the grid's own step
    assert fit.floor >= 0
    assert fit.r2 == pytest.approx(1 - squares / np.square(v - v.mean()).sum())


def test_contraction_scales_with_its_units() -> None:
    t, v = np.arange(50.0), 3 + 10 * np.exp(-0.1 * np.arange(50.0)) + 0.1 * np.cos(np.arange(50.0))
    fit, other = contraction_rate(t, v), contraction_rate(7 * t + 1e5, 1e6 * v)
    assert other.gamma == pytest.approx(fit.gamma / 7, rel=1e-6)
    assert (other.floor, other.amplitude) == pytest.approx((1e6 * fit.floor, 1e6 * fit.amplitude), rel=1e-6)
    assert other.r2 == pytest.approx(fit.r2)


@pytest.mark.parametrize(
    "v",
    [
        pytest.param([5.0] * 9, id="constant"),
        pytest.param([5 + 4e-12, *[5.0] * 8], id="rounding"),
        pytest.param(list(range(9)), id="rising"),
        pytest.param(list(1 - np.exp(-np.arange(9.0))), id="saturating"),
        pytest.param([9.0, 4.0, 2.0], id="three rows"),
        pytest.param([0.0] * 9, id="zero"),
        pytest.param([], id="empty"),
    ],
)
def test_what_does_not_fall_has_no_rate(v: list[float]) -> None:
    fit = contraction_rate(np.arange(len(v)), v)
    assert (fit.gamma, fit.amplitude) == (0, 0)
    assert isnan(fit.r2)
    assert isnan(fit.floor) if not v else fit.floor == pytest.approx(np.mean(v))


def test_a_fall_within_the_first_interval_stops_at_the_bound() -> None:
    fit = contraction_rate([0, 20, 40, 60, 80], [100, 1, 1, 1, 1])
    assert fit.gamma == pytest.approx(10 / 20, rel=1e-6)
    assert fit.floor == pytest.approx(1, rel=1e-2)


def test_sgd_with_decay_alone_contracts_at_twice_eta_lambda() -> None:
    eta, decay, w = 1e-3, 1.0, 4.0
    v = [(w * (1 - eta * decay) ** step) ** 2 for step in range(0, 2000, 100)]
    assert contraction_rate(range(0, 2000, 100), v).gamma == pytest.approx(2 * eta * decay, rel=1e-3)


@pytest.mark.parametrize(
    ("t", "v", "message"),
    [
        ([0, 1, 1, 2], [4, 3, 2, 1], "increase"),
        ([0, 1, 2, 3], [4, 3, 2, -1], "negative"),
        ([0, 1, 2, 3], [4, 3, float("nan"), 1], "finite"),
        ([0, 1, 2], [4, 3], "length"),
    ],
)
def test_contraction_refuses_what_is_no_series(t: list[float], v: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contraction_rate(t, v)


T_TABLE = [
    (0.95, 1, 12.7062),
    (0.95, 2, 4.3027),
    (0.95, 3, 3.1824),
    (0.95, 4, 2.7764),
    (0.95, 5, 2.5706),
    (0.95, 10, 2.2281),
    (0.95, 30, 2.0423),
    (0.95, 120, 1.9799),
    (0.95, 1_000_000, 1.95996),
    (0.99, 1, 63.6567),
    (0.99, 5, 4.0321),
    (0.90, 7, 1.8946),
    (0.50, 4, 0.7407),
]
"""Two-sided quantiles of Student's t, as printed in any table."""


@pytest.mark.parametrize(("level", "degrees", "printed"), T_TABLE)
def test_t_quantile_is_the_printed_one(level: float, degrees: int, printed: float) -> None:
    assert t_quantile(level, degrees) == pytest.approx(printed, rel=2e-5)


@pytest.mark.parametrize("degrees", [1, 2, 3, 6, 7, 40, 41])
def test_t_quantile_inverts_the_integral_of_the_density(degrees: int) -> None:
    q = t_quantile(0.8, degrees)
    x = np.linspace(0, 1, 200_001)  # |t| = sqrt(degrees) x / (1 - x), so that x = 1 is infinity
    t = sqrt(degrees) * x[:-1] / (1 - x[:-1])
    density = (1 + t**2 / degrees) ** (-(degrees + 1) / 2) / (1 - x[:-1]) ** 2
    mass = np.cumsum((density[1:] + density[:-1]) / 2)
    assert np.interp(q, t[1:], mass / mass[-1]) == pytest.approx(0.8, abs=3e-5)


def test_line_is_numpys() -> None:
    random = np.random.default_rng(0)
    x, noise = random.uniform(-3, 5, 20), random.normal(size=20)
    y = 2.5 * x - 1 + noise
    line = straight_line(x, y)
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    assert (line.slope, line.intercept, line.n) == (pytest.approx(slope), pytest.approx(intercept), 20)
    assert line.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    half = 2.100922 * sqrt(covariance[0, 0])  # t with 18 degrees, 95 %
    assert line.interval == pytest.approx((slope - half, slope + half), rel=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_holds_the_slope_as_often_as_it_says(level: float) -> None:
    random, x = np.random.default_rng(2), np.array([1.0, 2.0, 4.0, 7.0])
    fits = [straight_line(x, 3 * x + random.normal(size=4), level).interval for _ in range(2000)]
    share = np.mean([low < 3 < high for low, high in fits])
    assert share == pytest.approx(level, abs=4 * sqrt(level * (1 - level) / 2000))


def test_published_delays_give_the_published_slope() -> None:
    """T_grok over 1/lambda, arXiv 2603.13331: means of 10 seeds; the paper's fit over all has 1182, R^2 .971."""
    line = straight_line([10, 1 / 0.3, 2, 1], [12700, 4900, 3150, 2100])
    assert line.slope == pytest.approx(1182, rel=5e-3)
    assert line.r2 > 0.971  # means scatter less than seeds


def test_small_and_degenerate_lines() -> None:
    two = straight_line([1, 3], [2, 8])
    assert (two.slope, two.intercept, two.r2, two.interval) == (3, -1, 1, (-inf, inf))
    flat = straight_line([1, 2, 3], [4, 4, 4])
    assert (flat.slope, flat.intercept, flat.interval) == (0, 4, (0, 0))
    assert isnan(flat.r2)
    for x in ([], [1], [2, 2, 2]):
        with pytest.raises(ValueError, match="two different x"):
            straight_line(x, [5] * len(x))
    with pytest.raises(ValueError, match="finite"):
        straight_line([1, 2, 3], [1, inf, 2])
    with pytest.raises(ValueError, match="level"):
        straight_line([1, 2, 3], [1, 2, 4], level=95)


def test_laws_import_no_torch() -> None:
    code = "import sys, grok_tui.science.fits; assert not {'torch', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
