"""What was published beside what was measured: as JSON, and as a table to be pasted as it is."""

from __future__ import annotations

import math
import os
import platform
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..store.reader import RunReader
from .claim import SOURCES, Claim, Finding, Runs, verdict

WIDTH = 118
"""Characters that a line of the table may have."""
GAP = "  "
HEADER = ("claim", "published", "measured", "spread", "verdict")
VERDICTS = ("agrees", "differs", "not decided")


@dataclass(frozen=True)
class Judged:
    """A claim, and what its rule saw in its runs."""

    claim: Claim
    finding: Finding
    runs: Runs


@dataclass(frozen=True)
class Effort:
    """What was run, how and where, for the table's first lines."""

    date: str
    quick: bool
    workers: int
    runs: int
    """how many the claims need, each counted once"""
    reused: int
    """of these, how many had ended before"""
    wall_seconds: float
    """of this command"""
    run_seconds: float
    """of all runs together, those before this command too, each on one core"""


def machine() -> dict[str, Any]:
    """The computer: cpu, cores, memory in GiB."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (OSError, ValueError):
        memory = None
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": memory and round(memory)}


def versions() -> dict[str, str]:
    """What the numbers hang on."""
    return {"grok_tui": __version__, "torch": metadata.version("torch"), "python": platform.python_version()}


def seconds(run: RunReader) -> float:
    """How long a run trained: from the start to the last event of each of its lives."""
    total, began, last = 0.0, None, None
    for event in run.events:
        time = datetime.fromisoformat(event["time"])
        if event["type"] in ("started", "resumed"):
            total += (last - began).total_seconds() if began and last else 0.0
            began = time
        last = time
    return total + ((last - began).total_seconds() if began and last else 0.0)


def plain(value: Any) -> Any:
    """The value as JSON can hold it; a number that is not finite becomes null."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | range() | np.ndarray():
            return [plain(item) for item in value]
        case np.generic():
            return plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
    return str(value)


def record(judged: Judged) -> dict[str, Any]:
    """Everything about one claim, for JSON."""
    claim, finding = judged.claim, judged.finding
    runs = [run_record(label, run) for label in judged.runs for run in judged.runs[label]]
    return plain(
        {
            "id": claim.id,
            "source": claim.source,
            "figure": claim.figure,
            "title": claim.title,
            "says": claim.says,
            "published": claim.published,
            "rule": claim.rule,
            "measured": finding.measured,
            "spread": finding.spread,
            "verdict": verdict(finding),
            "tried": claim.tried,
            "numbers": finding.numbers,
            "seconds": round(sum(run["seconds"] for run in runs), 1),
            "runs": runs,
        }
    )


def run_record(cell: str, run: RunReader) -> dict[str, Any]:
    """One run of a claim, for JSON."""
    result = run.info.get("result") or {}
    return {
        "cell": cell,
        "preset": run.info.get("preset"),
        "seed": run.config.train.seed,
        "run": run.run.id,
        "path": str(run.run.path),
        "status": run.info["status"],
        "step": (run.info.get("progress") or {}).get("step"),
        "t_mem": result.get("t_mem"),
        "t_grok": result.get("t_grok"),
        "seconds": round(seconds(run), 1),
    }


