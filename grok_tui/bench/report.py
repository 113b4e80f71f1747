"""The benchmark's figures as a table for people, and as JSON."""

from __future__ import annotations

from typing import Any

from .records import Measured, Note, Record

WHAT, MEASURED, SPREAD, TARGET = 52, 7, 17, 10
"""Widths of the table's columns."""


def heading(about: dict[str, Any]) -> list[str]:
    """The machine, and the columns' names."""
    versions = about["versions"]
    return [
        f"grok-tui {versions['grok_tui']}, torch {versions['torch']}, python {versions['python']}, "
        f"{about['system']}, {about['date'][:16].replace('T', ' ')}",
        f"{about['processor']}, {about['cores']} cores, {about['threads']} threads; as many on either side",
        "",
        row("", "median", "low - high", "target", ""),
    ]


def row(what: str, measured: str, spread: str, target: str, verdict: str) -> str:
    """One line of the table."""
    cells = f"{what:<{WHAT}}{measured:>{MEASURED}}{spread:>{SPREAD}}  {target:<{TARGET}}"
    return f"{cells}{verdict}".rstrip()


def line(record: Record) -> str:
    """A figure, with what it had to reach and whether it did; or a note."""
    if isinstance(record, Note):
        return f"  {record.text}"
    spread = f"{number(record.low)} - {number(record.high)}" if len(record.values) > 1 else ""
    target = f"{record.target.sign} {record.target.limit:g}" if record.target else ""
    verdict = "" if record.is_met is None else "met" if record.is_met else "MISSED"
    what = f"  {record.what}" + (f", {record.unit}" if record.unit else "")
    return row(what, number(record.median), spread, target, verdict)


def number(value: float) -> str:
    """Three figures, or a whole number."""
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.1 or not size else f"{value:.2g}"


def as_json(part: str, record: Record) -> dict[str, Any]:
    """One object a record."""
    if isinstance(record, Note):
        return {"type": "note", "part": part, "text": record.text}
    found = {"type": "figure", "part": part, "what": record.what, "unit": record.unit, "median": record.median}
    found |= {"low": record.low, "high": record.high, "rounds": list(record.values)}
    target = record.target and f"{record.target.sign} {record.target.limit:g}"
    return found | {"target": target, "met": record.is_met}


def verdict(figures: list[tuple[str, Measured]]) -> str:
    """How many targets are met, and which are not; figures by their parts."""
    asked = [(part, figure) for part, figure in figures if figure.target]
    missed = [f"{part}: {figure.what}" for part, figure in asked if not figure.is_met]
    said = f"{len(asked) - len(missed)} of {len(asked)} targets met"
    return f"{said}; missed: {'; '.join(missed)}" if missed else said
