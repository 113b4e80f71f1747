"""Running the trainer in a test: with requests that come at given steps, and its records by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from grok_tui.config.schema import RunConfig
from grok_tui.engine.records import Event, Record, Row, SeedRecord
from grok_tui.engine.resume import restore
from grok_tui.engine.trainer import Trainer

CPU = torch.device("cpu")
Requests = dict[int, list[dict[str, Any]]]


def asking(requests: Requests) -> Callable[[Trainer], Callable[[], list[dict[str, Any]]]]:
    """Requests that arrive when the trainer is at a step or first past it."""
    left = dict(requests)

    def of(trainer: Trainer) -> Callable[[], list[dict[str, Any]]]:
        def poll() -> list[dict[str, Any]]:
            due = [step for step in sorted(left) if step <= trainer.step]
            return [request for step in due for request in left.pop(step)]

        return poll

    return of


def train_seeds(
    config: RunConfig, requests: Requests | None = None, **options: Any
) -> tuple[Trainer, list[SeedRecord]]:
    trainer = Trainer(config, CPU, **options)
    trainer.requests = asking(requests or {})(trainer)
    return trainer, list(trainer)


def train(config: RunConfig, requests: Requests | None = None, **options: Any) -> tuple[Trainer, list[Record]]:
    trainer, records = train_seeds(config, requests, **options)
    return trainer, [record for _, record in records]


def go_on(config: RunConfig, checkpoint: Any, repeat: list[dict[str, Any]] | None = None) -> list[Record]:
    """What a run yields from a checkpoint on."""
    seed = config.train.seed
    trainer = Trainer(config, CPU)
    restore(trainer, {seed: checkpoint}, {seed: repeat or []})
    return [record for _, record in trainer]


def rows(records: list[Record]) -> list[Row]:
    return [record for record in records if isinstance(record, Row)]


def events(records: list[Record], *types: str) -> list[Event]:
    return [r for r in records if isinstance(r, Event) and (not types or r.type in types)]


def same(a: list[Row], b: list[Row]) -> bool:
    """Bit for bit, nan included."""
    return repr(a) == repr(b)
