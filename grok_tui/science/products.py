"""Matrix products. float32 on a CPU has two libraries to choose from, and the faster is not torch's default.

torch.mm calls MKL, which runs AVX2 code on processors of other makers; oneDNN, which torch carries as well, writes its
kernels for the processor it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

Product = Callable[[Tensor, Tensor], Tensor]
"""a @ b for matrices a: (m, k) and b: (k, n)."""

SMALLEST = 2**16
"""Multiplications below which torch.mm, whose call costs less, is as fast."""


def has_onednn() -> bool:
    """Whether torch has oneDNN's float32 product here."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def onednn(a: Tensor, b: Tensor) -> Tensor:
    """a @ b by oneDNN, with its gradient; by torch where it must (stacks, not float32, not on a CPU) or may (small)."""
    if a.dtype != torch.float32 or a.device.type != "cpu" or a.ndim > 2 or len(a) * b.numel() < SMALLEST:
        return a @ b
    return _Product.apply(a, b) if torch.is_grad_enabled() else _times(a, b)


def _times(a: Tensor, b: Tensor) -> Tensor:
    """a @ b. oneDNN splits the columns of its result best, so the wider side goes there."""
    if len(a) > b.shape[1] and not a.is_contiguous():
        return _linear(b.T, a).T
    return _linear(a, b.T)


def _linear(a: Tensor, w: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, w, None, "none", [], "")


class _Product(Function):
    """With c = a b:  dL/da = dL/dc b^T,  dL/db = a^T dL/dc."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        return _times(a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad
        return (_times(signal, b.T) if needs_a else None, _times(a.T, signal) if needs_b else None)


PRODUCTS: dict[str, Product] = {"torch": torch.matmul, "onednn": onednn}
