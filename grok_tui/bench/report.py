"""The benchmark's figures as a table for people, and as JSON."""

from collections.abc import Sequence
from typing import Any

from .. import machine
from ..numbers import figure
from .records import Measured, Note, Record

WHAT, MEASURED, SPREAD, TARGET = 52, 7, 17, 10
"""Widths of the table's columns."""


def heading(threads: int, date: str) -> list[str]:
    """The machine, and the names of the columns."""
    on = machine.versions()
    return [
        f"grok-tui {on['grok_tui']}, torch {on['torch']}, python {on['python']}, {date[:16].replace('T', ' ')}",
        f"{machine.sentence()}, {machine.describe()['system']}; {threads} threads on each side",
        "",
        row("", "median", "low - high", "target", ""),
    ]


def row(what: str, measured: str, spread: str, target: str, verdict: str) -> str:
    cells = f"{what:<{WHAT}}{measured:>{MEASURED}}{spread:>{SPREAD}}  {target:<{TARGET}}"
    return f"{cells}{verdict}".rstrip()


def line(record: Record) -> str:
    """A note, or a figure with its target and whether it is met."""
    if isinstance(record, Note):
        return f"  {record.text}"
    spread = f"{figure(min(record.values))} - {figure(max(record.values))}" if len(record.values) > 1 else ""
    verdict = "" if record.is_met is None else "met" if record.is_met else "MISSED"
    what = f"  {record.what}" + (f", {record.unit}" if record.unit else "")
    return row(what, figure(record.median), spread, record.target, verdict)


def as_json(part: str, record: Record) -> dict[str, Any]:
    """One object per record."""
    if isinstance(record, Note):
        return {"type": "note", "part": part, "text": record.text}
    found = {"type": "figure", "part": part, "what": record.what, "unit": record.unit, "median": record.median}
    found |= {"low": min(record.values), "high": max(record.values), "rounds": list(record.values)}
    return found | {"target": record.target or None, "met": record.is_met}


def summary(figures: Sequence[tuple[str, Measured]]) -> str:
    """How many targets are met, and which are missed. figures: with the names of their parts."""
    tried = [(part, figure) for part, figure in figures if figure.target]
    missed = [f"{part}: {figure.what}" for part, figure in tried if not figure.is_met]
    text = f"{len(tried) - len(missed)} of {len(tried)} targets met"
    return f"{text}; missed: {'; '.join(missed)}" if missed else text
