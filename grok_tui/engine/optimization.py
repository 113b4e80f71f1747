"""Weights on their way down a loss: a function of them, its gradient, and an optimizer over flat buffers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor
from torch.func import vmap

from ..config.schema import Optim
from ..science.flat import Flat
from ..science.kernel import Weights
from ..science.losses import Loss
from ..science.models.network import Pull
from ..science.optimizers import OPTIMIZERS, decaying


class Function(Protocol):
    """Outputs of named weights on inputs, shape (n, c); `start` is what centring subtracts."""

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """f(x)."""


Backward = Callable[[Weights, Tensor, Tensor | None, Pull, Weights], Tensor]
"""(weights, x, start, pull, into) -> f(x): the gradient by hand, see `ScaledOutput.backward`."""


class Optimization:
    """One set of weights, or a stack of them, fitted to data step by step."""

    def __init__(
        self, f: Function, weights: Flat, loss: Loss, optim: Optim, *, backward: Backward | None = None
    ) -> None:
        """backward: f's gradient by hand; none: by autograd."""
        self.f, self.loss, self.optim, self.backward = f, loss, optim, backward
        self.hold_norm = 0.0
        self.flat, self.grad = weights, weights.zeros()
        self.optimizer = OPTIMIZERS[optim.name](self.flat, self.grad)

    @classmethod
    def of(
        cls, f: Function, weights: Weights, loss: Loss, optim: Optim, backward: Backward | None = None
    ) -> Optimization:
        """A fit of one network, whose weights are copied."""
        decays = decaying({name: w.shape for name, w in weights.items()}, optim.decay)
        return cls(f, Flat.of(weights, decays), loss, optim, backward=backward)

    @classmethod
    def stacked(cls, fits: Sequence[Optimization], backward: Backward | None = None) -> Optimization:
        """One fit that steps all of them. They become views of it, to be read and loaded."""
        first = fits[0]
        stack = cls(first.f, Flat.stacked([fit.flat for fit in fits]), first.loss, first.optim, backward=backward)
        for i, fit in enumerate(fits):
            fit.flat, fit.grad = stack.flat.member(i), stack.grad.member(i)
            fit.optimizer.share(stack.optimizer, i)
        return stack

    @property
    def weights(self) -> Weights:
        """The weights by name."""
        return self.flat.named

    def gradient(self, x: Tensor, y: Tensor, start: Tensor | None) -> Tensor:
        """Put the gradient of the loss into `grad`; return the outputs that it was taken at.

        Of a stack, x, y and start have its dimension before theirs, and each network its own gradient.
        """
        if self.backward is not None:
            n = x.shape[len(self.flat.stack)]

            def pull(outputs: Tensor, scale: float = 1) -> Tensor:
                return self.loss.slope(outputs, y, scale / n)

            return self.backward(self.weights, x, start, pull, self.grad.named)
        leaves = {name: w.detach().requires_grad_() for name, w in self.weights.items()}
        with torch.enable_grad():
            if self.flat.stack:
                outputs = vmap(self.f, in_dims=(0, 0, None if start is None else 0))(leaves, x, start)
                loss = vmap(self.loss)(outputs, y).sum()
            else:
                outputs = self.f(leaves, x, start)
                loss = self.loss(outputs, y)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        torch._foreach_copy_(list(self.grad.named.values()), gradients)
        return outputs.detach()

    def recording_nothing(self) -> AbstractContextManager[object]:
        """For steps: torch's inference mode, in which operations cost least, where it allows what `gradient` does."""
        return torch.no_grad() if self.backward is None else torch.inference_mode()

    def step(self) -> None:
        """One update by the gradient in `grad`; then the norm is put back where it is held."""
        self.optimizer.step()
        if self.hold_norm:
            self.rescale(self.hold_norm)

    def norm(self) -> Tensor:
        """‖theta‖ over the weights that decay, shape (*stack, 1)."""
        return torch.linalg.vector_norm(self.flat.decaying, dim=-1, keepdim=True)

    def rescale(self, to: float) -> None:
        """theta <- theta * to / ‖theta‖ for the weights that decay; the optimizer's memory stays.

        Of vectors that never decay, rescaling would make runaways. arXiv 2606.13753, clamped and rescaled runs.
        """
        self.flat.decaying.mul_(to / self.norm())

    def turn(self, optim: Optim, alpha: float) -> dict[str, float]:
        """Take over the knobs; return them as the optimizer holds them."""
        self.hold_norm = optim.hold_norm
        return self.optimizer.turn(
            lr=optim.lr / alpha**2 if optim.lr_over_alpha2 else optim.lr,
            weight_decay=optim.weight_decay,
            momentum=optim.momentum,
            beta1=optim.beta1,
            beta2=optim.beta2,
        ) | {"hold_norm": self.hold_norm}

    def state(self) -> dict[str, Tensor]:
        """Weights and optimizer memory, as named tensors."""
        tensors = {f"weights/{name}": w for name, w in self.weights.items()}
        return tensors | {f"optim/{name}": t for name, t in self.optimizer.state().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the knobs must be turned again afterwards."""
        self.flat.copy_({name: state[f"weights/{name}"] for name in self.weights})
        memory = {name.removeprefix("optim/"): t for name, t in state.items() if name.startswith("optim/")}
        self.optimizer.load(memory)
