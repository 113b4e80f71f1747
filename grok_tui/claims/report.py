"""What was published beside what was measured: as JSON, and as a table."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .. import machine
from ..numbers import duration, finite
from ..store.info import moment
from ..store.reader import RunReader
from .claim import SOURCES, Claim, Judged

WIDTH = 118
"""Characters per line of the table."""
COLUMNS = {"claim": 20, "published": 26, "measured": 31, "spread": 22, "verdict": 11}
"""Widths; two spaces are between columns."""
VERDICTS = ("agrees", "differs", "not decided")


@dataclass(frozen=True)
class Effort:
    """What was run and for how long."""

    date: str
    quick: bool
    workers: int
    runs: int
    """how many the claims need, each counted once"""
    reused: int
    """how many of these had ended before"""
    wall_seconds: float
    """of this command"""
    run_seconds: float
    """of all runs together, each on one core; includes those before this command"""


def seconds(run: RunReader) -> float:
    """How long a run trained: from each start or resume to the last event before the next one."""
    total, began, last = 0.0, None, None
    for event in run.events:
        time = moment(event.get("time"))
        if event.get("type") in ("started", "resumed", "branched"):
            total += (last - began).total_seconds() if began and last else 0.0
            began = time
        last = time
    return total + ((last - began).total_seconds() if began and last else 0.0)


def record(judged: Judged) -> dict[str, Any]:
    """Everything about one claim, for JSON."""
    claim, finding = judged.claim, judged.finding
    runs = [run_record(label, run) for label in judged.runs for run in judged.runs[label]]
    about = {name: getattr(claim, name) for name in ("id", "source", "figure", "title", "says", "published", "tried")}
    return finite(
        {
            **about,
            "rule": claim.rule_text,
            "measured": finding.measured,
            "spread": finding.spread,
            "verdict": finding.verdict,
            "numbers": finding.numbers,
            "seconds": round(sum(run["seconds"] for run in runs), 1),
            "runs": runs,
        }
    )


def run_record(label: str, run: RunReader) -> dict[str, Any]:
    result = run.info.get("result") or {}
    return {
        "cell": label,
        "preset": run.info.get("preset"),
        "seed": run.config.train.seed,
        "run": run.run.id,
        "path": str(run.run.path),
        "status": run.info["status"],
        "step": (run.info.get("progress") or {}).get("step"),
        "t_mem": result.get("t_mem"),
        "t_grok": result.get("t_grok"),
        "interval": result.get("interval"),
        "seconds": round(seconds(run), 1),
    }


def counts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many claims got each verdict."""
    found = Counter(item.finding.verdict for item in judged)
    return {name: found[name] for name in VERDICTS}


def summary(effort: Effort, judged: Sequence[Judged]) -> dict[str, Any]:
    """What JSON says of all claims together."""
    verdicts = {name.replace(" ", "_"): n for name, n in counts(judged).items()}
    return finite({**vars(effort), "versions": machine.versions(), "machine": machine.describe(), **verdicts})


def sentence(judged: Judged) -> str:
    """One claim in one line."""
    claim, finding = judged.claim, judged.finding
    spread = f" ({finding.spread})" if finding.spread else ""
    published = "" if finding.holds is None else f"published {claim.published}; measured "
    return f"{claim.id}: {finding.verdict}: {published}{finding.measured}{spread}"


def table(effort: Effort, judged: Sequence[Judged]) -> str:
    """The whole table, in lines of `WIDTH` characters."""
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False)
    for line in first_lines(effort, [item.claim for item in judged]):
        console.print(line)
    console.print()
    console.print(grid(list(COLUMNS), ["-" * width for width in COLUMNS.values()]))
    source = None
    for item in judged:
        claim, finding = item.claim, item.finding
        if claim.source != source:
            source = claim.source
            console.print(f"\n{source}  {SOURCES[source].title}, {SOURCES[source].paper}")
        name = f"{claim.id}\n{claim.figure}".strip()
        console.print()
        console.print(grid([name, claim.published, finding.measured, finding.spread, finding.verdict]))
        if finding.holds is False and claim.tried:
            console.print(Padding(Text(f"tried: {claim.tried}"), (0, 0, 0, 2)))
    console.print("\n" + ", ".join(f"{name} {n}" for name, n in counts(judged).items()))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def grid(*rows: Sequence[str]) -> Table:
    found = Table.grid(padding=(0, 2, 0, 0))
    for width in COLUMNS.values():
        found.add_column(width=width)
    for row in rows:
        found.add_row(*map(Text, row))
    return found


def first_lines(effort: Effort, claims: Sequence[Claim]) -> list[str]:
    """When, with what, where, over how many seeds and for how long."""
    versions = machine.versions()
    reused = f", {effort.reused} of them before" if effort.reused else ""
    workers = f"{effort.workers} worker{'s' * (effort.workers != 1)} of one thread"
    return [
        f"Published beside measured, {effort.date[:16].replace('T', ' ')} UTC",
        f"grok-tui {versions['grok_tui']}, torch {versions['torch']}, Python {versions['python']}",
        machine.sentence(),
        seeds_line(effort.quick, claims),
        f"{effort.runs} runs{reused}; {duration(effort.wall_seconds)} with {workers}, "
        f"the runs alone {duration(effort.run_seconds)} of one core",
    ]


def seeds_line(quick: bool, claims: Sequence[Claim]) -> str:
    numbers = sorted({len(claim.seeds_of(quick)) for claim in claims}) or [0]
    seeds = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    plural = "" if numbers == [1] else "s"
    fewer = ", some claims with fewer set-ups" if quick and any(claim.quick for claim in claims) else ""
    return f"{'quick' if quick else 'whole'}: {seeds} seed{plural} per set-up, counted from 0{fewer}"
