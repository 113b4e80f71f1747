"""`grok-tui verify` on small claims of its own: what it prints and writes, and that nothing is trained twice."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import grok_tui.__main__ as program
from grok_tui import numbers
from grok_tui.claims import plots, registry
from grok_tui.claims.claim import Claim, Curves, Finding, Judged, Points, Setup
from grok_tui.claims.criteria import Criterion, Runs, each, equal, median
from grok_tui.claims.figures import Figure
from grok_tui.cli.app import build, invoke
from grok_tui.engine.thread import TrainerThread
from grok_tui.store.rundir import RunDir, create
from small import SMALL


def setup(label: str, preset: str, *sets: str, stop: bool = False) -> Setup:
    return Setup(label, preset, (*SMALL[preset], *sets), stop)


def raises(error: Exception) -> Figure:
    def of(run: Any) -> float:
        raise error

    return Figure("nothing", of)


loss = Figure("last test loss", lambda run: float(run.last("test/loss") or 0))
odd = Figure("odd", lambda run: float("inf"))
is_failed = Figure("failure", lambda run: float(run.info["status"] == "failed"))
no_column = each(raises(ValueError("no column twin/loss"))) > 0
diverged = equal(each(is_failed), 1)

WD = tuple(setup(f"wd {wd:g}", "modadd-fast", "train.steps=60", f"wd={wd}") for wd in (0.1, 1.0))
STOP = setup("early", "modadd-fast", "train.steps=300", "phase.test_acc=0.01", stop=True)
HOT = setup("hot", "kumar-poly", "optim.lr=1e6", "train.steps=300")
LONG = (
    "Twice as many seeds, float64, and ten times as many steps: the order stays, and so does the distance, "
    "whichever of the two thresholds is read."
)


def claim(id: str, source: str, setups: tuple[Setup, ...], rule: Criterion, **more: Any) -> Claim:
    said = {"figure": "Fig. 3", "title": f"About {id}", "says": f"It is so: {id}.", "published": "t_grok 4,000"}
    return Claim(
        **{"id": id, "source": source, "setups": setups, "rule": rule, "plot": Curves(), "seeds": 2} | said | more
    )


CLAIMS = (
    claim("small-wd", "S0", WD, median(loss) > 0, shown=(each(odd),), plot=Curves(("test/loss", "train/loss"))),
    claim(
        "same-runs", "S2", WD, each(loss, "wd 0.1", "wd 1") < 0, tried=LONG, quick=("wd 1",),
        published="a long published figure " * 5,
        plot=Points(Figure("weight decay", lambda run: run.config.optim.weight_decay), loss, log_x=True, line=True),
    ),
    claim("raising", "S2", (HOT, STOP), no_column, seeds=1, quick_seeds=0),
    claim("diverging", "S2", (HOT,), diverged, seeds=1),
    claim("not-here", "X", (Setup("mnist", "mnist-alpha", ("task.path=/nowhere",)),), no_column),
    claim("bad-plot", "X", (HOT,), diverged, seeds=1, plot=Points(raises(KeyError("?")), loss)),
)  # fmt: skip
N_RUNS = 6
SLOW = tuple(
    claim(id, "S0", (setup("long", "modadd-fast", f"train.steps={steps}"),), equal(each(is_failed), 0), seeds=1)
    for id, steps in (("slow", 400), ("endless", 1_000_000))
)


def command(claims: tuple[Claim, ...], *arguments: str) -> int:
    """The command line in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "CLAIMS", claims)
        patch.setattr(sys, "argv", ["grok-tui", "verify", *arguments])
        return invoke(build(program.open_screen))


