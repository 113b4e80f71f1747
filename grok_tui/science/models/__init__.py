"""Networks by name. A new one is a module here, named as in the config, and a line of MODELS in config/schema.py."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from .network import Network, ScaledOutput


def _networks() -> dict[str, Callable[..., Network]]:
    """One network per module: `embedding-mlp` is the one that embedding_mlp.py defines."""
    found: dict[str, Callable[..., Network]] = {}
    for info in iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Network) and item.__module__ == module.__name__:
                found[info.name.replace("_", "-")] = item
    found.pop("network")  # their base
    return found


MODELS = _networks()

__all__ = ["MODELS", "Network", "ScaledOutput"]
