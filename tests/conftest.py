"""What several tests need: small runs of every kind, and the real program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_tui.engine import prepare_process

prepare_process()  # before torch is loaded, as every engine does

from grok_tui.config.schema import RunConfig  # noqa: E402
from grok_tui.store.rundir import RunDir  # noqa: E402
from recorded import record  # noqa: E402
from small import GrokTui, distinct, small  # noqa: E402


@pytest.fixture(params=distinct())
def any_small(request: pytest.FixtureRequest) -> RunConfig:
    """Presets of every kind, small."""
    return small(request.param)


@pytest.fixture
def grok_tui(tmp_path: Path) -> GrokTui:
    """Run the real command line in an empty directory, without a terminal."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "grok_tui", *arguments],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def live(runs: Path) -> Iterator[Callable[..., RunDir]]:
    """Record a run and hold its lock, as its engine would."""
    locks = []

    def make(*args: Any, status: str = "running", **keywords: Any) -> RunDir:
        run = record(runs, *args, status=status, **keywords)
        locks.append(run.acquire())
        return run

    yield make
    for lock in locks:
        os.close(lock)
