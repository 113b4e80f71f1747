"""The direction of the weights, and their distribution over the inputs."""

import torch
from torch import Tensor

from .kernel import Weights, in_float64


def angle(weights: Weights, reference: Weights) -> Tensor:
    """Angle between two sets of weights, each flattened to one vector, in degrees, 0 to 180.

    2 atan2(‖u - v‖, ‖u + v‖) for the unit vectors u and v. Near 0 and 180 degrees the arccos of the cosine would lose
    half of the digits; this formula loses none. weights, reference: tensors by name, of the same shapes. Computed in
    float64; returned without dimensions in the dtype and on the device of the weights. NaN if either is all zeros.
    ValueError if the names differ.
    Angular displacement of arXiv 2605.18845; Kahan 2006, How futile are mindless assessments of roundoff, §12.
    """
    if weights.keys() != reference.keys():
        raise ValueError(f"weights {sorted(weights)} have no angle with {sorted(reference)}")
    u, v = (torch.cat([in_float64(tensors[name]).flatten() for name in weights]) for tensors in (weights, reference))
    u, v = u / torch.linalg.vector_norm(u), v / torch.linalg.vector_norm(v)
    radians = 2 * torch.atan2(torch.linalg.vector_norm(u - v), torch.linalg.vector_norm(u + v))
    return torch.rad2deg(radians).to(next(iter(weights.values())))


def bit_share(w1: Tensor, k: int) -> Tensor:
    """‖W1[:k]‖_F^2 / ‖W1‖_F^2: share of the first layer's squared weights on the first k inputs, 0 to 1.

    w1: (n, h), one row per input. In sparse parity the first k of n bits determine the label; at random weights the
    share is k/n on average. ValueError if k is not one of 1..n.
    Defined here, after the feature learning of Barak et al. 2022, arXiv 2207.08799.
    """
    if not 1 <= k <= w1.shape[0]:
        raise ValueError(f"k must lie between 1 and {w1.shape[0]}, not {k}")
    return w1[:k].square().sum() / w1.square().sum()
