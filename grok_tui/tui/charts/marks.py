"""Vertical marks on the chart: what happened when, in few words that never cover one another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...config.fields import NORM
from ...config.steering import HOLD, short_name
from ...numbers import short
from .. import theme

WORDS = {"memorized": ("memorised", theme.MEMORISED), "grokked": ("grokked", theme.GOOD)}


@dataclass(frozen=True)
class Mark:
    """One thing that happened, or several of a kind that stand close together."""

    step: int
    text: str
    colour: str
    key: str = ""
    """The field that was steered."""
    old: float | None = None
    new: float | None = None
    count: int = 1
    rank: int = 1
    """If there is no room for every label, the lower ranks keep theirs."""
    last: int = 0
    """The step of the last of several."""


@dataclass(frozen=True)
class Label:
    """A mark's text, and the row and first column where it stands."""

    row: int
    column: int
    text: str
    colour: str


def marks_of(events: list[dict[str, Any]]) -> list[Mark]:
    """The events that belong on the chart, in order of step."""
    found = []
    for event in events:
        kind, step = event.get("type"), int(event.get("step", 0))
        if kind == "phase" and event.get("phase") in WORDS:
            text, colour = WORDS[event["phase"]]
            found.append(Mark(step, text, colour, rank=0, last=step))
        elif kind == "steered":
            key, old, new = str(event.get("key")), event.get("old"), event.get("new")
            found.append(steering(Mark(step, "", theme.STEER, key, old, new, last=step)))
        elif kind == "marked":
            found.append(Mark(step, str(event.get("label") or "mark"), theme.TEXT, last=step))
        elif kind == "resumed":
            found.append(Mark(step, "resumed", theme.DIM, rank=2, last=step))
    return sorted(found, key=lambda mark: mark.step)


def steering(mark: Mark) -> Mark:
    """The same mark with its text: `wd 1→5.6e-4 (13)`, `norm ×0.70`, `norm held 48`."""
    several = f" ({mark.count})" if mark.count > 1 else ""
    text = f"{short_name(mark.key)} {short(mark.old, 2)}→{short(mark.new, 2)}"
    if mark.key == NORM and mark.old and mark.new:
        text = f"norm ×{mark.new / mark.old:.2f}"
    elif mark.key == HOLD and mark.new is not None and 0 in (mark.old, mark.new):
        text = f"norm held {short(mark.new)}" if mark.new else "norm free"
    return replace(mark, text=text + several)


def merged(marks: list[Mark], column: Callable[[float], int], gap: int) -> list[Mark]:
    """Join steerings of one field within `gap` columns of one another, unless something else lies between."""
    result: list[Mark] = []
    for mark in marks:
        before = result[-1] if result else None
        if before and continues(before, mark) and column(mark.step) - column(before.last) <= gap:
            joined = replace(before, new=mark.new, count=before.count + mark.count, last=mark.step)
            result[-1] = steering(joined)
        else:
            result.append(mark)
    return result


def continues(before: Mark, mark: Mark) -> bool:
    """Whether a change goes on in the direction of the one before: down and back up get two labels."""
    if mark.key in ("", NORM) or before.key != mark.key or None in (before.old, before.new, mark.old, mark.new):
        return False
    return (before.new - before.old) * (mark.new - mark.old) > 0  # type: ignore[operator]


def labels(marks: list[Mark], column: Callable[[float], int], width: int, rows: int) -> list[Label]:
    """Place each text at the column of its mark, on the first of `rows` rows that is free there; else left of its mark.

    A text that finds no place is left out.
    """
    taken: list[list[tuple[int, int]]] = [[] for _ in range(rows)]
    placed = []
    for mark in sorted(marks, key=lambda mark: (mark.rank, -mark.step)):
        text = mark.text if len(mark.text) <= width else mark.text[: max(width - 1, 0)] + "…"
        at = column(mark.step)
        for start in (at, at - len(text) + 1, max(0, min(at, width - len(text)))):
            end = start + len(text)
            if start < 0 or end > width:
                continue
            row = next((r for r in range(rows) if all(end < a or start > b for a, b in taken[r])), None)
            if row is not None:
                taken[row].append((start, end))
                placed.append(Label(row, start, text, mark.colour))
                break
    return sorted(placed, key=lambda label: (label.row, label.column))
