"""The part of the machine's matrix rate that a step reaches, and the memory that a kernel takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest
import torch

from grok_tui.bench.arithmetic import step_of
from grok_tui.bench.candidates import Kernel, Learner
from grok_tui.bench.records import alternate, ratios, steps_per_second
from grok_tui.bench.worker_process import WorkerProcess
from grok_tui.config.presets import load_preset
from grok_tui.engine import prepare_process
from grok_tui.science.matmul import PRODUCTS, Product
from grok_tui.science.torch_private import has_onednn
from measured import figure

pytestmark = pytest.mark.slow
THREADS = torch.get_num_threads()
SIDE = 2048
"""Rows and columns of the square matrices whose product is timed."""


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(THREADS)


def rate(product: Product) -> float:
    """GFLOP/s in float32: the best of three products."""
    a, b = torch.randn(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    seconds = []
    with torch.no_grad():
        for _ in range(3):
            begin = perf_counter()
            product(a, b)
            seconds.append(perf_counter() - begin)
    return 2e-9 * SIDE**3 / min(seconds)


def test_the_transformers_step_reaches_half_of_the_fastest_product() -> None:
    config = load_preset("nanda")
    products = {"torch.mm": PRODUCTS["torch"]} | ({"oneDNN": PRODUCTS["onednn"]} if has_onednn() else {})
    with WorkerProcess(Learner, config, THREADS, prepare=prepare_process) as ours:
        sides = {name: lambda product=product: rate(product) for name, product in products.items()}  # type: ignore[misc]
        found = alternate({"ours": steps_per_second(ours, 3.0), **sides}, 5)
    reached = [step_of(config)[0] * speed for speed in found.pop("ours")]
    figure("the transformer's step", reached, "GFLOP/s")
    for name, rates in found.items():
        figure(name, rates, f"{SIDE} x {SIDE}, float32, GFLOP/s")
    fastest = [max(rates) for rates in zip(*found.values(), strict=True)]
    figure("step / the fastest product", ratios(reached, fastest), at_least=0.5)


class Memory(Kernel):
    """A kernel whose memory is measured, in a process that computes nothing else."""

    def growth(self) -> int:
        """Bytes by which the process grows, at its peak, while it computes a kernel."""
        before = self._resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM counts from here
        self.advance(1)
        return self._resident("VmHWM") - before

    @staticmethod
    def _resident(name: str) -> int:
        status = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(row.split()[1]) for row in status if row.startswith(name))


@pytest.mark.parametrize(("preset", "p"), [("modadd-mlp", 97), ("nanda", 113)])
def test_a_kernel_takes_little_memory(preset: str, p: int) -> None:
    config = load_preset(preset, [f"task.p={p}", "measure.probe=64"])
    with WorkerProcess(Memory, config, THREADS, prepare=prepare_process) as worker:
        figure(f"{preset}, p = {p}: a kernel at 64 inputs", [worker.call(Memory.growth) / 1e6], "MB", at_most=500)
