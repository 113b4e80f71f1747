"""Norms of weights and gradients."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def norm(tensors: Iterable[Tensor]) -> Tensor:
    """‖theta‖ = sqrt(sum of squares over all tensors)."""
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors]))
