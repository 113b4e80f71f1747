"""Paths as users write them, and as errors show them."""

from pathlib import Path

from ..errors import UsageError, plain


def expanded(path: Path | str) -> Path:
    """The path with a leading `~` or `~name` replaced by that home directory."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{plain(path)}: there is no such home directory; write ./{plain(path)} for a file of this name"
        ) from None


def absolute(path: Path | str) -> Path:
    """The path from the root, with `~` replaced; symbolic links stay."""
    path = expanded(path)
    try:
        return path.absolute()
    except OSError:
        raise UsageError(
            f"{plain(path)}: the current directory does not exist any more; give a path from the root"
        ) from None


def shown(path: Path) -> str:
    """The path as a user would write it: relative to the current directory if it lies below it."""
    try:
        return plain(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return plain(path)
