"""From TOML to a checked `RunConfig`, and back. Every refusal names the file, the key and what is allowed."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from ..errors import UsageError, nearest
from .check import check
from .fields import SCHEDULE_FIELDS, TEXT_FIELDS, brief, field, fields, values
from .names import NAMED
from .paths import absolute, shown
from .schema import SECTIONS, RunConfig, Scheduled, Section

Document = dict[str, Any]

LARGEST_FILE = 256 * 1024
MOST_DOTS = 200
"""Dots per line. Python's parser needs time with the square of the parts of a dotted key."""


def load(path: Path, sets: list[str] | None = None, env: Mapping[str, str] | None = None) -> RunConfig:
    """Read a config file; the environment overrides it, and each `KEY=VALUE` of `sets` overrides both."""
    where = shown(path)
    document = read_toml(path)
    given = from_environment(os.environ if env is None else env)
    given |= {key: (value, "--set") for key, value in map(split_set, sets or [])}
    for key, (value, _) in given.items():
        section, _, name = key.partition(".")
        part = document.setdefault(section, {})
        if isinstance(part, dict):
            part[name] = value
    origins = {key: origin for key, (_, origin) in given.items()}
    return resolve(document, where, origins)


def read_toml(path: Path) -> Document:
    """Parse a TOML file; a syntax error names file and line."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        at = f":{line.group(1)}" if line else ""
        message = re.sub(r" \(at .*\)$", "", str(error))
        raise UsageError(f"{shown(path)}{at}: not TOML: {message}") from None
    except RecursionError:
        raise UsageError(f"{shown(path)}: cannot be read: it is nested too deep") from None
    except ValueError:
        raise UsageError(f"{shown(path)}: cannot be read: it has a number of too many digits") from None


def read_text(path: Path) -> str:
    """The text of a config file; refuse what is no file, or too large for one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO without a writer would block
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{shown(path)}: cannot be read: it is not a file")
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{brief(path)}: cannot be read: its name has a NUL byte") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{shown(path)}: cannot be read: it is larger than {LARGEST_FILE // 1024} kB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)}: not TOML: it is not UTF-8 text") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MOST_DOTS and not line.lstrip().startswith("#"):
            raise UsageError(f"{shown(path)}:{number}: cannot be read: the line has more than {MOST_DOTS} dots")
    return text


def split_set(text: str) -> tuple[str, Any]:
    """Split `KEY=VALUE` into the field's full name and its value."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {brief(text)}: expected KEY=VALUE, for instance optim.lr=1e-3")
    known = field(key.strip())
    return known.key, known.parse(value.strip())


def variable(key: str) -> str:
    """The environment variable of a field: GROK_TUI_OPTIM_LR for optim.lr."""
    return f"GROK_TUI_{key.upper().replace('.', '_')}"


def from_environment(env: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """The fields that the environment sets, each with its value and the variable; an empty variable sets nothing."""
    found = {}
    for key, known in fields().items():
        name = variable(key)
        if env.get(name):
            try:
                found[key] = known.parse(env[name]), f"{name}={brief(env[name])}"
            except UsageError as error:
                raise UsageError(f"environment variable {name}: {error}") from None
    return found


def resolve(document: Document, where: str, origins: Mapping[str, str] | None = None) -> RunConfig:
    """Turn a parsed document into a checked config.

    origins: where the keys come from that are not the file's: an environment variable, or `--set`.
    """
    origins = origins or {}
    variables = [origin for origin in origins.values() if origin != "--set"]
    try:
        config = _build(document, origins)
        check(config)
    except UsageError as error:
        said = f"{where}: {error}"
        raise UsageError(f"{said} (the environment has {', '.join(variables)})" if variables else said) from None
    return config


def _build(document: Document, origins: Mapping[str, str]) -> RunConfig:
    top = RunConfig.__struct_fields__
    for key in document:
        if key not in top:
            raise UsageError(f"{brief(key)}: no such key; {nearest(key[:60], top)}")
    texts = {name: known.convert(document[name]) for name, known in TEXT_FIELDS.items() if name in document}
    parts: dict[str, Any] = {}
    for section, struct in SECTIONS.items():
        part = document.get(section)
        if part is None and section in NAMED:
            raise UsageError(f"[{section}] is missing; it needs at least a name")
        parts[section] = _section(section, struct, {} if part is None else part, origins)
    entries = document.get("schedule", [])
    if not isinstance(entries, list):
        raise UsageError(f"schedule: expected [[schedule]] tables, got {brief(entries)}")
    return RunConfig(**texts, **parts, schedule=[_scheduled(i, entry) for i, entry in enumerate(entries)])


def _section(section: str, struct: type[Section], part: Any, origins: Mapping[str, str]) -> Section:
    """Build a section; refuse a field that does not exist, or that the section's name does not read."""
    if not isinstance(part, dict):
        raise UsageError(f"{section}: expected a table [{section}], got {brief(part)}")
    for key in part:
        if key not in struct.__struct_fields__:
            raise UsageError(f"{section}.{brief(key)}: no such field; {nearest(key[:60], struct.__struct_fields__)}")
    if section in NAMED:
        _drop_unread(section, part, origins)
    converted = {name: fields()[f"{section}.{name}"].convert(value) for name, value in part.items()}
    if converted.get("path"):
        converted["path"] = str(absolute(converted["path"]))
    return struct(**converted)


def _drop_unread(section: str, part: Document, origins: Mapping[str, str]) -> None:
    """Refuse a field that this section's name does not read: it would silently do nothing.

    If the name was overridden, the fields of the file that belong to the old name are dropped.
    """
    name = part.get("name")
    if not isinstance(name, str):
        raise UsageError(f"{section}.name is missing; it is one of: {', '.join(NAMED[section])}")
    if name not in NAMED[section]:
        raise UsageError(f"{section}.name: no {section} {brief(name)}; {nearest(name[:60], NAMED[section])}")
    reads = NAMED[section][name]
    for key in list(part):
        if key == "name" or key in reads:
            continue
        if f"{section}.name" not in origins or f"{section}.{key}" in origins:
            raise UsageError(
                f"{section}.{key}: {section} {name} does not read it; it reads {', '.join(reads) or 'nothing'}"
            )
        del part[key]


def _scheduled(i: int, entry: Any) -> Scheduled:
    """Build an entry of the schedule; steering.py checks what it changes."""
    if not isinstance(entry, dict):
        raise UsageError(f"schedule[{i}]: expected a table, got {brief(entry)}")
    for key in entry:
        if key not in SCHEDULE_FIELDS:
            raise UsageError(f"schedule[{i}].{brief(key)}: no such key; {nearest(key[:60], SCHEDULE_FIELDS)}")
    try:
        return Scheduled(**{"set": {}} | {key: SCHEDULE_FIELDS[key].convert(value) for key, value in entry.items()})
    except UsageError as error:
        raise UsageError(f"schedule[{i}].{error}") from None


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
