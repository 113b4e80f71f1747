"""How the measures that `measure.also` can name are computed: one function of the learner per measure.

config/measures.py says what each means and needs. `spectrum` is read off the kernel, in kernel_measures.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..config.measures import MEASURES
from ..science import fourier as spectra
from ..science.decomposition import error_terms
from ..science.kernel import empirical_ntk_full
from ..science.regression import kernel_regression
from ..science.weight_measures import angle as angle_between
from ..science.weight_measures import bit_share

if TYPE_CHECKING:
    from .gradient_learner import GradientLearner

Measures = dict[str, Tensor]


def twin(learner: GradientLearner) -> Measures:
    """Losses of the linearised network, trained beside the real one on the same batches."""
    data, fit = learner.data, learner.twin
    assert fit is not None
    train = fit.f(fit.weights, data.train_x, learner.start_train)
    test = fit.f(fit.weights, data.test_x, learner.start_test)
    return {
        "twin/train_loss": learner.loss(train, data.train_y),
        "twin/test_loss": learner.loss(test, data.test_y),
    }


def regression(learner: GradientLearner) -> Measures:
    """Test loss of kernel regression with the kernel at init: the same in every row."""
    assert learner.k0_loss is not None
    return {"k0/test_loss": learner.k0_loss}


@torch.no_grad()
def regression_loss(learner: GradientLearner) -> Tensor:
    """Mean squared test error of K_0(test, train) K_0(train, train)^+ y."""
    data, weights = learner.data, learner.weights_0
    x = torch.cat([data.train_x, data.test_x])
    single = data.n_outputs == 1
    kernel = learner.model.ntk(weights, x) if single else empirical_ntk_full(learner.model, weights, x)
    predicted = kernel_regression(kernel, len(data.train_x), data.train_y)
    return (predicted.to(data.test_y) - data.test_y).square().mean()


def decomposition(learner: GradientLearner) -> Measures:
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


def angle(learner: GradientLearner) -> Measures:
    """How far the weights have turned, in degrees; from t_mem once that is past."""
    measures = {"angle/init": angle_between(learner.weights, learner.weights_0)}
    if learner.weights_mem:
        measures["angle/mem"] = angle_between(learner.weights, learner.weights_mem)
    return measures


def fourier(learner: GradientLearner) -> Measures:
    """How few frequencies the embedding of the residues lives on."""
    embedding = learner.model.net.embedding(learner.weights)
    assert embedding is not None
    shares = spectra.spectrum(embedding[: learner.config.task.p])
    return {"fourier/gini": spectra.gini(shares), "fourier/energy": spectra.energy(shares)}


def bits(learner: GradientLearner) -> Measures:
    """Share of the first layer's squared weight on the bits that carry the parity."""
    return {"bits/share": bit_share(learner.weights["W1"], learner.config.task.k)}


EXTRAS: dict[str, Callable[[GradientLearner], Measures]] = {
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
