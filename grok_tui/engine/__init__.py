"""The engine: trainer, steppers, measuring schedule, resume, host process. It knows no screen."""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's malloc.h."""


def prepare_process() -> None:
    """Set up this process for training. To be called before torch is loaded.

    Idle OpenMP threads spin before they sleep. With torch's default, two runs of two threads on two cores fall to a
    fiftieth of their speed, since each spins in the other's way; with this, to a fifth. Spinning less costs a run alone
    more: at a third of it, up to half of its speed on machines that wake threads slowly.

    A step frees tensors of megabytes and asks for them again. glibc would give them back to the system each time, and
    the new pages, which the system has to clear, cost a third of the step.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "6000")
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_TRIM_THRESHOLD, 1 << 30)
            mallopt(M_MMAP_THRESHOLD, 1 << 25)
