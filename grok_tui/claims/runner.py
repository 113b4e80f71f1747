"""Running what claims need, each run once, and judging every claim as soon as its runs have ended.

A run's directory has a name that follows from what is run. What ended before is not run again, what was interrupted
goes on from its checkpoint.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from .. import __version__
from ..config.fields import replace
from ..config.load import load, to_toml
from ..config.presets import path as preset_path
from ..config.schema import RunConfig
from ..config.start import check_start
from ..engine.pool import Pool, Report, Task
from ..errors import RunHeld, UsageError
from ..store.reader import RunReader
from ..store.timeline import history
from ..store.files import write_atomically
from ..store.info import now
from ..store.rundir import RunDir, create
from . import plots, report
from .claim import Cell, Claim, Finding, Runs
from .report import Judged

SCHEMA = 1
"""Version of verify.json."""
PATIENCE = 30.0
"""Seconds that the engines of a killed verify may take to save and end."""


@dataclass(frozen=True)
class Planned:
    """One run that claims need."""

    cell: Cell
    config: RunConfig
    run: RunDir
    backend: str = "fast"
    """fast or plain"""

    @property
    def name(self) -> str:
        """What to call it before people."""
        label = "" if self.cell.label == self.cell.preset else f" {self.cell.label}"
        return f"{self.cell.preset}{label} seed {self.config.train.seed}"

    def prepare(self) -> bool:
        """Make the directory ready for an engine; true where it goes on from a checkpoint."""
        run = self.run
        if run.path.exists():
            if run.is_held():
                raise held_run(run)
            if can_go_on(run):
                return True
            shutil.rmtree(run.path)
        stop_on = "grok" if self.cell.stop_on_grok else None
        ways: dict[str, Any] = {"device": "cpu", "threads": 1, "backend": self.backend}
        create(run.path.parent, self.config, preset=self.cell.preset, stop_on=stop_on, id=run.id, **ways)
        return False


def planned(cell: Cell, seeds: Sequence[int], runs: Path, backend: str = "fast") -> list[Planned]:
    """The runs of a cell. The environment does not reach them: a claim says what is run."""
    config = load(preset_path(cell.preset), list(cell.set), env={})
    check_start(config)
    found = []
    for seed in seeds:
        seeded = replace(config, {"train.seed": seed})
        stop_on = "grok" if cell.stop_on_grok else None
        digest = sha256(f"{to_toml(computed(seeded))}\n{stop_on}\n{backend}\n{__version__}".encode()).hexdigest()[:10]
        found.append(Planned(cell, seeded, RunDir(runs / f"{cell.preset}_{digest}_s{seed}"), backend))
    return found


def computed(config: RunConfig) -> RunConfig:
    """The config without what only people read: two that differ in nothing else compute the same."""
    bare = msgspec.structs.replace(config, title="", source="", theory="", says="", look="")
    return replace(bare, {"train.pace": 0.0})


def outcome(run: RunDir) -> str:
    """How a run stands: `finished`, `diverged`, `failed` where something else went wrong, or a status on the way."""
    try:
        status = str(run.info()["status"])
    except UsageError:
        return "missing"
    if status == "failed" and any(event.get("type") == "failed" for event in history(run)):
        return "diverged"
    return status


def can_go_on(run: RunDir) -> bool:
    """Whether an interrupted run has a checkpoint; one that failed for want of something begins anew."""
    return outcome(run) not in ("missing", "failed") and bool(run.checkpoint_steps())


def held_run(run: RunDir) -> RunHeld:
    """Somebody trains a run that a claim needs."""
    return RunHeld(f"{run.path} is held by another engine; let it end, or stop it first")


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Make and hold the directory; refuse one that another verify holds."""
    out.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(out / "verify.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunHeld(f"{out} is held by another verify; let it end, or name another --out") from None
        yield
    finally:
        os.close(descriptor)


Happened = Report | Judged | str | None


class Verification:
    """The claims, their runs and what came of them: iterate over it to run and judge. Hold `out` meanwhile.

    Yields a report for every run, each claim when it is judged, notes, and none now and then.
    """

    def __init__(self, claims: Sequence[Claim], *, quick: bool, out: Path, workers: int, backend: str = "fast") -> None:
        self.claims = claims
        self.quick = quick
        self.out = out
        self.backend = backend
        self.pool = Pool(workers)
        self.runs: dict[str, Planned] = {}
        """by id, in the order of the claims"""
        self.judged: dict[str, Judged] = {}
        self._needs: dict[str, dict[str, list[Planned]]] = {}
        self._refused: dict[str, str] = {}
        self._lost: dict[str, str] = {}
        self._seconds: dict[str, float] = {}
        self._began = time.monotonic()
        for claim in claims:
            self._plan(claim)
        self._ended = {id for id, run in self.runs.items() if outcome(run.run) in ("finished", "diverged")}
        self.reused = len(self._ended)

    def _plan(self, claim: Claim) -> None:
        """Note the runs of a claim, or why it cannot be run here."""
        seeds = claim.seeds_of(self.quick)
        try:
            cells = claim.cells_of(self.quick)
            needs = {cell.label: planned(cell, seeds, self.out / "runs", self.backend) for cell in cells}
        except UsageError as error:
            self._refused[claim.id] = str(error)
            return
        self._needs[claim.id] = needs
        for run in [run for runs in needs.values() for run in runs]:
            self.runs.setdefault(run.run.id, run)

    @property
    def done(self) -> int:
        """How many runs need nothing more."""
        return len(self._ended) + len(self._lost)

    @property
    def is_done(self) -> bool:
        """Whether every claim is judged."""
        return len(self.judged) == len(self.claims)

    def in_order(self) -> list[Judged]:
        """The claims judged so far, in the order of the table."""
        return [self.judged[claim.id] for claim in self.claims if claim.id in self.judged]

    def effort(self) -> report.Effort:
        """What it took, so far."""
        return report.Effort(
            date=now(),
            quick=self.quick,
            workers=self.pool.size,
            runs=len(self.runs),
            reused=self.reused,
            wall_seconds=round(time.monotonic() - self._began, 1),
            run_seconds=round(sum(self._seconds.values()), 1),
        )

    def stop(self) -> None:
        """Have every run saved and no other begun; the iteration then ends soon."""
        self.pool.stopping = True

    def __iter__(self) -> Generator[Happened]:
        yield from self._wait_for_others()
        yield from self._judge()
        tasks = [Task(run.run, run.prepare) for id, run in self.runs.items() if id not in self._ended]
        with closing(self.pool.train(tasks)) as reports:
            for said in reports:
                if said and said.what in ("ended", "given up"):
                    self._settle(said)
                yield said
                if said and said.what in ("ended", "given up"):
                    yield from self._judge()

    def _wait_for_others(self) -> Iterator[Happened]:
        """Wait for the engines that a killed verify left; they are about to save and end."""
        deadline = time.monotonic() + PATIENCE
        said = False
        for run in self.runs.values():
            while run.run.is_held():
                if not said:
                    said = True
                    yield "waiting for the engines of an earlier verify to save and end"
                if time.monotonic() > deadline:
                    raise held_run(run.run)
                time.sleep(0.1)

    def _settle(self, said: Report) -> None:
        """Take down how a run ended."""
        run = said.task.run
        match outcome(run):
            case "finished" | "diverged":
                self._ended.add(run.id)
            case "failed":
                self._lost[run.id] = str(run.info().get("error"))
            case _ if said.what == "given up":
                self._lost[run.id] = said.says

    def _judge(self) -> Iterator[Happened]:
        """Judge the claims whose runs have all ended."""
        settled = self._ended | set(self._lost)
        for claim in self.claims:
            if claim.id in self.judged:
                continue
            ids = {run.run.id for runs in self._needs.get(claim.id, {}).values() for run in runs}
            if not ids <= settled:
                continue
            judged = self.judged[claim.id] = self._judged(claim)
            problem = draw(judged, self.out / f"{claim.id}.png")
            self.write()
            yield judged
            if problem:
                yield problem

    def _judged(self, claim: Claim) -> Judged:
        if claim.id in self._refused:
            return Judged(claim, Finding(self._refused[claim.id], None), Runs({}))
        needs = self._needs[claim.id]
        lost = [f"{run.name}: {self._lost[run.run.id]}" for runs in needs.values() for run in runs if self.is_lost(run)]
        try:
            runs = Runs({label: [RunReader(r.run) for r in of if not self.is_lost(r)] for label, of in needs.items()})
        except UsageError as error:  # somebody removed it
            return Judged(claim, Finding(str(error), None), Runs({}))
        self._seconds |= {run.run.id: report.seconds(run) for label in runs for run in runs[label]}
        return Judged(claim, Finding("; ".join(lost), None) if lost else found(claim, runs), runs)

    def is_lost(self, run: Planned) -> bool:
        """Whether a run has no result, and will have none."""
        return run.run.id in self._lost

    def write(self) -> None:
        """Write verify.json."""
        document = {
            "schema": SCHEMA,
            "complete": self.is_done,
            **report.summary(self.effort(), self.in_order()),
            "claims": [report.record(item) for item in self.in_order()],
        }
        write_atomically(self.out / "verify.json", json.dumps(document, indent=1) + "\n")


def found(claim: Claim, runs: Runs) -> Finding:
    """What the claim's rule sees; where it cannot see anything, the reason."""
    try:
        finding = claim.judge(runs)
        return dataclasses.replace(finding, holds=None if finding.holds is None else bool(finding.holds))
    except Exception as error:
        diverged = [
            f"{label} seed {run.config.train.seed}"
            for label in runs
            for run in runs[label]
            if run.info["status"] == "failed"
        ]
        reason = f"the rule found no answer: {type(error).__name__}: {error}"
        return Finding(f"diverged: {', '.join(diverged)}; {reason}" if diverged else reason, None)


def draw(judged: Judged, path: Path) -> str:
    """Draw the claim's plot; return what went wrong."""
    if not any(judged.runs[label] for label in judged.runs):
        with suppress(FileNotFoundError):
            path.unlink()  # of another time
        return ""
    try:
        plots.draw(judged, path)
    except Exception as error:
        return f"{judged.claim.id}: no plot: {type(error).__name__}: {error}"
    return ""
