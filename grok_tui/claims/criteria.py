"""The rules that decide claims. One expression gives the sentence of a rule and the test:

    (each(t_grok) > 3 * each(t_mem)) & reached(each(t_grok))

`each` takes a figure in every run, `median` its median over the seeds of a set-up. Both take the labels of set-ups, and
all set-ups without labels. Comparisons need parentheses beside `&`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from math import copysign, inf, isfinite, isnan, nan, sqrt
from statistics import fmean
from statistics import median as middle_of

from .. import numbers
from ..science.fits import Line, straight_line
from ..store.reader import RunReader
from .figures import Figure, Undecided

Values = dict[str, list[float]]
"""Label of a set-up -> a value per run, or one value for all of them."""
MOST_LISTED = 3
"""More values than these are written as the smallest and the largest."""


class Runs(dict[str, list[RunReader]]):
    """The ended runs of a claim: label of a set-up -> its runs, one per seed, in order."""

    def all(self) -> list[RunReader]:
        return [run for runs in self.values() for run in runs]


@dataclass(frozen=True, eq=False)
class Criterion:
    """A rule or a part of one."""

    clause: str
    quantities: "tuple[Quantity, ...]"
    """what it compares"""
    holds: Callable[[Runs], bool]
    """whether the runs fulfil it; raises Undecided if they cannot say"""
    published: tuple[float, ...] = ()
    """the published numbers that it compares with"""
    parts: "tuple[Criterion, ...]" = ()
    """the criteria of which all must hold; empty: it has no parts"""
    place: str = ""
    """of which runs the clause speaks, if it speaks of each alone"""

    @property
    def text(self) -> str:
        """The rule as a sentence."""
        return self.place + self.clause

    def __and__(self, other: "Criterion") -> "Criterion":
        parts = (*(self.parts or (self,)), *(other.parts or (other,)))
        return Criterion(
            "; ".join(place + joined([part.clause for part in of]) for place, of in groupby(parts, lambda p: p.place)),
            tuple(quantity for part in parts for quantity in part.quantities),
            lambda runs: all([part.holds(runs) for part in parts]),
            tuple(number for part in parts for number in part.published),
            parts,
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "a criterion is neither true nor false before it has runs: combine with &, do not chain < and >"
        )


def joined(clauses: Sequence[str]) -> str:
    return " and ".join([", ".join(clauses[:-1]), clauses[-1]]) if len(clauses) > 1 else clauses[0]


@dataclass(frozen=True, eq=False)
class Condition(Criterion):
    """A comparison with a result for every value."""

    in_each: Callable[[Runs], list[bool]] = lambda runs: []


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a criterion compares: numbers made of a figure of runs."""

    name: str
    read: Callable[[Runs], Values]
    labels: tuple[str, ...] = ()
    figure: Figure | None = None
    is_each: bool = False
    times: float = 1
    show: Callable[[Runs], str] | None = None
    """how the measured values are written, if not as a list"""
    meaning: str = ""

    @property
    def text(self) -> str:
        times = "" if self.times == 1 else f"{numbers.figure(self.times)} times "
        of = f" ({', '.join(self.labels)})" if self.labels and not self.is_each else ""
        return f"{times}{'' if self.name.startswith('t_') else 'the '}{self.name}{of}"

    @property
    def place(self) -> str:
        """Of which runs a comparison speaks."""
        of = f" of {' and '.join(self.labels)}" if self.labels else ""
        return f"in every run{of} " if self.is_each else ""

    def __rmul__(self, times: float) -> "Quantity":
        return replace(self, times=times * self.times)

    def __gt__(self, other: "Quantity | float") -> Condition:
        return compare(self, "is above", other)

    def __ge__(self, other: "Quantity | float") -> Condition:
        return compare(self, "is at least", other)

    def __lt__(self, other: "Quantity | float") -> Condition:
        return compare(self, "is below", other)

    def __le__(self, other: "Quantity | float") -> Condition:
        return compare(self, "is at most", other)


