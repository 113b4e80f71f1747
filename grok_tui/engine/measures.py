"""How the measures that `measure.also` can name are computed: one function of the learner per measure.

config/measures.py says what each means and needs. `spectrum` is read off the kernel, in kernel_measures.py.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..config.measures import MEASURES
from ..config.schema import RunConfig
from ..science import fourier as spectra
from ..science.decomposition import error_terms
from ..science.kernel import Weights, empirical_ntk_full
from ..science.losses import Loss
from ..science.models import ScaledOutput
from ..science.regression import kernel_regression
from ..science.tasks import Data
from ..science.weight_measures import angle as angle_between
from ..science.weight_measures import bit_share
from .optimization import Optimization

Measures = dict[str, Tensor]


class Measured(Protocol):
    """The part of a GradientLearner that measures read."""

    config: RunConfig
    data: Data
    model: ScaledOutput
    loss: Loss
    start_train: Tensor | None
    start_test: Tensor | None
    weights_0: Weights
    weights_mem: Weights | None
    twin: Optimization | None
    k0_loss: Tensor | None

    @property
    def weights(self) -> Weights:
        """The weights as they are now, by name."""


def twin(learner: Measured) -> Measures:
    """Losses of the linearised network, trained beside the real one on the same batches."""
    data, fit = learner.data, learner.twin
    assert fit is not None
    train = fit.f(fit.weights, data.train_x, learner.start_train)
    test = fit.f(fit.weights, data.test_x, learner.start_test)
    return {
        "twin/train_loss": learner.loss(train, data.train_y),
        "twin/test_loss": learner.loss(test, data.test_y),
    }


def regression(learner: Measured) -> Measures:
    """Test loss of kernel regression with the kernel at init: the same in every row."""
    assert learner.k0_loss is not None
    return {"k0/test_loss": learner.k0_loss}


@torch.no_grad()
def regression_loss(learner: Measured) -> Tensor:
    """Mean squared test error of K_0(test, train) K_0(train, train)^+ y."""
    data, weights = learner.data, learner.weights_0
    x = torch.cat([data.train_x, data.test_x])
    single = data.n_outputs == 1
    kernel = learner.model.ntk(weights, x) if single else empirical_ntk_full(learner.model, weights, x)
    predicted = kernel_regression(kernel, len(data.train_x), data.train_y)
    return (predicted.to(data.test_y) - data.test_y).square().mean()


def decomposition(learner: Measured) -> Measures:
    """The three error terms of the committee machine's test loss."""
    config, beta = learner.config, learner.data.teacher
    assert beta is not None
    terms = error_terms(
        learner.weights["W"],
        beta,
        eps=config.model.eps,
        alpha=learner.model.alpha,
        target_scale=config.task.target_scale,
    )
    return {f"error/{name}": term for name, term in terms.items()}


def angle(learner: Measured) -> Measures:
    """How far the weights have turned, in degrees; from t_mem once that is past."""
    measures = {"angle/init": angle_between(learner.weights, learner.weights_0)}
    if learner.weights_mem:
        measures["angle/mem"] = angle_between(learner.weights, learner.weights_mem)
    return measures


def fourier(learner: Measured) -> Measures:
    """How few frequencies the embedding of the residues lives on."""
    embedding = learner.model.net.embedding(learner.weights)
    assert embedding is not None
    shares = spectra.spectrum(embedding[: learner.config.task.p])
    return {"fourier/gini": spectra.gini(shares), "fourier/energy": spectra.energy(shares)}


def bits(learner: Measured) -> Measures:
    """Share of the first layer's squared weight on the bits that carry the parity."""
    return {"bits/share": bit_share(learner.weights["W1"], learner.config.task.k)}


EXTRAS: dict[str, Callable[[Measured], Measures]] = {
    "twin": twin,
    "regression": regression,
    "decomposition": decomposition,
    "angle": angle,
    "fourier": fourier,
    "bits": bits,
}


def columns(also: Sequence[str]) -> list[str]:
    """The columns that these measures add to a row; those of the kernel are added by `KernelMeasures`."""
    return [column for name in also if name in EXTRAS for column in MEASURES[name].columns]
