"""From the shell to grokking: `grok-tui run --preset modadd-mlp --stop-on grok`, and the baseline as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

from ...config.presets import load_preset
from ...errors import GrokError
from ..compare import alternate, ratios
from ..options import mlp_options
from ..records import Bench, Measured, Note, Record, at_most
from ..sides import Side, environment

PRESET = "modadd-mlp"


def run(bench: Bench) -> Iterator[Record]:
    """Alternate; the first run of ours tells the step."""
    config, start = load_preset(PRESET), str(bench.folder / "start.safetensors")
    with Side("ours:Learner", preset=PRESET, sets=[], threads=bench.threads) as ours:
        ours.ask("save", start)
    options = json.dumps(mlp_options(config) | {"threads": bench.threads})
    grokked: list[int] = []

    def our_seconds() -> float:
        bench.say(f"cli: run --preset {PRESET} --stop-on grok")
        found = [*command("grok_tui"), "run", "--preset", PRESET, "--stop-on", "grok", "--device", "cpu", "--json"]
        seconds, said = timed([*found, "--runs", str(bench.folder / "runs")])
        result = json.loads(said.splitlines()[-1])
        grokked.append(result["t_grok"])
        return seconds

    def their_seconds() -> float:
        bench.say(f"cli: the baseline, {grokked[0]} steps")
        module = "grok_tui.bench.baselines.embedding_mlp"
        return timed([*command(module), start, str(grokked[0]), str(config.train.steps), options])[0]

    found = alternate({"ours": our_seconds, "baseline": their_seconds}, 1 if bench.quick else 3)
    yield Note(f"run --preset {PRESET} --stop-on grok, and the baseline to the same step, {grokked[0]};")
    yield Note("whole programs, imports included; ours measures and writes its run, the baseline logs 360 steps a run")
    yield Measured("ours", found["ours"], "s")
    yield Measured("baseline", found["baseline"], "s")
    yield Measured("ours / baseline", ratios(found["ours"], found["baseline"]), target=at_most(0.4))


def command(module: str) -> list[str]:
    """How a module is run as a program."""
    return [sys.executable, "-P", "-m", module]


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a program takes, and what it prints."""
    begin = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        raise GrokError(f"bench: {' '.join(command[3:6])} ended with exit code {done.returncode}: {done.stderr[-200:]}")
    return perf_counter() - begin, done.stdout
