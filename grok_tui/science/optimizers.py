"""Optimizers over one flat buffer of weights, with the decay on the part that the config names.

The hyper-parameters are floats on a CPU. Elsewhere they are tensors of no dimension, so that steps which were
captured once (a CUDA graph) see the knobs turn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Size, Tensor

from .flat import Flat
from .kernel import Weights

EPS = 1e-8
"""What Adam adds to the root of the second moment."""


class Optimizer(ABC):
    """w <- w + update(gradient), the part of w that decays with it."""

    KNOBS: tuple[str, ...]
    MEMORY: tuple[str, ...]

    def __init__(self, weights: Flat, gradient: Flat) -> None:
        self.weights, self.gradient = weights, gradient
        self.memory = {name: weights.zeros() for name in self.MEMORY}
        device = weights.decaying.device
        precise = torch.float32 if device.type == "mps" else torch.float64
        self.steps = torch.zeros((), dtype=torch.float32, device=device)
        self.knobs: dict[str, float | Tensor] = {
            name: 0.0 if device.type == "cpu" else torch.zeros((), dtype=precise, device=device) for name in self.KNOBS
        }
        self._take()

    def turn(self, **knobs: float) -> dict[str, float]:
        """Set the hyper-parameters that the next step uses; moments stay. Returns those that are in force."""
        for name in self.KNOBS:
            held = self.knobs[name]
            if isinstance(held, Tensor):
                held.fill_(knobs[name])
            else:
                self.knobs[name] = knobs[name]
        return {name: float(value) for name, value in self.knobs.items()}

    def step(self) -> None:
        """One update by `gradient`, which it may overwrite. To be called where nothing is recorded for autograd."""
        self.update(*self._decaying, weight_decay=self.knobs["weight_decay"])
        if self._kept:
            self.update(*self._kept, weight_decay=0.0)

    def _take(self) -> None:
        """Look up weights, gradient and memory of either half."""
        flats = [self.weights, self.gradient, *self.memory.values()]
        self._decaying = [flat.decaying for flat in flats]
        self._kept = [flat.kept for flat in flats] if self.weights.kept.numel() else []

    @abstractmethod
    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """Update one part of the weights."""

    def share(self, stack: Optimizer, i: int) -> None:
        """Give what is remembered to a stack's optimizer, as its i-th member, and look into that from now on."""
        self.weights, self.gradient = stack.weights.member(i), stack.gradient.member(i)
        for name, flat in self.memory.items():
            view = stack.memory[name].member(i)
            view.copy_(flat.named)
            self.memory[name] = view
        self.steps = stack.steps.copy_(self.steps)
        self._take()

    def state(self) -> Weights:
        """The memory by weight: `exp_avg/W1` and so on, and the number of steps."""
        named = {f"{key}/{name}": t for key, flat in self.memory.items() for name, t in flat.named.items()}
        return named | {"steps": self.steps}

    def load(self, state: Weights) -> None:
        """Put back what `state` gave."""
        self.steps.copy_(state["steps"])
        for key, flat in self.memory.items():
            flat.copy_({name: state[f"{key}/{name}"] for name in flat.named})


class GradientDescent(Optimizer):
    """w <- w - lr b,  b <- momentum b + (grad + weight_decay w): heavy ball; plain descent at momentum 0."""

    KNOBS = ("lr", "weight_decay", "momentum")
    MEMORY = ("momentum_buffer",)

    def turn(self, **knobs: float) -> dict[str, float]:
        """As ever; momentum that is turned on begins with the next gradient alone."""
        if not self.knobs["momentum"]:
            self.memory["momentum_buffer"].copy_(self.memory["momentum_buffer"].zeros().named)
        return super().turn(**knobs)

    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """Decay is part of the gradient."""
        lr, momentum = self.knobs["lr"], self.knobs["momentum"]
        if is_on(weight_decay):
            g.add_(w * weight_decay)
        if is_on(momentum):
            g = memory[0].mul_(momentum).add_(g)
        if isinstance(lr, Tensor):
            w.sub_(g * lr)
        else:
            w.add_(g, alpha=-lr)


class Adam(Optimizer):
    """m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  w <- w - lr m' / (sqrt(v') + eps).

    m' = m / (1 - beta1^t), v' = v / (1 - beta2^t). Weight decay is coupled (L2): weight_decay w is added to g, and so
    to both moments, and then scaled with the gradient, so that w does not simply shrink by lr weight_decay a step.
    Kingma and Ba 2015, arXiv 1412.6980.
    """

    KNOBS = ("lr", "weight_decay", "beta1", "beta2")
    MEMORY = ("exp_avg", "exp_avg_sq")
    coupled = True

    def step(self) -> None:
        """As ever, counted for the two corrections."""
        self.steps.add_(1)
        super().step()

    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """On a CPU torch's own kernel, which does all of it in one pass."""
        if w.device.type == "cpu":
            fused: Any = torch._fused_adam_ if self.coupled else torch._fused_adamw_
            given = ([t.view(-1)] for t in (w, g, *memory))
            knobs = {name: self.knobs[name] for name in ("lr", "beta1", "beta2")}
            fused(*given, [], [self.steps], **knobs, weight_decay=weight_decay, eps=EPS, amsgrad=False, maximize=False)
        else:
            self.update_by_tensors(w, g, *memory, weight_decay=weight_decay)

    def update_by_tensors(self, w: Tensor, g: Tensor, m: Tensor, v: Tensor, *, weight_decay: float | Tensor) -> None:
        """The same with hyper-parameters that are read when a captured step is replayed."""
        lr, beta1, beta2 = (self.knobs[name] for name in ("lr", "beta1", "beta2"))
        if self.coupled:
            g.add_(w * weight_decay)
        else:
            w.mul_(1 - lr * weight_decay)
        m.mul_(beta1).add_(g * (1 - beta1))
        v.mul_(beta2).add_(g.square() * (1 - beta2))
        root = (v / (1 - beta2**self.steps)).sqrt_().add_(EPS)
        w.sub_(m / root * (lr / (1 - beta1**self.steps)))


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- w (1 - lr weight_decay), then the Adam step.

    Loshchilov and Hutter 2019, arXiv 1711.05101.
    """

    coupled = False


OPTIMIZERS: dict[str, type[Optimizer]] = {"gd": GradientDescent, "adam": Adam, "adamw": AdamW}


def decaying(shapes: dict[str, Size], decay: str) -> list[str]:
    """The weights that decay: all, or all but the vectors."""
    return [name for name, shape in shapes.items() if decay == "all" or len(shape) > 1]


def is_on(knob: float | Tensor) -> bool:
    """Whether a hyper-parameter can matter; one that is a tensor can at any time."""
    return isinstance(knob, Tensor) or knob != 0
