"""From TOML to a checked `RunConfig`, and back. Every refusal names the file, the key and what is allowed."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from ..errors import UsageError, nearest
from .check import check
from .fields import expected, field, fields, parse, values
from .schema import NAMED, SECTIONS, RunConfig

Document = dict[str, Any]


def load(path: Path, sets: list[str] | None = None, env: dict[str, str] | None = None) -> RunConfig:
    """Read a config file; then the environment, then each `KEY=VALUE` of `sets`, override it."""
    where = shown(path)
    document = read_toml(path)
    overridden = dict(env_values(os.environ if env is None else env))
    overridden |= dict(split_set(text) for text in sets or [])
    for key, value in overridden.items():
        section, _, name = key.partition(".")
        document.setdefault(section, {})[name] = value
    return resolve(document, where, set(overridden))


def shown(path: Path) -> str:
    """The path as a user would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def read_toml(path: Path) -> Document:
    """Parse a TOML file; a syntax error names file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        at = f":{line.group(1)}" if line else ""
        message = re.sub(r" \(at .*\)$", "", str(error))
        raise UsageError(f"{shown(path)}{at}: not TOML: {message}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)}: not TOML: it is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{shown(path)}: cannot be read: {error.strerror}") from None


def split_set(text: str) -> tuple[str, Any]:
    """Split `KEY=VALUE` into the field's full name and its value."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: expected KEY=VALUE, for instance optim.lr=1e-3")
    name = field(key.strip()).key
    return name, parse(name, value.strip())


def env_values(env: Any) -> list[tuple[str, Any]]:
    """The fields that the environment sets: `GROK_TUI_OPTIM_LR=1e-3` is optim.lr."""
    named = {f"GROK_TUI_{key.upper().replace('.', '_')}": key for key in fields()}
    return [(key, parse(key, env[name])) for name, key in named.items() if name in env]


def resolve(document: Document, where: str, overridden: set[str] = frozenset()) -> RunConfig:  # type: ignore[assignment]
    """Turn a parsed document into a checked config; `overridden` keys are not the file's."""
    refuse_unknown(document, where, overridden)
    try:
        config = msgspec.convert(document, RunConfig)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {explain(error, document)}") from None
    try:
        check(config)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return config


def refuse_unknown(document: Document, where: str, overridden: set[str]) -> None:
    """Refuse a section, a name or a field that does not exist, or that the chosen name does not read."""
    top = RunConfig.__struct_fields__
    for key in document:
        if key not in top:
            raise UsageError(f"{where}: {key}: no such key; {nearest(key, top)}")
    for section, struct in SECTIONS.items():
        part = document.get(section)
        if part is None and section in NAMED:
            raise UsageError(f"{where}: [{section}] is missing; it needs at least a name")
        if not isinstance(part, dict):
            continue
        for key in part:
            if key not in struct.__struct_fields__:
                raise UsageError(f"{where}: {section}.{key}: no such field; {nearest(key, struct.__struct_fields__)}")
        if section in NAMED:
            refuse_unread(section, part, where, overridden)


def refuse_unread(section: str, part: Document, where: str, overridden: set[str]) -> None:
    """Refuse a field that this section's name does not read: it would silently do nothing."""
    name = part.get("name")
    if not isinstance(name, str):
        raise UsageError(f"{where}: {section}.name is missing; it is one of: {', '.join(NAMED[section])}")
    if name not in NAMED[section]:
        raise UsageError(f"{where}: {section}.name: no {section} {name}; {nearest(name, NAMED[section])}")
    reads = NAMED[section][name]
    for key in list(part):
        if key == "name" or key in reads:
            continue
        if f"{section}.name" in overridden and f"{section}.{key}" not in overridden:
            del part[key]  # left over from the preset's own choice
            continue
        raise UsageError(
            f"{where}: {section}.{key}: {section} {name} does not read it; it reads {', '.join(reads) or 'nothing'}"
        )


def explain(error: msgspec.ValidationError, document: Document) -> str:
    """`optim.lr: expected a number > 0.0, got -1` from msgspec's words."""
    at = re.search(r"at `\$\.(?:key in )?(.*?)`", str(error))
    if not at:
        return expected(error, "")
    path = at.group(1)
    value: Any = document
    for step in re.findall(r"[^.\[\]]+", path):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return f"{path}: {expected(error, path)}"
    return f"{path}: {expected(error, path)}, got {value}"


def to_toml(config: RunConfig) -> str:
    """The whole resolved config as TOML; reading it back gives the same config."""
    document: Document = {
        key: getattr(config, key)
        for key in RunConfig.__struct_fields__
        if key not in SECTIONS and key != "schedule" and getattr(config, key)
    }
    for section in SECTIONS:
        name = {"name": getattr(config, section).name} if section in NAMED else {}
        document[section] = name | values(config, section)
    if config.schedule:
        document["schedule"] = [
            {k: v for k, v in msgspec.to_builtins(entry).items() if v is not None} for entry in config.schedule
        ]
    return tomli_w.dumps(document)
