"""Weights on their way down a loss: a function of them, its gradient, and torch's optimizer."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ..config.schema import Optim
from ..science.kernel import Weights
from ..science.losses import Loss
from ..science.norms import norm
from ..science.optimizers import build_optimizer, flatten_state, read_knobs, restore_state, turn_knobs


class Function(Protocol):
    """Outputs of named weights on inputs, shape (n, c); `start` is what centring subtracts."""

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """f(x)."""


class Fit:
    """One set of weights, fitted to data step by step."""

    def __init__(self, f: Function, weights: Weights, loss: Loss, optim: Optim) -> None:
        self.f = f
        self.weights = {name: w.detach().clone().requires_grad_() for name, w in weights.items()}
        self.loss = loss
        self.optimizer = build_optimizer(optim.name, self.weights.values(), optim.decay)
        self.decaying = [w for group in self.optimizer.param_groups if group["decays"] for w in group["params"]]
        """The weights whose norm can be held: of vectors that never decay, rescaling would make runaways."""
        self.hold_norm = 0.0

    def gradient(self, x: Tensor, y: Tensor, start: Tensor | None) -> Tensor:
        """Put the gradient of the loss into .grad; return the outputs that it was taken at."""
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.f(self.weights, x, start)
        self.loss(outputs, y).backward()
        return outputs.detach()

    def step(self) -> None:
        """One update by the gradient in .grad; then the norm is put back where it is held."""
        self.optimizer.step()
        if self.hold_norm:
            self.rescale(self.hold_norm)

    def norm(self) -> Tensor:
        """‖theta‖ over the weights that decay."""
        return norm(self.decaying)

    @torch.no_grad()
    def rescale(self, to: float) -> None:
        """theta <- theta * to / ‖theta‖ for the weights that decay; the optimizer's memory stays.

        arXiv 2606.13753, clamped and rescaled runs.
        """
        factor = to / self.norm()
        for w in self.decaying:
            w.mul_(factor)

    def turn(self, optim: Optim, alpha: float) -> dict[str, float]:
        """Take over the knobs; return them as the optimizer holds them."""
        self.hold_norm = optim.hold_norm
        turn_knobs(
            self.optimizer,
            lr=optim.lr / alpha**2 if optim.lr_over_alpha2 else optim.lr,
            weight_decay=optim.weight_decay,
            momentum=optim.momentum,
            beta1=optim.beta1,
            beta2=optim.beta2,
        )
        return read_knobs(self.optimizer) | {"hold_norm": self.hold_norm}

    def is_finite(self) -> bool:
        """Whether no weight is inf or nan."""
        return all(bool(w.isfinite().all()) for w in self.weights.values())

    def _optimized(self) -> list[str]:
        """Names of the weights in the order in which the optimizer numbers them."""
        names = {id(w): name for name, w in self.weights.items()}
        return [names[id(w)] for group in self.optimizer.param_groups for w in group["params"]]

    def state(self) -> dict[str, Tensor]:
        """Weights and optimizer memory, as named tensors."""
        tensors = {f"weights/{name}": w.detach() for name, w in self.weights.items()}
        return tensors | {f"optim/{name}": t for name, t in flatten_state(self.optimizer, self._optimized()).items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the knobs must be turned again afterwards."""
        for name, w in self.weights.items():
            w.copy_(state[f"weights/{name}"])
        memory = {name.removeprefix("optim/"): t for name, t in state.items() if name.startswith("optim/")}
        restore_state(self.optimizer, self._optimized(), memory)
