"""The task that the network's own kernel sets: learn one of its eigenvectors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Generator, Tensor

from .data import Data, split


def eigenvector(generator: Generator, *, d: int, k: int, n_train: int, n_test: int) -> Data:
    """x ~ N(0, I/d); the labels are the k-th eigenvector of the network's kernel at init, see `eigenvector_of`.

    Until `Data.labelled` is given that kernel, the labels are zeros. Small k is well aligned with the kernel, large
    k badly. The paper has x ~ N(0, I) and W x / sqrt(d) in the network; the committee machine here wants it in x.
    Kumar et al. 2024, arXiv 2310.06110, figure 5.
    """
    x = torch.randn(n_train + n_test, d, generator=generator, dtype=torch.float64) / d**0.5
    unlabelled = split(x, torch.zeros(len(x), 1, dtype=torch.float64), n_train, n_outputs=1)
    return replace(unlabelled, label=partial(eigenvector_of, k=k))


def eigenvector_of(kernel: Tensor, *, k: int) -> Tensor:
    """The k-th eigenvector of K - mean(K), k = 1 that of the largest eigenvalue; a unit vector, shape (n, 1), float64.

    kernel: (n, n), symmetric; its global mean, one number, is taken off every entry. The sign is that which makes the
    entry of largest size positive. Computed in float64 on the CPU.
    """
    precise = kernel.detach().to("cpu", torch.float64)
    vectors = torch.linalg.eigh(precise - precise.mean()).eigenvectors  # by ascending eigenvalue
    vector = vectors[:, -k]
    return (vector * vector[vector.abs().argmax()].sign()).unsqueeze(1)
