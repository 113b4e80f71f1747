"""Tasks with two classes over vectors."""

import torch
from torch import Generator, Tensor

from ...errors import UsageError
from .data import Data, split


def parity(generator: Generator, *, n: int, k: int, n_train: int, n_test: int) -> Data:
    """x in {-1, +1}^n, uniform; class 1 if the product of the first k bits is -1, else 0.

    x: (n_train + n_test, n) float32, split in that order. Taking the first k bits is no restriction: every network
    here starts with a distribution that is symmetric in its inputs. Test inputs that are also train inputs are drawn
    again (see `redraw`), so that train and test are disjoint. UsageError if 2^n < n_train + n_test.
    Barak et al. 2022, arXiv 2207.08799.
    """
    if n_train + n_test > 2**n:
        raise UsageError(f"task.n: only {2**n} inputs of {n} bits exist, {n_train} + {n_test} are needed")
    bits = torch.randint(0, 2, (n_train + n_test, n), generator=generator)
    redraw(generator, bits[:n_train], bits[n_train:])
    x = bits * 2.0 - 1.0
    return split(x, (x[:, :k].prod(dim=1) < 0).long(), n_train, n_outputs=2)


def redraw(generator: Generator, train: Tensor, test: Tensor) -> None:
    """Replace in place each row of `test` that is a row of `train` by a uniform one that is not.

    train, test: bits, (m, n) int64. If no row collides, nothing is drawn. Rows of more than 62 bits are compared by
    their first 62. Few bits: drawn from the list of all inputs that are not in train. Many bits: drawn until they fit.
    """
    n = min(train.shape[1], 62)
    place = 2 ** torch.arange(n)
    taken = (train[:, :n] * place).sum(dim=1).unique()
    again = torch.isin((test[:, :n] * place).sum(dim=1), taken).nonzero()[:, 0]
    if len(again) and n <= ENUMERABLE_BITS:
        free = torch.ones(2**n, dtype=torch.bool)
        free[taken] = False
        codes = free.nonzero()[:, 0]
        codes = codes[torch.randint(len(codes), (len(again),), generator=generator)]
        test[again] = codes.unsqueeze(1) // place % 2
        return
    while len(again):
        test[again] = torch.randint(0, 2, (len(again), test.shape[1]), generator=generator)
        again = again[torch.isin((test[again][:, :n] * place).sum(dim=1), taken)]


ENUMERABLE_BITS = 24
"""Up to so many bits all inputs are listed. With more bits most inputs are free, since a task has at most 2e7."""


def xor_cluster(
    generator: Generator, *, d: int, n_train: int, n_test: int, separation: float, label_noise: float
) -> Data:
    """Four clusters x = mean + N(0, I_d): class 1 around mu1 and -mu1, class 0 around mu2 and -mu2.

    mu1 and mu2 are orthogonal, have length `separation` and random directions; each example belongs to one of the four
    clusters with equal probability. round(label_noise * n_train) of the train labels, drawn at random, are flipped;
    test labels are not. x: (m, d) float64. UsageError if d = 1: two means cannot be orthogonal.
    Xu et al. 2024, arXiv 2310.02541 (there each label is flipped independently, with that probability).
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
