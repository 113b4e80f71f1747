"""Where the weights point, and on which inputs they lie."""

from __future__ import annotations

import torch
from torch import Tensor

from .kernel import Weights, in_float64


def angle(weights: Weights, reference: Weights) -> Tensor:
    """Angle between two sets of weights, each as one long vector, in degrees, 0 to 180.

    2 atan2(‖u - v‖, ‖u + v‖) of the unit vectors u and v, which keeps its digits at 0 and 180 degrees, where
    the arccos of the cosine has lost half of them; taken in float64. Returned in the dtype and on the device
    of the weights. NaN where either is all zeros. ValueError if they do not hold the same names.
    Angular displacement of arXiv 2605.18845; Kahan 2006, How futile are mindless assessments of roundoff, §12.
    """
    if weights.keys() != reference.keys():
        raise ValueError(f"weights {sorted(weights)} have no angle with {sorted(reference)}")
    u, v = (torch.cat([in_float64(tensors[name]).flatten() for name in weights]) for tensors in (weights, reference))
    u, v = u / torch.linalg.vector_norm(u), v / torch.linalg.vector_norm(v)
    radians = 2 * torch.atan2(torch.linalg.vector_norm(u - v), torch.linalg.vector_norm(u + v))
    return torch.rad2deg(radians).to(next(iter(weights.values())))


def bit_share(w1: Tensor, k: int) -> Tensor:
    """‖W1[:k]‖_F^2 / ‖W1‖_F^2: share of the first layer's squared weight that lies on the first k inputs, 0 to 1.

    w1: (n, h), one row an input; in sparse parity the first k of n bits carry the label, and k/n is the share
    of a layer that does not know it. ValueError if k is not one of 1..n. Derived here: after the feature
    learning of Barak et al. 2022, arXiv 2207.08799.
    """
    if not 1 <= k <= w1.shape[0]:
        raise ValueError(f"k must lie between 1 and {w1.shape[0]}, not {k}")
    return w1[:k].square().sum() / w1.square().sum()
