"""Binary operations over Z_p that a network can learn, in plain Python. A new one is a line in `OPERATIONS`.

Power et al. 2022, arXiv 2201.02177, appendix A.1.1; multiplication is their x / y = z read as z * y = x.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """(x, y) -> of(x, y, p) mod p, for all 0 <= x < p and y_from <= y < p."""

    of: Callable[[int, int, int], int]
    y_from: int = 0

    def n_pairs(self, p: int) -> int:
        """Number of pairs (x, y)."""
        return p * (p - self.y_from)


OPERATIONS = {
    "addition": Operation(lambda x, y, p: x + y),
    "subtraction": Operation(lambda x, y, p: x - y),
    "multiplication": Operation(lambda x, y, p: x * y),
    "division": Operation(lambda x, y, p: x * pow(y, -1, p), y_from=1),
    "division-or-subtraction": Operation(lambda x, y, p: x * pow(y, -1, p) if y % 2 else x - y),
    "x2+y2": Operation(lambda x, y, p: x**2 + y**2),
    "x2+xy+y2": Operation(lambda x, y, p: x**2 + x * y + y**2),
    "x2+xy+y2+x": Operation(lambda x, y, p: x**2 + x * y + y**2 + x),
    "x3+xy": Operation(lambda x, y, p: x**3 + x * y),
    "x3+xy2+y": Operation(lambda x, y, p: x**3 + x * y**2 + y),
}
