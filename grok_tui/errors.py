"""Every error a user can cause. Each prints as one line, and its exit code is part of the interface."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

FINISHED = 0
FAILED = 1
USAGE = 2
TARGET_NOT_REACHED = 3
HELD = 4
INTERRUPTED = 130
TERMINATED = 143


class GrokError(Exception):
    """An error to show as one line; `exit_code` is what the process then returns."""

    exit_code = FAILED


class UsageError(GrokError):
    """Bad usage, config or preset: what, where, and what would be right."""

    exit_code = USAGE


class RunHeld(GrokError):
    """Another engine writes this run."""

    exit_code = HELD


def nearest(word: str, allowed: Iterable[str]) -> str:
    """A clause naming the nearest match, or all that is allowed where nothing is near."""
    allowed = sorted(allowed)
    match = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    if match:
        return f"did you mean {match[0]}?"
    return "it is one of: " + ", ".join(allowed)
