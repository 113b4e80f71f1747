"""The result of a task: train and test examples, and how their labels are made if they depend on the network."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Data:
    """Train and test examples.

    x: tokens, (m, positions) int64, or vectors, (m, d).
    y: class indices, (m,) int64, or real targets, (m, n_outputs).
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    vocabulary: int
    """number of distinct tokens; 0 if x are vectors"""
    n_outputs: int
    """number of classes, or of real targets per example"""
    teacher: Tensor | None = None
    """direction of the teacher, (d,), for the task polynomial; else None"""
    label: Callable[[Tensor], Tensor] | None = None
    """network's kernel on all inputs, train first, (n, n) -> all labels, (n, n_outputs); None if y are the labels"""

    def to(self, device: torch.device, dtype: torch.dtype) -> "Data":
        """The same data on `device`, with real numbers converted to `dtype`."""

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

    def labelled(self, kernel: Callable[[Tensor], Tensor]) -> "Data":
        """The data with its labels computed from the network's kernel; self if `label` is None.

        kernel: inputs (n, d) -> (n, n), at initialisation. It is called once, on the train and test inputs together.
        """
        if self.label is None:
            return self
        y = self.label(kernel(torch.cat([self.train_x, self.test_x]))).to(self.train_y)
        train_y, test_y = y.tensor_split([len(self.train_x)])
        return replace(self, train_y=train_y, test_y=test_y, label=None)


def split(x: Tensor, y: Tensor, n_train: int, *, vocabulary: int = 0, n_outputs: int) -> Data:
    """Train on the first `n_train` examples, test on the others."""
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:], vocabulary, n_outputs)