def process(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line as a process, on the claims SLOW."""
    code = "import sys, test_verify as t; t.registry.CLAIMS = t.SLOW; t.program.main()"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    return subprocess.Popen(
        [sys.executable, "-c", code, "verify", *arguments],
        cwd=cwd, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def at_step(out: Path, step: int) -> bool:
    for metrics in out.glob("runs/*/metrics.csv"):
        rows = metrics.read_text().splitlines()[1:]
        if rows and int(rows[-1].split(",")[0] or 0) >= step:
            return True
    return False


@dataclass(frozen=True)
class Ran:
    """A verify that ended: its directory and what it printed."""

    out: Path
    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads((self.out / "verify.json").read_text())

    def claim(self, id: str) -> dict[str, Any]:
        return next(item for item in self.document["claims"] if item["id"] == id)


def run_all(out: Path, *arguments: str) -> Ran:
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = command(CLAIMS, "--out", str(out), "--workers", "2", *arguments)
    return Ran(out, code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All claims, run once."""
    return run_all(tmp_path_factory.mktemp("verify") / "out")


def test_runs_are_shared_and_trained_by_both_workers(ran: Ran) -> None:
    runs = [RunDir(path) for path in (ran.out / "runs").iterdir()]
    assert len(runs) == N_RUNS == ran.document["runs"]
    infos = [run.info() for run in runs]
    assert {info["used"]["threads"] for info in infos} == {1}
    assert len({info["pid"] for info in infos}) == 2
    assert sorted(info["status"] for info in infos) == ["failed"] + ["finished"] * (N_RUNS - 1)
    assert all(run.id.rpartition("_s")[0][:-11] in SMALL for run in runs)
    early = ran.claim("raising")["runs"][1]
    assert early["step"] == early["t_grok"] < 300


def test_progress_is_plain_lines_and_no_traceback(ran: Ran) -> None:
    assert ran.code == 0
    lines = ran.stderr.splitlines()
    assert all(line.startswith("grok-tui: ") for line in lines)
    counted = [line for line in lines if re.match(r"grok-tui: \[\d/6\] ", line)]
    assert [line[11] for line in counted] == list("123456")
    assert any(re.search(r"\] modadd-fast wd 0.1 seed 1: finished at 60 \(.* s\)$", line) for line in counted)
    assert any("] kumar-poly hot seed 0: failed at " in line and "diverged" in line for line in counted)
    verdict = "grok-tui: small-wd: agrees: published t_grok 4,000; measured median last test loss"
    assert any(line.startswith(verdict) for line in lines)
    assert any(line.startswith("grok-tui: bad-plot: no plot: KeyError") for line in lines)


def test_table(ran: Ran) -> None:
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= 118
    assert lines[0].startswith("Published beside measured, 20")
    assert "torch" in lines[1]
    assert "cores" in lines[2]
    assert lines[3] == "whole: 1 to 2 seeds per set-up, counted from 0"
    assert lines[4].startswith(f"{N_RUNS} runs; ")
    assert "S2  The delay law, arXiv 2603.13331" in lines
    said = [line.split()[0] for line in lines if line.split() and line.split()[0] in {each.id for each in CLAIMS}]
    assert said == [each.id for each in CLAIMS]
    at = lines.index(next(line for line in lines if line.startswith("small-wd ")))
    assert lines[at].split()[-1] == "agrees"
    assert lines[at + 1].split()[:2] == ["Fig.", "3"]
    assert "  tried: Twice as many seeds" in ran.stdout
    assert re.search(r"^raising .* not decided$", ran.stdout, re.M)
    assert "/nowhere" in ran.stdout
    assert lines[-1] == "agrees 3, differs 1, not decided 2"


def test_verify_json_and_plots(ran: Ran) -> None:
    document = ran.document
    assert {"schema", "complete", "date", "quick", "versions", "machine", "wall_seconds", "claims"} <= set(document)
    assert document["complete"] is True
    assert [item["id"] for item in document["claims"]] == [each.id for each in CLAIMS]
    small = ran.claim("small-wd")
    assert (small["verdict"], small["numbers"]["odd"]["wd 1"]) == ("agrees", [None, None])
    assert small["measured"].startswith("median last test loss: wd 0.1: ")
    assert small["spread"].startswith("wd 0.1: ")
    assert len(small["numbers"]["median last test loss"]["wd 1"]) == 1
    assert [(run["cell"], run["seed"]) for run in small["runs"]] == [
        ("wd 0.1", 0), ("wd 0.1", 1), ("wd 1", 0), ("wd 1", 1),
    ]  # fmt: skip
    assert {"t_mem", "t_grok", "seconds", "path", "status"} <= set(small["runs"][0])
    assert small["seconds"] == pytest.approx(sum(run["seconds"] for run in small["runs"]))
    raising = ran.claim("raising")
    assert raising["verdict"] == "not decided"
    assert "diverged: kumar-poly_" in raising["measured"]
    assert "ValueError: no column twin/loss" in raising["measured"]
    assert "/nowhere" in ran.claim("not-here")["measured"]
    assert ran.claim("diverging")["measured"] == "failure 1"
    assert {path.stem for path in ran.out.glob("*.png")} == {"small-wd", "same-runs", "raising", "diverging"}


def test_again_trains_nothing_and_answers_as_json(ran: Ran) -> None:
    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (ran.out / "runs").rglob("*")}

    before, began = state(), time.monotonic()
    again = run_all(ran.out, "--json")
    assert time.monotonic() - began < 1.0 * N_RUNS
    assert state() == before
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["claim"] * len(CLAIMS) + ["result"]
    assert [line["id"] for line in lines[:-1]] == [each.id for each in CLAIMS]
    told = {key: lines[-1][key] for key in ("status", "runs", "reused", "agrees", "differs", "not_decided")}
    assert told == {
        "status": "finished", "runs": N_RUNS, "reused": N_RUNS, "agrees": 3, "differs": 1, "not_decided": 2,
    }  # fmt: skip
    assert "6 of 6 runs have ended before" in again.stderr


