"""Modular arithmetic: a binary operation over Z_p. A share of its table is trained on, the rest tested."""

import torch
from torch import Generator

from ..operations import Operation
from .data import Data, split


def modular(generator: Generator, operation: Operation, *, p: int, frac_train: float, n_tokens: int = 2) -> Data:
    """[x, y] -> operation.of(x, y, p) mod p over all its n pairs; int(frac_train * n) of them, at random, for training.

    n = p^2, or p (p - 1) if the operation leaves y = 0 out. Tokens: (m, n_tokens) int64. If n_tokens is 3, the third
    token is always p, which stands for "=", and the vocabulary is p + 1. There are p classes.
    Power et al. 2022, arXiv 2201.02177; three tokens as in Nanda et al. 2023, arXiv 2301.05217.
    """
    pairs = [(x, y) for x in range(p) for y in range(operation.y_from, p)]
    results = torch.tensor([operation.of(x, y, p) % p for x, y in pairs])
    tokens = torch.tensor([(x, y, p)[:n_tokens] for x, y in pairs])
    order = torch.randperm(len(pairs), generator=generator)
    n_train = int(frac_train * len(pairs))
    return split(tokens[order], results[order], n_train, vocabulary=p + (n_tokens == 3), n_outputs=p)
