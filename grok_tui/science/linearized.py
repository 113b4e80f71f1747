"""The linearised twin: the model that the network would be, had its features stayed where they started."""

from __future__ import annotations

from torch import Tensor
from torch.autograd import forward_ad

from .kernel import Weights
from .models import ScaledOutput


class Linearized:
    """f_lin(theta) = f(theta_0) + grad f(theta_0) . (theta - theta_0), in the lazy limit the network itself.

    Called as `model` is: (weights, x, start) -> (n, c), and differentiable in the weights by `.backward()`;
    that gradient is J(theta_0)^T times the outputs', whatever the weights. theta_0 is copied. alpha is read
    from `model` at every call, so that a turn of the knob reaches the twin. J is never formed: forward mode,
    as `torch.func.jvp` has it, at less overhead, which is still what a twin of a tiny network mostly costs.
    Lee et al. 2019, arXiv 1902.06720; Kumar et al. 2024, arXiv 2310.06110, figure 1.
    """

    def __init__(self, model: ScaledOutput, weights_0: Weights) -> None:
        self.model = model
        self.weights_0 = {name: w.detach().clone() for name, w in weights_0.items()}

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """Outputs on x, shape (n, c); `start` is what `model.at_start(x)` gave, if it gave anything."""
        with forward_ad.dual_level():
            duals = {name: forward_ad.make_dual(w, weights[name] - w) for name, w in self.weights_0.items()}
            at_0, change = forward_ad.unpack_dual(self.model(duals, x, start))
        return at_0 + change
