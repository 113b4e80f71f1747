"""The three terms of a committee machine's test loss.  Kumar et al. 2024, arXiv 2310.06110, equation 6."""

import torch
from torch import Tensor


def error_terms(w: Tensor, beta: Tensor, *, eps: float, alpha: float, target_scale: float) -> dict[str, Tensor]:
    """`variance`, `alignment` and `linear`: three squared errors, each without dimensions. Their sum is the test loss.

    f(x) = alpha (1/N) sum_i phi(w_i . x), phi(h) = h + eps/2 h^2, not centred; target: s (beta . x)^2 with
    s = target_scale (1/2 in equation 6). w: (N, d), beta: (d,), x ~ N(0, I/d). With M = (1/N) sum_i w_i w_i^T
    and wbar = (1/N) sum_i w_i:

    variance  = (1/4) (2 s |beta|^2/d - alpha eps Tr M/d)^2
    alignment = (1/(2 d^2)) ‖alpha eps M - 2 s beta beta^T‖_F^2
    linear    = (alpha^2/d) |wbar|^2

    The sum is exactly the population's mean squared error (no 1/2), at every d and N: the paper shows it to leading
    order in 1/d. Derivation: f - y = alpha wbar . x + x^T A x with A = alpha eps M/2 - s beta beta^T. For Gaussian x,
    E (x^T A x)^2 = ((Tr A)^2 + 2 ‖A‖_F^2)/d^2, and the cross term is odd in x. The test loss over m examples differs
    from it by about sqrt(Var (f - y)^2 / m).
    """
    n, d = w.shape
    m = w.T @ w / n
    quadratic = alpha * eps * m - 2 * target_scale * torch.outer(beta, beta)
    return {
        "variance": (quadratic.trace() / d).square() / 4,
        "alignment": quadratic.square().sum() / (2 * d**2),
        "linear": alpha**2 / d * w.mean(dim=0).square().sum(),
    }
