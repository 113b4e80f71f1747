"""From a config to what the baseline of its network is built with. Imports no torch."""

from __future__ import annotations

from typing import Any

from ..config.schema import RunConfig


def transformer_options(config: RunConfig) -> dict[str, Any]:
    """Of baselines/transformer.py."""
    optim = {"lr": config.optim.lr, "weight_decay": config.optim.weight_decay, "beta2": config.optim.beta2}
    return {"n_heads": config.model.n_heads, "activation": config.model.activation, **optim}


def mlp_options(config: RunConfig) -> dict[str, Any]:
    """Of baselines/embedding_mlp.py."""
    return {"lr": config.optim.lr, "weight_decay": config.optim.weight_decay, "beta2": config.optim.beta2}


def committee_options(config: RunConfig) -> dict[str, Any]:
    """Of baselines/committee.py."""
    model, lr = config.model, config.optim.lr
    rate = lr / model.alpha**2 if config.optim.lr_over_alpha2 else lr
    return {"alpha": model.alpha, "eps": model.eps, "centered": model.centered, "lr": rate}