def test_quick_takes_fewer_seeds_and_cells_from_the_same_runs(ran: Ran, tmp_path: Path) -> None:
    shutil.copytree(ran.out, tmp_path / "out")
    quick = run_all(tmp_path / "out", "--quick", "small-wd", "same-runs")
    assert "quick: 1 seed per set-up, counted from 0, some claims with fewer set-ups" in quick.stdout
    assert (quick.document["runs"], quick.document["reused"]) == (2, 2)
    assert quick.claim("same-runs")["measured"] == "the rule found no answer: KeyError: 'wd 0.1'"
    assert run_all(tmp_path / "out", "--quick", "raising").code == 2


def test_killed_and_run_again_is_the_same_as_undisturbed(tmp_path: Path) -> None:
    with process(tmp_path, "slow") as killed:
        until(lambda: at_step(tmp_path / "verify", 60))
        killed.kill()
    with process(tmp_path, "slow", "--json") as again:
        stdout, stderr = again.communicate()
    assert again.returncode == 0, stderr
    (told,) = json.loads(stdout.splitlines()[0])["runs"]
    run = RunDir(tmp_path / told["path"])
    assert '"resumed"' in run.events_jsonl.read_text()
    whole = create(tmp_path / "alone", run.config(), preset="modadd-fast", device="cpu", threads=1)
    thread = TrainerThread(whole)
    thread.start()
    thread.join()
    assert run.metrics_csv.read_bytes() == whole.metrics_csv.read_bytes()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first_and_says_how_to_go_on(tmp_path: Path, signum: int, code: int) -> None:
    with process(tmp_path, "endless", "--out", "here") as stopped:
        until(lambda: at_step(tmp_path / "here", 20))
        stopped.send_signal(signum)
        stdout, stderr = stopped.communicate()
    assert (stopped.returncode, stdout) == (code, "")
    said = "stopped with 0 of 1 runs done; continue with: grok-tui verify endless --out here"
    assert stderr.splitlines()[-1] == f"grok-tui: {said}"
    (run,) = [RunDir(path) for path in (tmp_path / "here" / "runs").iterdir()]
    assert run.info()["status"] == "interrupted"
    assert run.checkpoint_steps()[-1] == run.info()["progress"]["step"]
    assert json.loads((tmp_path / "here" / "verify.json").read_text())["complete"] is False


