"""What every network is: initial weights, outputs, and a neural tangent kernel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Generator, Tensor

from ..kernel import Weights, empirical_ntk
from ..matmul import Product, plain


class Pull(Protocol):
    """From the outputs of a network to scale * dL/doutputs, both (n, c)."""

    def __call__(self, outputs: Tensor, scale: float = 1, /) -> Tensor:
        """A new tensor."""


@dataclass(frozen=True, kw_only=True)
class Network(ABC):
    """net(weights, x): a function of named weights, so that kernels and optimizers see the same thing.

    product: how its large matrix products are taken.
    """

    product: Product = plain
    backward_stacks: ClassVar[bool] = False
    """Whether `backward` also takes stacks: weights, inputs and outputs with one more dimension before theirs."""

    @abstractmethod
    def initial_weights(self, generator: Generator) -> Weights:
        """Draw the initial weights, float64 on the CPU."""

    @abstractmethod
    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Outputs on x, shape (n, c)."""

    @property
    def has_backward(self) -> bool:
        """Whether `backward` is written out; autograd serves where it is not."""
        return type(self).backward is not Network.backward

    def backward(self, weights: Weights, x: Tensor, pull: Pull, into: Weights) -> None:
        """Gradient of a loss by hand: pull(outputs on x) = dL/doutputs; dL/dw goes into `into`, by name."""
        raise NotImplementedError

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Trace NTK on x, shape (n, n); a network with a closed form overrides this."""
        return empirical_ntk(self, weights, x)

    def embedding(self, weights: Weights) -> Tensor | None:
        """The table of what each token becomes, shape (vocabulary, d); None where there is none."""
        return None


@dataclass
class ScaledOutput:
    """f(x) = alpha * (net(x) - net_0(x)), the subtraction where `weights_0` is given.

    Its kernel is alpha^2 times the network's. alpha -> infinity is the lazy limit, alpha -> 0 the rich one.
    Chizat, Oyallon and Bach 2019, arXiv 1812.07956; Kumar et al. 2024, arXiv 2310.06110, appendix 8.1.
    """

    net: Network
    alpha: float
    weights_0: Weights | None = None

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """Outputs on x, shape (n, c); `start` is what `at_start(x)` gave, if it gave anything."""
        outputs = self.net(weights, x)
        return self.alpha * (outputs if start is None else outputs - start)

    def backward(self, weights: Weights, x: Tensor, start: Tensor | None, pull: Pull, into: Weights) -> Tensor:
        """Outputs on x; with pull(outputs) = dL/doutputs, dL/dw goes into `into`."""
        outputs = x

        def pull_net(net_outputs: Tensor, scale: float = 1) -> Tensor:
            nonlocal outputs
            outputs = net_outputs if start is None else net_outputs - start
            outputs = outputs if self.alpha == 1 else self.alpha * outputs
            return pull(outputs, self.alpha * scale)

        self.net.backward(weights, x, pull_net, into)
        return outputs

    def at_start(self, x: Tensor) -> Tensor | None:
        """net_0(x), to be computed once for inputs that are used again; none where f is not centred."""
        if self.weights_0 is None:
            return None
        with torch.no_grad():
            return self.net(self.weights_0, x)

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Trace NTK of f on x, shape (n, n)."""
        return self.alpha**2 * self.net.ntk(weights, x)


def normal(generator: Generator, *shape: int, std: float) -> Tensor:
    """Independent N(0, std^2) entries, float64."""
    return std * torch.randn(*shape, generator=generator, dtype=torch.float64)


def uniform(generator: Generator, *shape: int, bound: float) -> Tensor:
    """Independent U(-bound, bound) entries, float64."""
    return bound * (2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1)


def bias(size: int) -> Tensor:
    """A bias vector at 1e-6, as arXiv 2606.13753 starts them."""
    return torch.full((size,), 1e-6, dtype=torch.float64)


def dense(generator: Generator, fan_in: int, size: int, init: str) -> tuple[Tensor, Tensor]:
    """Matrix (fan_in, size) and bias (size,) of a layer: fan-in is N(0, 1 / fan_in) and 1e-6.

    torch is what nn.Linear draws: matrix and bias both U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    """
    if init == "torch":
        bound = fan_in**-0.5
        return uniform(generator, fan_in, size, bound=bound), uniform(generator, size, bound=bound)
    return normal(generator, fan_in, size, std=fan_in**-0.5), bias(size)
