"""Gradient descent, Adam and AdamW over flat buffers of weights. Decay acts on the part that the config names.

They are not torch.optim's: a step of a tiny network takes 15 us, of which torch.optim would take most, and several
networks are stepped at once as one stack. On a CPU the hyper-parameters are floats. On other devices they are tensors
without dimensions, so that a captured step (a CUDA graph) reads new values when it is replayed.
"""

from abc import ABC, abstractmethod
from math import nan
from typing import Any

import torch
from torch import Size, Tensor

from .flat import Flat
from .kernel import Weights
from .torch_private import fused_adam_, fused_adamw_

EPS = 1e-8
"""What Adam adds to the square root of the second moment."""


class Optimizer(ABC):
    """w <- w + update(gradient). Weights and gradient are `Flat`s of one layout: a decaying half and a half kept."""

    KNOBS: tuple[str, ...]
    """Names of the hyper-parameters."""
    MEMORY: tuple[str, ...]
    """Names of the buffers that carry over from step to step, each laid out as the weights are."""

    def __init__(self, weights: Flat, gradient: Flat) -> None:
        """The hyper-parameters are NaN until `set_hyperparameters` is called."""
        self.weights, self.gradient = weights, gradient
        self.memory = {name: weights.zeros() for name in self.MEMORY}
        device = weights.decaying.device
        precise = torch.float32 if device.type == "mps" else torch.float64
        self.steps = torch.zeros((), dtype=torch.float32, device=device)
        self.knobs: dict[str, float | Tensor] = {
            name: nan if device.type == "cpu" else torch.full((), nan, dtype=precise, device=device)
            for name in self.KNOBS
        }
        self._collect_halves()

    def set_hyperparameters(self, **values: float) -> dict[str, float]:
        """Set what the next step uses; the memory stays. Returns the values as the optimizer holds them.

        values: at least one for each name in KNOBS (KeyError otherwise); further names are ignored.
        """
        for name in self.KNOBS:
            held = self.knobs[name]
            if isinstance(held, Tensor):
                held.fill_(values[name])
            else:
                self.knobs[name] = values[name]
        return {name: float(value) for name, value in self.knobs.items()}

    def step(self) -> None:
        """One update by `gradient`, which is overwritten. Call it where autograd records nothing."""
        self.update(*self._decaying, weight_decay=self.knobs["weight_decay"])
        if self._kept:
            self.update(*self._kept, weight_decay=0.0)

    def _collect_halves(self) -> None:
        """List weights, gradient and memory of each half, as `update` takes them."""
        flats = [self.weights, self.gradient, *self.memory.values()]
        self._decaying = [flat.decaying for flat in flats]
        self._kept = [flat.kept for flat in flats] if self.weights.kept.numel() else []

    @abstractmethod
    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """Update one half in place: weights w, gradient g and the buffers of MEMORY, all of one shape."""

    def share(self, stack: "Optimizer", i: int) -> None:
        """Copy this optimizer's state into slot i of a stacked optimizer; from then on this is a view of that slot."""
        self.weights, self.gradient = stack.weights.member(i), stack.gradient.member(i)
        for name, flat in self.memory.items():
            view = stack.memory[name].member(i)
            view.copy_(flat.named)
            self.memory[name] = view
        self.steps = stack.steps.copy_(self.steps)
        self._collect_halves()

    def state(self) -> Weights:
        """The memory by buffer and weight (`exp_avg/W1` and so on), and the number of steps. No hyper-parameters."""
        named = {f"{key}/{name}": t for key, flat in self.memory.items() for name, t in flat.named.items()}
        return named | {"steps": self.steps}

    def load(self, state: Weights) -> None:
        """Copy in what `state` returned. The hyper-parameters stay as they are set."""
        self.steps.copy_(state["steps"])
        for key, flat in self.memory.items():
            flat.copy_({name: state[f"{key}/{name}"] for name in flat.named})


class GradientDescent(Optimizer):
    """w <- w - lr b,  b <- momentum b + (grad + weight_decay w): heavy ball; plain descent at momentum 0.

    At momentum 0 the buffer b is not used. If momentum changes from 0 to something else, b starts at 0.
    """

    KNOBS = ("lr", "weight_decay", "momentum")
    MEMORY = ("momentum_buffer",)

    def set_hyperparameters(self, **values: float) -> dict[str, float]:
        """Start the buffer at 0 if momentum changes from 0; never at the first call, so that loaded state is kept."""
        if self.knobs["momentum"] == 0 and values["momentum"] != 0:
            buffer = self.memory["momentum_buffer"]
            buffer.decaying.zero_()
            buffer.kept.zero_()
        return super().set_hyperparameters(**values)

    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """The formula of the class, in place."""
        lr, momentum = self.knobs["lr"], self.knobs["momentum"]
        if can_matter(weight_decay):
            g.add_(w * weight_decay)
        if can_matter(momentum):
            g = memory[0].mul_(momentum).add_(g)
        if isinstance(lr, Tensor):
            w.sub_(g * lr)
        else:
            w.add_(g, alpha=-lr)


class Adam(Optimizer):
    """m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  w <- w - lr m' / (sqrt(v') + eps).

    m' = m / (1 - beta1^t), v' = v / (1 - beta2^t). Weight decay is coupled (L2): weight_decay w is added to g, and so
    to both moments, and is then scaled with the gradient: w does not simply shrink by lr weight_decay per step.
    Kingma and Ba 2015, arXiv 1412.6980.
    """

    KNOBS = ("lr", "weight_decay", "beta1", "beta2")
    MEMORY = ("exp_avg", "exp_avg_sq")
    coupled = True

    def step(self) -> None:
        """Count t, which both corrections need, then update."""
        self.steps.add_(1)
        super().step()

    def update(self, w: Tensor, g: Tensor, *memory: Tensor, weight_decay: float | Tensor) -> None:
        """On a CPU by torch's fused kernel, which does everything in one pass."""
        if w.device.type == "cpu":
            fused: Any = fused_adam_ if self.coupled else fused_adamw_
            lists = ([t.view(-1)] for t in (w, g, *memory))
            knobs = {name: self.knobs[name] for name in ("lr", "beta1", "beta2")}
            fused(*lists, [], [self.steps], **knobs, weight_decay=weight_decay, eps=EPS, amsgrad=False, maximize=False)
        else:
            self.update_by_tensors(w, g, *memory, weight_decay=weight_decay)

    def update_by_tensors(self, w: Tensor, g: Tensor, m: Tensor, v: Tensor, *, weight_decay: float | Tensor) -> None:
        """The same, with hyper-parameters that a replayed step reads from their tensors."""
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
    """Names of the weights that decay. decay: `all`, or `matrices`, which leaves the vectors out."""
    return [name for name, shape in shapes.items() if decay == "all" or len(shape) > 1]


def can_matter(knob: float | Tensor) -> bool:
    """Whether a term with this factor must be computed: a tensor may be set to something else than 0 at any time."""
    return isinstance(knob, Tensor) or knob != 0
