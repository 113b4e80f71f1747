"""The engine: the trainer, its thread, steering, the measuring schedule, the host. Knows no screen."""

import os

# Idle OpenMP threads spin before they sleep. With torch's default, two runs of two threads on two cores fall to a
# fiftieth of their speed, since each spins in the other's way; so short a spin costs a run alone a few per cent.
# It is read when torch is loaded, which only this package does.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
