"""`grok-tui bench`: ours beside plain baselines."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .. import machine
from ..bench import report
from ..bench.records import PARTS, Bench, Measured
from ..errors import UsageError, nearest
from ..store.info import now
from . import options, output

Which = Annotated[
    list[str] | None, typer.Argument(metavar="PART", help=f"{', '.join(PARTS)}; all if left out.", show_default=False)
]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rounds and smaller cases: about five minutes.")]


def bench(parts: Which = None, quick: Quick = False, json: options.Json = False) -> None:
    """Measure the speed of grok-tui on this machine beside plain baselines, in turn; about 20 minutes.

    A missed target is reported; it is not an error.
    """
    chosen = choose(parts or [])
    import torch  # only here: it loads for a second

    from ..bench.benchmarks import BENCHMARKS

    threads, date = torch.get_num_threads(), now()
    if json:
        about = {**machine.describe(), "threads": threads, "versions": machine.versions()}
        output.json_line({"type": "machine", "date": date, **about, "quick": quick})
    else:
        for line in report.heading(threads, date):
            output.data(line)
    figures: list[tuple[str, Measured]] = []
    for part in chosen:
        if not json:
            output.data(part)
        with tempfile.TemporaryDirectory(prefix="grok-tui-bench-") as folder:
            for record in BENCHMARKS[part](Bench(quick, threads, Path(folder), output.note)):
                output.json_line(report.as_json(part, record)) if json else output.data(report.line(record))
                if isinstance(record, Measured):
                    figures.append((part, record))
    if not json:
        output.data(report.summary(figures))


def choose(parts: Sequence[str]) -> list[str]:
    """The parts that are asked for, all if none is, in the order of PARTS."""
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"no part {part}; {nearest(part, PARTS)}")
    return [part for part in PARTS if not parts or part in parts]
