"""Steps captured once and replayed, so that a step of a tiny network costs a GPU no launches from Python."""

from collections.abc import Callable

import torch

Work = Callable[[], None]

WARM_UP = 3
"""Steps taken before the capture, so that every library has set itself up."""
LOT = 20
"""Steps in one graph."""


def capture_on_cuda(work: Work) -> Work:
    """What repeats the kernels that `work` launches; they are recorded, not run."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class Replay:
    """step(), many times. It must read and write the same tensors each time, and ask nothing of their values."""

    def __init__(self, step: Work, capture: Callable[[Work], Work] = capture_on_cuda) -> None:
        self.step, self.capture = step, capture
        self.captures = 0
        """How often it had to be captured."""
        self._warm = 0
        self._lot: Work | None = None

    def forget(self) -> None:
        """Something that was captured as a number has changed: capture anew."""
        self._lot = None

    def __call__(self, steps: int) -> None:
        """Take `steps` steps."""
        while self._warm < WARM_UP and steps:
            self.step()
            self._warm, steps = self._warm + 1, steps - 1
        lots, rest = divmod(steps, LOT)
        if lots and self._lot is None:
            self._lot = self.capture(self._work)
            self.captures += 1
        for _ in range(lots):
            assert self._lot is not None
            self._lot()
        for _ in range(rest):
            self.step()

    def _work(self) -> None:
        for _ in range(LOT):
            self.step()
