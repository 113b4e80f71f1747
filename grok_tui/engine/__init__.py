"""The engine: the trainer, its thread, steering, the measuring schedule, the host. Knows no screen."""

import ctypes
import os
import sys

# Idle OpenMP threads spin before they sleep. With torch's default, two runs of two threads on two cores fall to a
# fiftieth of their speed, since each spins in the other's way; with this, to a fifth. Spinning less costs a run alone
# more: at a third of it, up to half of its speed, where waking a thread takes long.
# It is read when torch is loaded, which only this package does.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "6000")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's malloc.h."""

# A step frees tensors of megabytes and asks for them again. glibc would give them back to the system each time, and the
# new pages, which the system has to clear, cost a third of the step.
if sys.platform == "linux":
    _malloc = getattr(ctypes.CDLL(None), "mallopt", None)
    if _malloc is not None:
        _malloc(M_TRIM_THRESHOLD, 1 << 30)
        _malloc(M_MMAP_THRESHOLD, 1 << 25)
