"""The networks by name. A new one is a module here, its line in `MODELS`, and its fields in config/schema.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .committee import Committee
from .embedding_mlp import EmbeddingMLP
from .linear import Linear
from .mlp import MLP
from .network import Network, ScaledOutput
from .quadratic_mlp import QuadraticMLP
from .signed_committee import SignedCommittee
from .transformer import Transformer


def _drawn(network: Callable[..., Network]) -> Callable[..., Network]:
    """Take the config's field `init` as the network's `drawn`: a network's `init` is what draws the weights."""

    def build(*, init: str = "fan-in", **fields: Any) -> Network:
        return network(drawn=init, **fields)

    return build


MODELS: dict[str, Callable[..., Network]] = {
    "embedding-mlp": EmbeddingMLP,
    "quadratic-mlp": QuadraticMLP,
    "transformer": _drawn(Transformer),
    "mlp": _drawn(MLP),
    "committee": Committee,
    "signed-committee": SignedCommittee,
    "linear": Linear,
}

__all__ = ["MODELS", "Network", "ScaledOutput"]
