"""What a piece of tensor work costs: counted, not timed, so that one config always measures at the same steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry, shape_wrapper

from ..science.torch_private import LINALG, ONEDNN_LINEAR, OperationMode, has_onednn, packet

SECONDS_PER_OP = 2e-6
SECONDS_PER_ELEMENT = 1.2e-10
SECONDS_PER_FLOP = 1 / 120e9
"""A nominal machine of one core, fitted to the steps, rows and kernels of all presets; only ratios are used.

It is right within a factor of two, hence a budget below half of what measuring may take.
"""
ONCE = 2e-4
"""Nominal seconds that a measurement costs beyond what is counted: it finds the caches cold."""
CACHED, FAR = 2**23, 3
"""Elements of one operation that a cache holds, and how many times as dear each is beyond."""


class _Count(OperationMode):
    """Counts operations, the elements that they read and write, and the arithmetic of matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.ops = self.elements = self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = FORMULAS.get(packet(func))
        if formula is None:  # perhaps it is made of others
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        self.ops += 1
        self.flops += formula(*args, **kwargs, out_val=result) if formula else 0
        if not func.is_view:
            elements = _elements((args, result))
            self.elements += elements * (FAR if elements > CACHED else 1)
        return result


def _elements(tree: Any) -> int:
    if isinstance(tree, Tensor):
        return tree.numel()
    return sum(_elements(part) for part in tree) if isinstance(tree, (tuple, list)) else 0


def _cubic(times: float) -> Callable[..., int]:
    """Flops of a decomposition of a square matrix of n rows: times n^3."""
    return lambda shape, *other, **options: int(times * shape[-1] ** 3)


def _linear(a: Any, w: Any, *other: Any, **options: Any) -> int:
    """Flops of a w^T, shapes (m, k) and (n, k)."""
    return 2 * int(a[0]) * int(a[1]) * int(w[0])


UNCOUNTED = {
    LINALG["eigh"]: _cubic(30),
    LINALG["svd"]: _cubic(60),
    LINALG["solve"]: _cubic(1),
    torch.ops.aten.linalg_cholesky_ex: _cubic(1 / 3),
    torch.ops.aten.cholesky_solve: _cubic(1),
} | ({ONEDNN_LINEAR: _linear} if has_onednn() else {})
"""What torch's own formulas leave out; a decomposition as dear as it is beside a matrix product."""
FORMULAS = flop_registry | {func: shape_wrapper(formula) for func, formula in UNCOUNTED.items()}
"""Flops by operation, of tensors."""


def cost(work: Callable[[], object]) -> float:
    """Seconds that `work` would take on the nominal machine: its operations, elements touched and matrix products."""
    with _Count() as count:
        work()
    return count.ops * SECONDS_PER_OP + count.elements * SECONDS_PER_ELEMENT + count.flops * SECONDS_PER_FLOP
