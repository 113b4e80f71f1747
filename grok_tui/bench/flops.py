"""How much arithmetic a step needs, counted by formula: the matrix products of our way, 2 m k n a product.

A backward pass takes every product of the forward pass twice, once for either factor, hence the 3.
"""

from __future__ import annotations


def transformer(n: int, vocabulary: int, positions: int, d: int, h: int, classes: int) -> int:
    """One step of the one-layer transformer on n examples, read at the last position."""
    rows = 2 * n * d * (d + 2 * h + classes)
    tokens = (4 * positions + 2) * vocabulary * d**2 + 2 * positions * vocabulary**2 * d
    return 3 * (rows + tokens)


TRANSFORMER = "3 [2 n d (d + 2 h + c) + (4 t + 2) v d^2 + 2 t v^2 d]"
"""`transformer` in letters: n examples, t positions, v tokens, width d, h hidden units, c classes."""


def embedding_mlp(n: int, vocabulary: int, positions: int, d: int, h: int, classes: int) -> int:
    """One step of the embedding MLP on n examples."""
    return 3 * (2 * n * h * classes + 2 * positions * vocabulary * d * h)


EMBEDDING_MLP = "3 [2 n h c + 2 t v d h]"
