"""The processes that are compared, seen from the benchmark. Imports no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any

from ..errors import GrokError


def environment() -> dict[str, str]:
    """As a fresh shell has it: the engine sets its own, and only for itself."""
    return {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}


class Side:
    """A worker process that computes when it is asked, and else waits."""

    def __init__(self, target: str, **options: Any) -> None:
        """target: `module:Class` below this package; options: what the class is built with."""
        self.target = target
        command = [sys.executable, "-P", "-m", "grok_tui.bench.worker", f"grok_tui.bench.{target}", json.dumps(options)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )
        self._answer()

    def ask(self, method: str, *arguments: Any) -> tuple[float, Any]:
        """Call a method there: seconds that it took, and what it returned."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._lost() from None
        return self._answer()

    def _answer(self) -> tuple[float, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise self._lost()
        answer = json.loads(line)
        return answer["seconds"], answer["value"]

    def _lost(self) -> GrokError:
        return GrokError(f"bench: the process of {self.target} ended with exit code {self.process.wait()}")

    def speed(self, steps: int) -> float:
        """Steps a second over the next `steps`."""
        return steps / self.ask("advance", steps)[0]

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        assert self.process.stdout
        if error is not None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
