"""What screens tell the app."""

from __future__ import annotations

from textual.message import Message

from ..config.schema import RunConfig
from ..store.rundir import RunDir


class PresetChosen(Message):
    """A preset was chosen from a list."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class RunChosen(Message):
    """A run was chosen from a list."""

    def __init__(self, run: RunDir) -> None:
        super().__init__()
        self.run = run


class RunRepeated(Message):
    """A run is wanted once more, with this config."""

    def __init__(self, config: RunConfig, preset: str) -> None:
        super().__init__()
        self.config = config
        self.preset = preset


class RunResumed(Message):
    """A run that stopped early is to go on."""

    def __init__(self, run: RunDir) -> None:
        super().__init__()
        self.run = run
