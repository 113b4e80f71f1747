"""What every test of the screens needs: a runs directory of its own, held runs, and an engine that is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grok_tui.claims import registry
from grok_tui.claims.claim import Claim
from grok_tui.config import presets
from grok_tui.engine import launch
from grok_tui.store.rundir import RunDir
from grok_tui.tui import catalog, gallery
from screens import Engine


@pytest.fixture(autouse=True)
def _no_keymap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


PRESETS = (
    "modadd-mlp", "kumar-alpha", "kumar-poly", "linear", "modadd-fast", "modadd-transformer", "modadd-wd-off", "parity",
)  # fmt: skip


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the gallery lists, whatever presets and claims there are: a few presets and no claim, or what is given."""

    def stock(*claims: Claim, names: tuple[str, ...] = PRESETS) -> None:
        known = {name: presets.load_preset(name) for name in names}
        monkeypatch.setattr(registry, "CLAIMS", claims)
        for module in (catalog, gallery):
            monkeypatch.setattr(module, "known_presets", lambda: known)

    stock()
    return stock


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """The engines that were started, none of which trains."""
    started: list[Engine] = []

    def spawn(run: RunDir, resume: bool = False, lock: int | None = None) -> Engine:
        started.append(Engine(run, resume, lock))
        return started[-1]

    monkeypatch.setattr(launch, "spawn", spawn)
    yield started
    for engine in started:
        os.close(engine.lock)
