"""The machine and what runs on it. Imports no torch."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from .. import __version__
from ..store.rundir import now


def about(threads: int, torch: str) -> dict[str, Any]:
    """Where and when this is."""
    return {
        "date": now(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "versions": {"grok_tui": __version__, "python": platform.python_version(), "torch": torch},
    }


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
