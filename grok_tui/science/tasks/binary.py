"""Tasks with two classes over vectors."""

from __future__ import annotations

import torch
from torch import Generator

from ...errors import UsageError
from .data import Data, split


def parity(generator: Generator, *, n: int, k: int, n_train: int, n_test: int) -> Data:
    """x in {-1, +1}^n -> whether the product of the first k bits is -1; class 0 or 1.

    Which k bits carry the parity does not matter, since every network here starts symmetric in its inputs.
    Barak et al. 2022, arXiv 2207.08799.
    """
    x = torch.randint(0, 2, (n_train + n_test, n), generator=generator) * 2.0 - 1.0
    return split(x, (x[:, :k].prod(dim=1) < 0).long(), n_train, n_outputs=2)


def xor_cluster(
    generator: Generator, *, d: int, n_train: int, n_test: int, separation: float, label_noise: float
) -> Data:
    """Four clusters x = mean + N(0, I_d): class 1 around mu1 and -mu1, class 0 around mu2 and -mu2.

    mu1 and mu2 are orthogonal, of length `separation`, and point in directions drawn at random; each example's
    cluster is one of the four with equal chance. Of the train labels, round(label_noise * n_train) drawn at random
    are flipped; test labels are clean. Refuses d = 1, where nothing is orthogonal.
    Xu et al. 2024, arXiv 2310.02541 (which flips each label on its own, so that share on average).
    """
    if d < 2:
        raise UsageError(f"task.d: {d}, but the two means of xor-cluster are orthogonal; at least 2")
    m = n_train + n_test
    directions = torch.linalg.qr(torch.randn(d, 2, generator=generator, dtype=torch.float64)).Q.T
    y = torch.randint(0, 2, (m,), generator=generator)
    sign = torch.randint(0, 2, (m, 1), generator=generator) * 2.0 - 1.0
    means = separation * sign * directions[1 - y]
    x = means + torch.randn(m, d, generator=generator, dtype=torch.float64)
    flipped = torch.randperm(n_train, generator=generator)[: round(label_noise * n_train)]
    y[flipped] = 1 - y[flipped]
    return split(x, y, n_train, n_outputs=2)
