"""The presets against what they promise, over seeds: `python tests/real/reproduce.py [PRESET...]`, about 12 minutes.

Each rule stands here before anything is run. The runs are real processes of the command line.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grok_tui.store.read import RunReader
from grok_tui.store.rundir import RunDir


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its exit code, its result line and what it measured."""

    code: int
    result: dict[str, object]
    run: RunReader

    @property
    def t_grok(self) -> float:
        """The step at which it grokked, or infinity."""
        value = self.result["t_grok"]
        return float(value) if isinstance(value, int) else float("inf")


@dataclass(frozen=True)
class Promise:
    """What a preset must show, over seeds."""

    rule: str
    seeds: range
    arguments: list[str]
    judge: Callable[[list[Ended]], tuple[bool, str]]


def median_between(low: float, high: float) -> Callable[[list[Ended]], tuple[bool, str]]:
    def judge(runs: list[Ended]) -> tuple[bool, str]:
        steps = [run.t_grok for run in runs]
        median = statistics.median(steps)
        return max(steps) < float("inf") and low <= median <= high, f"t_grok {steps}, median {median:g}"

    return judge


def never(runs: list[Ended]) -> tuple[bool, str]:
    codes = [run.code for run in runs]
    acc = [round(run.run.last("test/acc") or 0, 3) for run in runs]
    at = {run.result["step"] for run in runs}
    return set(codes) == {3} and at == {4000}, f"exit codes {codes} at step {at}, test accuracy {acc}"


def below_one_percent(runs: list[Ended]) -> tuple[bool, str]:
    ratios = [float(run.run.series("test/loss")[1][-1] / run.run.series("test/loss")[1][0]) for run in runs]
    stuck = [i for i, ratio in enumerate(ratios) if ratio >= 0.01]
    moved = [run.run.last("kernel/distance") or 0.0 for run in runs]
    no_decay = all(run.run.config.optim.weight_decay == 0 for run in runs)
    said = f"last/first test loss {[f'{r:.1e}' for r in ratios]}, stuck seeds {stuck}, least kernel distance"
    return len(stuck) < 5 and min(moved) > 0.01 and no_decay, f"{said} {min(moved):.3f}"


def still_kernel(runs: list[Ended]) -> tuple[bool, str]:
    drift = max(float(run.run.series("kernel/drift")[1].max()) for run in runs)
    times = [(run.result["t_mem"], run.result["t_grok"]) for run in runs]
    late = all(isinstance(m, int) and isinstance(g, int) and g > 3 * m for m, g in times)
    measured = min(len(run.run.series("kernel/drift")[1]) for run in runs)
    return drift == 0 and late, f"(t_mem, t_grok) {times}, largest drift {drift} over at least {measured} kernels a run"


GROK = ["--stop-on", "grok"]
PROMISES = {
    "modadd-fast": Promise("all grok, median t_grok 600-1100", range(5), GROK, median_between(600, 1100)),
    "modadd-mlp": Promise("all grok, median t_grok 4000-6500", range(5), GROK, median_between(4000, 6500)),
    "modadd-wd-off": Promise("none groks: exit 3 at step 4000", range(5), GROK, never),
    "kumar-poly": Promise(
        "no weight decay; under 1 % of the first test loss on most seeds; kernel distance above 0.01",
        range(10),
        [],
        below_one_percent,
    ),
    "linear": Promise("t_grok > 3 t_mem, kernel drift exactly 0", range(3), [], still_kernel),
    "parity": Promise(
        "all grok, median t_grok within a third of the published 2648", range(3), GROK, median_between(1765, 3530)
    ),
    "modadd-transformer": Promise(
        "all grok, median t_grok within a third of the published 4371", range(3), GROK, median_between(2914, 5828)
    ),
}


def ended(preset: str, seed: int, arguments: list[str], runs: Path) -> Ended:
    """Run a preset to its end."""
    command = [sys.executable, "-m", "grok_tui", "run", "--preset", preset, "--seed", str(seed), *arguments]
    done = subprocess.run([*command, "--json", "--runs", str(runs)], capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return Ended(done.returncode, result, RunReader(RunDir(Path(result["path"]))))


def main(names: list[str]) -> int:
    """Run the promises named, or all; exit 1 where one is not kept."""
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for name in names or PROMISES:
            promise = PROMISES[name]
            runs = [ended(name, seed, promise.arguments, Path(folder)) for seed in promise.seeds]
            ok, said = promise.judge(runs)
            kept &= ok
            share = max(run.run.info["progress"]["measuring"] for run in runs)
            print(f"{'kept  ' if ok else 'BROKEN'} {name}: {promise.rule}\n       {said}")
            print(f"       largest share of the computing spent on measuring: {share:.1%}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