def each(figure: Figure, *labels: str) -> Quantity:
    def read(runs: Runs) -> Values:
        return {label: [figure(run) for run in runs[label]] for label in labels or runs}

    return Quantity(figure.text, read, labels, figure, is_each=True, meaning=figure.meaning)


def median(figure: Figure, *labels: str) -> Quantity:
    """NaN if the figure is not defined in one of the runs."""

    def read(runs: Runs) -> Values:
        found = each(figure, *labels).read(runs)
        return {label: [nan if any(map(isnan, v)) else middle_of(v)] for label, v in found.items()}

    return Quantity(f"median {figure.text}", read, labels, figure, meaning=figure.meaning)


def share(condition: Condition) -> Quantity:
    """The share of runs in which a condition on each run holds."""

    def read(runs: Runs) -> Values:
        return {"": [fmean(condition.in_each(runs))]}

    def show(runs: Runs) -> str:
        results = condition.in_each(runs)
        return f"{condition.clause} in {sum(results)} of {len(results)} runs"

    meaning = " ".join(quantity.meaning for quantity in condition.quantities)
    return Quantity(f"share of runs in which {condition.clause}", read, show=show, meaning=meaning)


def of_line(name: str, value: Callable[[Line], float], x: Figure, y: Figure, fewest: int = 2) -> Quantity:
    """A number of the straight line of y against x through all runs in which both are finite."""

    def line(runs: Runs) -> Line:
        points = [(a, b) for run in runs.all() for a, b in [(x(run), y(run))] if isfinite(a) and isfinite(b)]
        if len(points) < fewest:
            raise Undecided(f"{y.text} and {x.text} are finite in {len(points)} runs; {fewest} are needed")
        return straight_line([a for a, _ in points], [b for _, b in points])

    def show(runs: Runs) -> str:
        of = line(runs)
        low, high = map(numbers.figure, of.interval)
        interval = f" [{low}, {high}]" if isfinite(of.interval[1]) else ""
        return f"{y.text}: slope {numbers.figure(of.slope)}{interval}, R² {of.r2:.3f}, n {of.n}"

    few = f" ({fewest} runs or more)" if fewest > 2 else ""
    text = f"{name} of {y.text} against {x.text}{few}"
    return Quantity(text, lambda runs: {"": [value(line(runs))]}, show=show)


slope = partial(of_line, "slope", lambda line: line.slope)
r2 = partial(of_line, "R²", lambda line: line.r2)
correlation = partial(of_line, "correlation r", lambda line: copysign(sqrt(line.r2), line.slope))


RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "is above": operator.gt,
    "is at least": operator.ge,
    "is below": operator.lt,
    "is at most": operator.le,
    "is": operator.eq,
    "is reached": operator.lt,
    "is never reached": operator.eq,
}


def compare(left: Quantity, relation: str, right: Quantity | float) -> Condition:
    """Every value on the left against the one value on the right, or against the value of the same run."""

    def in_each(runs: Runs) -> list[bool]:
        a, b = flat(left, runs), flat(right, runs)
        return [RELATIONS[relation](x, y) for x, y in zip(a, b * len(a) if len(b) == 1 else b, strict=True)]

    of = right.text if isinstance(right, Quantity) else "" if right == inf else numbers.figure(right)
    clause = f"{left.text} {relation} {of}".rstrip()
    quantities = (left, right) if isinstance(right, Quantity) else (left,)
    holds: Callable[[Runs], bool] = lambda runs: all(in_each(runs))  # noqa: E731
    return Condition(clause, quantities, holds, place=left.place, in_each=in_each)


def flat(quantity: Quantity | float, runs: Runs) -> list[float]:
    if not isinstance(quantity, Quantity):
        return [quantity]
    return [quantity.times * value for values in quantity.read(runs).values() for value in values]


reached = partial(compare, relation="is reached", right=inf)
never = partial(compare, relation="is never reached", right=inf)


def equal(quantity: Quantity, value: float) -> Condition:
    return compare(quantity, "is", value)


