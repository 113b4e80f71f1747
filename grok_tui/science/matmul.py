"""Matrix products. For float32 on a CPU torch has two libraries, and its default is not always the faster one.

torch.mm calls MKL: fast on Intel processors, but on others it runs AVX2 code even if they can do more. oneDNN writes
its kernels for the processor it finds. Both compute in the precision of their arguments.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd import Function

from .torch_private import in_torch_func, onednn_linear

SMALLEST = 2**16
"""Multiplications (m k n) below which torch.mm is as fast: its call costs less."""


class Product(Protocol):
    """A way to multiply matrices."""

    def __call__(self, a: Tensor, b: Tensor, over: Tensor | None = None, /) -> Tensor:
        """Return a @ b, shape (m, n), for a: (m, k) and b: (k, n).

        over: (m, n), a tensor that is no longer needed. The result may be written into it; always use what is
        returned. It must not share memory with a or b.
        """


def plain(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by torch, in new memory."""
    return a @ b


def mkl(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by torch, with the wider side of the result as its columns: MKL splits columns among threads best."""
    if over is not None:
        return torch.mm(a, b, out=over)
    if a.ndim == 2 and len(a) > b.shape[-1] and not a.is_contiguous():
        return (b.mT @ a.mT).mT
    return a @ b


def onednn(a: Tensor, b: Tensor, over: Tensor | None = None) -> Tensor:
    """a @ b by oneDNN, differentiable. Falls back to torch if `serves(a, b)` is false. Always allocates the result."""
    if not serves(a, b):
        return a @ b
    return _Product.apply(a, b) if torch.is_grad_enabled() else _times(a, b)


def serves(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN can compute a @ b (float32 matrices on a CPU, outside torch.func) and its call is worth it."""
    if a.dtype != torch.float32 or a.device.type != "cpu" or a.ndim > 2:
        return False
    return len(a) * b.numel() >= SMALLEST and not in_torch_func()


def _times(a: Tensor, b: Tensor) -> Tensor:
    """a @ b, with the wider side of the result as its columns: oneDNN, too, splits columns among threads best."""
    if len(a) > b.shape[1] and not a.is_contiguous():
        return onednn_linear(b.T, a).T
    return onednn_linear(a, b.T)


class _Product(Function):
    """With c = a b:  dL/da = dL/dc b^T,  dL/db = a^T dL/dc;  in forward mode  dc = da b + a db."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        return _times(a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad
        return (_times(grad, b.T) if needs_a else None, _times(a.T, grad) if needs_b else None)

    @staticmethod
    def jvp(ctx: Any, a_dot: Tensor | None, b_dot: Tensor | None) -> Tensor:
        a, b = ctx.saved_tensors
        parts = [onednn(a_dot, b)] if a_dot is not None else []
        parts += [onednn(a, b_dot)] if b_dot is not None else []
        return sum(parts[1:], parts[0])


PRODUCTS: dict[str, Product] = {"torch": plain, "mkl": mkl, "onednn": onednn}
