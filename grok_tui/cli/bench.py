"""`grok-tui bench`: ours beside plain baselines."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..bench import machine, report
from ..bench.records import Bench, Measured
from ..bench.registry import PARTS
from ..bench.sides import Side
from ..errors import UsageError, nearest
from . import options, output

Which = Annotated[
    list[str] | None, typer.Argument(metavar="PART", help=f"{', '.join(PARTS)}; all if left out.", show_default=False)
]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rounds and smaller cases: about six minutes.")]


def bench(parts: Which = None, quick: Quick = False, json: options.Json = False) -> None:
    """Measure the speed of this machine's grok-tui beside plain baselines, in turn; about 25 minutes on the CPU.

    A target that is missed is told, and is no error.
    """
    chosen = choose(parts or [])
    with Side("products:Products") as products:
        here = products.ask("about")[1]
    about = machine.about(here["threads"], here["torch"])
    if json:
        output.json_line({"type": "machine", **about, "quick": quick})
    else:
        for line in report.heading(about):
            output.data(line)
    figures: list[tuple[str, Measured]] = []
    for part in chosen:
        if not json:
            output.data(part)
        with tempfile.TemporaryDirectory(prefix="grok-tui-bench-") as folder:
            told = Bench(quick=quick, threads=here["threads"], folder=Path(folder), say=output.note)
            for record in PARTS[part](told):
                output.json_line(report.as_json(part, record)) if json else output.data(report.line(record))
                if isinstance(record, Measured):
                    figures.append((part, record))
    if not json:
        output.data(report.verdict(figures))


def choose(parts: Sequence[str]) -> list[str]:
    """The parts that are asked for, in the order of the table."""
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"no part {part}; {nearest(part, PARTS)}")
    return [part for part in PARTS if not parts or part in parts]
