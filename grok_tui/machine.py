"""This machine and the versions of what runs on it. Imports no torch."""

import os
import platform
from importlib import metadata
from pathlib import Path

from . import __version__


def processor() -> str:
    """The name of the processor, or of its architecture if the system does not say."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def is_intel() -> bool:
    """Whether the processor is one of Intel's."""
    return "GenuineIntel" in (_cpuinfo("vendor_id") or platform.processor())


def _cpuinfo(field: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def memory() -> int | None:
    """Bytes of main memory; None if the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def describe() -> dict[str, str | int | None]:
    """The machine, for JSON: cpu, cores, memory_gib, system."""
    n_bytes = memory()
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gib": n_bytes and round(n_bytes / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """The versions on which numbers depend."""
    return {"grok_tui": __version__, "torch": metadata.version("torch"), "python": platform.python_version()}


def sentence() -> str:
    """`AMD EPYC, 2 cores, 24 GiB`."""
    about = describe()
    gib = f", {about['memory_gib']} GiB" if about["memory_gib"] else ""
    return f"{about['cpu']}, {about['cores']} cores{gib}"
