"""`grok-tui verify`: the published results, run here, beside what was published."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from ..claims import registry, report
from ..claims.claim import SOURCES, Claim
from ..claims.report import Judged
from ..claims.runner import Planned, Verification, held
from ..config.paths import expanded
from ..engine.pool import Report
from ..errors import GrokError, UsageError, nearest
from ..store.reader import RunReader
from ..store.rundir import check_runs_dir
from . import options, output

OUT = Path("verify")

Which = Annotated[list[str] | None, typer.Argument(metavar="CLAIM", help="Claims by id; all if left out.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer seeds, and fewer runs of long claims.")]
Out = Annotated[
    Path, typer.Option("--out", parser=expanded, help="Where runs, plots and verify.json go; the same again goes on.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes that train at a time.", show_default="one a core")
]
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
    """Run on the CPU what the sources claim, and print it beside what they published.

    Whatever stops it, the same command goes on: runs that ended are kept, the others go on from their checkpoints.
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
            verification = Verification(
                chosen, quick=quick, out=out, workers=workers or os.cpu_count() or 1, backend=backend
            )
            raise typer.Exit(carry_out(verification, json=json))
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, for instance
        raise GrokError(f"verify: {error}; the same command goes on from here") from error


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
    """List claims."""
    source = None
    for claim in claims:
        n = len(claim.cells_of(quick)) * len(claim.seeds_of(quick))
        if json:
            about = {name: getattr(claim, name) for name in ("figure", "title", "says", "published", "rule")}
            output.json_line({"type": "claim", "id": claim.id, "source": claim.source, **about, "runs": n})
            continue
        if claim.source != source:
            output.data(f"{claim.source}  {SOURCES[claim.source].title}, {SOURCES[claim.source].paper}")
            source = claim.source
        output.data(f"  {claim.id}  {claim.title} ({n} run{'s' * (n != 1)})")
        for text in (claim.says, f"Published: {claim.published}", f"Rule: {claim.rule}"):
            output.data(textwrap.fill(text, report.WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8))


def carry_out(verification: Verification, *, json: bool) -> int:
    """Run and judge, telling how it goes, and print what came of it; returns the exit code."""
    display = Display(verification, plain=json and sys.stdout.isatty())
    with heard(verification) as signals, closing(iter(verification)) as happening:
        try:
            for happened in happening:
                display.show(happened)
                if json and isinstance(happened, Judged):
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
        output.note(f"stopped with {verification.done} of {len(verification.runs)} runs done; go on with: {again}")
        return 128 + signals[0]
    if not json:
        output.data(report.table(verification.effort(), verification.in_order()))
    return 0


@contextmanager
def heard(verification: Verification) -> Iterator[list[int]]:
    """Hear signals: the first has every run saved, the next ends at once. Gives the list of those that came."""
    came: list[int] = []

    def hear(signum: int, frame: Any) -> None:
        if came:
            os.write(sys.stderr.fileno(), b"\x1b[?25h" if sys.stderr.isatty() else b"")  # the cursor back
            os._exit(128 + signum)
        came.append(signum)
        verification.stop()

    before = {signum: signal.signal(signum, hear) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield came
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class Display:
    """How it goes, on stderr: a bar with what is running on a terminal, plain lines elsewhere."""

    EVERY = 0.5
    """seconds between two looks at what is running"""

    def __init__(self, verification: Verification, *, plain: bool) -> None:
        self.verification = verification
        self.is_bar = sys.stderr.isatty() and not plain
        self._running: dict[str, Planned] = {}
        self._looked = 0.0
        self._bar = Progress(
            TextColumn("{task.completed:.0f} of {task.total:.0f} runs"),
            BarColumn(bar_width=20),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
        )
        self._task = self._bar.add_task("", total=len(verification.runs), completed=verification.done)
        if self.is_bar:
            self._bar.start()
        if verification.reused:
            self.say(f"{verification.reused} of {len(verification.runs)} runs have ended before")

    def show(self, happened: Report | Judged | str | None) -> None:
        """Show what happened, and what is running."""
        match happened:
            case Report():
                self._show_report(happened)
            case Judged():
                self.say(report.sentence(happened))
            case str():
                self.say(happened)
        if self.is_bar and time.monotonic() > self._looked + self.EVERY:
            self._looked = time.monotonic()
            self._bar.update(self._task, completed=self.verification.done, description=self._what_runs())

    def _show_report(self, happened: Report) -> None:
        run = self.verification.runs[happened.task.run.id]
        if happened.what == "started":
            self._running[run.run.id] = run
            return
        self._running.pop(run.run.id, None)
        counted = f"[{self.verification.done}/{len(self.verification.runs)}] {run.name}: "
        match happened.what:
            case "ended":
                self.say(counted + how_it_ended(run))
            case "again":
                self.say(f"{run.name}: {happened.says}; going on from its checkpoint")
            case "given up":
                self.say(f"{counted}given up: {happened.says}")

    def _what_runs(self) -> str:
        if self.verification.pool.stopping:
            return "saving what runs ..."
        return "; ".join(
            f"{run.name} at {step_of(run):,} of {run.config.train.steps:,}" for run in self._running.values()
        )

    def say(self, text: str) -> None:
        """Print a line."""
        if self.is_bar:
            self._bar.console.print(f"grok-tui: {text}", highlight=False, markup=False)
        else:
            output.note(text)

    def close(self) -> None:
        """Take the bar away."""
        if self.is_bar:
            self._bar.stop()


def step_of(run: Planned) -> int:
    """How far a run is."""
    try:
        return int(run.run.info()["progress"]["step"])
    except (GrokError, KeyError):
        return 0


def how_it_ended(run: Planned) -> str:
    """A run's end in a few words."""
    try:
        reader = RunReader(run.run)
    except GrokError as error:
        return str(error)
    reason = f": {reader.info['error']}" if reader.info.get("error") else ""
    took = report.duration(report.seconds(reader))
    return f"{reader.info['status']} at {reader.info['progress']['step']:,} ({took}){reason}"
