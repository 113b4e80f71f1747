"""Options that several commands share, each described once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..config.paths import expanded
from ..errors import UsageError

CPUS = os.cpu_count() or 1

Preset = Annotated[str | None, typer.Option("--preset", help="A preset's name; see presets list.")]
Config = Annotated[
    Path | None, typer.Option("--config", parser=expanded, help="A config file, for instance a run's config.toml.")
]
Sets = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE: set a config field by its dotted name.")]
Knobs = Annotated[
    list[str] | None, typer.Option("--set", help="KNOB=VALUE, for instance lr=/2: makes a new run, a branch.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="The same as --set train.seed=N.")]
Seeds = Annotated[
    int | None, typer.Option("--seeds", min=2, help="Train this many seeds together, from train.seed on.")
]
Steps = Annotated[int | None, typer.Option("--steps", help="The same as --set train.steps=N.")]
Device = Annotated[str, typer.Option("--device", envvar="GROK_TUI_DEVICE", help="auto, cpu, cuda, cuda:N or mps.")]
OtherDevice = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps; by default as before.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, max=CPUS, help="CPU threads; by default what the steps can feed.")
]
Backend = Annotated[
    Literal["fast", "plain"], typer.Option("--backend", help="plain: torch's own matrix products, and autograd.")
]
Runs = Annotated[
    Path, typer.Option("--runs", envvar="GROK_TUI_RUNS", parser=expanded, help="The directory of all runs.")
]
Name = Annotated[str | None, typer.Option("--name", help="A name for the run, instead of the preset's.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]
Detach = Annotated[bool, typer.Option("--detach", help="Train in the background; print the run's path and return.")]
InProcess = Annotated[
    bool, typer.Option("--in-process", help="Train inside the app; leaving it stops and saves the run.")
]
Run = Annotated[str, typer.Argument(help="An id, a unique prefix of one, a path, or latest.")]

RUNS = Path("runs")


def overrides(sets: list[str] | None, seed: int | None, steps: int | None = None) -> list[str]:
    """`--set`, `--seed` and `--steps` as one list of KEY=VALUE."""
    found = list(sets or [])
    found += [] if seed is None else [f"train.seed={seed}"]
    return found + ([] if steps is None else [f"train.steps={steps}"])


def changes(texts: list[str]) -> Iterator[tuple[str, str]]:
    """The key and the value in each KEY=VALUE; refuse a key that is there twice."""
    seen = set()
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key or not value:
            raise UsageError(f"{text}: expected KEY=VALUE, for instance wd=0.1")
        if key in seen:
            raise UsageError(f"{text}: {key} is there twice")
        seen.add(key)
        yield key, value
