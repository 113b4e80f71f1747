"""The errors that a user can cause, each printed as one line, and the exit codes of every command.

0: finished; 1: training failed; 2: bad usage or input; 3: target not reached; 4: another engine holds the run;
128 + number of the signal: interrupted, after saving.
"""

import difflib
import re
import signal
from collections.abc import Iterable

FINISHED = 0
FAILED = 1
USAGE = 2
TARGET_NOT_REACHED = 3
HELD = 4
INTERRUPTED = 128 + signal.SIGINT


class GrokError(Exception):
    """An error to print as one line; `exit_code` is what the process then returns."""

    exit_code = FAILED


class UsageError(GrokError):
    """Bad usage, config or preset: what, where, and what would be right."""

    exit_code = USAGE


class RunHeld(GrokError):
    """Another engine writes this run."""

    exit_code = HELD


def nearest(word: str, allowed: Iterable[str]) -> str:
    """A clause that names the nearest match, or all allowed words if none is near."""
    allowed = sorted(allowed)
    match = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    if match:
        return f"did you mean {match[0]}?"
    return "it is one of: " + ", ".join(allowed)


UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Control characters, marks that change the direction of text or have no width, and halves of characters."""


def plain(text: object) -> str:
    r"""Text from a file or a user as one printable line: a control character becomes its escape, `\x1b`."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))
