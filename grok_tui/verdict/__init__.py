"""What a run shows, in plain words, and which theory it is evidence for. Without torch."""

from .rules import DELAY_LAW, LAZY_TO_RICH, NEITHER
from .sentence import Verdict, verdict

__all__ = ["DELAY_LAW", "LAZY_TO_RICH", "NEITHER", "Verdict", "verdict"]
