"""torch's own optimizers, with the decay on the weights that the config names, and knobs that can be turned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer


def gd(groups: list[dict[str, Any]]) -> Optimizer:
    """Gradient descent: w <- w - lr (grad + weight_decay w), with heavy-ball momentum where it is not 0."""
    return SGD(groups, lr=1.0)


def adam(groups: list[dict[str, Any]]) -> Optimizer:
    """Adam, its weight decay coupled (L2): weight_decay w is added to the gradient, and so to both moments.

    It is then scaled with the gradient, so that w does not simply shrink by lr weight_decay a step; `adamw` does that.
    Kingma and Ba 2015, arXiv 1412.6980.
    """
    return Adam(groups, lr=1.0, fused=can_fuse(groups))


def adamw(groups: list[dict[str, Any]]) -> Optimizer:
    """Adam with decoupled weight decay: w <- w (1 - lr weight_decay), then the Adam step.

    Loshchilov and Hutter 2019, arXiv 1711.05101.
    """
    return AdamW(groups, lr=1.0, fused=can_fuse(groups))


def can_fuse(groups: list[dict[str, Any]]) -> bool:
    """Whether torch has its one-kernel Adam step where these weights are."""
    return all(w.device.type in ("cpu", "cuda") for group in groups for w in group["params"])


OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]]], Optimizer]] = {"gd": gd, "adam": adam, "adamw": adamw}


def build_optimizer(name: str, weights: Iterable[Tensor], decay: str) -> Optimizer:
    """The optimizer `name` over `weights`: one group that decays, and one of vectors that does only if decay is all."""
    weights = list(weights)
    decaying = [w for w in weights if decay == "all" or w.ndim > 1]
    kept = [w for w in weights if decay != "all" and w.ndim <= 1]
    groups = [{"params": group, "decays": decays} for group, decays in ((decaying, True), (kept, False)) if group]
    return OPTIMIZERS[name](groups)


def turn_knobs(optimizer: Optimizer, *, lr: float, weight_decay: float, **other: float) -> None:
    """Set the hyper-parameters that the next step uses; moments and momentum buffers stay."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        group["weight_decay"] = weight_decay if group["decays"] else 0.0
        if "momentum" in group:
            group["momentum"] = other["momentum"]
        if "betas" in group:
            group["betas"] = (other["beta1"], other["beta2"])


def read_knobs(optimizer: Optimizer) -> dict[str, float]:
    """The hyper-parameters as the optimizer itself holds them."""
    group = next((g for g in optimizer.param_groups if g["decays"]), optimizer.param_groups[0])
    knobs = {"lr": float(group["lr"]), "weight_decay": float(group["weight_decay"])}
    if "momentum" in group:
        knobs["momentum"] = float(group["momentum"])
    if "betas" in group:
        knobs["beta1"], knobs["beta2"] = (float(b) for b in group["betas"])
    return knobs


def flatten_state(optimizer: Optimizer, names: list[str]) -> dict[str, Tensor]:
    """The optimizer's memory as named tensors, `exp_avg/W1` and so on; `names` are the weights', in group order."""
    by_index = optimizer.state_dict()["state"]
    return {
        f"{key}/{names[index]}": value
        for index, state in by_index.items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def restore_state(optimizer: Optimizer, names: list[str], tensors: dict[str, Tensor]) -> None:
    """Put back what `flatten_state` gave; the knobs must be turned again afterwards."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        key, _, weight = name.partition("/")
        state.setdefault(names.index(weight), {})[key] = tensor.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
