"""The effective rank of the kernel above, its three largest eigenvalues below."""

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    return [
        panel(line(run, "kernel/rank", "effective rank", theme.THIRD, short="rank")),
        panel(
            line(run, "kernel/top3", "λ₃", theme.DIM, "dotted"),
            line(run, "kernel/top2", "λ₂", theme.QUIET_TRAIN, "dashed"),
            line(run, "kernel/top1", "λ₁", theme.TRAIN),
        ),
    ]


draw = drawn(panels)
