"""The presets that come with grok-tui: where they lie, their names, and reading one."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..errors import UsageError, nearest
from .load import load
from .schema import RunConfig

DEFAULT = "modadd-mlp"


@cache
def directory() -> Path:
    """The presets' folder: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def names() -> list[str]:
    """Every preset's name, the default first."""
    found = sorted(path.stem for path in directory().glob("*.toml"))
    return sorted(found, key=lambda name: name != DEFAULT)


def path(name: str) -> Path:
    """The file of a preset; refuse an unknown name with the nearest match."""
    if name not in names():
        raise UsageError(f"no preset {name}; {nearest(name, names())}")
    return directory() / f"{name}.toml"


def load_preset(name: str, sets: list[str] | None = None, env: Mapping[str, str] | None = None) -> RunConfig:
    """Read a preset; `KEY=VALUE` overrides and the environment change it."""
    return load(path(name), sets, env)
