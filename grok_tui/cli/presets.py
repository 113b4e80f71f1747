"""`grok-tui presets`: the experiments that come with grok-tui, and the fields of a config."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..config import presets
from ..config.fields import SCHEDULE_FIELDS, Field, brief, fields
from ..config.load import load, to_toml, variable
from ..config.measures import EXTRAS, MEASURES
from ..config.names import NAMED, shortened
from ..config.paths import expanded, shown
from ..config.schema import THEORIES, RunConfig
from ..errors import USAGE, UsageError
from . import options, output

app = typer.Typer(help="List, show and check presets; print the fields of a config.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A preset's name.")]
Files = Annotated[list[Path] | None, typer.Argument(help="Preset or config files; all presets if left out.")]


@app.command("list")
def list_(json: options.Json = False) -> None:
    """One line per preset, with the theory that explains it and where it was published."""
    found = dict(sorted(((name, presets.load_preset(name, env={})) for name in presets.names()), key=_theory))
    if json:
        for name, config in found.items():
            output.json_line({"preset": name, **msgspec.to_builtins(config)})
        return
    output.table(("preset", "theory", "title", "source"), ((n, c.theory, c.title, c.source) for n, c in found.items()))


def _theory(item: tuple[str, RunConfig]) -> int:
    return THEORIES.index(item[1].theory)


@app.command()
def show(name: Name, set: options.Sets = None, json: options.Json = False) -> None:
    """The whole config of a preset, every default written out; without the environment."""
    config = presets.load_preset(name, set, env={})
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
            load(expanded(file), env={})
        except UsageError as error:
            wrong += 1
            output.note(str(error))
        else:
            output.data(f"{shown(file)}: ok")
    raise typer.Exit(USAGE if wrong else 0)


@app.command("fields")
def fields_(json: options.Json = False) -> None:
    """The field reference: every field with its default, limits and meaning, and every measure."""
    if json:
        for field in fields().values():
            output.json_line({"field": field.key, **_about(field)})
        for measure in MEASURES.values():
            output.json_line({"measure": measure.name, "also": measure.name in EXTRAS, **measure._asdict()})
        return
    for field in fields().values():
        output.data(_entry(field))
    output.data("[[schedule]]: a change while the run trains; one entry per change\n")
    for field in SCHEDULE_FIELDS.values():
        output.data(_entry(field))
    output.data("Measures, with their columns in metrics.csv; those marked * are taken if measure.also names them\n")
    for measure in MEASURES.values():
        title = f"{measure.name}{' *' if measure.name in EXTRAS else ''}: {', '.join(measure.columns)}"
        output.data(f"{title}\n    {measure.meaning}{measure.unit and f'; {measure.unit}'}\n")


def _about(field: Field) -> dict[str, Any]:
    section, _, name = field.key.partition(".")
    readers = [which for which, reads in NAMED.get(section, {}).items() if name in reads]
    return {
        "default": field.default,
        "limits": " or ".join(shortened(list(NAMED[section]))) if name == "name" else field.limits,
        "steerable": field.steerable,
        "read_by": readers if len(readers) < len(NAMED.get(section, {})) else [],
        "variable": variable(field.key),
        "meaning": field.text,
    }


def _entry(field: Field) -> str:
    about = _about(field)
    value = str(field.default).lower() if isinstance(field.default, bool) else brief(field.default)
    default = "" if field.default is None else f"; default {value}"
    steerable = "; can be changed while the run trains" if field.steerable else ""
    readers = f"\n    read by {', '.join(shortened(about['read_by']))}" if about["read_by"] else ""
    return f"{field.key}: {about['limits']}{default}{steerable}\n    {field.text}{readers}\n"
