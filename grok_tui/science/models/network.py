"""The base of every network: initial weights, outputs, a gradient by hand if it has one, and its kernel."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Generator, Tensor

from ..kernel import Weights, empirical_ntk
from ..matmul import Product, plain


class GradOutputs(Protocol):
    """The gradient of the loss with respect to the outputs of a network."""

    def __call__(self, outputs: Tensor, scale: float = 1, /) -> Tensor:
        """Return scale * dL/doutputs in new memory; outputs and result: (n, c)."""


@dataclass(frozen=True, kw_only=True)
class Network(ABC):
    """A function net(weights, x) of named weights and n inputs, with c = n_outputs.

    x: tokens, (n, n_inputs) int64, or vectors, (n, n_inputs). The object holds sizes only, no weights: kernels,
    optimizers and twins evaluate one network at many weights.
    """

    vocabulary: int
    """number of distinct tokens; 0 if inputs are vectors"""
    n_inputs: int
    """positions of tokens, or dimension of the vectors"""
    n_outputs: int
    product: Product = plain
    """how large matrix products are computed, see matmul.py"""
    backward_stacks: ClassVar[bool] = False
    """Whether `backward` also takes a stack of networks: weights, x and outputs with one more dimension in front."""

    @abstractmethod
    def initial_weights(self, generator: Generator) -> Weights:
        """Draw the initial weights, by name, float64 on the CPU."""

    @abstractmethod
    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Outputs on x, shape (n, c)."""

    @property
    def has_backward(self) -> bool:
        """Whether `backward` is written by hand; else autograd is used."""
        return type(self).backward is not Network.backward

    def backward(self, weights: Weights, x: Tensor, grad_outputs: GradOutputs, into: Weights) -> None:
        """The gradient of a loss by hand: write dL/dw of every weight into `into`, by name.

        grad_outputs(outputs on x) gives dL/doutputs; call it once.
        """
        raise NotImplementedError

    def ntk(self, weights: Weights, x: Tensor) -> Tensor:
        """Trace NTK on x, shape (n, n); a network with a closed form overrides this."""
        return empirical_ntk(self, weights, x)

    def embedding(self, weights: Weights) -> Tensor | None:
        """The vector of each token, shape (vocabulary, d); None if the network has no embedding."""
        return None


@dataclass
class ScaledOutput:
    """f(x) = alpha * (net(x) - net_0(x)), net_0 the network at `weights_0`; alpha * net(x) if that is None.

    Its kernel is alpha^2 times that of the network. alpha -> infinity is the lazy limit, alpha -> 0 the rich limit.
    Chizat, Oyallon and Bach 2019, arXiv 1812.07956; Kumar et al. 2024, arXiv 2310.06110, appendix 8.1.
    """

    net: Network
    alpha: float
    weights_0: Weights | None = None

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """Outputs on x, shape (n, c). start: what `at_start(x)` returned."""
        outputs = self.net(weights, x)
        return self.alpha * (outputs if start is None else outputs - start)

    def backward(
        self, weights: Weights, x: Tensor, start: Tensor | None, grad_outputs: GradOutputs, into: Weights
    ) -> Tensor:
        """Return the outputs f(x), (n, c), and write dL/dw into `into`, with grad_outputs(f(x)) = dL/df."""
        outputs = x

        def grad_net_outputs(net_outputs: Tensor, scale: float = 1) -> Tensor:
            nonlocal outputs
            outputs = net_outputs if start is None else net_outputs - start
            outputs = outputs if self.alpha == 1 else self.alpha * outputs
            return grad_outputs(outputs, self.alpha * scale)

        self.net.backward(weights, x, grad_net_outputs, into)
        return outputs

    def at_start(self, x: Tensor) -> Tensor | None:
        """net_0(x), to be computed once for inputs that are used repeatedly; None if f is not centred."""
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
    """A bias vector of entries 1e-6, as in the code of arXiv 2606.13753; float64."""
    return torch.full((size,), 1e-6, dtype=torch.float64)


def dense(generator: Generator, fan_in: int, size: int, init: str) -> tuple[Tensor, Tensor]:
    """Matrix (fan_in, size) and bias (size,) of a layer, float64.

    init `fan-in`: matrix N(0, 1 / fan_in), bias 1e-6. `torch`, as nn.Linear: both U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    """
    if init == "torch":
        bound = fan_in**-0.5
        return uniform(generator, fan_in, size, bound=bound), uniform(generator, size, bound=bound)
    return normal(generator, fan_in, size, std=fan_in**-0.5), bias(size)
