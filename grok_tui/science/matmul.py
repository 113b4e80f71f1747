"""Matrix products. float32 on a CPU has two libraries to choose from, and the faster is not always torch's default.

torch.mm calls MKL, which is the faster on Intel's processors and runs AVX2 code on those of other makers; oneDNN, which
torch carries as well, writes its kernels for the processor it finds.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd import Function

SMALLEST = 2**16
"""Multiplications below which torch.mm, whose call costs less, is as fast."""


class Product(Protocol):
    """How matrices are multiplied."""

    def __call__(self, a: Tensor, b: Tensor, over: Tensor | None = None, /) -> Tensor:
        """a @ b for matrices a: (m, k) and b: (k, n); `over`, of the result's shape, may be written over with it."""


def plain(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by torch."""
    return a @ b


def mkl(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by torch. MKL, too, splits the columns of its result best: see `_times`."""
    if over is not None:
        return torch.mm(a, b, out=over)
    if a.ndim == 2 and len(a) > b.shape[-1] and not a.is_contiguous():
        return (b.mT @ a.mT).mT
    return a @ b


def has_onednn() -> bool:
    """Whether torch has oneDNN's float32 product here."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def onednn(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by oneDNN, with its gradients; by torch where it must be or may be: see `serves`. Needs memory anew."""
    if not serves(a, b):
        return a @ b
    return _Product.apply(a, b) if torch.is_grad_enabled() else _times(a, b)


def serves(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN can take a @ b (float32 matrices on a CPU, outside torch.func) and is worth its call."""
    if a.dtype != torch.float32 or a.device.type != "cpu" or a.ndim > 2:
        return False
    return len(a) * b.numel() >= SMALLEST and not torch._C._are_functorch_transforms_active()


def _times(a: Tensor, b: Tensor) -> Tensor:
    """a @ b. oneDNN splits the columns of its result best, so the wider side goes there."""
    if len(a) > b.shape[1] and not a.is_contiguous():
        return _linear(b.T, a).T
    return _linear(a, b.T)


def _linear(a: Tensor, w: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, w, None, "none", [], "")


class _Product(Function):
    """With c = a b:  dL/da = dL/dc b^T,  dL/db = a^T dL/dc;  forwards  dc = da b + a db."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        return _times(a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad
        return (_times(signal, b.T) if needs_a else None, _times(a.T, signal) if needs_b else None)

    @staticmethod
    def jvp(ctx: Any, a_dot: Tensor | None, b_dot: Tensor | None) -> Tensor:
        a, b = ctx.saved_tensors
        parts = [onednn(a_dot, b)] if a_dot is not None else []
        parts += [onednn(a, b_dot)] if b_dot is not None else []
        return sum(parts[1:], parts[0])


PRODUCTS: dict[str, Product] = {"torch": plain, "mkl": mkl, "onednn": onednn}
