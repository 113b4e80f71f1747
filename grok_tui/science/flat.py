"""Named tensors side by side in one buffer, so that an update, a norm or a check is one operation."""

from collections.abc import Collection, Sequence

import torch
from torch import Size, Tensor

from .kernel import Weights


class Flat:
    """The weights of one network, or of a stack of networks: those that decay in one buffer, the others in a second.

    decaying, kept: the two buffers, shape (*stack, size); stack is () for one network, (seeds,) for several.
    named: views of the buffers by name, in the order of `shapes`, each of shape (*stack, *shape).
    """

    def __init__(self, shapes: dict[str, Size], decays: Collection[str], decaying: Tensor, kept: Tensor) -> None:
        self.shapes, self.decays, self.decaying, self.kept = shapes, frozenset(decays), decaying, kept
        self.stack = decaying.shape[:-1]
        views = self._views(decaying, decays=True) | self._views(kept, decays=False)
        self.named: Weights = {name: views[name] for name in shapes}

    @classmethod
    def of(cls, weights: Weights, decays: Collection[str]) -> "Flat":
        """A copy of one network's weights."""
        first = next(iter(weights.values()))
        total, decaying = (sum(w.numel() for name, w in weights.items() if name in part) for part in (weights, decays))
        shapes = {name: w.shape for name, w in weights.items()}
        flat = cls(shapes, decays, first.new_zeros(decaying), first.new_zeros(total - decaying))
        flat.copy_(weights)
        return flat

    @classmethod
    def stacked(cls, flats: Sequence["Flat"]) -> "Flat":
        """A copy of several networks' weights, one after the other."""
        decaying, kept = (torch.stack([getattr(flat, half) for flat in flats]) for half in ("decaying", "kept"))
        return cls(flats[0].shapes, flats[0].decays, decaying, kept)

    def _views(self, buffer: Tensor, *, decays: bool) -> Weights:
        names = [name for name in self.shapes if (name in self.decays) is decays]
        rows = buffer.split([self.shapes[name].numel() for name in names], dim=-1) if names else ()
        return {name: row.view(*self.stack, *self.shapes[name]) for name, row in zip(names, rows, strict=True)}

    def member(self, i: int) -> "Flat":
        """The weights of the i-th network of a stack, as views into the same memory."""
        return Flat(self.shapes, self.decays, self.decaying[i], self.kept[i])

    def zeros(self) -> "Flat":
        """Zeros in the same layout."""
        return Flat(self.shapes, self.decays, torch.zeros_like(self.decaying), torch.zeros_like(self.kept))

    def copy_(self, weights: Weights) -> None:
        """Copy values in by name; names that are not given stay."""
        for name, w in weights.items():
            self.named[name].copy_(w)

    def norm(self) -> Tensor:
        """‖theta‖ = sqrt(sum of squares) of one network's weights, both halves; no dimension."""
        return torch.hypot(torch.linalg.vector_norm(self.decaying), torch.linalg.vector_norm(self.kept))

    def is_finite(self) -> bool:
        """Whether no weight is inf or nan."""
        return bool(self.decaying.isfinite().all() & self.kept.isfinite().all())
