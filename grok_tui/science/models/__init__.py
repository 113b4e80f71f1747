"""The networks by name. A new one is a module here, its line in `MODELS`, and its fields in config/schema.py."""

from __future__ import annotations

from collections.abc import Callable

from .committee import Committee
from .embedding_mlp import EmbeddingMLP
from .linear import Linear
from .mlp import MLP
from .network import Network, ScaledOutput
from .transformer import Transformer

MODELS: dict[str, Callable[..., Network]] = {
    "embedding-mlp": EmbeddingMLP,
    "transformer": Transformer,
    "mlp": MLP,
    "committee": Committee,
    "linear": Linear,
}

__all__ = ["MODELS", "Network", "ScaledOutput"]
