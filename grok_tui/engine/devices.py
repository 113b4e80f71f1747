"""Choosing the device, and making it repeat itself bit for bit.

`python -m grok_tui.engine.devices NAME` says whether it is there, for a program that will not load torch itself.
"""

import os
import re
import sys

import torch

from ..config.fields import get
from ..config.schema import RunConfig
from ..errors import GrokError, UsageError
from ..science.torch_private import use_deterministic_algorithms


def is_device_name(text: str) -> bool:
    """Whether `text` is written like a device: auto, cpu, cuda, cuda:N or mps."""
    return re.fullmatch(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]{0,2}))?", text) is not None


def choose(text: str) -> torch.device:
    """The device that `text` names; `auto` is CUDA where there is one, then MPS, then the CPU."""
    source = f"GROK_TUI_DEVICE={text}" if os.environ.get("GROK_TUI_DEVICE") == text else f"--device {text}"
    if not is_device_name(text):
        raise UsageError(f"{source}: expected auto, cpu, cuda, cuda:N or mps")
    if text == "auto":
        text = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(text)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"{source}: torch sees no CUDA device here; use cpu, or see grok-tui doctor")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"{source}: there are {torch.cuda.device_count()} CUDA devices, counted from 0")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"{source}: torch sees no MPS device here; use cpu")
    return device


def check_dtypes(config: RunConfig, device: torch.device) -> None:
    """Refuse float64 where the device has none."""
    for key in ("train.dtype", "loss.dtype"):
        if device.type == "mps" and get(config, key) == "float64":
            raise UsageError(f"{key}: MPS has no float64; use float32, or --device cpu")


def make_deterministic() -> None:
    """Ask torch for the same bits from the same seed on the same device."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    use_deterministic_algorithms()
    torch.backends.cudnn.benchmark = False


def threads_for(step_cost: float) -> int:
    """How many CPU threads a run is given: as many as torch would take, but no more than its steps can feed.

    step_cost: of one step, in nominal seconds (see `cost`).
    """
    return max(1, min(MACHINE_THREADS, int(step_cost / SECONDS_PER_THREAD)))


MACHINE_THREADS = torch.get_num_threads()
"""CPU threads that torch uses by default, before any run has changed their number."""
SECONDS_PER_THREAD = 7e-4
"""Nominal seconds of work a step that make another thread worth while."""


if __name__ == "__main__":
    try:
        choose(sys.argv[1])
    except GrokError as unavailable:
        sys.exit(str(unavailable))
