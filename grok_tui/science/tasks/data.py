"""What a task gives: train and test examples, and what the engine may want to know of their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Data:
    """Train and test examples.

    x: tokens, shape (m, positions) int64, or vectors, shape (m, d).
    y: class indices, shape (m,) int64, or real targets, shape (m, n_outputs).
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    vocabulary: int
    """number of distinct tokens; 0 where x are vectors"""
    n_outputs: int
    """classes, or how many real targets an example has"""
    teacher: Tensor | None = None
    """direction of the polynomial's teacher, shape (d,); None elsewhere"""
    label: Callable[[Tensor], Tensor] | None = None
    """where labels depend on the network: its kernel on all inputs, train first -> all labels, shape (n, n_outputs)"""

    def to(self, device: torch.device, dtype: torch.dtype) -> Data:
        """The same data on `device`, real numbers as `dtype`."""

        def move(t: Tensor) -> Tensor:
            return t.to(device, dtype if t.is_floating_point() else None)

        return replace(
            self,
            train_x=move(self.train_x),
            train_y=move(self.train_y),
            test_x=move(self.test_x),
            test_y=move(self.test_y),
            teacher=None if self.teacher is None else move(self.teacher),
        )

    def labelled(self, kernel: Callable[[Tensor], Tensor]) -> Data:
        """The data with the labels that the network's kernel gives; itself where labels are already there.

        kernel: inputs (n, d) -> (n, n), at initialisation. Asked once, for the train and then the test inputs.
        """
        if self.label is None:
            return self
        y = self.label(kernel(torch.cat([self.train_x, self.test_x]))).to(self.train_y)
        train_y, test_y = y.tensor_split([len(self.train_x)])
        return replace(self, train_y=train_y, test_y=test_y, label=None)


def split(x: Tensor, y: Tensor, n_train: int, *, vocabulary: int = 0, n_outputs: int) -> Data:
    """The first `n_train` examples to train on, the others to test on."""
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:], vocabulary, n_outputs)
