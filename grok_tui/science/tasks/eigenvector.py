"""The task of learning an eigenvector of the network's own kernel."""

from dataclasses import replace
from functools import partial

import torch
from torch import Generator, Tensor

from .data import Data, split


def eigenvector(generator: Generator, *, d: int, k: int, n_train: int, n_test: int) -> Data:
    """x ~ N(0, I/d), (m, d); y: the k-th eigenvector of the network's kernel at init, see `eigenvector_of`.

    The labels are 0 until `Data.labelled` computes them from the kernel. A small k gives labels that are well aligned
    with the kernel, a large k labels that are not. The paper has x ~ N(0, I) and W x / sqrt(d) in the network; the
    committee machine here has the factor 1/sqrt(d) in x.
    Kumar et al. 2024, arXiv 2310.06110, figure 5.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64) / d**0.5
    unlabelled = split(x, torch.zeros(len(x), 1, dtype=torch.float64), n_train, n_outputs=1)
    return replace(unlabelled, label=partial(eigenvector_of, k=k))


def eigenvector_of(kernel: Tensor, *, k: int) -> Tensor:
    """The unit eigenvector of K - mean(K) with the k-th largest eigenvalue, shape (n, 1), float64 on the CPU.

    kernel: (n, n), symmetric; mean(K) is one number, subtracted from every entry. The sign of the vector is such that
    its entry of largest size is positive.
    """
    precise = kernel.detach().to("cpu", torch.float64)
    vectors = torch.linalg.eigh(precise - precise.mean()).eigenvectors  # in ascending order of eigenvalue
    vector = vectors[:, -k]
    return (vector * vector[vector.abs().argmax()].sign()).unsqueeze(1)