def counts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many claims got each verdict."""
    found = Counter(verdict(item.finding) for item in judged)
    return {name: found[name] for name in VERDICTS}


def summary(effort: Effort, judged: Sequence[Judged]) -> dict[str, Any]:
    """What JSON says of all claims together."""
    told = {name.replace(" ", "_"): n for name, n in counts(judged).items()}
    return plain({**vars(effort), "versions": versions(), "machine": machine(), **told})


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def sentence(judged: Judged) -> str:
    """One claim in one line."""
    claim, finding = judged.claim, judged.finding
    spread = f" ({finding.spread})" if finding.spread else ""
    if finding.holds is None:
        return f"{claim.id}: {verdict(finding)}: {finding.measured}{spread}"
    return f"{claim.id}: {verdict(finding)}: published {claim.published}; measured {finding.measured}{spread}"


def table(effort: Effort, judged: Sequence[Judged]) -> str:
    """The whole table."""
    rows = {item.claim.id: [cells(text) for text in row(item)] for item in judged}
    heads = [cells(text) for text in HEADER]
    widths = fit([heads, *rows.values()])
    lines = [*first_lines(effort, [item.claim for item in judged]), "", *laid_out(heads, widths)]
    lines.append(GAP.join("-" * width for width in widths))
    source = None
    for item in judged:
        if item.claim.source != source:
            source = item.claim.source
            lines += ["", f"{source}  {SOURCES[source].title}, {SOURCES[source].paper}"]
        lines += ["", *laid_out(rows[item.claim.id], widths)]
        if item.finding.holds is False and item.claim.tried:
            lines += textwrap.wrap(f"tried: {item.claim.tried}", WIDTH, initial_indent=GAP, subsequent_indent=GAP)
    said = counts(judged)
    return "\n".join([*lines, "", ", ".join(f"{name} {said[name]}" for name in VERDICTS)])


def first_lines(effort: Effort, claims: Sequence[Claim]) -> list[str]:
    """When, with what, where, over how many seeds and for how long."""
    about, with_ = machine(), versions()
    memory = f", {about['memory_gib']} GiB" if about["memory_gib"] else ""
    reused = f", {effort.reused} of them before" if effort.reused else ""
    workers = f"{effort.workers} worker{'s' * (effort.workers != 1)} of one thread"
    lines = [
        f"Published beside measured, {effort.date[:16].replace('T', ' ')}",
        f"grok-tui {with_['grok_tui']}, torch {with_['torch']}, Python {with_['python']}",
        f"{about['cpu']}, {about['cores']} cores{memory}",
        seeds_rule(effort.quick, claims),
        f"{effort.runs} runs{reused}; {duration(effort.wall_seconds)} with {workers}, "
        f"the runs alone {duration(effort.run_seconds)} of one core",
    ]
    return [part for line in lines for part in textwrap.wrap(line, WIDTH)]


def seeds_rule(quick: bool, claims: Sequence[Claim]) -> str:
    """How many seeds every cell was run with."""
    numbers = sorted({len(claim.seeds_of(quick)) for claim in claims}) or [0]
    seeds = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    plural = "" if numbers == [1] else "s"
    fewer = ", some claims on fewer cells" if quick and any(claim.quick for claim in claims) else ""
    return f"{'quick' if quick else 'whole'}: {seeds} seed{plural} a cell, counted from 0{fewer}"


def row(judged: Judged) -> tuple[str, ...]:
    """A claim's cells as texts; a line break in one begins a new line."""
    claim, finding = judged.claim, judged.finding
    name = f"{claim.id}\n{claim.figure}" if claim.figure else claim.id
    return name, claim.published, finding.measured, finding.spread, verdict(finding)


def cells(text: str) -> list[str]:
    """The lines of a cell, before they are wrapped."""
    return text.splitlines() or [""]


def fit(rows: Sequence[Sequence[list[str]]]) -> list[int]:
    """The width of each column: as wide as its longest line, the widest made narrower until all fit."""
    widths = [max(len(line) for row in rows for line in row[i]) for i in range(len(HEADER))]
    least = max(len(line) for row in rows for line in row[-1])
    while sum(widths) + len(GAP) * (len(widths) - 1) > WIDTH:
        widest = max(range(len(widths) - 1), key=lambda i: widths[i])
        if widths[widest] <= least:
            break
        widths[widest] -= 1
    return widths


def laid_out(row: Sequence[list[str]], widths: Sequence[int]) -> list[str]:
    """A row as lines of text."""
    columns = [
        [part for line in lines for part in textwrap.wrap(line, width) or [""]]
        for lines, width in zip(row, widths, strict=True)
    ]
    height = max(len(column) for column in columns)
    filled = [column + [""] * (height - len(column)) for column in columns]
    return [
        GAP.join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*filled, strict=True)
    ]
