"""From the shell to grokking: `grok-tui run --preset modadd-mlp --stop-on grok`, and the baseline as a program."""

import json
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

from ...config.presets import load_preset
from ...engine import prepare_process
from ...errors import GrokError
from ..candidates import Learner
from ..records import Bench, Measured, Note, Record, alternate, ratios
from ..worker_process import WorkerProcess

PRESET = "modadd-mlp"


def run(bench: Bench) -> Iterator[Record]:
    """Whole programs in turn; our first run finds the step."""
    config, start = load_preset(PRESET), bench.folder / "start.safetensors"
    with WorkerProcess(Learner, config, bench.threads, prepare=prepare_process) as worker:
        worker.call(Learner.save, start)
    optim = {"lr": config.optim.lr, "weight_decay": config.optim.weight_decay, "beta2": config.optim.beta2}
    ours = ["grok_tui", "run", "--preset", PRESET, "--stop-on", "grok", "--device", "cpu", "--json"]
    baseline = ["grok_tui.bench.baselines.embedding_mlp", str(start), json.dumps(optim), str(bench.threads)]
    grokked: list[int] = []

    def our_seconds() -> float:
        bench.say(f"end-to-end: run --preset {PRESET} --stop-on grok")
        seconds, printed = timed([*ours, "--runs", str(bench.folder / "runs")])
        grokked.append(json.loads(printed.splitlines()[-1])["t_grok"])
        return seconds

    def baseline_seconds() -> float:
        bench.say(f"end-to-end: the baseline, {grokked[0]} steps")
        return timed([*baseline, str(grokked[0]), str(config.train.steps)])[0]

    found = alternate({"ours": our_seconds, "baseline": baseline_seconds}, 1 if bench.quick else 3)
    yield Note(
        f"run --preset {PRESET} --stop-on grok, and the baseline to the same step, {grokked[0]}; whole programs,"
    )
    yield Note("imports included; ours measures and writes its run, the baseline logs 360 steps per run")
    yield Measured("ours", found["ours"], "s")
    yield Measured("baseline", found["baseline"], "s")
    yield Measured("ours / baseline", ratios(found["ours"], found["baseline"]), at_most=0.4)


def timed(module: list[str]) -> tuple[float, str]:
    """(seconds, stdout) of `python -m` with these words."""
    begin = perf_counter()
    done = subprocess.run([sys.executable, "-P", "-m", *module], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GrokError(f"bench: {' '.join(module[:3])} ended with exit code {done.returncode}: {done.stderr[-200:]}")
    return perf_counter() - begin, done.stdout
