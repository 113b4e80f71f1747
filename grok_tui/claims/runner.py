"""Runs what claims need, each run once, and judges every claim as soon as its runs have ended."""

import json
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import RunHeld, UsageError
from ..store import lock
from ..store.files import write_atomically
from ..store.info import now
from ..store.reader import RunReader
from ..sweep.launcher import Launcher, Report
from ..sweep.plan import Asked, PlannedRun, plan
from . import plots, report
from .claim import Claim, Finding, Judged
from .criteria import Runs

SCHEMA = 1
"""Version of verify.json."""
PATIENCE = 30.0
"""Seconds that the workers of a killed verify may take to save and end."""


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Make and hold the directory; refuse one that another verify holds."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = lock.acquire(out / "verify.lock", str(out), patience=0, is_live=False)
    except RunHeld:
        raise RunHeld(f"{out} is held by another verify; let it end, or name another --out") from None
    try:
        yield
    finally:
        os.close(descriptor)


Happened = Report | Judged | str | None


class Verification:
    """The claims, their runs and the verdicts: iterate over it to run and judge. Hold `out` meanwhile.

    Yields a report for every run, each claim when it is judged, notes, and None now and then.
    """

    def __init__(
        self,
        claims: Sequence[Claim],
        launcher: Launcher,
        *,
        quick: bool,
        out: Path,
        workers: int,
        backend: str = "fast",
    ) -> None:
        self.claims, self.launcher, self.quick, self.out, self.workers = claims, launcher, quick, out, workers
        self.asked = Asked(backend=backend)
        self.is_stopping = False
        self.runs: dict[str, PlannedRun] = {}
        """by id, in the order of the claims"""
        self.judged: dict[str, Judged] = {}
        self._needs: dict[str, list[PlannedRun]] = {}
        self._refused: dict[str, str] = {}
        self._lost: dict[str, str] = {}
        """id of a run -> why it has no result and will have none"""
        self._seconds: dict[str, float] = {}
        self._began = time.monotonic()
        for claim in claims:
            self._plan(claim)
        self._ended = {id for id, run in self.runs.items() if run.has_ended}
        self.reused = len(self._ended)

    def _plan(self, claim: Claim) -> None:
        """Note the runs of a claim, or why it cannot be run on this machine."""
        try:
            cells = [setup.cell() for setup in claim.setups_of(self.quick)]
            needs = plan(cells, claim.seeds_of(self.quick), self.out / "runs", self.asked)
        except UsageError as error:
            self._refused[claim.id] = str(error)
            return
        self._needs[claim.id] = needs
        for run in needs:
            self.runs.setdefault(run.run.id, run)

    @property
    def done(self) -> int:
        """How many runs need nothing more."""
        return len(self._ended) + len(self._lost)

    @property
    def is_done(self) -> bool:
        return len(self.judged) == len(self.claims)

    def in_order(self) -> list[Judged]:
        """The claims judged so far, in the order of the table."""
        return [self.judged[claim.id] for claim in self.claims if claim.id in self.judged]

    def effort(self) -> report.Effort:
        return report.Effort(
            date=now(),
            quick=self.quick,
            workers=self.workers,
            runs=len(self.runs),
            reused=self.reused,
            wall_seconds=round(time.monotonic() - self._began, 1),
            run_seconds=round(sum(self._seconds.values()), 1),
        )

    def stop(self) -> None:
        """Save every run and start no other; the iteration then ends soon."""
        self.is_stopping = True
        self.launcher.stop()

    def __iter__(self) -> Generator[Happened]:
        yield from self._wait_for_others()
        yield from self._judge()
        waiting = [run for id, run in self.runs.items() if id not in self._ended]
        with closing(self.launcher.train(waiting)) as reports:
            for happened in reports:
                has_left = happened is not None and happened.what in ("ended", "given up")
                if happened and has_left:
                    self._settle(happened)
                yield happened
                if has_left:
                    yield from self._judge()

    def _wait_for_others(self) -> Iterator[Happened]:
        """Wait for the workers of a killed verify, which are about to save and end."""
        deadline = time.monotonic() + PATIENCE
        has_noted = False
        for run in self.runs.values():
            while run.run.is_held() and not self.is_stopping:
                if not has_noted:
                    has_noted = True
                    yield "waiting for the workers of an earlier verify to save and end"
                if time.monotonic() > deadline:
                    raise run.held()
                time.sleep(0.1)

    def _settle(self, happened: Report) -> None:
        """Note how a run ended."""
        run = happened.run
        match run.outcome():
            case "finished" | "diverged":
                self._ended.add(run.run.id)
            case "failed":
                self._lost[run.run.id] = str(run.run.info().get("error"))
            case _ if happened.what == "given up":
                self._lost[run.run.id] = happened.reason

    def _judge(self) -> Iterator[Happened]:
        """Judge the claims whose runs have all ended."""
        settled = self._ended | set(self._lost)
        for claim in self.claims:
            needs = {run.run.id for run in self._needs.get(claim.id, [])}
            if claim.id in self.judged or not needs <= settled:
                continue
            judged = self.judged[claim.id] = self._judged(claim)
            yield judged
            if problem := plots.draw(judged, self.out / f"{claim.id}.png"):
                yield problem
            self.write()

    def _judged(self, claim: Claim) -> Judged:
        if claim.id in self._refused:
            return Judged(claim, Finding(self._refused[claim.id], None), Runs({}))
        runs: dict[str, list[RunReader]] = {setup.label: [] for setup in claim.setups_of(self.quick)}
        lost = []
        for run in self._needs[claim.id]:
            if run.run.id in self._lost:
                lost.append(f"{run.name}: {self._lost[run.run.id]}")
                continue
            try:
                runs[run.cell.label].append(RunReader(run.run))
            except UsageError as error:  # somebody removed it
                return Judged(claim, Finding(str(error), None), Runs({}))
        self._seconds |= {run.run.id: report.seconds(run) for of in runs.values() for run in of}
        return Judged(claim, Finding("; ".join(lost), None) if lost else claim.judge(Runs(runs)), Runs(runs))

    def write(self) -> None:
        """Write verify.json."""
        document = {
            "schema": SCHEMA,
            "complete": self.is_done,
            **report.summary(self.effort(), self.in_order()),
            "claims": [report.record(item) for item in self.in_order()],
        }
        write_atomically(self.out / "verify.json", json.dumps(document, indent=1) + "\n")
