"""Where options stand: one that belongs behind a subcommand is honoured before it, or refused, but never dropped."""

import os
import shlex
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import UsageError

HONOURED = {"runs": "GROK_TUI_RUNS"}
"""Options that mean the same before and behind a subcommand, and the variable that takes them there."""


class Group(TyperGroup):
    """Subcommands. An option of one of them that stands before it is refused, with its right place."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the subcommand."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            option = getattr(error, "option_name", None)
            name = next((word for word in given if word in self.commands), None)
            if option and name and takes(self.commands[name], option=option):
                raise UsageError(right_place(option, f"{ctx.command_path} {name}", self.commands[name])) from None
            raise


def takes(command: Any, *, option: str = "", name: str = "") -> bool:
    """Whether a command or one of its subcommands has an option."""
    own = any(option in param.opts or param.name == name for param in command.params)
    return own or any(takes(sub, option=option, name=name) for sub in getattr(command, "commands", {}).values())


def right_place(option: str, path: str, command: Any) -> str:
    """A line that says where an option goes."""
    subs = [name for name, sub in getattr(command, "commands", {}).items() if takes(sub, option=option.split()[0])]
    return f"{option} goes behind the command: {path} {f'{subs[0]} ' if subs else ''}{option}"


def check(context: typer.Context) -> None:
    """Honour or refuse every option of the app that was given before a subcommand."""
    group: Any = context.command
    command = group.commands[context.invoked_subcommand]
    path = f"{context.command_path} {context.invoked_subcommand}"
    for param in group.params:
        source = context.get_parameter_source(param.name)
        if source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[param.name]
        if param.name in HONOURED and takes(command, name=param.name):
            os.environ[HONOURED[param.name]] = str(value)
            continue
        values = value if isinstance(value, list) else [value]
        text = " ".join(param.opts[0] if one is True else f"{param.opts[0]} {shlex.quote(str(one))}" for one in values)
        if takes(command, option=param.opts[0]):
            raise UsageError(right_place(text, path, command))
        raise UsageError(f"{text}: {path} has no such option")
