"""The command line as a whole: every command, and the app if none is named."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..config import presets as presets_config
from ..config.fields import fields
from ..errors import FAILED, FINISHED, INTERRUPTED, USAGE, GrokError, UsageError
from ..store import runs as store_runs
from ..store.rundir import check_runs_dir, create
from . import bench, doctor, options, output, places, presets, resume, run, runs, steer, verify

OpenScreen = Callable[..., int]
"""Shows the app and returns the exit code; given by `__main__`, since the command line knows no screens."""
RUNS_VARIABLE = "GROK_TUI_RUNS"


def build(open_screen: OpenScreen) -> typer.Typer:
    """Assemble the command line around the screen that it is to open."""
    app = typer.Typer(
        name="grok-tui",
        cls=places.Group,
        help="Train networks that grok, watch and steer them in a terminal, and compare them with the theories.",
        add_completion=False,
        invoke_without_command=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def main(
        context: typer.Context,
        preset: options.Preset = None,
        set: options.Sets = None,
        seed: options.Seed = None,
        device: options.Device = "auto",
        runs: options.Runs = options.RUNS,
        in_process: options.InProcess = False,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        """The app: the gallery of presets, or straight into --preset."""
        if version:
            output.data(__version__)
            raise typer.Exit
        if context.invoked_subcommand is not None:
            return places.check(context)
        raise typer.Exit(screen(open_screen, preset, options.overrides(set, seed), device, runs, in_process))

    @app.command()
    def attach(which: options.Run = "latest", runs: options.Runs = options.RUNS) -> None:
        """Watch and steer a run; it may be training, or over."""
        found = store_runs.find(which, runs)
        if not output.is_terminal():
            raise UsageError("attach needs a terminal (ssh -t); without one use runs show, or tail -f its metrics.csv")
        raise typer.Exit(open_screen(found.path.parent, run=found))

    app.command(epilog=fields_help())(run.run)
    app.command()(steer.steer)
    app.command()(steer.stop)
    app.command()(resume.resume)
    app.add_typer(runs.app, name="runs", cls=places.Group)
    app.add_typer(presets.app, name="presets", cls=places.Group)
    app.command()(verify.verify)
    app.command()(bench.bench)
    app.command()(doctor.doctor)
    return app


def fields_help() -> str:
    """The fields that `--set` changes, for the end of `run --help`."""
    lines = [f"{f.key:26} {f.text}" for f in fields().values()]
    return "\b\nFields for --set, and their environment variables (optim.lr is GROK_TUI_OPTIM_LR):\n" + "\n".join(lines)


def screen(
    open_screen: OpenScreen, preset: str | None, sets: list[str], device: str, runs: Path, in_process: bool
) -> int:
    """Open the app; if there is no terminal, train a preset without it."""
    if preset is None and sets:
        raise UsageError("--set and --seed need --preset: there is no run that they could change")
    config = presets_config.load_preset(preset, sets) if preset else None
    check_runs_dir(runs)
    if output.is_terminal():
        check_device(device)
        return open_screen(runs, preset=preset, sets=sets, device=device, in_process=in_process)
    if config is None:
        raise UsageError("no terminal here for the app; train without one: grok-tui run --preset NAME")
    output.note("no terminal here: training without a screen")
    run.check_device(device, config)
    made = create(runs, config, preset=preset or "", device=device)
    return run.train(made, config, json=False, quiet=False)


def check_device(device: str) -> None:
    """Refuse a device that is not there. Another process is asked, so that the app never loads torch."""
    if device in ("auto", "cpu"):
        return
    command = [sys.executable, "-P", "-m", "grok_tui.engine.devices", device]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"--device {device}: cannot be used"]
        raise UsageError(lines[-1])


def invoke(app: typer.Typer) -> int:
    """Run the command line; every error a user can cause is one line on stderr, and an exit code."""
    try:
        check_folder()
        result = app(standalone_mode=False, prog_name="grok-tui")
        return result if isinstance(result, int) else FINISHED
    except output.OutputGone as error:
        if error.is_reader_gone:
            return FINISHED
        output.note(str(error))
        return error.exit_code
    except GrokError as error:
        output.note(f"{error}{from_variable(str(error))}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:
        name = f"{error.filename}: " if error.filename is not None else ""
        output.note(f"{name}{error.strerror or error}")
        return USAGE if isinstance(error, NotADirectoryError) else FAILED
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own usage errors have it
            raise
        output.note(error.format_message().replace("\n", " "))
        return int(getattr(error, "exit_code", USAGE))


def check_folder() -> None:
    """Refuse to work in a directory that was deleted: no relative path would lead anywhere."""
    try:
        Path.cwd()
    except OSError:
        raise UsageError("the current directory does not exist any more; cd to another one") from None


def from_variable(message: str) -> str:
    """A clause that names the environment variable from which a wrong --runs comes."""
    is_given = any(argument.startswith("--runs") for argument in sys.argv)
    if message.startswith("--runs") and os.environ.get(RUNS_VARIABLE) and not is_given:
        return f" (--runs comes from the environment variable {RUNS_VARIABLE})"
    return ""
