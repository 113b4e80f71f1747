"""The arithmetic of a step, counted by formula, and how fast this machine multiplies matrices.

Counted are the matrix products as grok-tui computes them: 2 m k n operations per product. A backward pass takes each
product of the forward pass twice, once for each factor; hence the factor 3. Letters: n examples, t positions,
v tokens, width d, h hidden units, c classes.
"""

from time import perf_counter

import torch

from ..config.schema import RunConfig
from ..science.matmul import PRODUCTS, Product
from ..science.torch_private import has_onednn

TRANSFORMER = "3 [2 n d (d + 2 h + c) + (4 t + 2) v d^2 + 2 t v^2 d]"
EMBEDDING_MLP = "3 [2 n h c + 2 t v d h]"
SIDE = 2048
"""Rows and columns of the square matrices whose product is timed."""


def transformer(n: int, t: int, v: int, d: int, h: int, c: int) -> int:
    """Operations per step of the one-layer transformer, read at the last position."""
    return 3 * (2 * n * d * (d + 2 * h + c) + (4 * t + 2) * v * d**2 + 2 * t * v**2 * d)


def embedding_mlp(n: int, t: int, v: int, d: int, h: int, c: int) -> int:
    """Operations per step of the embedding MLP."""
    return 3 * (2 * n * h * c + 2 * t * v * d * h)


def step_of(config: RunConfig) -> tuple[float, str]:
    """(GFLOP per step, the formula) of a network on modular addition."""
    task, model = config.task, config.model
    count, formula = (transformer, TRANSFORMER) if model.name == "transformer" else (embedding_mlp, EMBEDDING_MLP)
    n, tokens = int(task.frac_train * task.p**2), task.p + (task.n_tokens == 3)
    return 1e-9 * count(n, task.n_tokens, tokens, model.d_embed, model.d_hidden, task.p), formula


class Machine:
    """torch on this machine, and its rate of float32 matrix products."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self.a, self.b = torch.randn(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))

    @staticmethod
    def threads() -> int:
        """torch's own choice."""
        return torch.get_num_threads()

    def advance(self, steps: int) -> dict[str, float]:
        """GFLOP/s of torch.mm, and of oneDNN if torch has it; the best of `steps` products each."""
        names = {"torch.mm": "torch"} | ({"oneDNN": "onednn"} if has_onednn() else {})
        return {name: 2e-9 * SIDE**3 / self._seconds(PRODUCTS[product], steps) for name, product in names.items()}

    @torch.no_grad()
    def _seconds(self, product: Product, times: int) -> float:
        seconds = []
        for _ in range(times):
            begin = perf_counter()
            product(self.a, self.b)
            seconds.append(perf_counter() - begin)
        return min(seconds)
