"""`grok-tui verify`: the published results, run here, beside what was published."""

import os
import shlex
import sys
import textwrap
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer

from ..claims import registry, report
from ..claims.claim import SOURCES, Claim, Judged
from ..claims.runner import Verification, held
from ..config.paths import expanded
from ..errors import GrokError, UsageError, nearest
from ..numbers import duration
from ..process import saving_signals
from ..store.reader import RunReader
from ..store.rundir import check_runs_dir
from ..sweep.launcher import Report
from ..sweep.local import Local
from ..sweep.plan import PlannedRun
from . import options, output

OUT = Path("verify")

Which = Annotated[list[str] | None, typer.Argument(metavar="CLAIM", help="Claims by id; all if left out.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer seeds, and fewer runs of long claims.")]
Out = Annotated[Path, typer.Option("--out", parser=expanded, help="Directory of the runs, the plots and verify.json.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes.", show_default="one per core")]
List = Annotated[bool, typer.Option("--list", help="Say what would be run, and run nothing.")]


def verify(
    claims: Which = None,
    quick: Quick = False,
    out: Out = OUT,
    workers: Workers = None,
    backend: options.Backend = "fast",
    list: List = False,
    json: options.Json = False,
) -> None:
    """Run on the CPU what the sources claim, and print the results beside what was published.

    If it is stopped, the same command continues: runs that have ended are kept, the others resume.
    """
    chosen = choose(claims or [], quick)
    if list:
        return show(chosen, quick, json=json)
    try:
        check_runs_dir(out)
    except UsageError as error:
        raise UsageError(f"--out{str(error).removeprefix('--runs')}") from None
    try:
        with held(out):
            size = workers or os.cpu_count() or 1
            verification = Verification(chosen, Local(size), quick=quick, out=out, workers=size, backend=backend)
            raise typer.Exit(carry_out(verification, json=json))
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, for instance
        raise GrokError(f"verify: {error}; the same command continues from here") from error


def choose(ids: Sequence[str], quick: bool) -> list[Claim]:
    """The claims that are asked for, in the order of the table."""
    known = {claim.id: claim for claim in registry.CLAIMS}
    for id in ids:
        if id not in known:
            raise UsageError(f"no claim {id}; {nearest(id, known)}")
        if quick and not known[id].seeds_of(quick):
            raise UsageError(f"{id}: --quick leaves it out; run it without")
    return [claim for claim in registry.CLAIMS if (claim.id in ids if ids else claim.seeds_of(quick))]


def show(claims: Sequence[Claim], quick: bool, *, json: bool) -> None:
    source = None
    for claim in claims:
        n = len(claim.setups_of(quick)) * len(claim.seeds_of(quick))
        if json:
            about = {name: getattr(claim, name) for name in ("id", "source", "figure", "title", "says", "published")}
            output.json_line({"type": "claim", **about, "rule": claim.rule_text, "runs": n})
            continue
        if claim.source != source:
            output.data(f"{claim.source}  {SOURCES[claim.source].title}, {SOURCES[claim.source].paper}")
            source = claim.source
        output.data(f"  {claim.id}  {claim.title} ({n} run{'s' * (n != 1)})")
        for text in (claim.says, f"Published: {claim.published}", f"Rule: {claim.rule_text}"):
            output.data(textwrap.fill(text, report.WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8))


def carry_out(verification: Verification, *, json: bool) -> int:
    """Run and judge, showing progress, and print the results; returns the exit code."""
    display = Display(verification, bar=not (json and sys.stdout.isatty()))
    with saving_signals(verification.stop) as signals, closing(iter(verification)) as happening:
        try:
            for happened in happening:
                display.show(happened)
                if json and isinstance(happened, Judged):
                    with suppress(output.OutputGone):  # the runs go on, and verify.json is written
                        output.json_line({"type": "claim", **report.record(happened)})
        finally:
            display.close()
    verification.write()
    status = "finished" if verification.is_done else "interrupted"
    if json:
        about = {"type": "result", "path": str(verification.out), "status": status}
        output.json_line(about | report.summary(verification.effort(), verification.in_order()))
    if not verification.is_done:
        again = shlex.join(["grok-tui", *sys.argv[1:]])
        output.note(f"stopped with {verification.done} of {len(verification.runs)} runs done; continue with: {again}")
        return 128 + signals[0]
    if not json:
        output.data(report.table(verification.effort(), verification.in_order()))
    return 0


class Display:
    """The progress on stderr: what has ended, and on a terminal a bar with the runs that train."""

    EVERY = 0.5
    """seconds between two updates of the bar"""

    def __init__(self, verification: Verification, *, bar: bool) -> None:
        self.verification = verification
        self.n = len(verification.runs)
        self.bar = output.TrainingProgress("", self.n, quiet=False, unit="runs", bar=bar)
        self._running: dict[str, PlannedRun] = {}
        self._updated = 0.0
        if verification.reused:
            self.say(f"{verification.reused} of {self.n} runs have ended before")

    def show(self, happened: Report | Judged | str | None) -> None:
        match happened:
            case Report(what, run, reason):
                self._show_run(what, run, reason)
            case Judged():
                self.say(report.sentence(happened))
            case str():
                self.say(happened)
        if self.bar.is_bar and time.monotonic() > self._updated + self.EVERY:
            self._updated = time.monotonic()
            running = [
                f"{run.name} at {step_of(run):,} of {run.config.train.steps:,}" for run in self._running.values()
            ]
            says = "saving the runs ..." if self.verification.is_stopping else "; ".join(running)
            with suppress(OSError):
                self.bar.move(self.verification.done, says=says)

    def _show_run(self, what: str, run: PlannedRun, reason: str) -> None:
        if what == "started":
            self._running[run.run.id] = run
            return
        self._running.pop(run.run.id, None)
        counted = f"[{self.verification.done}/{self.n}] {run.name}: "
        match what:
            case "ended":
                self.say(counted + how_it_ended(run))
            case "retried":
                self.say(f"{run.name}: {reason}; it resumes from its checkpoint")
            case "given up":
                self.say(f"{counted}given up: {reason}")

    def say(self, text: str) -> None:
        """Show a line. If stderr goes away, the runs go on."""
        with suppress(OSError, output.OutputGone):
            self.bar.say(text)

    def close(self) -> None:
        with suppress(OSError):
            self.bar.close()


def step_of(run: PlannedRun) -> int:
    try:
        return int(run.run.info()["progress"]["step"])
    except GrokError:
        return 0


def how_it_ended(run: PlannedRun) -> str:
    """A run's end in a few words."""
    try:
        reader = RunReader(run.run)
    except GrokError as error:
        return str(error)
    reason = f": {reader.info['error']}" if reader.info.get("error") else ""
    took = duration(report.seconds(reader))
    return f"{reader.info['status']} at {reader.info['progress']['step']:,} ({took}){reason}"
