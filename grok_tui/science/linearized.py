"""The linearised twin: the model that the network would be if its features did not change."""

from torch import Tensor
from torch.autograd import forward_ad

from .kernel import Weights
from .models import ScaledOutput


class Linearized:
    """f_lin(theta) = f(theta_0) + J (theta - theta_0), J = df/dtheta at theta_0. In the lazy limit, f itself.

    The call is that of `model`: (weights, x, start) -> (n, c), differentiable in the weights; dL/dtheta is
    J^T dL/df_lin. theta_0 is copied. alpha is read from `model` at every call: a changed alpha acts here, too.
    J is never formed: forward-mode AD as in torch.func.jvp, with less overhead per call.
    Lee et al. 2019, arXiv 1902.06720; Kumar et al. 2024, arXiv 2310.06110, figure 1.
    """

    def __init__(self, model: ScaledOutput, weights_0: Weights) -> None:
        self.model = model
        self.weights_0 = {name: w.detach().clone() for name, w in weights_0.items()}

    def __call__(self, weights: Weights, x: Tensor, start: Tensor | None = None) -> Tensor:
        """Outputs on x, shape (n, c). start: what `model.at_start(x)` returned."""
        with forward_ad.dual_level():
            duals = {name: forward_ad.make_dual(w, weights[name] - w) for name, w in self.weights_0.items()}
            at_0, change = forward_ad.unpack_dual(self.model(duals, x, start))
        return at_0 + change
