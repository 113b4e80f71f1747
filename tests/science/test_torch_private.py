"""Each part of torch that torch does not document: it is there, and does what science/torch_private.py says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from grok_tui.science import torch_private

PACKAGE = Path(torch_private.__file__).parent.parent


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("fused", "reference"),
    [(torch_private.fused_adam_, torch.optim.Adam), (torch_private.fused_adamw_, torch.optim.AdamW)],
)
def test_fused_steps_are_those_of_torchs_optimizer(fused: Any, reference: Any) -> None:
    w, gradient = draw(12), draw(12) + 1
    leaf = w.clone().requires_grad_()
    optimizer = reference([leaf], lr=0.1, betas=(0.8, 0.9), weight_decay=0.3, eps=1e-8)
    m, v = torch.zeros(12), torch.zeros(12)
    for t in range(1, 4):
        leaf.grad = gradient * t
        optimizer.step()
        lists = ([tensor] for tensor in (w, gradient * t, m, v))
        knobs = {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "weight_decay": 0.3, "eps": 1e-8}
        fused(*lists, [], [torch.tensor(float(t))], **knobs, amsgrad=False, maximize=False)
        torch.testing.assert_close(w, leaf.detach())


def test_a_list_is_copied_in_place() -> None:
    targets, sources = [torch.zeros(3), torch.zeros(2, 2)], [draw(3), draw(2, 2)]
    torch_private.foreach_copy_(targets, sources)
    assert all(torch.equal(a, b) for a, b in zip(targets, sources, strict=True))


def test_it_is_known_whether_a_transform_of_torch_func_runs() -> None:
    seen: list[bool] = []

    def f(x: Tensor) -> Tensor:
        seen.append(torch_private.in_torch_func())
        return x.square().sum()

    vmap(f)(draw(2, 3))
    grad(f)(draw(3))
    jvp(f, (draw(3),), (draw(3),))
    assert seen == [True] * 3
    f(draw(3))
    assert seen[-1] is False


@pytest.mark.skipif(not torch_private.has_onednn(), reason="torch has no oneDNN here")
@pytest.mark.parametrize("turned", [False, True])
def test_onednn_multiplies_by_the_transpose(turned: bool) -> None:
    a, w = draw(40, 30), draw(50, 30)
    a = a.T.contiguous().T if turned else a
    torch.testing.assert_close(torch_private.onednn_linear(a, w), a @ w.T, rtol=1e-4, atol=1e-4)


class Seen(torch_private.OperationMode):
    def __init__(self) -> None:
        super().__init__()
        self.packets: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.packets.append(torch_private.packet(func))
        return func(*args, **(kwargs or {}))


def test_a_mode_sees_every_operation_without_its_overload() -> None:
    with Seen() as seen:
        draw(3, 3) @ draw(3, 3) + 1
    assert {torch.ops.aten.mm, torch.ops.aten.add} <= set(seen.packets)
    after = len(seen.packets)
    draw(3) + 1
    assert len(seen.packets) == after


@pytest.mark.parametrize(
    ("name", "call"),
    [("eigh", torch.linalg.eigh), ("svd", torch.linalg.svd), ("solve", lambda a: torch.linalg.solve(a, a))],
)
def test_decompositions_are_these_operations(name: str, call: Any) -> None:
    with Seen() as seen:
        call(draw(4, 4) + 4 * torch.eye(4))
    assert torch_private.LINALG[name] in seen.packets


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_determinism_is_switched_on_without_filling_memory_and_without_the_compiler() -> None:
    """The compiler is what torch.use_deterministic_algorithms, and a mode that it skips, would load."""
    told = run(
        "import sys, torch\n"
        "from grok_tui.science.torch_private import OperationMode, use_deterministic_algorithms\n"
        "class Mode(OperationMode):\n"
        "    def __torch_dispatch__(self, func, types, args=(), kwargs=None): return func(*args, **(kwargs or {}))\n"
        "use_deterministic_algorithms()\n"
        "with Mode(): torch.ones(2) + 1\n"
        "print(torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(),\n"
        "      torch.utils.deterministic.fill_uninitialized_memory, 'torch._dynamo' in sys.modules)"
    )
    assert told.split() == ["True", "True", "False", "False"]


def names_of_torch(path: Path) -> set[str]:
    """Attributes and modules of torch, by their dotted names, that a file mentions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            found.add(re.split(r"[^\w.]", ast.unparse(node))[0])
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] == "torch"}


def test_no_other_module_uses_a_private_name_of_torch() -> None:
    private = {
        (path.name, name)
        for path in PACKAGE.rglob("*.py")
        for name in names_of_torch(path)
        if any(part.startswith("_") and not part.startswith("__") for part in name.split("."))
    }
    assert {name for _, name in private} >= {"torch._fused_adam_", "torch._C._are_functorch_transforms_active"}
    assert {file for file, _ in private} == {"torch_private.py"}
