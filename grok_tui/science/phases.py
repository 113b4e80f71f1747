"""When a run counts as memorised and as grokked: at the first row that is past every threshold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MEMORIZED, GROKKED = PHASES = ("memorized", "grokked")


@dataclass
class PhaseDetector:
    """Finds t_mem and t_grok in steps. A threshold of 0 is not required.

    t_mem: first row with train/acc >= train_acc and train/loss < train_loss.
    t_grok: first row with test/acc >= test_acc and test/loss < test_loss.
    delay = t_grok - t_mem; 0 or less means that nothing was grokked late.
    Each lies between the row before it (exclusive) and its own row (inclusive): `after` has the row before.
    """

    train_acc: float
    test_acc: float
    train_loss: float
    test_loss: float
    reached: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)

    def beginning(self, row: Mapping[str, float]) -> list[str]:
        """The phases, `memorized` or `grokked`, that begin with this row."""
        begun = []
        if MEMORIZED not in self.reached and self._past("train", self.train_acc, self.train_loss, row):
            begun.append(MEMORIZED)
        if GROKKED not in self.reached and self._past("test", self.test_acc, self.test_loss, row):
            begun.append(GROKKED)
        return begun

    def enter(self, phase: str, after: int, step: int) -> None:
        """`phase` began after the row at `after` and by the row at `step`."""
        self.reached[phase], self.after[phase] = step, after

    @staticmethod
    def _past(split: str, acc: float, loss: float, row: Mapping[str, float]) -> bool:
        accurate = not acc or row[f"{split}/acc"] >= acc
        fitted = not loss or row[f"{split}/loss"] < loss
        return accurate and fitted

    @property
    def t_mem(self) -> int | None:
        """The step at which the train data were memorised."""
        return self.reached.get(MEMORIZED)

    @property
    def t_grok(self) -> int | None:
        """The step at which the test data were generalised to."""
        return self.reached.get(GROKKED)

    @property
    def delay(self) -> int | None:
        """t_grok - t_mem."""
        if self.t_mem is None or self.t_grok is None:
            return None
        return self.t_grok - self.t_mem

    def intervals(self) -> dict[str, list[int]]:
        """[lowest, highest] of t_mem, t_grok and delay; the lowest of a time is the row before it."""
        found = {
            name: [self.after[phase], self.reached[phase]]
            for name, phase in (("t_mem", MEMORIZED), ("t_grok", GROKKED))
            if phase in self.reached
        }
        if len(found) == 2:
            (mem_low, mem_high), (grok_low, grok_high) = found["t_mem"], found["t_grok"]
            found["delay"] = [grok_low - mem_high, grok_high - mem_low]
        return found
