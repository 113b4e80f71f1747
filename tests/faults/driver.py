"""What the tests of faults share: a tiny run, and the outcome of a command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SESSION = Path(__file__).with_name("session.py")
TINY = ["run", "--preset", "kumar-poly", "--set", "measure.kernel_per_decade=0"]


@dataclass(frozen=True)
class Done:
    """The outcome of a command."""

    arguments: list[str]
    code: int
    out: str
    err: str
    seconds: float

    def is_refused(self, *parts: str, code: int = 2) -> bool:
        """Whether it ended with one line on stderr that has these parts, and with this exit code."""
        is_line = self.err.count("\n") == 1 and self.err.startswith("grok-tui: ") and "Traceback" not in self.err
        return is_line and self.code == code and self.out == "" and all(part in self.err for part in parts)


Session = Callable[..., list[Done]]
