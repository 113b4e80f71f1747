"""Criteria on figures made up for the test: what they decide, and the sentences they write."""

from __future__ import annotations

import random
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import pytest

from grok_tui.claims import figures
from grok_tui.claims.claim import Claim, Curves, Setup
from grok_tui.claims.criteria import (
    Criterion,
    Runs,
    among,
    correlation,
    each,
    equal,
    falls,
    measured,
    median,
    never,
    r2,
    reached,
    rises,
    share,
    slope,
    spread,
    within,
)
from grok_tui.claims.figures import Figure, Undecided
from grok_tui.claims.registry import CLAIMS

x = Figure("x", lambda run: run.x)  # type: ignore[attr-defined]
y = Figure("y", lambda run: run.y, "The y is what y is.")  # type: ignore[attr-defined]


def runs(x: dict[str, list[float]], y: dict[str, list[float]] | None = None) -> Runs:
    made: dict[str, Any] = {
        label: [SimpleNamespace(x=a, y=b) for a, b in zip(values, (y or x)[label], strict=True)]
        for label, values in x.items()
    }
    return Runs(made)


HOLDS: list[tuple[Criterion, Any, bool]] = [
    (each(x) < 5, {"a": [1, 2], "b": [4]}, True),
    (each(x) < 5, {"a": [1, 2], "b": [5]}, False),
    (each(x, "b") < 5, {"a": [9, 9], "b": [4]}, True),
    (each(x) <= 5, {"a": [5]}, True),
    (each(x) >= 5, {"a": [5]}, True),
    (each(x) > 5, {"a": [5]}, False),
    (equal(each(x), 0), {"a": [0, 0]}, True),
    (equal(each(x), 0), {"a": [0, 1e-12]}, False),
    (median(x) > 2, {"a": [0, 3, 9]}, True),
    (median(x) > 2, {"a": [0, 1, 9]}, False),
    (median(x) > 2, {"a": [9, nan, 9]}, False),
    (median(x) < 2, {"a": [nan, 1, 1]}, False),
    (median(x, "a") < 0.1 * median(x, "b"), {"a": [1], "b": [11]}, True),
    (median(x, "a") < 0.1 * median(x, "b"), {"a": [1], "b": [9]}, False),
    (median(x, "a") < median(x, "b"), {"a": [inf], "b": [inf]}, False),
    (each(x, "a") >= 10 * median(x, "b"), {"a": [30, 40], "b": [1, 3, 9]}, True),
    (each(x, "a") >= 10 * median(x, "b"), {"a": [30, 20], "b": [1, 3, 9]}, False),
    (reached(each(x)), {"a": [1, inf]}, False),
    (reached(each(x)), {"a": [1, 2]}, True),
    (never(each(x)), {"a": [inf, inf]}, True),
    (never(each(x)), {"a": [inf, 1]}, False),
    (rises(x, "with a"), {"a": [1], "b": [2], "c": [inf]}, True),
    (rises(x, "with a"), {"a": [1], "b": [inf], "c": [inf]}, False),
    (rises(x, "with a"), {"a": [1], "b": [1]}, False),
    (rises(x, "with a"), {"a": [inf], "b": [2]}, False),
    (falls(x, "with a"), {"a": [3], "b": [2], "c": [1]}, True),
    (falls(x, "with a"), {"a": [3], "b": [4]}, False),
    (within(median(x), 100, share=1 / 3), {"a": [67]}, True),
    (within(median(x), 100, share=1 / 3), {"a": [66]}, False),
    (within(median(x), 100, share=1 / 3), {"a": [134]}, False),
    (within(median(x), 100, factor=1.5), {"a": [149]}, True),
    (within(median(x), 100, factor=1.5), {"a": [66]}, False),
    (within(median(x), {"a": 1, "b": 100}, share=0.05), {"a": [1.04], "b": [96]}, True),
    (within(median(x), {"a": 1, "b": 100}, share=0.05), {"a": [1.04], "b": [94]}, False),
    (within(median(x), {"a": 1, "b": 100}, share=0.05), {"b": [100]}, True),
    (share(each(x) > 0) >= 0.5, {"a": [1, 0], "b": [1, 0]}, True),
    (share(each(x) > 0) >= 0.5, {"a": [1, 0], "b": [0, 0]}, False),
    (among(each(x) < 5, median(x) > 2, fewest=2), {"a": [3, 4, 9], "b": [9]}, True),
    (among(each(x) < 5, median(x) > 3.6, fewest=2), {"a": [3, 4, 99, 99]}, False),
    ((each(x) > 1) & (each(x) < 3), {"a": [2]}, True),
    ((each(x) > 1) & (each(x) < 3), {"a": [3]}, False),
    ((each(x) > 1) & (each(x) < 3), {"a": [1]}, False),
]


@pytest.mark.parametrize(("criterion", "values", "holds"), HOLDS, ids=lambda value: getattr(value, "text", None))
def test_what_a_criterion_decides(criterion: Criterion, values: Any, holds: bool) -> None:
    assert criterion.holds(runs(values)) is holds


def test_two_figures_are_compared_in_the_same_run() -> None:
    assert (each(x) > 3 * each(y)).holds(runs({"a": [4, 40]}, {"a": [1, 10]}))
    assert not (each(x) > 3 * each(y)).holds(runs({"a": [4, 40]}, {"a": [1, 20]}))


