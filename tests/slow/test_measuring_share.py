"""The share of a run's computing that goes into measuring, from its own record, for every preset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import log10
from pathlib import Path

import pytest
import torch

from grok_tui.config import presets
from grok_tui.engine.schedule import FREE_KERNEL_SECONDS, FREE_SECONDS, SHORT_RUN
from grok_tui.engine.thread import TrainerThread
from grok_tui.errors import GrokError
from grok_tui.store.rundir import create
from measured import figure

pytestmark = pytest.mark.slow
SECONDS = 15.0
FREE = 2 * (FREE_SECONDS + FREE_KERNEL_SECONDS)
"""Seconds of measuring that any run may have: counted costs are right within a factor of two."""


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("preset", presets.names())
def test_measuring_takes_a_small_share(preset: str, tmp_path: Path) -> None:
    try:
        run = create(tmp_path, presets.load_preset(preset), preset=preset, device="cpu")
    except GrokError as error:
        pytest.skip(str(error))
    thread = TrainerThread(run)
    thread.start()
    thread.join(timeout=SECONDS)
    thread.stop()
    thread.join()
    assert thread.error is None
    info = run.info()
    step, share, skipped = (info["progress"][name] for name in ("step", "measuring", "skipped"))
    begin, end = (datetime.fromisoformat(info[name]) for name in ("started", "ended"))
    seconds, steps = (end - begin).total_seconds(), run.config().train.steps
    figure(f"{preset}: {step:,} steps, {skipped['rows']} rows and {skipped['kernels']} kernels skipped", [share])
    whole = (1 - share) * seconds * steps / step  # of training; rows lie evenly in every decade
    measuring = share * seconds * log10(1 + steps) / log10(1 + step)
    limit = 0.5 if steps <= SHORT_RUN else 0.15
    figure(
        "  of a whole run, extrapolated",
        [measuring / (whole + measuring)],
        at_most=min(0.9, limit + FREE / (whole + measuring)),
    )
