"""Forty SIGKILLs at random moments: a run steered before and after each of them is the run never killed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from grok_tui.config import presets
from grok_tui.engine.devices import make_deterministic
from grok_tui.engine.launch import spawn
from grok_tui.engine.records import Row
from grok_tui.engine.resume import backends
from grok_tui.engine.trainer import Trainer
from grok_tui.store.requests import send
from grok_tui.store.rundir import RunDir, create
from grok_tui.store.timeline import history

pytestmark = pytest.mark.slow

KILLS = 10
STEERINGS = [
    {"lr": "/1.3"}, {"wd": "x2"}, {"hold_norm": "x1"}, {"lr": "x1.2"}, {"hold_norm": 0}, {"norm": "x0.9"},
    {"wd": "/4"}, {"alpha": 1.5}, {"beta1": 0.85}, {"wd": 1.0},
]  # fmt: skip
CASES = {
    "one seed": ("modadd-fast", 1, None, []),
    "batched": ("modadd-fast", 4, "batched", ["task.p=13", "model.d_embed=16", "model.d_hidden=24"]),
    "one by one": ("modadd-fast", 4, "one by one", ["task.p=13", "model.d_embed=16", "measure.also=twin"]),
    "threads": ("modadd-fast", 4, "threads", ["train.steps=1500"]),
}


def one_life(run: RunDir, rng: random.Random, *, resume: bool) -> bool:
    """An engine that is steered twice and killed after up to a second of training; true if it ended by itself."""
    engine = spawn(run, resume=resume)
    try:
        begun = len(history(run))
        while len(history(run)) == begun and engine.poll() is None:
            time.sleep(0.02)
        for _ in range(2):
            time.sleep(rng.uniform(0.0, 0.5))
            send(run, "steer", set=rng.choice(STEERINGS))
        time.sleep(rng.uniform(0.0, 0.5))
        if engine.poll() is not None:
            return True
        os.kill(engine.pid, signal.SIGKILL)
        return False
    finally:
        engine.wait()


def rows_never_killed(run: RunDir, seeds: list[int], stepper: str | None) -> dict[int | None, list[str]]:
    """The rows of a run that was steered as `run` was, in one go."""
    info = run.info()
    make_deterministic()
    torch.set_num_threads(info["used"]["threads"])
    trainer = Trainer(
        run.config(), torch.device("cpu"), backends.again(info["used"]["backend"]), seeds=seeds, stepper=stepper
    )
    for seed in trainer.seeds:
        of = run.seed(seed.number) if len(seeds) > 1 else run
        seed.repeated = [event for event in history(of) if event["type"] == "steered"]
    rows: dict[int | None, list[str]] = {}
    for number, record in trainer:
        if isinstance(record, Row):
            rows.setdefault(number, []).append(f"{record.step},{record.values['train/loss']!r}")
    return rows


def rows_on_disk(run: RunDir) -> list[str]:
    return [",".join(line.split(",")[:2]) for line in run.metrics_csv.read_text().splitlines()[1:]]


@pytest.mark.parametrize("case", CASES)
def test_killed_ten_times(case: str, tmp_path: Path) -> None:
    preset, n, stepper, sets = CASES[case]
    config = presets.load_preset(preset, ["task.p=23", "train.steps=6000", *sets], env={})
    seeds = list(range(n))
    run = create(tmp_path, config, preset=preset, device="cpu", threads=2, seeds=seeds if n > 1 else ())
    rng = random.Random(case)
    kills, ended = 0, one_life(run, rng, resume=False)
    while not ended and kills < KILLS:
        kills += 1
        ended = one_life(run, rng, resume=True)
    if not ended:
        spawn(run, resume=True).wait()
    info = run.info()
    assert info["status"] == "finished", info["error"]
    if n > 1:
        assert info["used"]["backend"]["seeds"] == stepper
    steered = [event for event in history(run) if event["type"] == "steered"]
    print(f"{case}: killed {kills} times, steered {len(steered)} times")
    assert kills >= KILLS // 2
    theirs = rows_never_killed(run, seeds, stepper)
    for number in seeds if n > 1 else [None]:
        ours = rows_on_disk(run if number is None else run.seed(number))
        assert ours == theirs[number], f"seed {number}"