def test_the_environment_does_not_change_what_a_claim_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROK_TUI_TRAIN_STEPS", "7")
    assert WD[0].cell().config.train.steps == 60


BAD = {
    "smal-wd": "no claim smal-wd; did you mean small-wd?",
    "--workers 0": "Invalid value for '--workers'",
    "--out /proc/none": "--out /proc/none: cannot be written",
    "--out file": "is not a directory",
    "--quick raising": "raising: --quick leaves it out",
    "--out held": "held is held by another verify; let it end, or name another --out",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "held").mkdir()
    with (tmp_path / "held" / "verify.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command(CLAIMS, *arguments.split()) == (4 if "held" in arguments else 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert BAD[arguments] in told.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "held", "verify.lock"]


def test_list(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(CLAIMS, "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "S0  From lazy to rich, Kumar et al., arXiv 2310.06110"
    assert lines[1] == "  small-wd  About small-wd (4 runs)"
    assert lines[2] == "      It is so: small-wd."
    assert command(CLAIMS, "--list", "--json", "--quick") == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(item["id"], item["runs"]) for item in listed[:3]] == [("small-wd", 2), ("same-runs", 1), ("diverging", 1)]
    assert list(tmp_path.iterdir()) == []


def test_list_imports_no_torch_no_screen_and_no_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys; from grok_tui.__main__ import main\n"
        "sys.argv = ['grok-tui', 'verify', '--list']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'textual', 'plotext', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)


class Recorded:
    """As much of a run as a plot reads."""

    def __init__(self, *values: float) -> None:
        self.values = np.array(values)

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(float(len(self.values))), self.values


first, third = (Figure(text, lambda run, i=i: run.values[i]) for i, text in enumerate("xyz") if i != 1)  # type: ignore[misc]
AWKWARD = {
    "curves": Curves(("test/loss", "train/loss")),
    "points": Points(first, third, log_x=True, line=True),
    "no points": Points(odd, odd, log_x=True, log_y=True, line=True),
}


@pytest.mark.parametrize("plot", AWKWARD)
@pytest.mark.parametrize("n", [1, 30])
def test_plots_leave_out_what_their_axes_cannot_hold(tmp_path: Path, plot: str, n: int) -> None:
    runs: Any = Runs(
        {
            f"cell {i}": [Recorded(i, 0, i - 1, float("nan"), float("inf"), 2), Recorded(i, 0, float("inf"))]
            for i in range(n)
        }
    )  # type: ignore[list-item]
    judged = Judged(claim("x", "S0", (), no_column, plot=AWKWARD[plot]), Finding("much " * 99, None), runs)
    plots.draw(judged, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_times_and_numbers_as_text() -> None:
    assert [numbers.duration(t) for t in (0.04, 12.3, 59.9, 61, 3599, 5400)] == [
        "0.0 s", "12 s", "60 s", "1 min", "1 h 0 min", "1 h 30 min",
    ]  # fmt: skip
    assert [numbers.figure(x) for x in (12345.6, 0.01234, float("inf"), 3, 5.7e-5, 2.5e7, -3.2, 0)] == [
        "12,346", "0.0123", "never", "3", "5.7e-5", "2.5e7", "-3.2", "0",
    ]  # fmt: skip
    assert numbers.finite({1: (np.float64("nan"), np.int64(3), np.array([1.5])), "x": {"y": range(2)}}) == {
        "1": [None, 3, [1.5]], "x": {"y": [0, 1]},
    }  # fmt: skip
