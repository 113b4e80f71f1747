"""`grok-tui`: mounts the command line, and the app behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def open_screen(runs: Path, **what: Any) -> int:
    """Show the app; imported here, so that no other command pays for it."""
    from .tui.app import GrokApp

    return GrokApp(runs, **what).run() or 0


def main() -> None:
    """The entry point of the `grok-tui` command."""
    from .cli.app import build, invoke

    sys.exit(invoke(build(open_screen)))


if __name__ == "__main__":
    main()
