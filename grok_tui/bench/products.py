"""How fast this machine multiplies matrices."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch

from ..science.matmul import has_onednn

SIDE = 2048
"""Rows and columns of the matrices."""


class Products:
    """Square float32 products by the libraries that torch brings."""

    def __init__(self, threads: int = 0) -> None:
        """threads: 0 leaves torch's own choice."""
        if threads:
            torch.set_num_threads(threads)
        self.a, self.b = torch.randn(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        self.rates()  # the first calls choose their code

    def rates(self) -> dict[str, float]:
        """GFLOP/s of torch.mm, and of oneDNN's product where torch has it: the better of three each."""
        found = {"torch.mm": self._rate(self._mm)}
        return found | ({"oneDNN": self._rate(self._onednn)} if has_onednn() else {})

    def _mm(self) -> None:
        torch.mm(self.a, self.b)

    def _onednn(self) -> None:
        torch.ops.mkldnn._linear_pointwise(self.a, self.b, None, "none", [], "")

    @staticmethod
    def _rate(product: Any) -> float:
        seconds = []
        for _ in range(3):
            begin = perf_counter()
            product()
            seconds.append(perf_counter() - begin)
        return 2e-9 * SIDE**3 / min(seconds)

    def about(self) -> dict[str, Any]:
        """What torch is here."""
        cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
        return {"torch": torch.__version__, "threads": torch.get_num_threads(), "cuda": cuda}
