"""`grok-tui`: mounts the command line, and the app behind it."""

import sys
from pathlib import Path
from typing import Any

from .errors import INTERRUPTED
from .process import open_standard_streams


def open_screen(runs: Path, **options: Any) -> int:
    """Show the app and return the exit code. It is imported here, so that no other command pays for it."""
    from .tui.app import GrokApp

    app = GrokApp(runs, **options)
    result = app.run()  # it returns normally after a crash, too
    return result or app.return_code or 0


def main() -> None:
    """The entry point of the `grok-tui` command."""
    open_standard_streams()
    try:
        from .cli.app import build, invoke

        code = invoke(build(open_screen))
    except KeyboardInterrupt:  # while modules are imported
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
