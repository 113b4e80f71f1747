"""Networks in tests, which name only the sizes that they are about."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from grok_tui.science.models import MODELS, Network

DEFAULTS = {
    "d_embed": 128,
    "n_heads": 4,
    "d_hidden": 512,
    "n_layers": 1,
    "layer_norm": "none",
    "activation": "gelu",
    "init": "fan-in",
    "eps": 0.25,
}


def build(name: str, **options: Any) -> Network:
    """The network `name`, with a default for each option that is not given."""
    taken = {field.name for field in fields(MODELS[name])}  # type: ignore[arg-type]
    return MODELS[name](**{key: value for key, value in DEFAULTS.items() if key in taken} | options)
