"""`grok-tui presets`: the experiments that come with grok-tui."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..config import presets
from ..config.load import load, shown, to_toml
from ..config.schema import THEORIES, RunConfig
from ..errors import USAGE, UsageError
from . import options, output

app = typer.Typer(help="List, show and check presets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A preset's name.")]
Files = Annotated[list[Path] | None, typer.Argument(help="Preset or config files; all presets if left out.")]


@app.command("list")
def list_(json: options.Json = False) -> None:
    """One line a preset, with the theory it speaks for and where it was published."""
    found = dict(sorted(((name, presets.load_preset(name)) for name in presets.names()), key=_theory))
    if json:
        for name, config in found.items():
            output.json_line({"preset": name, **msgspec.to_builtins(config)})
        return
    output.table(("preset", "theory", "title", "source"), ((n, c.theory, c.title, c.source) for n, c in found.items()))


def _theory(item: tuple[str, RunConfig]) -> int:
    return THEORIES.index(item[1].theory)


@app.command()
def show(name: Name, set: options.Sets = None, json: options.Json = False) -> None:
    """The whole config of a preset, every default written out."""
    config = presets.load_preset(name, set)
    if json:
        output.json_line({"preset": name, **msgspec.to_builtins(config)})
    else:
        output.data(to_toml(config).rstrip())


@app.command()
def check(files: Files = None) -> None:
    """Read preset files and say what is wrong with each; exit 2 if anything is."""
    wrong = 0
    for file in files or [presets.path(name) for name in presets.names()]:
        try:
            load(file, env={})
        except UsageError as error:
            wrong += 1
            output.note(str(error))
        else:
            output.data(f"{shown(file)}: ok")
    raise typer.Exit(USAGE if wrong else 0)
