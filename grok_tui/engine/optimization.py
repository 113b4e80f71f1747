"""One optimizer step: a function of weights, the gradient of its loss, and an optimizer over flat buffers."""

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
from ..science.models.network import GradOutputs
from ..science.optimizers import OPTIMIZERS, decaying
from ..science.torch_private import foreach_copy_


class Function(Protocol):
    """Outputs of named weights on inputs, shape (n, c); `start` is what centring subtracts."""

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """f(x)."""


Backward = Callable[[Weights, Tensor, Tensor | None, GradOutputs, Weights], Tensor]
"""(weights, x, start, grad_outputs, into) -> f(x): a hand-written gradient, see `ScaledOutput.backward`."""


class Optimization:
    """One network, or several of the same shape batched, trained step by step."""

    def __init__(
        self, f: Function, weights: Flat, loss: Loss, optim: Optim, *, backward: Backward | None = None
    ) -> None:
        """backward: a hand-written gradient of f; None: autograd."""
        self.f, self.loss, self.optim, self.backward = f, loss, optim, backward
        self.hold_norm: float | Tensor = 0.0
        """The norm that the decaying weights are held at; of a batch shape (seeds, 1); 0: free."""
        self.flat, self.grad = weights, weights.zeros()
        self.optimizer = OPTIMIZERS[optim.name](self.flat, self.grad)

    @classmethod
    def of(
        cls, f: Function, weights: Weights, loss: Loss, optim: Optim, backward: Backward | None = None
    ) -> Optimization:
        """The optimization of one network, whose weights are copied."""
        decays = decaying({name: w.shape for name, w in weights.items()}, optim.decay)
        return cls(f, Flat.of(weights, decays), loss, optim, backward=backward)

    @classmethod
    def stacked(cls, parts: Sequence[Optimization], backward: Backward | None = None) -> Optimization:
        """One optimization that steps all `parts` at once. They become views of it, to be read and loaded."""
        first = parts[0]
        stack = cls(first.f, Flat.stacked([part.flat for part in parts]), first.loss, first.optim, backward=backward)
        for i, part in enumerate(parts):
            part.flat, part.grad = stack.flat.member(i), stack.grad.member(i)
            part.optimizer.share(stack.optimizer, i)
        return stack

    @property
    def weights(self) -> Weights:
        """The weights by name."""
        return self.flat.named

    def gradient(self, x: Tensor, y: Tensor, start: Tensor | None) -> Tensor:
        """Put the gradient of the loss into `grad`, and return the outputs at which it was computed.

        In a batch x, y and start have the seeds as first dimension, and each network has its own gradient.
        """
        if self.backward is not None:
            n = x.shape[len(self.flat.stack)]

            def grad_outputs(outputs: Tensor, scale: float = 1) -> Tensor:
                return self.loss.slope(outputs, y, scale / n)

            return self.backward(self.weights, x, start, grad_outputs, self.grad.named)
        leaves = {name: w.detach().requires_grad_() for name, w in self.weights.items()}
        with torch.enable_grad():
            if self.flat.stack:
                outputs = vmap(self.f, in_dims=(0, 0, None if start is None else 0))(leaves, x, start)
                loss = vmap(self.loss)(outputs, y).sum()
            else:
                outputs = self.f(leaves, x, start)
                loss = self.loss(outputs, y)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        foreach_copy_(list(self.grad.named.values()), gradients)
        return outputs.detach()

    def without_recording(self) -> AbstractContextManager[object]:
        """Context for steps: inference_mode, the cheapest, with a hand-written gradient; no_grad with autograd."""
        return torch.no_grad() if self.backward is None else torch.inference_mode()

    def step(self) -> None:
        """One update by the gradient in `grad`; then the norm is put back if it is held."""
        self.optimizer.step()
        if isinstance(self.hold_norm, Tensor) or self.hold_norm:
            self.rescale(self.hold_norm)

    def norm(self) -> Tensor:
        """||theta|| over the weights that decay, shape (*stack, 1)."""
        return torch.linalg.vector_norm(self.flat.decaying, dim=-1, keepdim=True)

    def rescale(self, to: float | Tensor) -> None:
        """theta <- theta * to / ||theta|| for the weights that decay; the optimizer's moments stay.

        Biases and gains are left out: nothing shrinks them again, so rescaling at every step would make them grow
        without bound. arXiv 2606.13753, clamped and rescaled runs.
        """
        self.flat.decaying.mul_(to / self.norm())

    def hold(self, norm: float | Sequence[float]) -> None:
        """Hold the norm of the decaying weights; one value per network of a batch; 0: let it move."""
        if isinstance(norm, Sequence):
            values = self.flat.decaying.new_tensor(norm).unsqueeze(-1)
            if isinstance(self.hold_norm, Tensor):
                self.hold_norm.copy_(values)  # captured steps read this tensor
            else:
                self.hold_norm = values
        else:
            self.hold_norm = norm

    def set_hyperparameters(self, optim: Optim, alpha: float) -> dict[str, float]:
        """Set what the next step uses; return it as the optimizer holds it."""
        return self.optimizer.set_hyperparameters(
            lr=optim.lr / alpha**2 if optim.lr_over_alpha2 else optim.lr,
            weight_decay=optim.weight_decay,
            momentum=optim.momentum,
            beta1=optim.beta1,
            beta2=optim.beta2,
        )

    def state(self) -> dict[str, Tensor]:
        """Weights and optimizer state, as named tensors."""
        tensors = {f"weights/{name}": w for name, w in self.weights.items()}
        return tensors | {f"optim/{name}": t for name, t in self.optimizer.state().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave. Hyper-parameters are set before: the optimizer's state belongs to them."""
        self.flat.copy_({name: state[f"weights/{name}"] for name in self.weights})
        memory = {name.removeprefix("optim/"): t for name, t in state.items() if name.startswith("optim/")}
        self.optimizer.load(memory)