def within(
    quantity: Quantity, published: float | Mapping[str, float], *, share: float = 0, factor: float = 1
) -> Criterion:
    """A quantity near a published number, or near one per label of a set-up.

    share: the largest difference, as a share of the published number; or factor: the largest ratio.
    """
    low, high = (1 - share, 1 + share) if share else (1 / factor, factor)

    def near(label: str) -> float:
        return published[label] if isinstance(published, Mapping) else published

    def holds(runs: Runs) -> bool:
        found = quantity.read(runs).items()
        return all(low * near(label) <= value <= high * near(label) for label, values in found for value in values)

    many = published if isinstance(published, Mapping) else {}
    texts = [f"{published_text(number)} ({label})" for label, number in many.items()] or [published_text(near(""))]
    limit = "a third" if share == 1 / 3 else f"{100 * share:g} %" if share else f"a factor of {factor:g}"
    clause = f"{quantity.text} is within {limit} of {joined(texts)}"
    return Criterion(clause, (quantity,), holds, tuple(many.values()) or (near(""),))


def published_text(number: float) -> str:
    return numbers.figure(number, 4)


def ordered(is_rising: bool, figure: Figure, order: str) -> Criterion:
    """The medians of the set-ups in their order, which `order` names, as in `with alpha`."""
    quantity = median(figure)

    def holds(runs: Runs) -> bool:
        return all(a < b if is_rising else a > b for a, b in pairwise(flat(quantity, runs)))

    return Criterion(f"{quantity.text} {'rises' if is_rising else 'falls'} {order}", (quantity,), holds)


rises, falls = partial(ordered, True), partial(ordered, False)


def among(condition: Condition, rule: Criterion, *, fewest: int) -> Criterion:
    """A rule for the runs in which a condition holds. Undecided: they are fewer than `fewest`."""

    def chosen(runs: Runs) -> Runs:
        is_chosen = iter(condition.in_each(runs))
        found = {label: [run for run in runs[label] if next(is_chosen)] for label in runs}
        return Runs({label: of for label, of in found.items() if of})

    def holds(runs: Runs) -> bool:
        n = len(chosen(runs).all())
        if n < fewest:
            raise Undecided(f"{condition.clause} in {n} of {len(runs.all())} runs; {fewest} are needed")
        return rule.holds(chosen(runs))

    def inside(of: Quantity) -> Quantity:
        show = of.show
        return replace(of, read=lambda runs: of.read(chosen(runs)), show=show and (lambda runs: show(chosen(runs))))

    text = f"of the runs in which {condition.clause} ({fewest} or more): {rule.text}"
    return Criterion(text, (share(condition), *map(inside, rule.quantities)), holds)


def measured(quantities: Sequence[Quantity], runs: Runs) -> str:
    """The values of quantities as a text, each once."""
    texts = []
    for name, values in by_name(quantities, runs).items():
        show = next((quantity.show for quantity in quantities if quantity.name == name), None)
        several = len(values) > 1
        listing = ", ".join((f"{label}: " if several else "") + listed(found) for label, found in values.items())
        texts.append(show(runs) if show else f"{name}{':' if several else ''} {listing}")
    return "; ".join(dict.fromkeys(texts))


def by_name(quantities: Sequence[Quantity], runs: Runs) -> dict[str, Values]:
    """Name of a quantity -> its values; those of one name and several labels together."""
    found: dict[str, Values] = {}
    for quantity in quantities:
        found.setdefault(quantity.name, {}).update(quantity.read(runs))
    return found


def listed(values: Sequence[float]) -> str:
    if len(values) > MOST_LISTED:
        return f"{numbers.figure(min(values))} to {numbers.figure(max(values))}"
    texts = [numbers.figure(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def spread(quantities: Sequence[Quantity], runs: Runs) -> str:
    """The smallest and the largest value over seeds of the first figure of which the rule takes a median."""
    figures = [q.figure for q in quantities if q.figure and not q.is_each]
    if not figures:
        return ""
    found = each(figures[0]).read(runs)
    if max(map(len, found.values())) < 2:
        return "one seed"
    return "; ".join(f"{label}: {numbers.figure(min(v))} to {numbers.figure(max(v))}" for label, v in found.items())