def test_lines_through_all_runs() -> None:
    line = runs({"a": [1, 2], "b": [3, 4, 9]}, {"a": [10, 20], "b": [30, 40, inf]})
    rule = within(slope(x, y), 10, factor=1.01) & (r2(x, y) > 0.99) & (correlation(x, y, 4) >= 0.99)
    assert rule.holds(line)
    assert rule.text.startswith(
        "the slope of y against x is within a factor of 1.01 of 10, the R² of y against x is above"
    )
    assert measured(rule.quantities, line) == "y: slope 10 [10, 10], R² 1.000, n 4"
    falling = runs({"a": [1, 2, 3, 4]}, {"a": [4, 3, 2, 1.5]})
    assert not (correlation(x, y, 4) >= 0).holds(falling)
    assert (correlation(x, y, 4) < -0.98).holds(falling)
    with pytest.raises(Undecided, match="finite in 2 runs; 4 are needed"):
        (correlation(x, y, 4) >= 0).holds(runs({"a": [1, 2]}))


def test_too_few_runs_decide_nothing() -> None:
    with pytest.raises(Undecided, match=r"the x is below 5 in 1 of 3 runs; 2 are needed"):
        among(each(x) < 5, median(x) > 2, fewest=2).holds(runs({"a": [1, 9, 9]}))


def test_the_sentence_and_the_test_are_one_expression() -> None:
    rule = (
        (each(x, "a", "b") < 0.05)
        & (each(x, "a", "b") > 3 * each(y, "a", "b"))
        & reached(median(y, "c"))
        & within(median(x), {"a": 587, "b": 1256}, share=1 / 3)
    )
    assert rule.text == (
        "in every run of a and b the x is below 0.05 and the x is above 3 times the y; the median y (c) is reached and "
        "the median x is within a third of 587 (a) and 1,256 (b)"
    )
    assert rule.published == (587, 1256)
    claim = Claim("c", "S0", "", "", "", "{} and {}", rule, (Setup("a", "linear"),), Curves())
    assert claim.published == "587 and 1,256"
    assert claim.rule_text.endswith("1,256 (b). The y is what y is.")
    other = among(each(x) < 5, share(each(x) > 0) > 0.5, fewest=2) & within(median(x), 36.9, share=0.05)
    assert other.text == (
        "of the runs in which the x is below 5 (2 or more): the share of runs in which the x is above 0 is above 0.5 "
        "and the median x is within 5 % of 36.9"
    )


def test_comparisons_cannot_be_chained() -> None:
    with pytest.raises(TypeError, match="do not chain"):
        assert 1 < each(x) < 3


def test_measured_values_as_text() -> None:
    values = runs({"a": [1, 2], "b": [3, 3]}, {"a": [inf, 12345], "b": [0.01234, 5]})
    assert measured([median(x, "b"), median(x, "a"), median(x)], values) == "median x: b: 3, a: 1.5"
    assert measured([each(y)], values) == "y: a: never / 12,345, b: 0.0123 / 5"
    assert measured([each(x, "b"), share(each(x) > 2)], values) == "x 3; the x is above 2 in 2 of 4 runs"
    assert measured([each(x)], runs({"a": [1, 9, 3, 4]})) == "x 1 to 9"
    assert spread([each(y), median(x), median(y)], values) == "a: 1 to 2; b: 3 to 3"
    assert spread([median(x)], runs({"a": [1]})) == "one seed"
    assert spread([each(x)], values) == ""


class ByChance:
    """A run whose figures are drawn from a list: the same in all seeds of a set-up, or one per seed."""

    def __init__(self, values: dict[Any, float], group: object, pool: list[float], chance: random.Random) -> None:
        self.values, self.group, self.pool, self.chance = values, group, pool, chance

    def figure(self, figure: Figure) -> float:
        is_knob = figure.text.startswith("1 / ")  # a line needs different x
        drawn = self.chance.random() if is_knob else self.chance.choice(self.pool)
        return self.values.setdefault((figure.text, self.group), drawn)


def by_chance(claim: Claim, pool: list[float], chance: random.Random) -> Runs:
    values: dict[Any, float] = {}
    do_seeds_agree = chance.random() < 0.8
    made: Any = {
        setup.label: [
            ByChance(values, setup if do_seeds_agree else (setup, i), pool, chance) for i in range(claim.seeds)
        ]
        for setup in claim.setups
    }
    return Runs(made)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_criterion_of_a_claim_can_hold_and_can_fail(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Figure, "__call__", lambda figure, run: run.figure(figure))
    chance = random.Random(0)
    pool = [0.0, 1e-6, 0.02, 0.3, 0.7, 0.95, 1.0, 2.0, 9.0, 150.0, 3000.0, 40_000.0, inf, *claim.rule.published]
    for part in claim.rule.parts or (claim.rule,):
        results = set()
        for _ in range(3000):
            try:
                results.add(bool(part.holds(by_chance(claim, pool, chance))))
            except Undecided:
                continue
            if len(results) == 2:
                break
        assert results == {True, False}, part.text


def test_the_figures_that_rules_use_are_told_apart() -> None:
    """Figures of one claim with the same text and another meaning would hide each other in the measured values."""
    for claim in CLAIMS:
        of: dict[str, Any] = {}
        for quantity in (*claim.rule.quantities, *claim.shown):
            if quantity.figure:
                assert of.setdefault(quantity.name, quantity.figure).text == quantity.figure.text
                assert quantity.figure.text
    assert figures.t_mem.text == "t_mem"
