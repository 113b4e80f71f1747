"""Runs many commands in one process: each line of stdin is a JSON list of arguments, each line of stdout its outcome.

["cd", PATH] changes the directory, ["setuid", N] the user. A command that needs more than 10 seconds ends the process.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
import time

from grok_tui.__main__ import open_screen
from grok_tui.cli.app import build, invoke

MEMORY = 3_000_000_000
SECONDS = 10


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    app = build(open_screen)
    for line in sys.stdin:
        arguments = json.loads(line)
        if arguments[0] == "cd":
            os.chdir(arguments[1])
            continue
        if arguments[0] == "setuid":
            os.setgroups([])
            os.setuid(int(arguments[1]))
            continue
        sys.argv = ["grok-tui", *arguments]
        out, err = io.StringIO(), io.StringIO()
        begun = time.monotonic()
        signal.alarm(SECONDS)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = invoke(app)
        signal.alarm(0)
        done = {"code": code, "out": out.getvalue(), "err": err.getvalue(), "seconds": time.monotonic() - begun}
        print(json.dumps({"arguments": arguments, **done}), flush=True)


main()
