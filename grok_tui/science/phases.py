"""When a run counts as memorised and as grokked: the first row that is past every threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class PhaseDetector:
    """Finds t_mem and t_grok, in steps; a threshold of 0 is not asked.

    t_mem: first row with train/acc >= train_acc and train/loss < train_loss.
    t_grok: first row with test/acc >= test_acc and test/loss < test_loss.
    delay = t_grok - t_mem; 0 or below says that nothing was grokked late.
    """

    train_acc: float
    test_acc: float
    train_loss: float
    test_loss: float
    reached: dict[str, int] = field(default_factory=dict)

    def see(self, step: int, row: Mapping[str, float]) -> list[str]:
        """Take in a row; return the phases that begin with it, `memorized` or `grokked`."""
        begun = []
        if "memorized" not in self.reached and self._past("train", self.train_acc, self.train_loss, row):
            self.reached["memorized"] = step
            begun.append("memorized")
        if "grokked" not in self.reached and self._past("test", self.test_acc, self.test_loss, row):
            self.reached["grokked"] = step
            begun.append("grokked")
        return begun

    @staticmethod
    def _past(split: str, acc: float, loss: float, row: Mapping[str, float]) -> bool:
        accurate = not acc or row[f"{split}/acc"] >= acc
        fitted = not loss or row[f"{split}/loss"] < loss
        return accurate and fitted

    @property
    def t_mem(self) -> int | None:
        """The step at which the train data were memorised."""
        return self.reached.get("memorized")

    @property
    def t_grok(self) -> int | None:
        """The step at which the test data were generalised to."""
        return self.reached.get("grokked")

    @property
    def delay(self) -> int | None:
        """t_grok - t_mem."""
        if self.t_mem is None or self.t_grok is None:
            return None
        return self.t_grok - self.t_mem
