"""Every part of torch used here that torch does not document, and what each part is for.

A new version of torch may change any of them. tests/science/test_torch_private.py checks each one, so that a failure
names the part to replace. No other module uses a name of torch that begins with an underscore.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils import deterministic
from torch.utils._python_dispatch import TorchDispatchMode

fused_adam_: Any = torch._fused_adam_
"""One Adam step in one pass over memory. torch.optim.Adam(fused=True) costs several times more per call."""
fused_adamw_: Any = torch._fused_adamw_
"""The same with decoupled weight decay."""

foreach_copy_: Any = torch._foreach_copy_
"""(targets, sources): copies a list of tensors in one call."""

in_torch_func: Any = torch._C._are_functorch_transforms_active
"""() -> whether a transform of torch.func (vmap, grad, jvp) runs: oneDNN's product cannot take its tensors."""

LINALG: dict[str, Any] = {
    "eigh": torch.ops.aten._linalg_eigh,
    "svd": torch.ops.aten._linalg_svd,
    "solve": torch.ops.aten._linalg_solve_ex,
}
"""The operations behind torch.linalg, as a dispatch mode sees them. Their cost is counted."""

ONEDNN_LINEAR: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
"""oneDNN's a w^T. torch.mm uses MKL, which is slow on processors that are not Intel's. None if torch has no oneDNN."""


def has_onednn() -> bool:
    """Whether torch has oneDNN's float32 product here."""
    return torch.backends.mkldnn.is_available() and ONEDNN_LINEAR is not None


def onednn_linear(a: Tensor, w: Tensor) -> Tensor:
    """a w^T by oneDNN for float32 matrices (m, k) and (n, k) on a CPU; not differentiable."""
    return ONEDNN_LINEAR(a, w, None, "none", [], "")


class OperationMode(TorchDispatchMode):
    """A mode whose `__torch_dispatch__` receives every operation that runs inside it, to count it.

    torch's compiler is not told to skip the mode: telling it would load the compiler, which takes most of a second.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def packet(operation: Any) -> Any:
    """The operation without its overload (aten.mm.default -> aten.mm), which is how torch's flop formulas are filed."""
    return operation._overloadpacket


def use_deterministic_algorithms() -> None:
    """The same bits from the same seed on the same device; a warning for an operation that cannot.

    torch.use_deterministic_algorithms does the same, but loads the compiler. Filling uninitialized memory, which comes
    with it, is switched off: no operation here reads such memory, and the filling costs time.
    """
    torch.set_deterministic_debug_mode("warn")
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
